"""What was measured, for the page and the file of usage: of single sessions, and of people and groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub_extensions.measured.figures import Efficiency, Measured
from hub_extensions.measured.store import MeasuredStore
from hub_extensions.usage.scope import Asked
from profiles.frozen import EMPTY
from profiles.lease import Entry, Lease

#: The columns beside the ledger's, empty for what was not measured.
COLUMNS = (
    "measured_seconds",
    "cpu_seconds",
    "sustained_cores",
    "memory_peak",
    "gpu_busy_seconds",
    "gpu_memory_peak",
    "cores_limit",
    "memory_limit",
)


@dataclass(frozen=True)
class Seen:
    """`total` is of everything that was asked for, machines that run included."""

    total: Efficiency | None = None
    sessions: Mapping[str, Measured] = EMPTY
    users: Mapping[str, Efficiency] = EMPTY
    groups: Mapping[str, Efficiency] = EMPTY


def seen(store: Any, asked: Asked, entries: Sequence[Entry], running: Sequence[Lease]) -> Seen:
    """Runs in the gate's thread for reports."""
    whose, span = asked.whose, {"since": asked.period.since, "until": asked.period.until}
    measured = MeasuredStore(store.database)
    sessions = measured.of([*(entry.lease.id for entry in entries), *(lease.id for lease in running)])
    match whose.kind:
        case "user":
            return Seen(measured.by_user(**span, name=whose.name).get(whose.name), sessions)
        case "group":
            return Seen(measured.by_group(**span).get(whose.name), sessions)
        case "everybody":
            users = measured.by_user(**span)
            total = sum(users.values(), start=Efficiency()) if users else None
            return Seen(total, sessions, users, measured.by_group(**span))


def with_columns(lines: Iterable[str], entries: Sequence[Entry], measured: Mapping[str, Measured]) -> Iterator[str]:
    """The ledger's lines, of which the first is the header, with ours behind each."""
    rows = [COLUMNS, *(_cells(measured.get(entry.lease.id)) for entry in entries)]
    for line, cells in zip(lines, rows, strict=True):
        yield ",".join([line.removesuffix("\r\n"), *cells]) + "\r\n"


def _cells(one: Measured | None) -> tuple[str, ...]:
    if one is None or not one.covered_ms:
        return ("",) * len(COLUMNS)
    gpus = (_thousandths(one.gpu_busy_ms), str(one.gpu_memory_peak)) if one.gpus_seen else ("", "")
    return (
        _thousandths(one.covered_ms),
        _thousandths(one.cpu_ms),
        _thousandths(one.sustained_millicores),
        str(one.memory_peak),
        *gpus,
        _thousandths(one.has_millicores),
        str(one.has_memory),
    )


def _thousandths(value: int) -> str:
    return f"{value / 1000:.3f}"
