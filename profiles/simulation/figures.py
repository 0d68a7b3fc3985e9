"""An outcome in numbers: what the table, the report and the JSON say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from profiles.lease import Charge, EndReason, Entry, LeaveWhy
from profiles.quantity import Money
from profiles.simulation.outcome import Fate, Moment, Outcome


@dataclass(frozen=True, slots=True)
class Waits:
    """In seconds; for machines, of those who got one, from the first click until there was room."""

    p50: int
    p95: int
    longest: int

    @classmethod
    def of(cls, waits: Iterable[timedelta]) -> Waits:
        seconds = sorted(int(wait.total_seconds()) for wait in waits)
        return cls(_quantile(seconds, 50), _quantile(seconds, 95), seconds[-1] if seconds else 0)


@dataclass(frozen=True, slots=True)
class LineFigures:
    """Those who stood in line. `waits` until they were called, of those who were; `left` went away before that, and
    `missed` did not come while the machine was kept for them."""

    stood: int
    called: int
    left: int
    missed: int
    waits: Waits
    longest_line: int


@dataclass(frozen=True, slots=True)
class PromiseFigures:
    """`asked` waited for a yes. Of the reservations so many were taken up, and no-shows released; `not_free` wanted one
    and could not have it. Machines of others that were stopped for reservations were `cleared`; borrowed ones that
    their owners wanted were `given_back`."""

    asked: int
    reserved: int
    not_free: int
    taken_up: int
    no_shows: int
    cleared: int
    given_back: int


@dataclass(frozen=True, slots=True)
class PoolFigures:
    """`mean_share` and `peak_share` of what there is; None where the pool has no limit. Machines are counted."""

    waits: Waits
    peak_machines: int
    mean_machines: float
    peak_waiting: int
    mean_share: float | None
    peak_share: float | None


@dataclass(frozen=True, slots=True)
class RuleFigures:
    """`starts` were refused by it at least once, by so many `people`; `tries` counts every time."""

    rule: str
    reason: str
    starts: int
    people: int
    tries: int
    example: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One policy file. A refused start may have been served later: `lost` were not, those who `left` the line or missed
    their call neither (`line`), and `gave_up` found no room."""

    name: str
    visits: int
    started: int
    refused: int
    lost: int
    gave_up: int
    cut_short: int
    waits: Waits
    line: LineFigures
    promises: PromiseFigures
    rules: tuple[RuleFigures, ...]
    pools: Mapping[str, PoolFigures]
    cost: Money
    machine_hours: float
    gpu_hours: float
    cost_by_group: Mapping[str, Money]

    def to_dict(self) -> dict[str, Any]:
        """JSON."""
        plain = asdict(self)
        plain["cost"] = {"amount": str(self.cost.amount), "currency": self.cost.currency}
        plain["cost_by_group"] = {name: str(money.amount) for name, money in self.cost_by_group.items()}
        return plain


def figures(name: str, outcome: Outcome) -> Figures:
    stories, entries = outcome.stories, outcome.entries
    fates = Counter(story.fate for story in stories)
    used = _sum(entry.charge for entry in entries)
    return Figures(
        name=name,
        visits=len(stories),
        started=fates[Fate.SERVED],
        refused=sum(bool(story.refusals) for story in stories),
        lost=fates[Fate.LOST],
        gave_up=fates[Fate.GAVE_UP],
        cut_short=sum(_is_cut_short(entry) for entry in entries),
        waits=Waits.of(story.waited for story in stories if story.waited is not None),
        line=_line(outcome),
        promises=_promises(outcome),
        rules=_rules(outcome),
        pools={pool: _pool(outcome, pool, moments) for pool, moments in outcome.pools.items()},
        cost=_money(outcome, used),
        machine_hours=round(float(used.hours), 1),
        gpu_hours=round(float(used.gpu_hours), 1),
        cost_by_group=_by_group(outcome),
    )


def time_shares(
    moments: Sequence[Moment], begin: datetime, end: datetime, bins: int
) -> list[tuple[float, float, float]]:
    """(share, machines, waiting) on average in each of `bins` equal parts of the span."""
    step = (end - begin) / bins
    sums = [[0.0, 0.0, 0.0] for _ in range(bins)]
    following = [moment.at for moment in moments[1:]]
    for moment, following_at in zip(moments, [*following, end], strict=False):
        at, until = max(moment.at, begin), min(following_at, end)
        while at < until:
            number = min(bins - 1, int((at - begin) / step))
            edge = min(until, begin + (number + 1) * step) if number < bins - 1 else until
            weight = (edge - at) / step
            for place, value in enumerate((moment.share, moment.machines, moment.waiting)):
                sums[number][place] += value * weight
            at = edge
    return [(share, machines, waiting) for share, machines, waiting in sums]


def _line(outcome: Outcome) -> LineFigures:
    stood = [story for story in outcome.stories if story.joined_at is not None]
    fates = Counter(story.fate for story in stood)
    waits = [
        story.called_at - story.joined_at
        for story in stood
        if story.joined_at is not None and story.called_at is not None
    ]
    return LineFigures(
        stood=len(stood),
        called=len(waits),
        left=fates[Fate.LEFT],
        missed=fates[Fate.MISSED],
        waits=Waits.of(waits),
        longest_line=max((count for _, count in outcome.line), default=0),
    )


def _promises(outcome: Outcome) -> PromiseFigures:
    why = Counter(entry.lease.leaves_why for entry in outcome.entries if entry.reason is EndReason.GIVEN_BACK)
    taken_up = sum(each.taken_at is not None for each in outcome.reservations)
    return PromiseFigures(
        asked=sum(story.asked for story in outcome.stories),
        reserved=len(outcome.reservations),
        not_free=outcome.not_reserved,
        taken_up=taken_up,
        no_shows=len(outcome.reservations) - taken_up,
        cleared=why[LeaveWhy.RESERVED],
        given_back=why[LeaveWhy.LENT],
    )


def _pool(outcome: Outcome, pool: str, moments: Sequence[Moment]) -> PoolFigures:
    mean_share, mean_machines, _ = time_shares(moments, outcome.begin, outcome.end, 1)[0]
    limited = pool in outcome.limited
    waits = (story.waited for story in outcome.stories if story.pool == pool and story.waited is not None)
    return PoolFigures(
        waits=Waits.of(waits),
        peak_machines=max((moment.machines for moment in moments), default=0),
        mean_machines=round(mean_machines, 2),
        peak_waiting=max((moment.waiting for moment in moments), default=0),
        mean_share=round(mean_share, 4) if limited else None,
        peak_share=round(max((moment.share for moment in moments), default=0.0), 4) if limited else None,
    )


def _rules(outcome: Outcome) -> tuple[RuleFigures, ...]:
    """Those that refuse most first."""
    found: dict[tuple[str, str], list[tuple[str, str, str]]] = {}
    for story in outcome.stories:
        for each in story.refusals:
            told = (story.visit.id, story.visit.person.name, each.sentence)
            found.setdefault((each.rule, each.reason), []).append(told)
    rules = [
        RuleFigures(
            rule, reason, len({visit for visit, _, _ in each}), len({who for _, who, _ in each}), len(each), each[0][2]
        )
        for (rule, reason), each in found.items()
    ]
    return tuple(sorted(rules, key=lambda rule: (-rule.starts, rule.rule)))


def _is_cut_short(entry: Entry) -> bool:
    return entry.reason in {EndReason.OUT_OF_BUDGET, EndReason.TIME_OVER}


def _by_group(outcome: Outcome) -> dict[str, Money]:
    """The dearest first. Somebody in two groups counts in both, so the sum is more than the total."""
    spent: dict[str, Charge] = {}
    for entry in outcome.entries:
        for group in entry.lease.groups or {"(no group)"}:
            spent[group] = spent.get(group, Charge()) + entry.charge
    ordered = sorted(spent.items(), key=lambda item: (-item[1].micros, item[0]))
    return {group: _money(outcome, charge) for group, charge in ordered}


def _money(outcome: Outcome, used: Charge) -> Money:
    return Money(used.money, outcome.catalog.currency)


def _sum(charges: Iterable[Charge]) -> Charge:
    return sum(charges, start=Charge())


def _quantile(ordered: Sequence[int], percent: int) -> int:
    """The smallest value that so many percent do not exceed."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] if ordered else 0
