"""The ledger as CSV: what the usage page exports, and what `python -m profiles replay` reads. The columns live here.

One line for each run that is over. Readers need the columns of `COLUMNS` alone, in any order, and ignore what they do
not know; `MORE_COLUMNS` are written as well, and used where they are there. Times are ISO 8601 with a zone. What is
computed (`cost`) is written for people and never read: it is computed anew.

Spreadsheets take a cell that begins with `=` or its kind for a formula, so such text gets an apostrophe before it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from profiles.amounts import Amounts
from profiles.cost import charge
from profiles.csv_cells import (
    BadCell,
    LedgerErrors,
    Row,
    RowError,
    count_of,
    currency_of,
    devices_of,
    escaped,
    groups_of,
    plain,
    price_of,
    safe,
    table_of,
    time_of,
)
from profiles.fields import quoted
from profiles.frozen import freeze
from profiles.lease import EndReason, Entry, Lease, LeaseState
from profiles.quantity import Money

COLUMNS = (
    "lease_id",
    "user",
    "groups",
    "server",
    "profile",
    "pool",
    "servers",
    "millicores",
    "memory",
    "devices",
    "price_per_hour",
    "currency",
    "began_at",
    "ended_at",
)
MORE_COLUMNS = ("display_name", "held_at", "reason", "cost")


def write_ledger(entries: Iterable[Entry]) -> Iterator[str]:
    """Line by line, the header first: a long ledger need not be in memory at once."""
    yield _line([*COLUMNS, *MORE_COLUMNS])
    for entry in entries:
        yield _line(_cells(entry))


def read_ledger(text: str | Iterable[str], file: str = "ledger") -> tuple[Entry, ...]:
    """In the file's order. Raises `LedgerErrors` with every mistake; `file` is named in them."""
    header, rows = table_of(text, COLUMNS, file, "the first line names the columns, as the usage page exports them")
    entries: list[Entry] = []
    errors: list[RowError] = []
    lines: dict[str, int] = {}
    for line, cells in rows:
        row = _Row(file, line, dict(zip(header, cells, strict=False)), [])
        entry = row.entry() if row.is_whole(header, cells) else None
        if entry is not None and entry.lease.id in lines:
            earlier = f"{quoted(entry.lease.id)} is also on line {lines[entry.lease.id]}"
            row.wrong("lease_id", earlier, "each run is in a ledger once: remove one of them")
        elif entry is not None:
            lines[entry.lease.id] = line
            entries.append(entry)
        errors += row.errors
    if errors:
        raise LedgerErrors(errors)
    return tuple(entries)


def _line(cells: Iterable[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue()


def _cells(entry: Entry) -> list[str]:
    lease = entry.lease
    texts = {
        "lease_id": safe(lease.id),
        "user": safe(lease.user),
        "groups": safe(";".join(escaped(name) for name in sorted(lease.groups))),
        "server": safe(lease.server),
        "profile": safe(lease.profile),
        "pool": safe(lease.pool),
        "servers": str(lease.amounts.servers),
        "millicores": str(lease.amounts.millicores),
        "memory": str(lease.amounts.memory),
        "devices": ";".join(f"{name}={count}" for name, count in sorted(lease.amounts.devices.items())),
        "price_per_hour": f"{lease.price_per_hour.amount:f}",
        "currency": lease.price_per_hour.currency,
        "began_at": _moment(lease.began_at),
        "ended_at": _moment(entry.ended_at),
        "display_name": safe(lease.display_name),
        "held_at": _moment(lease.held_at),
        "reason": entry.reason.value,
        "cost": f"{entry.charge.money:.6f}",
    }
    return [texts[name] for name in (*COLUMNS, *MORE_COLUMNS)]


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


class _Row(Row):
    """One run being read."""

    def entry(self) -> Entry | None:
        devices = self.read("devices", devices_of)
        amounts = [self.read(name, count_of) for name in ("servers", "millicores", "memory")]
        price, currency = self.read("price_per_hour", price_of), self.read("currency", currency_of)
        began, ended, held = (self.read(name, time_of) for name in ("began_at", "ended_at", "held_at"))
        reason = self.read("reason", _reason) or (EndReason.STOPPED if began else EndReason.NEVER_RAN)
        ids = {name: self.text(name, "every run has one") for name in ("lease_id", "user", "profile", "pool")}
        self._check_times(began, ended, reason)
        if self.errors or ended is None or devices is None or price is None or currency is None:
            return None
        servers, millicores, memory = (amount or 0 for amount in amounts)
        lease = Lease(
            id=ids["lease_id"],
            user=ids["user"],
            groups=frozenset(groups_of(plain(self.cells["groups"]))),
            server=plain(self.cells["server"]),
            profile=ids["profile"],
            display_name=plain(self.cells.get("display_name", "")) or ids["profile"],
            pool=ids["pool"],
            amounts=Amounts(servers, millicores, memory, freeze(devices)),
            price_per_hour=Money(price, currency),
            state=LeaseState.HELD if began is None else LeaseState.RUNNING,
            # The Hub's clock said when it was held, a node's when it began: they may differ a little.
            held_at=min(filter(None, (held, began, ended))),
            began_at=began,
        )
        return Entry(lease=lease, ended_at=ended, reason=reason, charge=charge(lease, lease.ran(ended)))

    def _check_times(self, began: datetime | None, ended: datetime | None, reason: EndReason) -> None:
        if ended is None:
            if not any(error.column == "ended_at" for error in self.errors):
                self.wrong("ended_at", "it is empty", "a ledger has only runs that are over: leave running ones out")
            return
        if began is None and reason is not EndReason.NEVER_RAN:
            if not any(error.column == "began_at" for error in self.errors):
                self.wrong("began_at", "it is empty", "only a run with the reason never-ran has none")
        elif began is not None and ended < began:
            self.wrong("ended_at", f"{_moment(ended)} is before it began", "check both times and their zones")


def _reason(text: str) -> EndReason | None:
    if not text:
        return None
    try:
        return EndReason(text)
    except ValueError:
        raise BadCell(f"{quoted(text)} is not a reason", f"write one of: {', '.join(EndReason)}") from None
