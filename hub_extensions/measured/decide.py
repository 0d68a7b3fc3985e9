"""PURE: whether a report is taken, and as what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from hub_extensions.measured.api import MachineReport
from hub_extensions.measured.figures import Measured
from profiles.machine import RunningMachine
from profiles.quantity import Duration

#: A server measures itself from before it answers, and clocks differ.
EARLIER = timedelta(minutes=15)


@dataclass(frozen=True)
class Taken:
    lease_id: str
    run: str
    measured: Measured


@dataclass(frozen=True)
class NotTaken:
    """`status` is HTTP's."""

    status: int
    sentence: str


def read(body: Any, machine: RunningMachine | None, now: datetime) -> Taken | NotTaken:
    """`machine` is what this server runs on at present, as the Hub knows it."""
    try:
        report = MachineReport.model_validate(body)
    except ValidationError as e:
        first = e.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the body"
        return NotTaken(400, f"{where}: {first['msg']}; write it as the API's description says.")
    if machine is None or not machine.spawn_id:
        return NotTaken(409, "This server runs on no machine of the catalog, so nothing is kept of what it uses.")
    if report.lease != machine.spawn_id:
        return NotTaken(409, "This is about another start than the one that runs: only what runs now may report.")
    measured, lived = report.figures.measured(), now - (machine.started_at or now) + EARLIER
    if measured.covered_ms > lived.total_seconds() * 1000:
        claimed, limit = (Duration(round(each)).human for each in (measured.covered_ms / 1000, lived.total_seconds()))
        return NotTaken(400, f"figures.covered_s: {claimed} were measured, and the machine can have run for {limit}.")
    return Taken(report.lease, report.run, measured.within(machine))
