"""Outcomes as text in a terminal."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple
from datetime import datetime, timedelta
from decimal import Decimal

from profiles.lease import MICRO
from profiles.quantity import Money
from profiles.simulation.figures import Figures
from profiles.simulation.replay import Replayed

#: Lines of a list before the rest is only counted.
MOST_LINES = 40

#: `12 min`, `€2.50`, `CHF 2.50`, `–`.
_NUMBER = re.compile("([A-Z]{3} |[^\\w\\s])?[0-9]|–$")

Rows = list[Sequence[str]]


def comparison(many: Sequence[Figures]) -> str:
    """A line for each policy file, then who stood in line, what was promised, the rules that refused, pools, and cost
    by group. What did not happen under any of them is left out."""
    found = (starts(many), line(many), promises(many), rules(many), pools(many), groups(many))
    return "\n\n".join(aligned(rows) for rows in found if len(rows) > 1)


def starts(many: Sequence[Figures]) -> Rows:
    fates = ("visits", "started", "refused", "lost", "left line", "gave up", "cut short")
    heads = ("", *fates, "waited p50", "p95", "max", "cost")
    rows: Rows = [
        (
            each.name,
            str(each.visits),
            str(each.started),
            str(each.refused),
            str(each.lost),
            str(each.line.left + each.line.missed),
            str(each.gave_up),
            str(each.cut_short),
            *(span(seconds) for seconds in (each.waits.p50, each.waits.p95, each.waits.longest)),
            in_cents(each.cost),
        )
        for each in many
    ]
    return [heads, *rows]


def line(many: Sequence[Figures]) -> Rows:
    heads = ("in line", "stood", "called", "waited p50", "p95", "max", "left", "missed the call", "at most at once")
    rows: Rows = [
        (
            each.name,
            str(each.line.stood),
            str(each.line.called),
            *(span(seconds) for seconds in (each.line.waits.p50, each.line.waits.p95, each.line.waits.longest)),
            str(each.line.left),
            str(each.line.missed),
            str(each.line.longest_line),
        )
        for each in many
    ]
    return [heads, *rows] if any(each.line.stood for each in many) else [heads]


def promises(many: Sequence[Figures]) -> Rows:
    heads = ("promised", "asked for a yes", "reserved", "not free", "taken up", "no-shows", "cleared", "given back")
    rows: Rows = [(each.name, *map(str, astuple(each.promises))) for each in many]
    return [heads, *rows] if any(any(astuple(each.promises)) for each in many) else [heads]


def rules(many: Sequence[Figures]) -> Rows:
    rows: Rows = [
        (each.name, rule.rule, rule.reason, str(rule.starts), str(rule.people), str(rule.tries), rule.example)
        for each in many
        for rule in each.rules
    ]
    heads = ("refused by", "rule", "reason", "starts", "people", "tries", "for example")
    return [heads, *rows]


def pools(many: Sequence[Figures]) -> Rows:
    heads = ("pool", "", "in use", "at most", "machines", "at most", "waited p50", "p95", "max", "for room at most")
    rows: Rows = [
        (
            pool,
            each.name,
            percent(figures.mean_share),
            percent(figures.peak_share),
            f"{figures.mean_machines:.1f}",
            str(figures.peak_machines),
            *(span(seconds) for seconds in (figures.waits.p50, figures.waits.p95, figures.waits.longest)),
            str(figures.peak_waiting),
        )
        for pool in dict.fromkeys(pool for each in many for pool in each.pools)
        for each in many
        if (figures := each.pools.get(pool)) is not None
    ]
    return [heads, *rows]


def groups(many: Sequence[Figures]) -> Rows:
    names = dict.fromkeys(group for each in many for group in each.cost_by_group)
    rows: Rows = [
        (group, *(in_cents(each.cost_by_group[group]) if group in each.cost_by_group else "–" for each in many))
        for group in names
    ]
    return [("cost by group", *(each.name for each in many)), *rows]


def replayed(name: str, found: Replayed, currency: str) -> str:
    """Whom the policies of `name` had refused, the most often refused first."""
    share = f" ({len(found.refused) / found.starts:.1%})" if found.starts else ""
    who = {each.entry.lease.user for each in found.refused}
    lines = [
        f"{counted(found.starts, 'start')} of {counted(found.people, 'person', 'people')}. "
        f"{name} would have refused {len(found.refused)}{share} of {counted(len(who), 'person', 'people')}, "
        f"and cut {len(found.cut_short)} short.",
        f"Cost {_micros(found.charged.micros, currency)}, and {_micros(found.instead.micros, currency)} with it.",
    ]
    could_wait = sum(each.could_wait for each in found.refused)
    if could_wait:
        lines.append(f"{could_wait} of the refused could have stood in line for it.")
    tables = [_by_rule(found), _by_person(found), _cut(found)]
    return "\n\n".join(["\n".join(lines), *filter(None, tables)])


def _by_rule(found: Replayed) -> str:
    rules = Counter((each.refused.rule, each.refused.reason) for each in found.refused)
    rows = [(rule, reason, str(count)) for (rule, reason), count in rules.most_common()]
    return aligned([("rule", "reason", "refused"), *rows]) if rows else ""


def _by_person(found: Replayed) -> str:
    starts = Counter((each.entry.lease.user, each.refused.rule) for each in found.refused)
    first = {(each.entry.lease.user, each.refused.rule): each.refused for each in reversed(found.refused)}
    rows = [
        (user, rule, str(count), moment(first[user, rule].at), first[user, rule].sentence)
        for (user, rule), count in starts.most_common()
    ]
    return _long(("who", "rule", "refused", "first on", "and would have read"), rows)


def _cut(found: Replayed) -> str:
    lost: dict[str, list[timedelta]] = {}
    for each in found.cut_short:
        lost.setdefault(each.entry.lease.user, []).append(each.lost)
    ordered = sorted(lost.items(), key=lambda item: (-sum(item[1], timedelta()), item[0]))
    rows = [(user, str(len(many)), span(int(sum(many, timedelta()).total_seconds()))) for user, many in ordered]
    return _long(("who", "runs cut short", "by in all"), rows)


def _long(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    more = f"\n… and {len(rows) - MOST_LINES} more lines" if len(rows) > MOST_LINES else ""
    return aligned([heads, *rows[:MOST_LINES]]) + more


def aligned(rows: Iterable[Sequence[str]]) -> str:
    """Columns of numbers to the right, others to the left."""
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    right = to_the_right(table)
    return "\n".join("  ".join(_placed(row, widths, right)).rstrip() for row in table)


def to_the_right(rows: Sequence[Sequence[str]]) -> list[bool]:
    """Which columns are numbers, below the heads and not the names in front."""
    columns = list(zip(*rows, strict=True))
    numbers = (all(_NUMBER.match(cell) for cell in column[1:]) for column in columns[1:])
    return [False, *numbers]


def _placed(row: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> Iterator[str]:
    for cell, width, to_the_right in zip(row, widths, right, strict=True):
        yield cell.rjust(width) if to_the_right else cell.ljust(width)


def span(seconds: int) -> str:
    """`0 s`, `90 s`, `12 min`, `3.5 h`."""
    if seconds < 60 or (seconds < 120 and seconds % 60):
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds / 3600:.1f}".removesuffix(".0") + " h"


def percent(share: float | None) -> str:
    """A pool without a limit has no share."""
    return "–" if share is None else f"{share:.0%}"


def in_cents(money: Money) -> str:
    return Money(money.amount.quantize(Decimal("0.01")), money.currency).human


def moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def counted(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _micros(micros: int, currency: str) -> str:
    return in_cents(Money(micros / MICRO, currency))
