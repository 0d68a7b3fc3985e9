"""What came of checks, told as a colleague would: the assumption, what was seen, what to do, when it last held."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from xml.etree import ElementTree

from data_access import html
from data_access.checks.context import Passed
from data_access.checks.kinds import Check, Severity
from data_access.checks.measure import SampleRow, count, shown
from data_access.tables.model import CheckRecord


@dataclass(frozen=True)
class CheckResult:
    """One check's. `severity` is what it counted as: a demoted `stop` is a `warn`, and `demoted_by` says whose."""

    check: Check
    passed: bool
    seen: str
    rows: int = 0
    failed: int = 0
    sample: tuple[SampleRow, ...] = ()
    judged: bool = True
    severity: Severity = "stop"
    demoted_by: str | None = None
    last_passed: Passed | None = None
    #: How many commits back a pass was looked for; 0: it was not.
    looked_back: int = 0

    @property
    def name(self) -> str:
        return self.check.name

    @property
    def stops(self) -> bool:
        return not self.passed and self.severity == "stop"

    @property
    def word(self) -> Literal["passed", "warns", "failed"]:
        return "passed" if self.passed else "failed" if self.stops else "warns"

    def record(self) -> CheckRecord:
        """As a manifest keeps it: no rows, which may be nobody else's business."""
        demoted = f" (demoted from stop by {self.demoted_by})" if self.demoted_by else ""
        return CheckRecord(self.name, self.severity, self.passed, f"{self.seen}{demoted}", self.check.note)

    def history(self) -> str | None:
        """When it last passed, in a sentence; None where nobody looked."""
        if self.last_passed is not None:
            then = self.last_passed
            return f"It last passed in commit {then.number}, {then.at:%Y-%m-%d %H:%M} UTC, by {then.by}."
        if not self.looked_back:
            return None
        if self.looked_back == 1:
            return "It did not pass in the last commit either, and there is no earlier one."
        return f"It passed in none of the last {self.looked_back} commits that were checked."


_MARK = {"passed": "✓", "warns": "!", "failed": "✗"}


@dataclass(frozen=True)
class CheckReport:
    """All results. True when nothing that stops has failed. `outcome` says what became of the data, if anything."""

    subject: str
    results: tuple[CheckResult, ...]
    outcome: str = ""

    def __bool__(self) -> bool:
        return not any(result.stops for result in self.results)

    def __iter__(self) -> Iterator[CheckResult]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)

    @property
    def passed(self) -> bool:
        return bool(self)

    @property
    def failures(self) -> tuple[CheckResult, ...]:
        """Those that stop, then those that warn."""
        failing = [result for result in self.results if not result.passed]
        return tuple(sorted(failing, key=lambda result: not result.stops))

    def summary(self) -> str:
        stops = sum(result.stops for result in self.results)
        warns = len(self.failures) - stops
        if not self.results:
            return f"{self.subject} has no checks."
        if not self.failures:
            return f"{self.subject}: {'its one check passes' if len(self) == 1 else f'all {len(self)} checks pass'}."
        if len(self) == 1:
            return f"{self.subject}: its one check {'fails' if stops else 'warns'}."
        verbs = [f"{stops} {'fails' if stops == 1 else 'fail'}"] if stops else []
        verbs += [f"{warns} {'warns' if warns == 1 else 'warn'}"] if warns else []
        return f"{self.subject}: of {count(len(self), 'check')}, {' and '.join(verbs)}."

    def __str__(self) -> str:
        first = f"{self.summary()} {self.outcome}".strip()
        failing = [_text(result) for result in self.failures]
        passing = [f"✓ {result.check.sentence()}: {result.seen}" for result in self.results if result.passed]
        blocks = [first, *failing, *(["\n".join(passing)] if passing else [])]
        return "\n\n".join(blocks)

    __repr__ = __str__

    def to_frame(self) -> Any:
        """One row per check, as pandas.DataFrame."""
        import pandas

        columns = [
            "name",
            "result",
            "severity",
            "assumption",
            "seen",
            "rows",
            "failed",
            "note",
            "author",
            "last_passed",
        ]
        rows = [
            (
                each.name,
                each.word,
                each.severity,
                each.check.sentence(),
                each.seen,
                each.rows,
                each.failed,
                each.check.note,
                each.check.author,
                each.last_passed.number if each.last_passed else None,
            )
            for each in self.results
        ]
        return pandas.DataFrame(rows, columns=columns).astype({"last_passed": "Int64"})

    def _repr_html_(self) -> str:
        return _html(self)


# Plain text


def _text(result: CheckResult) -> str:
    severity = f"  [{result.severity}{'' if result.severity == 'stop' else 's only'}]"
    lines = [f"{_MARK[result.word]} {result.check.sentence()}{severity}"]
    lines.append(f"  {'Seen' if result.judged else 'Could not be judged'}: {_period(result.seen)}")
    if result.sample:
        lines.append("  For example:" if result.failed > len(result.sample) else "  Namely:")
        lines += [f"    {line}" for line in text_table(result.sample)]
    if result.check.note:
        first, *more = result.check.note.strip().splitlines()
        lines.append(f"  {_from(result.check)}: {first}")
        lines += [f"    {line.strip()}" for line in more]
    if (history := result.history()) is not None:
        lines.append(f"  {history}")
    return "\n".join(lines)


def _period(text: str) -> str:
    return text if text.endswith((".", "…", "!", "?")) else f"{text}."


def _from(check: Check) -> str:
    return f"Note from {check.author}" if check.author else "Note"


def text_table(sample: Sequence[SampleRow]) -> list[str]:
    """Rows in columns of one width; numbers to the right."""
    names = ["row", *sample[0].values]
    cells = [[f"{row.number:,}", *(shown(value, 32) for value in row.values.values())] for row in sample]
    right = [True, *(all(_number(row.values[name]) for row in sample) for name in names[1:])]
    widths = [max(len(name), *(len(row[i]) for row in cells)) for i, name in enumerate(names)]

    def line(words: Sequence[str]) -> str:
        padded = (w.rjust(n) if r else w.ljust(n) for w, n, r in zip(words, widths, right, strict=True))
        return "  ".join(padded).rstrip()

    return [line(names), *(line(row) for row in cells)]


def _number(value: Any) -> bool:
    return value is None or (not isinstance(value, str) and hasattr(value, "__abs__"))


# A notebook

_LABELS = {"passed": "passed", "warns": "warns", "failed": "stops"}


def _html(report: CheckReport) -> str:
    page = html.Page(report.summary(), report.outcome)
    for result in (*report.failures, *(each for each in report.results if each.passed)):
        _block(page.block(result.word, result.check.sentence(), _LABELS[result.word]), result)
    return str(page)


def _block(block: ElementTree.Element, result: CheckResult) -> None:
    seen = result.seen if result.judged else f"Could not be judged: {result.seen}"
    html.add(block, "div", "", _period(seen))
    if result.passed:
        return
    if result.sample:
        names = list(result.sample[0].values)
        kinds = ["count" if all(_number(each.values[name]) for each in result.sample) else "text" for name in names]
        html.add_table(
            block,
            [html.Column("row", "number"), *map(html.Column, names, kinds)],
            [[f"{each.number:,}", *map(shown, each.values.values())] for each in result.sample],
        )
    if result.check.note:
        html.add(block, "b", "", f"{_from(result.check)}: ")
        html.add(block, "span", "lines", result.check.note.strip())
    if (history := result.history()) is not None:
        html.add(block, "div", "dim", history)
