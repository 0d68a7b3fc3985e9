"""CSV that people and spreadsheets write: rows with their lines, cells with their mistakes told. Ledgers and lists of
reservations are read with it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from profiles.fields import MOST_EXPENSIVE, quoted

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


def rows_of(source: Iterable[str], file: str) -> Iterator[tuple[int, list[str]]]:
    """With the line on which each begins: text in quotes may go over several. Empty lines are left out."""
    reader, line = csv.reader(source), 1
    try:
        for cells in reader:
            if cells:
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as e:
        raise LedgerErrors([RowError(file, line, "", f"it is no CSV: {e}", "export it again")]) from e


def table_of(
    text: str | Iterable[str], columns: Sequence[str], file: str, remedy: str
) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """The header, and the rows below it. Raises `LedgerErrors` where one of `columns` is not there."""
    rows = rows_of(io.StringIO(text, newline="") if isinstance(text, str) else text, file)
    header = [cell.strip().removeprefix("\ufeff") for cell in next(rows, (1, []))[1]]
    missing = [name for name in columns if name not in header]
    if missing and len(header) == 1 and (";" in header[0] or "\t" in header[0]):
        problem = "the columns are not separated by commas"
        raise LedgerErrors([RowError(file, 1, "", problem, "save it as CSV with commas")])
    if missing:
        problem = f"no column{'s' if len(missing) > 1 else ''} {', '.join(missing)}"
        raise LedgerErrors([RowError(file, 1, "", problem, remedy)])
    return header, rows


@dataclass
class Row:
    """One row being read: each cell is read, so that every mistake is told, not just the first."""

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

    def read(self, column: str, parse: Callable[[str], T]) -> T | None:
        try:
            return parse(self.cells.get(column, "").strip())
        except BadCell as e:
            self.wrong(column, e.problem, e.remedy)
            return None

    def text(self, column: str, remedy: str) -> str:
        text = plain(self.cells[column])
        if not text:
            self.wrong(column, "it is empty", remedy)
        return text


def safe(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def escaped(name: str) -> str:
    return name.replace("\\", "\\\\").replace(";", "\\;")


class BadCell(Exception):
    def __init__(self, problem: str, remedy: str) -> None:
        self.problem, self.remedy = problem, remedy


def plain(text: str) -> str:
    return text.removeprefix("'")


def groups_of(text: str) -> Iterator[str]:
    names = re.findall(r"((?:\\.|[^;\\])+)", text)
    yield from (re.sub(r"\\(.)", r"\1", name) for name in names)


def count_of(text: str) -> int:
    if not _is_count(text):
        raise BadCell(f"{quoted(text)} is not a count", "write a whole number, 0 or more")
    return int(text)


def _is_count(text: str) -> bool:
    """Python refuses to read thousands of digits, and no machine has so much of anything."""
    return text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS


def devices_of(text: str) -> dict[str, int]:
    devices = {}
    for each in filter(None, (part.strip() for part in text.split(";"))):
        name, equals, count = each.partition("=")
        if not equals or not name or not _is_count(count):
            raise BadCell(f"{quoted(each)} is not a device and its count", "write nvidia.com/gpu=1, several with ;")
        if int(count):
            devices[name.strip()] = int(count)
    return devices


def price_of(text: str) -> Decimal:
    try:
        price = Decimal(text)
    except InvalidOperation:
        price = Decimal("NaN")
    if not price.is_finite() or price < 0:
        raise BadCell(f"{quoted(text)} is not a price", "write it with a point: 2.50")
    if price > MOST_EXPENSIVE:
        raise BadCell(f"{quoted(text)} per hour is more than {MOST_EXPENSIVE}", "check the point and the currency")
    return price


def currency_of(text: str) -> str:
    if not re.fullmatch("[A-Z]{3}", text):
        raise BadCell(f"{quoted(text)} is not a currency", "write three letters, such as EUR")
    return text


def time_of(text: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadCell(f"{quoted(text)} is not a time", "write it as 2026-03-01T09:30:00Z") from None
    if moment.tzinfo is None:
        raise BadCell(f"{quoted(text)} has no time zone", "write Z after it for UTC, or +01:00")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise BadCell(f"{quoted(text)} is outside the calendar", "write it as 2026-03-01T09:30:00Z") from None
