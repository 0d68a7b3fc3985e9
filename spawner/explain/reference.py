"""What each reason code means. `docs/reference/explanations.md` is generated from these tables.

Three sources: `Code` (the cluster's doing), `profiles.refusal.Reason` (refused before anything is started) and `OWN`
(what the hub itself says). A test fails when the code names a reason that is in none of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from profiles.refusal import MEANING
from spawner.explain.codes import Code


@dataclass(frozen=True, slots=True)
class Entry:
    """What the reference page says about a code."""

    group: str
    meaning: str
    ends: str  # when a start with this reason is given up
    admin: str = ""  # where an administrator looks


ON_ITS_WAY, ROOM, HOME, IMAGE, CONTAINER, TAKEN, REFUSED = (
    "On its way",
    "Room on the machines",
    "The home disk",
    "The image",
    "The server's container",
    "Taken away",
    "Refused by the cluster",
)
NEVER, LIMIT, AT_ONCE, OVER = "does not end a start", "at the start's time limit", "at once", "it has ended"


def _after(seconds: int) -> str:
    return f"after {seconds} seconds"


REFERENCE: dict[Code, Entry] = {
    Code.REQUESTED: Entry(ON_ITS_WAY, "The machine has been asked for; the cluster has not made it yet.", LIMIT),
    Code.FINDING_ROOM: Entry(ON_ITS_WAY, "The scheduler is choosing a node.", LIMIT),
    Code.MAKING_ROOM: Entry(ON_ITS_WAY, "A less important workload is moved away from a node that was chosen.", LIMIT),
    Code.SCALING_UP: Entry(ON_ITS_WAY, "The autoscaler is adding a node to the pool.", LIMIT),
    Code.MAKING_HOME: Entry(ON_ITS_WAY, "The volume of a new home is being made.", LIMIT),
    Code.SCHEDULED: Entry(ON_ITS_WAY, "A node was found.", LIMIT),
    Code.ATTACHING_HOME: Entry(ON_ITS_WAY, "The home is being attached to the node and mounted.", LIMIT),
    Code.PREPARING_HOME: Entry(
        ON_ITS_WAY,
        "The node is changing the ownership of the home's files.",
        LIMIT,
        "Should happen once per home: `fsGroupChangePolicy: OnRootMismatch` is set.",
    ),
    Code.PULLING_IMAGE: Entry(ON_ITS_WAY, "The node is downloading the image.", LIMIT, "Pre-pull images per pool."),
    Code.IMAGE_READY: Entry(ON_ITS_WAY, "The image is on the node; the container is being made.", LIMIT),
    Code.STARTING: Entry(ON_ITS_WAY, "The container runs; the server does not answer yet.", LIMIT),
    Code.READY: Entry(ON_ITS_WAY, "The machine is ready.", NEVER),
    Code.STOPPING: Entry(ON_ITS_WAY, "The machine is shutting down.", NEVER),
    Code.NO_ROOM: Entry(ROOM, "Every node of the pool is in use.", LIMIT, "Add nodes, or shorten idle timeouts."),
    Code.POOL_AT_MAXIMUM: Entry(
        ROOM, "The pool is full and the autoscaler may not add to it.", LIMIT, "Raise the maximum."
    ),
    Code.SCALE_UP_FAILING: Entry(
        ROOM,
        "The autoscaler tried to add a node and failed.",
        LIMIT,
        "The provider has no such machines now, or a quota.",
    ),
    Code.NODES_UNAVAILABLE: Entry(ROOM, "The pool's nodes are cordoned or not ready.", LIMIT, "`kubectl get nodes`"),
    Code.POOL_EMPTY: Entry(
        ROOM,
        "No node belongs to the pool, and nothing adds one.",
        _after(10),
        "Label nodes as the pool's `nodeSelector` says, or declare the pool `autoscaled`.",
    ),
    Code.NEVER_FITS: Entry(
        ROOM, "More is asked for than any node of the pool has.", _after(10), "Change the profile or add larger nodes."
    ),
    Code.NODE_REJECTED: Entry(
        ROOM, "The chosen node turned the pod away: its room was gone, or a device failed.", OVER
    ),
    Code.HOME_IN_USE: Entry(HOME, "The home allows one machine at a time and another one still uses it.", LIMIT),
    Code.HOME_ATTACHED_ELSEWHERE: Entry(
        HOME,
        "The disk is still attached to another node.",
        LIMIT,
        "A lost node's disk is detached by force after six minutes; `kubectl get volumeattachments`.",
    ),
    Code.HOME_UNREACHABLE: Entry(
        HOME,
        "The disk is in a zone, or on a node, where the pool has no node.",
        _after(10),
        "Use a shared (RWX) class, or restrict the class's `allowedTopologies` to zones that every pool has.",
    ),
    Code.HOME_FULL: Entry(
        HOME, "There is no space left in the home.", AT_ONCE, "Offer a rescue start; raise the size."
    ),
    Code.HOME_MISSING: Entry(HOME, "The home's claim does not exist.", _after(10)),
    Code.HOME_BEING_DELETED: Entry(HOME, "The home's claim is being deleted.", AT_ONCE, "Save its contents first."),
    Code.HOME_LOST: Entry(
        HOME,
        "The volume behind the home's claim is gone.",
        f"{AT_ONCE}; {_after(10)} where only the scheduler misses it",
        "Restore the volume.",
    ),
    Code.ATTACH_FAILED: Entry(HOME, "The storage system could not attach the disk.", LIMIT, "The CSI driver's logs."),
    Code.MOUNT_FAILED: Entry(HOME, "The node could not mount a volume.", LIMIT, "The CSI driver's logs on that node."),
    Code.VOLUME_LIMIT: Entry(HOME, "The pool's nodes have as many disks attached as they can.", LIMIT),
    Code.PROVISIONING_FAILED: Entry(
        HOME, "The storage system could not make the volume.", LIMIT, "The provisioner's logs."
    ),
    Code.STORAGE_CLASS_MISSING: Entry(
        HOME,
        "The home's storage class does not exist, or there is no default one.",
        _after(10),
        "`kubectl get storageclass`",
    ),
    Code.IMAGE_NAME_INVALID: Entry(IMAGE, "The image's name is not one.", AT_ONCE, "The profile's `image`."),
    Code.IMAGE_NOT_FOUND: Entry(IMAGE, "The registry has no such image.", "at the second failed pull"),
    Code.IMAGE_FORBIDDEN: Entry(
        IMAGE,
        "The registry does not let the cluster have the image.",
        "at the second failed pull",
        "Image pull secrets.",
    ),
    Code.IMAGE_WRONG_PLATFORM: Entry(
        IMAGE, "The image is not made for this node's processor.", "at the second failed pull"
    ),
    Code.IMAGE_UNTRUSTED: Entry(IMAGE, "The image's signature was not accepted.", "at the second failed pull"),
    Code.IMAGE_NOT_ON_NODE: Entry(IMAGE, "The pull policy is Never and the node has no such image.", AT_ONCE),
    Code.IMAGE_PULL_FAILED: Entry(IMAGE, "The image could not be pulled, for a reason not known here.", LIMIT),
    Code.REGISTRY_UNREACHABLE: Entry(IMAGE, "The registry does not answer the node.", LIMIT),
    Code.REGISTRY_BUSY: Entry(
        IMAGE, "The registry limits how much may be pulled.", LIMIT, "Mirror the image or log in."
    ),
    Code.NODE_DISK_FULL: Entry(IMAGE, "The node's own disk is full.", LIMIT),
    Code.CONFIG_MISSING: Entry(CONTAINER, "A secret or config map that the pod names does not exist.", _after(15)),
    Code.MUST_NOT_BE_ROOT: Entry(CONTAINER, "The image wants to run as root, which is not allowed.", AT_ONCE),
    Code.COMMAND_MISSING: Entry(CONTAINER, "The image has no such start command.", AT_ONCE, "`singleuser.cmd`"),
    Code.CONTAINER_NOT_STARTED: Entry(CONTAINER, "The node could not make or run the container.", _after(60)),
    Code.SANDBOX_FAILED: Entry(CONTAINER, "The node could not set up the pod's network.", LIMIT, "The network plugin."),
    Code.CRASHED: Entry(CONTAINER, "The server stopped with an error.", "when it may not restart"),
    Code.CRASH_LOOP: Entry(CONTAINER, "The server stops with an error again and again.", AT_ONCE, "The pod's logs."),
    Code.OUT_OF_MEMORY: Entry(CONTAINER, "The server used more memory than its limit.", AT_ONCE),
    Code.ENDED: Entry(CONTAINER, "The server ended by itself, without an error.", OVER),
    Code.EVICTED_DISK: Entry(TAKEN, "The node ended the pod: too much local disk was used.", OVER),
    Code.EVICTED_MEMORY: Entry(TAKEN, "The node ended the pod: the node ran out of memory.", OVER),
    Code.EVICTED: Entry(TAKEN, "The node ended the pod to protect itself.", OVER),
    Code.PREEMPTED: Entry(TAKEN, "The pod gave way to a more important one.", OVER, "Priority classes."),
    Code.NODE_DRAINED: Entry(TAKEN, "The node is being emptied for maintenance.", OVER),
    Code.NODE_LOST: Entry(TAKEN, "The node no longer answers, or is gone.", OVER),
    Code.NODE_SHUTDOWN: Entry(TAKEN, "The node is shutting down.", OVER),
    Code.DEADLINE_EXCEEDED: Entry(TAKEN, "The pod ran as long as it was allowed to.", OVER),
    Code.POD_GONE: Entry(TAKEN, "The pod was deleted from outside the hub.", OVER),
    Code.STOPPING_STUCK: Entry(
        TAKEN, "The machine does not finish shutting down.", LIMIT, "A finalizer, or a node that does not answer."
    ),
    Code.QUOTA_EXCEEDED: Entry(
        REFUSED, "The namespace's quota is used up.", AT_ONCE, "`kubectl describe resourcequota`"
    ),
    Code.QUOTA_NEEDS_AMOUNTS: Entry(
        REFUSED, "The quota wants amounts that the profile does not set.", AT_ONCE, "Set the profile's cpu and memory."
    ),
    Code.LIMIT_RANGE: Entry(REFUSED, "The namespace allows less, or more, for one machine.", AT_ONCE),
    Code.POD_SECURITY: Entry(REFUSED, "The namespace's Pod Security level does not allow this pod.", AT_ONCE),
    Code.POLICY_DENIED: Entry(REFUSED, "A policy of this cluster does not allow the pod.", AT_ONCE),
    Code.POLICY_UNREACHABLE: Entry(REFUSED, "A policy webhook did not answer.", LIMIT),
    Code.PRIORITY_CLASS_MISSING: Entry(REFUSED, "The pool's priority class does not exist.", AT_ONCE),
    Code.RUNTIME_CLASS_MISSING: Entry(REFUSED, "The pool's runtime class does not exist.", AT_ONCE),
    Code.SERVICE_ACCOUNT_MISSING: Entry(REFUSED, "The pod's service account does not exist.", AT_ONCE),
    Code.NAMESPACE_UNAVAILABLE: Entry(REFUSED, "The namespace is missing or being deleted.", AT_ONCE),
    Code.HUB_NOT_ALLOWED: Entry(REFUSED, "The hub's service account may not do this.", AT_ONCE, "The chart's Role."),
    Code.POD_INVALID: Entry(REFUSED, "Kubernetes finds the pod's definition invalid.", AT_ONCE),
    Code.NAME_TAKEN: Entry(REFUSED, "Something of this name exists already.", LIMIT),
    Code.CLUSTER_BUSY: Entry(REFUSED, "The cluster's API is overloaded or away.", LIMIT),
    Code.REFUSED: Entry(REFUSED, "The cluster refused, for a reason not known here.", AT_ONCE),
}

BEFORE, HUB = "Refused before a start", "The hub's own"
OWN: dict[str, Entry] = {
    "cluster-unreachable": Entry(HUB, "The cluster's API did not answer in the time a start may take.", LIMIT),
    "home-in-use": Entry(HUB, "A home with one writer is used by another of the person's servers.", AT_ONCE),
    "home-of-another": Entry(
        HUB, "The claim that would be the home belongs to another user name.", AT_ONCE, "Two names have one slug."
    ),
    "hub-restarted": Entry(HUB, "The hub was restarted before it had asked the cluster for the machine.", AT_ONCE),
    "name-of-another": Entry(HUB, "A pod of the wanted name is another person's.", AT_ONCE, "Two names have one slug."),
    "old-server-stuck": Entry(HUB, "The last server is not confirmed to have stopped.", LIMIT, "See `stopping-stuck`."),
    "pod-removed": Entry(HUB, "The pod was removed while it was starting.", AT_ONCE, "Who deletes the hub's pods?"),
    "server-silent": Entry(HUB, "The pod runs, but the server in it does not answer.", LIMIT, "The pod's logs."),
    "start-cancelled": Entry(HUB, "The person cancelled the start.", AT_ONCE),
    "start-failed": Entry(HUB, "Something that is not understood; the hub's log has it.", AT_ONCE, "The hub's log."),
}


def documented() -> Mapping[str, Entry]:
    """Every reason code there is, with what the page says about it."""
    refusals = {str(reason): Entry(BEFORE, meaning, AT_ONCE) for reason, meaning in MEANING.items()}
    return {**refusals, **OWN, **{str(code): entry for code, entry in REFERENCE.items()}}


def reference_table() -> str:
    """The reference page's tables, in Markdown."""
    entries = documented()
    lines: list[str] = []
    for group in dict.fromkeys(entry.group for entry in (*REFERENCE.values(), *entries.values())):
        lines += [f"## {group}", "", "| code | what it means | a start is given up | for the administrator |"]
        lines += ["|---|---|---|---|"]
        lines += [
            f"| `{code}` | {entry.meaning} | {entry.ends} | {entry.admin} |"
            for code, entry in entries.items()
            if entry.group == group
        ]
        lines.append("")
    return "\n".join(lines)
