"""The words of schedulers, registries, storage and kernels, of this and older versions, sorted into reasons."""

from __future__ import annotations

import ast
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from profiles.refusal import Reason
from spawner.explain import Code, Facts, Severity, explain, explain_rejection
from spawner.explain.__main__ import MARK, with_tables
from spawner.explain.containers import last_words
from spawner.explain.images import cause_of
from spawner.explain.reference import REFERENCE, documented, reference_table
from spawner.explain.scheduling import parse_unschedulable
from spawner.explain.volumes import explain_claim
from spawner.feasibility import PoolRoom
from spawner.home_claim import ClaimReason
from spawner.resources import amount, bytes_in_words, in_words, noun

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs/reference/explanations.md"


def pending(message: str, **asked: str) -> dict[str, Any]:
    placed = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    return {
        "metadata": {"name": "jupyter-ada", "uid": "u1"},
        "spec": {"containers": [{"name": "notebook", "resources": {"requests": asked}}]},
        "status": {"phase": "Pending", "conditions": [placed]},
    }


NOT_HELPFUL = "Preemption is not helpful for scheduling"
NO_VICTIMS = "No preemption victims found for incoming pod"

SCHEDULER = [
    # 1.34
    (
        f"0/4 nodes are available: 1 Insufficient nvidia.com/gpu, 3 node(s) had untolerated taint(s). "
        f"no new claims to deallocate, preemption: 0/4 nodes are available: 1 {NO_VICTIMS}, 3 {NOT_HELPFUL}.",
        Code.NO_ROOM,
    ),
    (
        f"0/4 nodes are available: 1 Insufficient nvidia.com/gpu, 3 node(s) had untolerated taint(s). "
        f"no new claims to deallocate, preemption: 0/4 nodes are available: 4 {NOT_HELPFUL}.",
        Code.NEVER_FITS,
    ),
    # 1.24 to 1.33: taints are named
    (
        "0/4 nodes are available: 1 Insufficient nvidia.com/gpu, 1 node(s) had untolerated taint "
        "{node-role.kubernetes.io/control-plane: }, 2 node(s) had untolerated taint {remuda.dev/pool: general}. "
        f"preemption: 0/4 nodes are available: 1 {NO_VICTIMS}, 3 {NOT_HELPFUL}..",
        Code.NO_ROOM,
    ),
    # before 1.24
    (
        "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had taint {a: b}, that the pod didn't tolerate.",
        Code.NO_ROOM,
    ),
    ("0/3 nodes are available: 3 Insufficient memory.", Code.NO_ROOM),
    ("0/30 nodes are available: 18 Insufficient cpu, 2 Too many pods, 21 Insufficient memory.", Code.NO_ROOM),
    ("0/2 nodes are available: 2 Too many pods.", Code.NO_ROOM),
    ("0/2 nodes are available: 2 Insufficient nvidia.com/mig-1g.5gb.", Code.NO_ROOM),
    ("0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules.", Code.NO_ROOM),
    ("0/2 nodes are available: 2 node(s) didn't match pod topology spread constraints.", Code.NO_ROOM),
    ("something a scheduler of next year says", Code.NO_ROOM),
    # The pod may not preempt: nothing is known about hopeless nodes.
    (
        "0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible due to preemptionPolicy=Never.",
        Code.NO_ROOM,
    ),
    (
        "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable. "
        f"preemption: 0/2 nodes are available: 2 {NOT_HELPFUL}.",
        Code.NO_ROOM,
    ),
    # Out of service
    (
        "0/4 nodes are available: 1 node(s) were unschedulable, 3 node(s) had untolerated taint(s).",
        Code.NODES_UNAVAILABLE,
    ),
    (
        "0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }.",
        Code.NODES_UNAVAILABLE,
    ),
    (
        "0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/disk-pressure: }.",
        Code.NODES_UNAVAILABLE,
    ),
    # Nobody's pool
    ("0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.", Code.POOL_EMPTY),
    ("0/2 nodes are available: 2 node(s) had untolerated taint(s).", Code.POOL_EMPTY),
    ("no nodes available to schedule pods", Code.POOL_EMPTY),
    # The home
    ("0/4 nodes are available: 1 node(s) had volume node affinity conflict, 3 Too many pods.", Code.HOME_UNREACHABLE),
    ("0/4 nodes are available: 4 node(s) had volume node affinity conflict.", Code.HOME_UNREACHABLE),
    ("0/4 nodes are available: 4 node(s) didn't match PersistentVolume's node affinity.", Code.HOME_UNREACHABLE),
    ("0/4 nodes are available: 1 node(s) had no available volume zone, 3 node(s) were bad.", Code.HOME_UNREACHABLE),
    ("0/4 nodes are available: 1 Insufficient cpu, 3 node(s) had volume node affinity conflict.", Code.NO_ROOM),
    ("0/4 nodes are available: 4 node(s) exceed max volume count.", Code.VOLUME_LIMIT),
    ("0/4 nodes are available: 4 node(s) didn't find available persistent volumes to bind.", Code.PROVISIONING_FAILED),
    ("0/4 nodes are available: 4 node(s) did not have enough free storage.", Code.PROVISIONING_FAILED),
    ("0/4 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found", Code.MAKING_HOME),
    ('0/4 nodes are available: persistentvolumeclaim "home-ada" not found. not found', Code.HOME_MISSING),
    ('persistentvolumeclaim "home-ada" not found', Code.HOME_MISSING),
    ('0/4 nodes are available: persistentvolumeclaim "home-ada" is being deleted.', Code.HOME_BEING_DELETED),
    (
        '0/1 nodes are available: persistentvolumeclaim "home-ada" bound to non-existent persistentvolume "pv-1".',
        Code.HOME_LOST,
    ),
    (
        "0/1 nodes are available: 1 node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s).",
        Code.HOME_LOST,
    ),
    (
        "0/1 nodes are available: 1 node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode "
        "already in-use by another pod.",
        Code.HOME_IN_USE,
    ),
]


@pytest.mark.parametrize(("message", "reason"), SCHEDULER, ids=range(len(SCHEDULER)))
def test_scheduler_messages(message: str, reason: Code) -> None:
    assert explain(pending(message), None, [], facts=Facts(pool="GPU"), now=NOW).reason is reason


def test_a_volume_made_a_moment_ago_may_be_unknown_to_the_scheduler_still() -> None:
    message = "0/1 nodes are available: 1 node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)."
    told = explain(pending(message), None, [], facts=Facts(pool="GPU"), now=NOW)
    assert (told.severity, told.patience_s) == (Severity.WAITING, 10)
    gone = {"metadata": {"name": "home-ada"}, "status": {"phase": "Lost"}}
    lost = explain_claim(gone, [])
    assert lost is not None and lost.severity is Severity.FATAL


def test_a_scheduler_message_taken_apart() -> None:
    why = parse_unschedulable(
        "0/29 nodes are available: 18 Insufficient cpu, 2 Too many pods, 1 Insufficient nvidia.com/gpu, "
        "8 node(s) had untolerated taint {eks.amazonaws.com/compute-type: fargate}. "
        f"preemption: 0/29 nodes are available: 3 {NO_VICTIMS}, 26 {NOT_HELPFUL}.."
    )
    assert (why.nodes, why.never_helps) == (29, 26)
    assert why.short_of == ("cpu", "nvidia.com/gpu")
    assert dict(why.reasons)["Too many pods"] == 2
    assert why.count("untolerated taint") == 8


def test_what_is_known_of_the_pool_tells_an_empty_one_from_one_out_of_service() -> None:
    message = "0/3 nodes are available: 3 node(s) had untolerated taint(s)."
    empty = PoolRoom(0, 0, 0, 0, {}, {}, {}, {})
    down = PoolRoom(2, 0, 1, 1, {}, {}, {}, {})
    told = explain(pending(message), None, [], facts=Facts(room=empty), now=NOW)
    assert (told.reason, told.patience_s) == (Code.POOL_EMPTY, 10)
    told = explain(pending(message), None, [], facts=Facts(room=down), now=NOW)
    assert (told.reason, told.patience_s) == (Code.NODES_UNAVAILABLE, None)
    assert "2 of them" in told.sentence


IMG = "registry.example.org/denied/timeout-429:not-found"
PULL = f'failed to pull and unpack image "{IMG}": failed to resolve reference "{IMG}": '
PULLS = [
    (f"{PULL}{IMG}: not found", Code.IMAGE_NOT_FOUND),
    (f"{PULL}unexpected status from HEAD request to https://r/v2/x/manifests/1: 404 Not Found", Code.IMAGE_NOT_FOUND),
    ("manifest unknown: manifest unknown", Code.IMAGE_NOT_FOUND),
    ("name unknown: repository name not known to registry", Code.IMAGE_NOT_FOUND),
    ("Error response from daemon: manifest for x:1 not found: manifest unknown", Code.IMAGE_NOT_FOUND),
    (
        f"{PULL}pull access denied, repository does not exist or may require authorization: server message: "
        "insufficient_scope: authorization failed",
        Code.IMAGE_FORBIDDEN,
    ),
    (
        f"{PULL}failed to authorize: failed to fetch anonymous token: unexpected status: 401 Unauthorized",
        Code.IMAGE_FORBIDDEN,
    ),
    (f"{PULL}unexpected status from HEAD request to https://r/v2/x/manifests/1: 403 Forbidden", Code.IMAGE_FORBIDDEN),
    ("no basic auth credentials", Code.IMAGE_FORBIDDEN),
    ("denied: requested access to the resource is denied", Code.IMAGE_FORBIDDEN),
    ("unauthorized: authentication required", Code.IMAGE_FORBIDDEN),
    (f"{PULL}no scope specified for token auth challenge", Code.IMAGE_FORBIDDEN),
    ("toomanyrequests: You have reached your pull rate limit", Code.REGISTRY_BUSY),
    (f"{PULL}unexpected status code: 429 Too Many Requests", Code.REGISTRY_BUSY),
    ('Head "https://r/v2/": dial tcp: lookup r on 10.96.0.10:53: no such host', Code.REGISTRY_UNREACHABLE),
    ('Head "https://r/v2/": dial tcp 192.0.2.1:443: i/o timeout', Code.REGISTRY_UNREACHABLE),
    ('Get "https://r/v2/": dial tcp 192.0.2.1:443: connect: connection refused', Code.REGISTRY_UNREACHABLE),
    (
        'Get "https://r/v2/": context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
        Code.REGISTRY_UNREACHABLE,
    ),
    ('Get "https://r/v2/": x509: certificate signed by unknown authority', Code.REGISTRY_UNREACHABLE),
    ('Get "https://r/v2/": net/http: TLS handshake timeout', Code.REGISTRY_UNREACHABLE),
    ("http: server gave HTTP response to HTTPS client", Code.REGISTRY_UNREACHABLE),
    ("unexpected status code https://r/v2/: 503 Service Unavailable", Code.REGISTRY_UNREACHABLE),
    ("unexpected status: 502 Bad Gateway", Code.REGISTRY_UNREACHABLE),
    ("failed to copy: read tcp 10.0.0.1:1->10.0.0.2:443: read: connection reset by peer", Code.REGISTRY_UNREACHABLE),
    ("failed to copy: httpReadSeeker: failed open: unexpected EOF", Code.REGISTRY_UNREACHABLE),
    ("image pull failed for x because the registry is unavailable", Code.REGISTRY_UNREACHABLE),
    ("no match for platform in manifest: not found", Code.IMAGE_WRONG_PLATFORM),
    ("no matching manifest for linux/arm64/v8 in the manifest list entries", Code.IMAGE_WRONG_PLATFORM),
    ("write /var/lib/containerd/x: no space left on device", Code.NODE_DISK_FULL),
    ("image pull failed for x because the signature validation failed", Code.IMAGE_UNTRUSTED),
    ("SignatureValidationFailed: Source image rejected", Code.IMAGE_UNTRUSTED),
    ("something else altogether", Code.IMAGE_PULL_FAILED),
    ("", Code.IMAGE_PULL_FAILED),
]


@pytest.mark.parametrize(("words", "cause"), PULLS, ids=range(len(PULLS)))
def test_pull_errors_whatever_the_image_is_called(words: str, cause: Code) -> None:
    assert cause_of(f"ErrImagePull rpc error: code = Unknown desc = {words}", IMG) is cause


def container_pod(state: dict[str, Any], last: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    status = {"name": "notebook", "state": state, "lastState": last or {}, "restartCount": 1 if last else 0}
    return {
        "metadata": {"name": "p", "uid": "u1"},
        "spec": {"nodeName": "n", "containers": [{"name": "notebook"}], **spec},
        "status": {"phase": "Running", "containerStatuses": [status]},
    }


ENDS = [
    ({"exitCode": 137, "reason": "OOMKilled"}, Code.OUT_OF_MEMORY),
    ({"exitCode": 1, "reason": "OOMKilled"}, Code.OUT_OF_MEMORY),
    ({"exitCode": 137, "reason": "Error"}, Code.CRASHED),
    ({"exitCode": 143, "reason": "Error"}, Code.CRASHED),
    ({"exitCode": 1, "reason": "Error", "message": "OSError: [Errno 28] No space left on device"}, Code.HOME_FULL),
    ({"exitCode": 1, "reason": "Error", "message": "OSError: [Errno 122] Disk quota exceeded"}, Code.HOME_FULL),
    ({"exitCode": 1, "reason": "Error", "message": "sqlite3.OperationalError: ENOSPC"}, Code.HOME_FULL),
    ({"exitCode": 3, "reason": "Error", "message": "home-full"}, Code.HOME_FULL),
    ({"exitCode": 127, "reason": "Error"}, Code.COMMAND_MISSING),
    ({"exitCode": 126, "reason": "Error"}, Code.COMMAND_MISSING),
    ({"exitCode": 128, "reason": "StartError", "message": "exec format error"}, Code.COMMAND_MISSING),
    ({"exitCode": 128, "reason": "StartError", "message": "device not ready"}, Code.CRASHED),
    ({"exitCode": 0, "reason": "Completed"}, Code.ENDED),
    ({"exitCode": 2, "reason": "Error", "message": "usage: …"}, Code.CRASHED),
    ({}, Code.CRASHED),
]


@pytest.mark.parametrize(("ended", "reason"), ENDS[:-1], ids=range(len(ENDS) - 1))
def test_how_a_server_ended(ended: dict[str, Any], reason: Code) -> None:
    assert explain(container_pod({"terminated": ended}), None, [], now=NOW).reason is reason


@pytest.mark.parametrize(("ended", "reason"), ENDS, ids=range(len(ENDS)))
def test_a_server_that_ends_again_and_again_is_given_up(ended: dict[str, Any], reason: Code) -> None:
    looping = container_pod(
        {"waiting": {"reason": "CrashLoopBackOff"}}, {"terminated": ended}, restartPolicy="OnFailure"
    )
    told = explain(looping, None, [], now=NOW)
    assert told.reason is (Code.CRASH_LOOP if reason is Code.CRASHED else reason)
    assert told.severity is Severity.FATAL


def test_a_first_crash_is_given_up_only_where_nothing_restarts_it() -> None:
    ended = {"terminated": {"exitCode": 1, "reason": "Error"}}
    assert explain(container_pod(ended, restartPolicy="Never"), None, [], now=NOW).severity is Severity.FATAL
    assert explain(container_pod(ended, restartPolicy="OnFailure"), None, [], now=NOW).severity is Severity.WAITING


def test_a_sidecar_or_init_container_may_end_and_an_init_container_may_fail() -> None:
    done = {"terminated": {"exitCode": 0, "reason": "Completed"}}
    pod = container_pod({"running": {}})
    pod["status"]["containerStatuses"].append({"name": "sidecar", "state": done, "ready": False})
    pod["status"]["initContainerStatuses"] = [{"name": "prepare", "state": done, "ready": True}]
    assert explain(pod, None, [], now=NOW).reason is Code.STARTING
    pod["status"]["initContainerStatuses"][0]["state"] = {"terminated": {"exitCode": 1, "reason": "Error"}}
    assert explain(pod, None, [], now=NOW).reason is Code.CRASHED


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        ("", ""),
        ("\n\n   \n", ""),
        ("one\ntwo\n", "two"),
        ("Traceback …\nValueError: no\n\n---\n", "ValueError: no"),
        ("\x1b[31merror: red\x1b[0m\n", "error: red"),
        ("x" * 500, "x" * 199 + "…"),
        ("bell\x07 and null\x00", "bell and null"),
    ],
)
def test_last_words_are_short_and_printable(log: str, expected: str) -> None:
    assert last_words(log) == expected


STATUSES = [
    (0, Code.CLUSTER_BUSY),
    (408, Code.CLUSTER_BUSY),
    (429, Code.CLUSTER_BUSY),
    (500, Code.CLUSTER_BUSY),
    (503, Code.CLUSTER_BUSY),
    (504, Code.CLUSTER_BUSY),
    (409, Code.NAME_TAKEN),
    (400, Code.POD_INVALID),
    (422, Code.POD_INVALID),
    (401, Code.HUB_NOT_ALLOWED),
    (403, Code.REFUSED),
    (404, Code.REFUSED),
    (418, Code.REFUSED),
]


@pytest.mark.parametrize(("status", "reason"), STATUSES)
@pytest.mark.parametrize("body", ["", "<html>bad gateway</html>", "{not json", "{}", b"\xff", None, [], 5])
def test_an_unknown_answer_is_judged_by_its_status(status: int, reason: Code, body: Any) -> None:
    told = explain_rejection(status, body)
    assert told.reason is reason
    assert (told.severity is Severity.WAITING) == (reason in {Code.CLUSTER_BUSY, Code.NAME_TAKEN})


def test_a_webhooks_own_words_are_quoted_and_cut() -> None:
    body = 'admission webhook "images.policy.example.org" denied the request: ' + "no \n" * 200
    told = explain_rejection(403, body)
    assert told.reason is Code.POLICY_DENIED
    assert "images.policy.example.org" in told.sentence
    assert len(told.sentence) < 320
    bare = explain_rejection(403, 'admission webhook "x.example.org" denied the request without explanation')
    assert bare.reason is Code.POLICY_DENIED


# Amounts in words


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("4", 4),
        ("500m", Decimal("0.5")),
        ("3920m", Decimal("3.92")),
        ("16374696Ki", 16374696 * 1024),
        ("8Gi", 8 * 1024**3),
        ("16G", 16 * 1000**3),
        ("1e3", 1000),
        ("1E3", 1000),
        ("1E", 1000**6),
        ("100n", Decimal("0.0000001")),
        ("1.5Gi", Decimal("1.5") * 1024**3),
        (".5", Decimal("0.5")),
        ("-1", -1),
        (2, 2),
        ("", 0),
        ("many", 0),
        ("1GB", 0),
        (None, 0),
        ("1e999", Decimal("1e999")),
    ],
)
def test_amounts(text: object, number: Decimal | int) -> None:
    assert amount(text) == number


@pytest.mark.parametrize(
    ("resource", "value", "words"),
    [
        ("nvidia.com/gpu", "4", "4 GPUs"),
        ("nvidia.com/gpu", "1", "1 GPU"),
        ("nvidia.com/gpu", 0, "no GPUs"),
        ("requests.nvidia.com/gpu", "4", "4 GPUs"),
        ("amd.com/gpu", "2", "2 GPUs"),
        ("nvidia.com/mig-1g.5gb", "2", "2 GPU slices (1g.5gb)"),
        ("nvidia.com/mig-1g.5gb", "1", "1 GPU slice (1g.5gb)"),
        ("habana.ai/gaudi", "8", "8 gaudi (habana.ai)"),
        ("cpu", "500m", "0.5 processor cores"),
        ("limits.cpu", "1", "1 processor core"),
        ("memory", "8Gi", "8 GiB of memory"),
        ("requests.memory", "4608Mi", "4.5 GiB of memory"),
        ("requests.storage", "10Gi", "10 GiB of disk space"),
        ("ephemeral-storage", "0", "0 bytes of local disk space"),
        ("pods", "3", "3 machines"),
        ("count/pods", "1", "1 machine"),
    ],
)
def test_in_words(resource: str, value: object, words: str) -> None:
    assert in_words(resource, value) == words


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 bytes"), (2**29, "512 MiB"), (8012440 * 1024, "7.6 GiB"), (2**40, "1 TiB"), (-5, "0 bytes")],
)
def test_bytes_in_words(size: int, words: str) -> None:
    assert bytes_in_words(size) == words


def test_a_noun_is_never_empty() -> None:
    assert noun("x") == "x"


# The reference page


def test_every_code_is_documented() -> None:
    assert set(REFERENCE) == set(Code)
    assert all(entry.meaning.endswith(".") for entry in REFERENCE.values())


def named_in_code() -> set[str]:
    """The reasons of every `Problem("reason", …)` in the hub's code."""
    calls = [
        call
        for room in ("spawner", "hub_extensions")
        for path in (ROOT / room).rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Problem" and call.args
    ]
    return {arg.value for call in calls if isinstance(arg := call.args[0], ast.Constant)}


def test_every_reason_that_the_hub_gives_is_documented() -> None:
    assert "home-in-use" in named_in_code()
    assert named_in_code() - set(documented()) == set()
    assert {str(reason) for reason in Reason} - set(documented()) == set()
    unusable = {f"home-{reason}" for reason in (ClaimReason.BEING_DELETED, ClaimReason.LOST)}
    assert unusable <= set(documented())


def test_the_reference_page_is_up_to_date() -> None:
    page = DOCS.read_text()
    assert MARK in page
    assert page == with_tables(page), "run: python -m spawner.explain docs/reference/explanations.md"
    assert all(f"| `{code}` |" in reference_table() for code in Code)
