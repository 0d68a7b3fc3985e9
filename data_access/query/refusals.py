"""What DuckDB says against a query, in a reader's words: what, where in the query, and which names are near. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import duckdb

from data_access.errors import DataError, Reason
from data_access.names import did_you_mean, near

_KIND = re.compile(r"^(?:[A-Z][A-Za-z]* )+(?:Error|Exception): ")
_WORD = re.compile(rb'"[^"]*"|[\w.]+|\S')
_MARK = re.compile(r"^LINE \d+: ")
#: Lines of a message beyond these are lists of all that there is.
_MOST_LINES = 5


@dataclass(frozen=True)
class Known:
    """What the query reads: columns by the name that it gives a table; none where only DuckDB knows them."""

    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def of(self, table: str) -> Sequence[str]:
        return self.columns.get(table.lower()) or ()

    def all(self) -> set[str]:
        return {name for names in self.columns.values() for name in names}


def refused(error: duckdb.Error, text: str = "", detail: str = "", known: Known | None = None) -> DataError:
    """`detail` is the same error as DuckDB's JSON, where that was asked for: it has the place in the query."""
    message, mark = _parts(str(error))
    said = _KIND.sub("", message[0]).rstrip("!. ") if message else type(error).__name__
    mark = mark or _marked(text, detail)
    sentence, hint = _told(said, message[1:], known or Known())
    if isinstance(error, duckdb.OutOfMemoryException):
        hint = "Select fewer columns or rows, aggregate earlier, or choose a larger machine."
    elif mark and (word := _at(mark)).startswith('"') and " column " in sentence:
        hint = f"{hint} If it is a text, write {word.replace(chr(34), chr(39))}.".strip()
    remedy = hint or ("Correct the query at the mark." if mark else "Correct the query.")
    sentence = f"The query does not run: {sentence}."
    return DataError(Reason.BAD_QUERY, f"{sentence}\n{mark}\n" if mark else sentence, remedy)


def _parts(text: str) -> tuple[list[str], str]:
    """The lines of a message, and DuckDB's own mark in the query (two lines), where it gives one."""
    lines = [line.rstrip() for line in text.strip().splitlines() if line.strip()]
    at = next((i for i, line in enumerate(lines) if _MARK.match(line)), None)
    if at is None:
        return lines, ""
    return lines[:at], "\n".join(lines[at : at + 2])


def _marked(text: str, detail: str) -> str:
    """From the place that the JSON has: an offset in bytes."""
    found = re.search(r"\{.*\}", detail, re.DOTALL)
    try:
        said = json.loads(found[0]) if found else {}
        start = int(said["position"])
    except (ValueError, KeyError, TypeError):
        return ""
    data = text.encode()
    word = _WORD.match(data, start)
    if not 0 <= start < len(data) or word is None:
        return ""
    first = len(data[:start].decode(errors="ignore"))
    return marked(text, first, first + len(word[0].decode(errors="ignore")))


def marked(text: str, start: int, end: int) -> str:
    """The line of the query where `start` is, with a mark below, as DuckDB shows it."""
    begins = text.rfind("\n", 0, start) + 1
    ends = text.find("\n", start)
    head = f"LINE {text.count(chr(10), 0, begins) + 1}: "
    line = text[begins : ends if ends >= 0 else len(text)]
    length = max(1, min(end, begins + len(line)) - start)
    return f"{head}{line}\n{' ' * (len(head) + start - begins)}{'^' * length}"


def _at(mark: str) -> str:
    line, below = mark.splitlines()[-2:]
    return line[below.find("^") : below.rfind("^") + 1]


def _told(said: str, rest: Sequence[str], known: Known) -> tuple[str, str]:
    """(What is wrong, what may be meant): DuckDB's usual sentences in plain words, any other as it is."""
    for pattern, words in _SENTENCES:
        if found := pattern.search(said):
            return words(found, rest, known)
    more = [line.strip() for line in rest[:_MOST_LINES]]
    return "\n".join([said, *more]).rstrip("."), ""


def _no_column_of(found: re.Match[str], rest: Sequence[str], known: Known) -> tuple[str, str]:
    table, column = found.groups()
    there = known.of(table)
    hint = did_you_mean(column, there) if there else _near(column, known.all())
    return f"{table} has no column {column}", hint


def _no_column(found: re.Match[str], rest: Sequence[str], known: Known) -> tuple[str, str]:
    return f"no table of the query has a column {found[1]}", _candidates(found[1], rest) or _near(found[1], known.all())


def _near(name: str, there: set[str]) -> str:
    by_lower = {each.lower(): each for each in sorted(there)}
    close = near(name.lower(), sorted(by_lower))
    return f"Did you mean {' or '.join(by_lower[each] for each in close)}?" if close else ""


def _candidates(name: str, rest: Sequence[str]) -> str:
    """Those of DuckDB's own that resemble the name; they are columns that only the query makes, too."""
    return _near(name, {each.rpartition(".")[2] for line in rest for each in re.findall(r'"([^"]+)"', line)})


def _no_table(found: re.Match[str], rest: Sequence[str], known: Known) -> tuple[str, str]:
    there = {each for line in rest for each in re.findall(r'"([^"]+)"', line)} or set(known.columns)
    return f"it reads no table {found[1]}", did_you_mean(found[1], there) if there else ""


def _no_function(found: re.Match[str], rest: Sequence[str], known: Known) -> tuple[str, str]:
    return f"there is no function {found[1]}", _candidates(found[1], rest)


def _no_such_call(found: re.Match[str], rest: Sequence[str], known: Known) -> tuple[str, str]:
    call = re.sub(r"_LITERAL\b", "", found[1])
    return f"there is no {call}", "Cast what it is given, such as amount::double."


def _ambiguous(found: re.Match[str], rest: Sequence[str], known: Known) -> tuple[str, str]:
    which = " or ".join(re.findall(r"'([^']+)'", found[2]))
    return f"{found[1]} is a column of several tables", f"Write {which}." if which else ""


def _no_values(found: re.Match[str], rest: Sequence[str], known: Known) -> tuple[str, str]:
    return f"no value is given for parameter {found[1]}", "Give it with params=."


def _not_grouped(found: re.Match[str], rest: Sequence[str], known: Known) -> tuple[str, str]:
    return f"{found[1]} is neither grouped by nor aggregated", f"Group by it, or take any_value({found[1]})."


_SENTENCES = [
    (re.compile(r'column "(.+?)" must appear in the GROUP BY clause'), _not_grouped),
    (re.compile(r'(?:Values list|Table) "(.+?)" does not have a column named "(.+?)"'), _no_column_of),
    (re.compile(r'Referenced column "(.+?)" not found in FROM clause'), _no_column),
    (re.compile(r'Column "(.+?)" in \w+ list not found in FROM clause'), _no_column),
    (re.compile(r'Referenced table "(.+?)" not found'), _no_table),
    (re.compile(r'Function with name "?([^" ]+)"? does not exist'), _no_function),
    (re.compile(r"No function matches the given name and argument types '(.+?)'"), _no_such_call),
    (re.compile(r'Ambiguous reference to column name "(.+?)"(.*)'), _ambiguous),
    (re.compile(r"Values were not provided for the following (?:prepared statement )?parameters: (.+)"), _no_values),
]
