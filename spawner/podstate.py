"""PURE: facts read off a pod's JSON. Absent fields are normal: a pod one millisecond old has almost none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

NOTEBOOK = "notebook"
SPAWN_ID_LABEL = "remuda.dev/spawn-id"
USER_ANNOTATION = "hub.jupyter.org/username"
SERVER_ANNOTATION = "hub.jupyter.org/servername"

Pod = Mapping[str, Any]


@dataclass(frozen=True)
class Alive:
    """Running, starting, or nobody can tell."""


@dataclass(frozen=True)
class Ended:
    """`code` is what JupyterHub's `poll` reports."""

    code: int
    why: str  # gone, leaving, failed, exited


def spawn_id_of(pod: Pod) -> str:
    return str((pod["metadata"].get("labels") or {}).get(SPAWN_ID_LABEL, ""))


def uid_of(pod: Pod) -> str:
    return str(pod["metadata"].get("uid", ""))


def is_leaving(pod: Pod) -> bool:
    return bool(pod["metadata"].get("deletionTimestamp"))


def belongs_to(pod: Pod, username: str, server_name: str) -> bool:
    """False only if the pod says that it is somebody else's; a pod without annotations is not evidence."""
    notes = pod["metadata"].get("annotations") or {}
    owner = notes.get(USER_ANNOTATION)
    return owner is None or (owner == username and notes.get(SERVER_ANNOTATION, "") == server_name)


def node_of(pod: Pod) -> str | None:
    return (pod.get("spec") or {}).get("nodeName")


def has_address(pod: Pod) -> bool:
    """Can a connection be tried? The address is known some time before the pod is said to run."""
    status = pod.get("status") or {}
    return bool(status.get("podIP")) and status.get("phase") in ("Pending", "Running") and not is_leaving(pod)


def server_runs(pod: Pod) -> bool:
    """The container has been started; whether anything in it answers is another matter."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return any(each.get("name") == NOTEBOOK and "running" in (each.get("state") or {}) for each in statuses)


def began_at(pod: Pod) -> datetime | None:
    """When the server's container was started, by the node's own clock; None before that."""
    state = _notebook_state(pod)
    return _moment((state.get("running") or state.get("terminated") or {}).get("startedAt"))


def finished_at(pod: Pod) -> datetime | None:
    """When the server's container ended, by the node's own clock; None before that, and where the node has lost it."""
    return _moment((_notebook_state(pod).get("terminated") or {}).get("finishedAt"))


def ended_at(pod: Pod, otherwise: datetime) -> datetime:
    """When the server's container ended, as far as its node knows."""
    return finished_at(pod) or otherwise


def _notebook_state(pod: Pod) -> Mapping[str, Any]:
    for container in (pod.get("status") or {}).get("containerStatuses") or ():
        if container.get("name") == NOTEBOOK:
            return container.get("state") or {}
    return {}


def _moment(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except (TypeError, ValueError):
        return None


def claims_of(pod: Pod) -> frozenset[str]:
    volumes = (pod.get("spec") or {}).get("volumes") or ()
    return frozenset(
        volume["persistentVolumeClaim"]["claimName"] for volume in volumes if volume.get("persistentVolumeClaim")
    )


def liveness(pod: Pod | None) -> Alive | Ended:
    """For a pod that a fresh picture shows or no longer shows."""
    if pod is None:
        return Ended(1, "gone")
    if is_leaving(pod):
        # Deleted by somebody: drained, evicted, preempted, or its node is lost.
        return Ended(1, "leaving")
    status = pod.get("status") or {}
    code = _exit_code(status)
    if status.get("phase") in ("Failed", "Succeeded"):
        return Ended(1 if code is None and status["phase"] == "Failed" else code or 0, "failed")
    if code is not None:
        return Ended(code, "exited")
    return Alive()


def _exit_code(status: Mapping[str, Any]) -> int | None:
    for container in status.get("containerStatuses") or ():
        if container.get("name") == NOTEBOOK:
            ended = (container.get("state") or {}).get("terminated")
            return None if ended is None else int(ended.get("exitCode", 1))
    return None
