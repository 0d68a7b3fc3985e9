"""The ledger as CSV: what the usage page exports, and what `python -m profiles replay` reads. The columns live here.

One line for each run that is over. Readers need the columns of `COLUMNS` alone, in any order, and ignore what they do
not know; `MORE_COLUMNS` are written as well, and used where they are there. Times are ISO 8601 with a zone. What is
computed (`cost`) is written for people and never read: it is computed anew.

Spreadsheets take a cell that begins with `=` or its kind for a formula, so such text gets an apostrophe before it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from profiles.amounts import Amounts
from profiles.cost import charge
from profiles.fields import MOST_EXPENSIVE, quoted
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
#: Of a count; a memory in bytes has the most.
MOST_DIGITS = 18

T = TypeVar("T")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")


@dataclass(frozen=True, slots=True)
class RowError:
    """One mistake. `line` is the line of the file on which the row begins, from 1; 1 is the header's."""

    file: str
    line: int
    column: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        column = f"column '{self.column}': " if self.column else ""
        return " ".join(f"{self.file}:{self.line}: {column}{self.problem} — {self.remedy}".split())


class LedgerErrors(Exception):
    """Every mistake of a file."""

    def __init__(self, errors: Iterable[RowError]) -> None:
        self.errors = tuple(errors)
        super().__init__("\n".join(map(str, self.errors)))


def write_ledger(entries: Iterable[Entry]) -> Iterator[str]:
    """Line by line, the header first: a long ledger need not be in memory at once."""
    yield _line([*COLUMNS, *MORE_COLUMNS])
    for entry in entries:
        yield _line(_cells(entry))


def read_ledger(text: str | Iterable[str], file: str = "ledger") -> tuple[Entry, ...]:
    """In the file's order. Raises `LedgerErrors` with every mistake; `file` is named in them."""
    rows = _rows(io.StringIO(text, newline="") if isinstance(text, str) else text, file)
    header = [cell.strip().removeprefix("\ufeff") for cell in next(rows, (1, []))[1]]
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise LedgerErrors([_headless(file, header, missing)])
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


def _rows(source: Iterable[str], file: str) -> Iterator[tuple[int, list[str]]]:
    """With the line on which each begins: text in quotes may go over several. Empty lines are left out."""
    reader, line = csv.reader(source), 1
    try:
        for cells in reader:
            if cells:
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as e:
        raise LedgerErrors([RowError(file, line, "", f"it is no CSV: {e}", "export it again")]) from e


def _headless(file: str, header: list[str], missing: list[str]) -> RowError:
    if len(header) == 1 and (";" in header[0] or "\t" in header[0]):
        return RowError(file, 1, "", "the columns are not separated by commas", "save it as CSV with commas")
    columns = f"no column{'s' if len(missing) > 1 else ''} {', '.join(missing)}"
    return RowError(file, 1, "", columns, "the first line names the columns, as the usage page exports them")


def _line(cells: Iterable[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue()


def _cells(entry: Entry) -> list[str]:
    lease = entry.lease
    texts = {
        "lease_id": _safe(lease.id),
        "user": _safe(lease.user),
        "groups": _safe(";".join(_escaped(name) for name in sorted(lease.groups))),
        "server": _safe(lease.server),
        "profile": _safe(lease.profile),
        "pool": _safe(lease.pool),
        "servers": str(lease.amounts.servers),
        "millicores": str(lease.amounts.millicores),
        "memory": str(lease.amounts.memory),
        "devices": ";".join(f"{name}={count}" for name, count in sorted(lease.amounts.devices.items())),
        "price_per_hour": f"{lease.price_per_hour.amount:f}",
        "currency": lease.price_per_hour.currency,
        "began_at": _moment(lease.began_at),
        "ended_at": _moment(entry.ended_at),
        "display_name": _safe(lease.display_name),
        "held_at": _moment(lease.held_at),
        "reason": entry.reason.value,
        "cost": f"{entry.charge.money:.6f}",
    }
    return [texts[name] for name in (*COLUMNS, *MORE_COLUMNS)]


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _escaped(name: str) -> str:
    return name.replace("\\", "\\\\").replace(";", "\\;")


@dataclass
class _Row:
    """One run being read: each cell is read, so that every mistake is told, not just the first."""

    file: str
    line: int
    cells: Mapping[str, str]
    errors: list[RowError]

    def wrong(self, column: str, problem: str, remedy: str) -> None:
        self.errors.append(RowError(self.file, self.line, column, problem, remedy))

    def is_whole(self, header: list[str], cells: list[str]) -> bool:
        if len(cells) != len(header):
            self.wrong("", f"{len(cells)} cells, and the header has {len(header)}", "give every column, quote commas")
        return not self.errors

    def entry(self) -> Entry | None:
        devices = self._read("devices", _devices)
        amounts = [self._read(name, _count) for name in ("servers", "millicores", "memory")]
        price, currency = self._read("price_per_hour", _price), self._read("currency", _currency)
        began, ended, held = (self._read(name, _time) for name in ("began_at", "ended_at", "held_at"))
        reason = self._read("reason", _reason) or (EndReason.STOPPED if began else EndReason.NEVER_RAN)
        ids = {name: self._text(name) for name in ("lease_id", "user", "profile", "pool")}
        self._check_times(began, ended, reason)
        if self.errors or ended is None or devices is None or price is None or currency is None:
            return None
        servers, millicores, memory = (amount or 0 for amount in amounts)
        lease = Lease(
            id=ids["lease_id"],
            user=ids["user"],
            groups=frozenset(_groups(_plain(self.cells["groups"]))),
            server=_plain(self.cells["server"]),
            profile=ids["profile"],
            display_name=_plain(self.cells.get("display_name", "")) or ids["profile"],
            pool=ids["pool"],
            amounts=Amounts(servers, millicores, memory, freeze(devices)),
            price_per_hour=Money(price, currency),
            state=LeaseState.HELD if began is None else LeaseState.RUNNING,
            # The Hub's clock said when it was held, a node's when it began: they may differ a little.
            held_at=min(filter(None, (held, began, ended))),
            began_at=began,
        )
        return Entry(lease=lease, ended_at=ended, reason=reason, charge=charge(lease, lease.ran(ended)))

    def _read(self, column: str, parse: Callable[[str], T]) -> T | None:
        try:
            return parse(self.cells.get(column, "").strip())
        except _BadCell as e:
            self.wrong(column, e.problem, e.remedy)
            return None

    def _text(self, column: str) -> str:
        text = _plain(self.cells[column])
        if not text:
            self.wrong(column, "it is empty", "every run has one")
        return text

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


class _BadCell(Exception):
    def __init__(self, problem: str, remedy: str) -> None:
        self.problem, self.remedy = problem, remedy


def _plain(text: str) -> str:
    return text.removeprefix("'")


def _groups(text: str) -> Iterator[str]:
    names = re.findall(r"((?:\\.|[^;\\])+)", text)
    yield from (re.sub(r"\\(.)", r"\1", name) for name in names)


def _count(text: str) -> int:
    if not _is_count(text):
        raise _BadCell(f"{quoted(text)} is not a count", "write a whole number, 0 or more")
    return int(text)


def _is_count(text: str) -> bool:
    """Python refuses to read thousands of digits, and no machine has so much of anything."""
    return text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS


def _devices(text: str) -> dict[str, int]:
    devices = {}
    for each in filter(None, (part.strip() for part in text.split(";"))):
        name, equals, count = each.partition("=")
        if not equals or not name or not _is_count(count):
            raise _BadCell(f"{quoted(each)} is not a device and its count", "write nvidia.com/gpu=1, several with ;")
        if int(count):
            devices[name.strip()] = int(count)
    return devices


def _price(text: str) -> Decimal:
    try:
        price = Decimal(text)
    except InvalidOperation:
        price = Decimal("NaN")
    if not price.is_finite() or price < 0:
        raise _BadCell(f"{quoted(text)} is not a price", "write it with a point: 2.50")
    if price > MOST_EXPENSIVE:
        raise _BadCell(f"{quoted(text)} per hour is more than {MOST_EXPENSIVE}", "check the point and the currency")
    return price


def _currency(text: str) -> str:
    if not re.fullmatch("[A-Z]{3}", text):
        raise _BadCell(f"{quoted(text)} is not a currency", "write three letters, such as EUR")
    return text


def _time(text: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _BadCell(f"{quoted(text)} is not a time", "write it as 2026-03-01T09:30:00Z") from None
    if moment.tzinfo is None:
        raise _BadCell(f"{quoted(text)} has no time zone", "write Z after it for UTC, or +01:00")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise _BadCell(f"{quoted(text)} is outside the calendar", "write it as 2026-03-01T09:30:00Z") from None


def _reason(text: str) -> EndReason | None:
    if not text:
        return None
    try:
        return EndReason(text)
    except ValueError:
        raise _BadCell(f"{quoted(text)} is not a reason", f"write one of: {', '.join(EndReason)}") from None
