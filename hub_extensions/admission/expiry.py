"""PURE: which machines have to stop, because their time is over or a budget is. `task` stops them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from profiles.admission import Balance
from profiles.lease import EndReason, Lease, LeaveWhy
from profiles.pots import Pot, per_hour
from profiles.quantity import Duration

#: Budgets that are used up, and since when that is known. A Hub that is restarted gives the grace once more.
Exhausted = Mapping[Pot, datetime]


#: Why a machine made room, as its person reads it.
MADE_ROOM = {
    LeaveWhy.RESERVED: "somebody has reserved what it took",
    LeaveWhy.LENT: "your group had borrowed it, and those it belongs to want it back",
}

START_AGAIN = "Your home is as you left it; start a machine to go on."


@dataclass(frozen=True, slots=True)
class Stop:
    """A machine to stop, and what its person reads afterwards (`profiles.ports.Explained`)."""

    lease: Lease
    reason: EndReason
    sentence: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Due:
    stop: tuple[Stop, ...]
    exhausted: Exhausted


def due(
    leases: Iterable[Lease],
    balances: Mapping[str, Iterable[Balance]],
    known: Exhausted,
    now: datetime,
    as_asked: Collection[str] = (),
) -> Due:
    """`balances` by id of the lease: the budgets that it draws from, this lease counted in. `known` is what the last
    look returned. A machine that takes nothing from a budget is not stopped for it. `as_asked`: leases that are as long
    as their person wanted them."""
    exhausted: dict[Pot, datetime] = {}
    stops: list[Stop] = []
    for lease in leases:
        reasons = [*_time_over(lease, now, asked=lease.id in as_asked)]
        for balance in balances.get(lease.id, ()):
            pot = balance.pot
            if balance.used < pot.limit:
                continue
            since = exhausted.setdefault(pot.pot, known.get(pot.pot, now))
            grace = timedelta(seconds=pot.budget.grace.seconds)
            if per_hour(pot.budget, lease) and now - since >= grace:
                whose = {"user": "your budget", "hub": "the budget of all"}.get(pot.pot.per)
                whose = whose or f"the budget of {pot.pot.subject}"
                sentence = f"Your {lease.display_name} was stopped, because {whose} is used up."
                remedy = "Your home is as you left it. The cards say what else you can start, and when there is more."
                reasons.append(Stop(lease, EndReason.OUT_OF_BUDGET, sentence, remedy))
        stops += reasons[:1]
    return Due(tuple(stops), exhausted)


def lived(machine: str, length: timedelta, *, asked: bool) -> str:
    """`asked`: no rule has ended it, but its person's own wish."""
    why = "as you asked" if asked else "as long as it was allowed to run"
    return f"Your {machine} was stopped after {Duration(int(length.total_seconds())).human}, {why}."


def _time_over(lease: Lease, now: datetime, *, asked: bool) -> Iterator[Stop]:
    if lease.leaves_at is not None and now >= lease.leaves_at and lease.leaves_why in MADE_ROOM:
        sentence = f"Your {lease.display_name} was stopped, because {MADE_ROOM[lease.leaves_why]}."
        remedy = "Your home is as you left it. The cards say what is free now, and when there is more."
        yield Stop(lease, EndReason.GIVEN_BACK, sentence, remedy)
    if lease.closes_at is not None and now >= lease.closes_at:
        sentence = f"Your {lease.display_name} was stopped: its hours, or the permission for it, are over."
        yield Stop(lease, EndReason.TIME_OVER, sentence, "Your home is as you left it; its card says when it opens.")
    if lease.longest is not None and lease.began_at is not None and lease.ran(now) >= lease.longest:
        sentence = lived(lease.display_name, lease.longest, asked=asked)
        yield Stop(lease, EndReason.TIME_OVER, sentence, START_AGAIN)
