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

    total: Efficiency
    sessions: Mapping[str, Measured]
    users: Mapping[str, Efficiency]
    groups: Mapping[str, Efficiency]


def seen(store: Any, asked: Asked, entries: Sequence[Entry], running: Sequence[Lease]) -> Seen:
    """Runs in the gate's thread."""
    whose, span = asked.whose, {"since": asked.period.since, "until": asked.period.until}
    measured, everybody = MeasuredStore(store.database), whose.kind == "everybody"
    kind, name = ("group" if whose.kind == "group" else "user"), None if everybody else whose.name
    ended = measured.by(kind, **span, name=name)
    sessions = measured.of([*(entry.lease.id for entry in entries), *(lease.id for lease in running)])
    going = [(lease, Efficiency.of(sessions[lease.id])) for lease in running if lease.id in sessions]
    return Seen(
        total=sum([*ended.values(), *(each for _, each in going)], start=Efficiency()),
        sessions=sessions,
        users=_with(ended, ((lease.user, each) for lease, each in going)) if everybody else EMPTY,
        groups=_with(
            measured.by("group", **span), ((group, each) for lease, each in going for group in lease.groups)
        )
        if everybody
        else EMPTY,
    )


def _with(ended: Mapping[str, Efficiency], going: Iterable[tuple[str, Efficiency]]) -> Mapping[str, Efficiency]:
    sums = dict(ended)
    for name, each in going:
        sums[name] = sums.get(name, Efficiency()) + each
    return sums


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
