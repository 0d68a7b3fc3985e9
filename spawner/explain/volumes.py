"""The home on its way: made, attached, mounted, and what can hold each of these up."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from spawner.explain.codes import Code
from spawner.explain.explanation import Explanation, Severity
from spawner.explain.facts import Facts
from spawner.explain.kube import Event, condition, is_true, items, latest, section, text, time

_CLASS_NOT_FOUND = re.compile(r'storageclass(?:\.storage\.k8s\.io)? "([^"]*)" not found', re.IGNORECASE)
_USED_BY = re.compile(r"already used by pod\(s\) ([^\s,]+)")
_MISSING_OBJECT = re.compile(r'(secret|configmap) "([^"]+)" not found', re.IGNORECASE)
#: k8s detaches the disk of a node that is gone by force after six minutes (maxWaitForUnmountDuration).
FORCED_DETACH_S = 360
_SETTLING_S = 10.0


def explain_claim(claim: Any, events: Sequence[Event]) -> Explanation | None:
    """The home's claim, while it is not bound; None when nothing is to be said about it."""
    metadata, phase = section(claim, "metadata"), text(claim, "status", "phase")
    if not claim or phase == "Bound":
        return None
    if phase == "Lost":
        return Explanation(
            Code.HOME_LOST,
            "The disk behind your home is gone from the cluster.",
            "Ask an administrator: the volume has to be restored before a machine can start.",
            Severity.FATAL,
        )
    if metadata.get("deletionTimestamp"):
        return Explanation(
            Code.HOME_BEING_DELETED,
            "Your home disk is being deleted, so no machine can use it.",
            "Ask an administrator at once: its contents may still be saved.",
            Severity.FATAL,
        )
    trouble = latest(events, "ProvisioningFailed", "FailedBinding", "ClaimLost", "ProvisioningSucceeded")
    if trouble is not None and trouble.reason in {"ProvisioningFailed", "FailedBinding"}:
        return _not_made(trouble)
    made = latest(events, "Provisioning", "ExternalProvisioning", "ProvisioningSucceeded", "WaitForPodScheduled")
    if made is not None and made.reason != "WaitForPodScheduled":
        return Explanation(
            Code.MAKING_HOME, "Your home disk is being made.", percent=30, detail=made.message, since=made.first
        )
    return None


def _not_made(event: Event) -> Explanation:
    missing = _CLASS_NOT_FOUND.search(event.message)
    if missing is not None or "no storage class is set" in event.message:
        name = f"the storage class '{missing[1]}'" if missing and missing[1] else "a default storage class"
        return Explanation(
            Code.STORAGE_CLASS_MISSING,
            f"Your home disk cannot be made: this cluster does not have {name}.",
            "Tell an administrator: the home's storage class has to be set to one that exists.",
            Severity.WAITING,
            percent=15,
            detail=event.message,
            since=event.first,
            patience_s=_SETTLING_S,
        )
    return Explanation(
        Code.PROVISIONING_FAILED,
        "Your home disk could not be made; the storage system refuses or does not answer.",
        "It is tried again until the start's time is up; if it lasts, tell an administrator.",
        Severity.WAITING,
        percent=15,
        detail=event.message,
        since=event.first,
    )


def explain_volumes(pod: Any, claim: Any, events: Sequence[Event], facts: Facts, now: datetime) -> Explanation | None:
    """A pod that has its node but no container yet: trouble with a disk that nothing later has put right."""
    trouble = latest(events, "FailedAttachVolume", "FailedMount", "FailedMapVolume", "FailedAttach")
    solved = latest(
        events, "SuccessfulAttachVolume", "SuccessfulMountVolume", "Pulling", "Pulled", "Created", "Started"
    )
    if trouble is not None and (solved is None or solved.order <= trouble.order):
        if "Multi-Attach" in trouble.message:
            return _elsewhere(pod, claim, trouble, facts, now)
        return _failed(pod, trouble)
    slow = latest(events, "VolumePermissionChangeInProgress")
    if slow is not None and (solved is None or solved.reason == "SuccessfulAttachVolume"):
        return Explanation(
            Code.PREPARING_HOME,
            "The machine is preparing the files of your home for you to use.",
            "This takes longer the first time, when there are many files.",
            percent=40,
            detail=slow.message,
            since=slow.first,
        )
    return None


def _elsewhere(pod: Any, claim: Any, event: Event, facts: Facts, now: datetime) -> Explanation:
    node = attached_node(claim, facts.attachments, text(pod, "spec", "nodeName"))
    user = _USED_BY.search(event.message)
    where = f"node {node}" if node else "another node"
    if node and facts.nodes is not None and node not in facts.nodes:
        left = FORCED_DETACH_S - int((now - event.first).total_seconds()) if event.first else FORCED_DETACH_S
        remedy = f"That node is gone: the cluster lets go of the disk by force, in about {_about(max(left, 30))}."
    elif user is not None:
        remedy = f"It is free when {user[1]} has stopped there; stop it if it is yours and still runs."
    else:
        remedy = "Letting go of it takes up to a minute; if that node is lost, about six."
    return Explanation(
        Code.HOME_ATTACHED_ELSEWHERE,
        f"Your disk is still on {where}; the new machine has to wait for it.",
        remedy,
        Severity.WAITING,
        percent=30,
        detail=event.message,
        since=event.first,
    )


def attached_node(claim: Any, attachments: Sequence[Mapping[str, Any]], not_on: str = "") -> str:
    """The node, other than `not_on`, that the claim's volume is attached to by its VolumeAttachments; "" if unknown."""
    volume = text(claim, "spec", "volumeName")
    for attachment in attachments:
        node = text(attachment, "spec", "nodeName")
        source = text(attachment, "spec", "source", "persistentVolumeName")
        if volume and source == volume and node != not_on and section(attachment, "status").get("attached"):
            return node
    return ""


def _failed(pod: Any, event: Event) -> Explanation:
    missing = _MISSING_OBJECT.search(event.message)
    if missing is not None:
        return Explanation(
            Code.CONFIG_MISSING,
            f"The machine needs the {_kind(missing[1])} '{missing[2]}', which does not exist.",
            "Tell an administrator: the machine's profile names it.",
            Severity.WAITING,
            percent=35,
            detail=event.message,
            since=event.first,
            patience_s=15.0,
        )
    if re.search(r"no space left on device", event.message, re.IGNORECASE):
        return Explanation(
            Code.NODE_DISK_FULL,
            "The node's own disk is full, so your home could not be mounted there.",
            "It is tried again until the start's time is up; if it lasts, tell an administrator.",
            Severity.WAITING,
            percent=35,
            detail=event.message,
            since=event.first,
        )
    attach = event.reason.startswith("FailedAttach")
    volumes = [v for v in items(pod, "spec", "volumes") if v.get("name") and f'"{v["name"]}"' in event.message]
    home = attach or not volumes or any(section(v, "persistentVolumeClaim") for v in volumes)
    what = "Your home disk" if home else f"The volume '{volumes[0]['name']}'"
    return Explanation(
        Code.ATTACH_FAILED if attach else Code.MOUNT_FAILED,
        f"{what} could not be {'attached to' if attach else 'mounted on'} the node.",
        "It is tried again until the start's time is up; if it lasts, tell an administrator.",
        Severity.WAITING,
        percent=30 if attach else 35,
        detail=event.message,
        since=event.first,
    )


def _kind(word: str) -> str:
    return "secret" if word.lower() == "secret" else "config map"


def _about(seconds: int) -> str:
    return f"{seconds} seconds" if seconds < 90 else f"{round(seconds / 60)} minutes"


def attaching(pod: Any) -> Explanation:
    """A node, nothing wrong, no container: the disk is on its way."""
    placed = condition(pod, "PodScheduled")
    since = time(placed.get("lastTransitionTime"))
    if is_true(condition(pod, "PodReadyToStartContainers")):
        return Explanation(
            Code.IMAGE_READY, "The machine is getting ready to start your server.", percent=60, since=since
        )
    if any(section(volume, "persistentVolumeClaim") for volume in items(pod, "spec", "volumes")):
        return Explanation(
            Code.ATTACHING_HOME, f"Your home is being attached to {_node(pod)}.", percent=35, since=since
        )
    return Explanation(Code.SCHEDULED, f"A place was found on {_node(pod)}.", percent=25, since=since)


def _node(pod: Any) -> str:
    node = text(pod, "spec", "nodeName")
    return f"node {node}" if node else "its node"
