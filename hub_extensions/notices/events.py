"""PURE: what the regular look at leases and budgets gives reason to tell, and to whom. Each look says all of it anew;
what a person was told already is not told again, by the notice's key."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hub_extensions.admission.expiry import MADE_ROOM, Exhausted, Stop
from hub_extensions.notices.notice import Kind, Notice
from hub_extensions.page_frame import words
from hub_extensions.page_frame.share_words import spent_of
from profiles.admission import Balance
from profiles.admission_words import as_they_stand, window_words
from profiles.frozen import EMPTY
from profiles.lease import Lease, LeaveWhy
from profiles.pots import BudgetPot, per_hour

#: How long before a machine is stopped its person is told.
AHEAD = timedelta(minutes=15)
KEPT = "Your home is kept: save what is open in the machine."


@dataclass(frozen=True, slots=True)
class Look:
    """What one look has found. `balances` by id of the lease, `exhausted` since when: as `expiry.due` has them.
    Machines that are being `stopped` now are told of that alone. `as_asked`: leases that are as long as their person
    wanted them. `currency` is the catalog's, of budgets in money; left out: that of each lease."""

    leases: Iterable[Lease]
    balances: Mapping[str, Iterable[Balance]] = field(default_factory=lambda: EMPTY)
    exhausted: Exhausted = field(default_factory=lambda: EMPTY)
    timezone: str = "UTC"
    stopped: tuple[Stop, ...] = ()
    as_asked: Collection[str] = ()
    currency: str = ""


def notices_of(look: Look, now: datetime) -> tuple[Notice, ...]:
    """To those whose machines run: warned of budgets that they draw from, and of their machines' ends."""
    found: dict[tuple[str, str], Notice] = {}
    over = {stop.lease.id for stop in look.stopped}
    for lease in look.leases:
        if lease.began_at is None:
            continue
        ends = () if lease.id in over else (*_time_ends(lease, look, now), *_grace_ends(lease, look, now))
        for notice in (*ends, *_budgets(lease, look, now)):
            found.setdefault((notice.to, notice.key), notice)
    return tuple(found.values())


def stopped(stop: Stop, now: datetime) -> Notice:
    lease = stop.lease
    return Notice(
        to=lease.user,
        kind=Kind.STOPPED,
        key=f"stopped/{lease.id}",
        subject=f"Your {lease.display_name} was stopped",
        text=f"{stop.sentence} {stop.remedy}",
        at=now,
        link="home",
    )


def leaves_key(lease: Lease, why: LeaveWhy, end: datetime) -> str:
    """Of the notice that a machine has to make room."""
    return f"leaves/{lease.id}/{why.value}/{end.astimezone(UTC).isoformat()}"


def told_lately(lease: Lease, known: Iterable[Notice]) -> bool:
    """Less than `AHEAD` before its end, this person was told when the machine has to make room."""
    end, why = lease.leaves_at, lease.leaves_why
    if end is None or why is None:
        return False
    return any(each.key.startswith(leaves_key(lease, why, end)) and end - each.at <= AHEAD for each in known)


def _time_ends(lease: Lease, look: Look, now: datetime) -> Iterator[Notice]:
    """The end that comes first, with its own reason."""
    ends: list[tuple[datetime, str]] = []
    if lease.leaves_at is not None and lease.leaves_why in MADE_ROOM:
        ends.append((lease.leaves_at, f"{_upper(MADE_ROOM[lease.leaves_why])}."))
    if lease.closes_at is not None:
        ends.append((lease.closes_at, "Its hours, or the permission for it, are over then."))
    if lease.began_at is not None and lease.longest is not None:
        longest = "That is as long as it was allowed to run when it started: by its own limit or a budget."
        if lease.id in look.as_asked:
            longest = "That is as long as you asked for."
        ends.append((lease.began_at + lease.longest, longest))
    if not ends:
        return
    end, why = min(ends, key=lambda each: each[0])
    if now < end <= now + AHEAD:
        do = f"{KEPT} You can start a machine again afterwards."
        yield _stops(lease, end, f"{why} {do}", look, now, cause=f"time/{end.isoformat()}")


def _budgets(lease: Lease, look: Look, now: datetime) -> Iterator[Notice]:
    for balance in _drawn_from(lease, look):
        warn_at, limit = balance.pot.budget.warn_at, balance.pot.limit
        passed = max((at for at in warn_at if balance.used * 100 >= limit * at), default=0)
        if passed:
            yield _warned(lease, balance, passed, look.currency or lease.price_per_hour.currency, now)


def _grace_ends(lease: Lease, look: Look, now: datetime) -> Iterator[Notice]:
    for balance in _drawn_from(lease, look):
        pot = balance.pot
        since = look.exhausted.get(pot.pot)
        if since is None or balance.used < pot.limit:
            continue
        end = since + timedelta(seconds=pot.budget.grace.seconds)
        if now < end <= now + AHEAD:
            why = f"{_upper(_whose(pot))} is used up, and machines that draw from it run on for a short time only."
            do = f"{KEPT} “Usage” says what it was used for; ask your administrator if you need more."
            yield _stops(lease, end, f"{why} {do}", look, now, cause=f"budget/{pot.pot.rule}/{since.isoformat()}")


def _drawn_from(lease: Lease, look: Look) -> Iterator[Balance]:
    for balance in look.balances.get(lease.id, ()):
        if balance.pot.limit > 0 and per_hour(balance.pot.budget, lease):
            yield balance


def _warned(lease: Lease, balance: Balance, passed: int, currency: str, now: datetime) -> Notice:
    """`currency` is the catalog's; the lease may have begun in another one."""
    pot = balance.pot
    of = f"{spent_of(pot.budget, balance.used, pot.limit, currency)} {window_words(pot.budget.window)}"
    state = "is used up" if passed >= 100 else f"is {int(balance.used * 100 / pot.limit)} % used"
    do = "Stop a machine that you do not need, or switch to a cheaper one; “Usage” says what it was used for."
    if passed >= 100:
        grace = words.duration(pot.budget.grace.seconds)
        stops = f"within {grace}" if pot.budget.grace.seconds else "now"
        do = f"Machines that draw from it are stopped {stops}, and none can be started. {KEPT}"
    return Notice(
        to=lease.user,
        kind=Kind.BUDGET,
        key=f"budget/{pot.pot.rule}/{pot.pot.per}/{pot.pot.subject}/{_window(pot, now)}/{passed}",
        subject=f"{_upper(_whose(pot))} {state}",
        text=f"{_upper(_whose(pot))} {state}: {of}.{as_they_stand(balance)} {do}",
        at=now,
        link="usage",
    )


def _stops(  # noqa: PLR0913 - one sentence's parts
    lease: Lease, end: datetime, why: str, look: Look, now: datetime, *, cause: str
) -> Notice:
    left, when = words.ahead(end, now), f"at {words.clock_in(look.timezone, end, now)}"
    server = f" (your server “{lease.server}”)" if lease.server else ""
    return Notice(
        to=lease.user,
        kind=Kind.STOPS_SOON,
        key=f"stops/{lease.id}/{cause}",
        subject=f"Your {lease.display_name} stops {when}",
        text=f"Your {lease.display_name}{server} stops {when}, {left}. {why}",
        at=now,
        link="home",
    )


def _window(pot: BudgetPot, now: datetime) -> str:
    """Its name for as long as it lasts. A sliding window begins anew with every look: it is told once per length."""
    if pot.end is not None:
        return pot.begin.isoformat()
    length = now - pot.begin
    return str(int(now.timestamp() // length.total_seconds())) if length else pot.begin.isoformat()


def _whose(pot: BudgetPot) -> str:
    return {"user": "your budget", "hub": "the budget of all"}.get(pot.pot.per, f"the budget of {pot.pot.subject}")


def _upper(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]
