"""PURE: why a server that ran is not there any more."""

from __future__ import annotations

from datetime import datetime

from profiles.machine import RunningMachine
from spawner.explain import Facts, explain
from spawner.podstate import Ended, Pod
from spawner.refused import Explained


def explain_end(
    pod: Pod | None,
    end: Ended,
    machine: RunningMachine | None,
    now: datetime,
    *,
    pod_uid: str = "",
) -> Explained | None:
    """None where nothing needs a reason: the server ended by itself, and well."""
    if end.why in ("failed", "exited") and end.code == 0:
        return None
    name = machine.display_name if machine is not None else ""
    facts = Facts(machine=name, pod_uid=pod_uid or "unknown")
    return explain(pod, None, (), facts=facts, now=now)
