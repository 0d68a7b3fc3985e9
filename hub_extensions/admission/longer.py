"""A machine that runs is to run longer than it was granted: decided anew, as a start is, and written down in one
transaction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hub_extensions.admission.store import Store
from profiles.admission import Decision, Deny, pays_for
from profiles.choice import LONGEST_RUN
from profiles.lease import Lease, Request
from profiles.lease_book import LeaseBook
from profiles.moments import clock_in
from profiles.policy import Policies
from profiles.pots import draining


@dataclass(frozen=True, slots=True)
class NotLonger:
    """`reason` is a stable code: that of a refused start, or one of those below."""

    reason: str
    sentence: str
    remedy: str


GONE = NotLonger(
    "not-running", "This machine does not run any more, so its time cannot be made longer.", "Start it again."
)
NO_END = NotLonger("no-end", "This machine runs until you stop it: there is no time to make longer.", "")


def lengthen(store: Store, wanted: Request, until: datetime, policies: Policies, now: datetime) -> Lease | NotLonger:
    """The lease as it is from now on. `wanted` is the machine that runs, by the id of its lease; its `longest` is what
    its profile allows. Raises `DatabaseAway`."""
    with store.changing() as books:
        lease = books.leases.get(wanted.lease_id)
        if lease is None or lease.began_at is None:
            return GONE
        # Measured instead of the lease that is out: what it takes is its already.
        request = replace(wanted, person=lease.request().person, longest=until - lease.began_at)
        outcome = judge(lease, wanted.longest, until, store.decide_in(books, request, policies, now), policies, now)
        if isinstance(outcome, Lease) and outcome.longest is not None:
            store.lengthen_in(books, outcome.id, outcome.longest)
        return outcome


def latest(store: Store, wanted: Request, policies: Policies, now: datetime) -> datetime | None:
    """Until when `lengthen` would let it run; None: no longer than it does. Raises `DatabaseAway`."""
    with store.looking() as books:
        lease = books.leases.get(wanted.lease_id)
        if lease is None or lease.began_at is None or lease.longest is None:
            return None
        request = replace(wanted, person=lease.request().person)
        decision = store.decide_in(books, request, policies, now)
        return None if isinstance(decision, Deny) else min(_ends(lease, wanted.longest, decision, now))[0]


def judge(  # noqa: PLR0913, PLR0917 - a lease, its own limit, the wish, and the world around it
    lease: Lease, own: timedelta | None, until: datetime, decision: Decision, policies: Policies, now: datetime
) -> Lease | NotLonger:
    """PURE. `own`: how long its profile lets it run; `decision`: on the whole of its life, as if it began anew."""
    useless = _useless(lease, until, now)
    if useless is not None or lease.began_at is None:
        return useless or GONE
    if isinstance(decision, Deny):
        refusal = decision.refusal
        return NotLonger(str(refusal.reason), f"It cannot run longer: {refusal.sentence}", refusal.remedy)
    end, why = min(_ends(lease, own, decision, now))
    if until > end:
        at = clock_in(policies.timezone, end, now)
        return NotLonger("too-long", f"It can run until {at} at the latest: {why}.", "Choose an earlier time.")
    return replace(lease, longest=until - lease.began_at)


def _useless(lease: Lease, until: datetime, now: datetime) -> NotLonger | None:
    """Whatever the rules say."""
    if lease.began_at is None:
        return GONE
    if lease.longest is None:
        return NO_END
    if until - now > timedelta(seconds=LONGEST_RUN.seconds):
        return NotLonger("too-long", f"Nothing runs longer than {LONGEST_RUN.human}.", "Choose an earlier time.")
    if until <= max(now, lease.began_at + lease.longest):
        return NotLonger("not-longer", "That is no later than it stops already.", "Choose a later time.")
    return None


def _ends(
    lease: Lease, own: timedelta | None, decision: Decision, now: datetime
) -> Iterator[tuple[datetime, str]]:
    """When it has to be over, and why."""
    assert lease.began_at is not None and not isinstance(decision, Deny)
    if own is not None:
        yield lease.began_at + own, "that is its own limit"
    # The decision is on a machine that has used nothing yet; this one has.
    alone = LeaseBook([lease])
    spent = (replace(each, used=each.used + draining(each.pot, alone, now)[0]) for each in decision.balances)
    paid = pays_for(tuple(spent))
    if paid is not None:
        yield now + paid, "what is left of a budget pays for no more"
    for closes_at in (decision.closes_at, lease.closes_at):
        if closes_at is not None:
            yield closes_at, "its hours, or the permission for it, are over then"
    if decision.clear_at is not None:
        yield decision.clear_at, "somebody else has reserved it from then on"
    if lease.leaves_at is not None:
        yield lease.leaves_at, "it has to make room for others then"
    yield datetime.max.replace(tzinfo=now.tzinfo), ""
