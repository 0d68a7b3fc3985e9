"""PURE: the form “Keep it on until”."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hub_extensions.keep_on.decide import Offered, latest, offered, said
from profiles.lease import Lease
from profiles.machine import RunningMachine


@dataclass(frozen=True)
class KeepForm:
    """`kept` is the time that was chosen, in words; empty where none was."""

    action: str
    times: tuple[Offered, ...]
    timezone: str
    kept: str = ""


def keep_form(  # noqa: PLR0913, PLR0917 (what is known of one machine)
    machine: RunningMachine | None,
    lease: Lease | None,
    kept_until: datetime | None,
    timezone: str,
    action: str,
    now: datetime,
) -> KeepForm | None:
    """None where there is nothing to choose and nothing to take back."""
    last = latest(machine, lease, now)
    kept = said(kept_until, now, timezone) if kept_until is not None and kept_until > now else ""
    if last is None and not kept:
        return None
    return KeepForm(action, offered(last, now, timezone) if last else (), timezone, kept)
