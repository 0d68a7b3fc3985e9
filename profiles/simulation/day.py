"""Visits through the very decisions of the hub: (catalog, visits, sizes of pools) -> Outcome. Pure, one virtual clock.

comes ─ resolve ─ decide ─┬ refused: in line until called, waits for a yes, or tries again, until patience is over
                          └ held ─ waits for room (first come, first served) ─ begins ─ ends
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from profiles.admission import Admit, Deny
from profiles.cost import charge
from profiles.grants import covering, rules_for
from profiles.lease import KEPT, EndReason, Entry, Lease, LeaseState, Request
from profiles.model import Catalog
from profiles.plan import MachinePlan
from profiles.refusal import Reason, Refusal
from profiles.resolve import resolve
from profiles.simulation.agenda import Agenda, Turn
from profiles.simulation.ahead import Ahead, Hooks
from profiles.simulation.books import Books
from profiles.simulation.outcome import Fate, Moment, Outcome, Refused, Story
from profiles.simulation.overdraft import Overdraft
from profiles.simulation.reserving import reservable, reserve
from profiles.simulation.room import PoolSize, Room
from profiles.simulation.visit import Booking, Visit
from profiles.turns import WAITABLE, can_wait, waits_for
from profiles.waiting import Waiting

#: What waiting may change. For the others one asks a person, or chooses another machine.
WORTH_A_RETRY = WAITABLE | {Reason.OVER_BUDGET, Reason.OUTSIDE_HOURS}
#: What somebody has to say yes to.
ASKED_FOR = frozenset({Reason.NEEDS_APPROVAL, Reason.GRANT_EXPIRED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """Of the cluster and of people, not of the rules."""

    sizes: Mapping[str, PoolSize] = field(default_factory=dict)
    boots_in: timedelta = timedelta(seconds=45)
    """From room on a node until the server answers."""
    idle_timeout: timedelta = timedelta(hours=1)
    """The hub's own, where a profile says nothing; the chart's `cull.timeout`."""
    answers_after: timedelta | None = None
    """How long somebody who asks for a machine waits for the yes; None: nobody asks."""


Watch = Callable[[datetime, Books, Mapping[str, Room]], None]


def simulate(  # noqa: PLR0913, PLR0917 - what a day is made of
    catalog: Catalog,
    visits: Iterable[Visit],
    span: tuple[datetime, datetime],
    circumstances: Circumstances | None = None,
    watch: Watch | None = None,
    bookings: Iterable[Booking] = (),
) -> Outcome:
    """Until the last machine is gone. `watch` is shown the state after every event."""
    day = _Day(catalog, circumstances or Circumstances())
    for booking in bookings:
        day.agenda.put(booking.made_at, Turn.COMES, partial(day.books_it, booking))
    for visit in visits:
        day.agenda.put(visit.comes_at, Turn.COMES, partial(day.comes, _Attempt(visit, visit.goes_away_at)))
    for now in day.agenda.run():
        day.counts_line(now)
        if watch is not None:
            watch(now, day.books, day.rooms)
    return Outcome(
        catalog=catalog,
        begin=span[0],
        end=span[1],
        stories=tuple(sorted(day.stories, key=lambda story: (story.visit.comes_at, story.visit.id))),
        pools={pool: tuple(moments) for pool, moments in day.moments.items()},
        limited=frozenset(pool for pool, room in day.rooms.items() if room.is_limited),
        line=tuple(day.in_line),
        reservations=(*day.books.past, *day.books.reservations),
        not_reserved=day.not_reserved,
    )


@dataclass
class _Attempt:
    """One visit under way. `server`: of the same name as the person's other machines, if need be with another one."""

    visit: Visit
    goes_away_at: datetime
    server: str | None = None
    refusals: list[Refused] = field(default_factory=list)
    plan: MachinePlan | None = None
    asked: bool = False
    joined_at: datetime | None = None
    called_at: datetime | None = None
    room_at: datetime | None = None


class _Day:
    def __init__(self, catalog: Catalog, circumstances: Circumstances) -> None:
        self.catalog, self.circumstances = catalog, circumstances
        self.agenda, self.books = Agenda(), Books(catalog.policies)
        self.ahead = Ahead(self.agenda, self.books, Hooks(self.stops, self.is_called, self.misses))
        self.overdraft = Overdraft(self.agenda, self.books.leases, self.books.spending, self.runs_dry)
        self.under_way: dict[str, _Attempt] = {}
        self.servers: set[tuple[str, str]] = set()
        sizes = circumstances.sizes
        self.rooms = {pool: Room(sizes.get(pool, PoolSize())) for pool in catalog.pools}
        self.waiting: dict[str, dict[str, _Attempt]] = {pool: {} for pool in catalog.pools}
        self.moments: dict[str, list[Moment]] = {pool: [] for pool in catalog.pools}
        self.stories: list[Story] = []
        self.in_line: list[tuple[datetime, int]] = []
        self.not_reserved = 0

    # Coming, and what becomes of it.

    def comes(self, attempt: _Attempt, now: datetime) -> None:
        visit = attempt.visit
        plan = resolve(self.catalog, visit.choice, visit.person)
        if isinstance(plan, Refusal):
            self._refuse(attempt, visit.choice.profile or "", plan, now)
            self._tell(attempt, Fate.LOST)
            return
        attempt.plan = plan
        request = Request.of(visit.id, visit.person, self._server(attempt), plan)
        if not self.rooms[plan.pool_id].ever_fits(request.amounts):
            self._refuse(attempt, plan.pool_id, _never_fits(plan), now)
            self._tell(attempt, Fate.LOST)
            return
        decision = self.books.admit(request, now)
        if isinstance(decision, Admit):
            self._hold(attempt, now)
        else:
            self._refuse(attempt, decision.rule, decision.refusal, now)
            self._wait(attempt, request, decision, now)

    def _server(self, attempt: _Attempt) -> str:
        """In a ledger of weeks somebody may come while the machine of the same name still runs: both count."""
        if attempt.server is None:
            visit = attempt.visit
            key = visit.person.name, visit.server
            attempt.server = f"{visit.server}#{visit.id}" if key in self.servers else visit.server
            self.servers.add((visit.person.name, attempt.server))
        return attempt.server

    def _hold(self, attempt: _Attempt, now: datetime) -> None:
        lease = self._lease(attempt)
        self.under_way[lease.id] = attempt
        self.ahead.held(lease)
        if lease.closes_at is not None:
            self.agenda.put(lease.closes_at, Turn.ENDS, partial(self.stops, lease.id, EndReason.TIME_OVER))
        self.waiting[lease.pool][lease.id] = attempt
        self._serve(lease.pool, now)
        if attempt.room_at is None:
            self.agenda.put(max(now, attempt.goes_away_at), Turn.ENDS, partial(self.gives_up, attempt))

    def _refuse(self, attempt: _Attempt, rule: str, refusal: Refusal, now: datetime) -> None:
        attempt.refusals.append(Refused(now, rule, refusal.reason, refusal.sentence))

    def _wait(self, attempt: _Attempt, request: Request, decision: Deny, now: datetime) -> None:
        """Guards in order: for a yes, in line, for a better moment; else it is given up."""
        visit, reason, answer = attempt.visit, decision.refusal.reason, self.circumstances.answers_after
        self._out_of_line(attempt, now)
        again = now + visit.retries_after
        in_vain = any(each.wanted > each.limit + each.lent for each in decision.standings)
        if reason in ASKED_FOR and answer is not None:
            attempt.asked = True
            attempt.goes_away_at += answer  # who asks for a permission does not sit there meanwhile
            self.agenda.put(now + answer, Turn.COMES, partial(self._is_answered, attempt, request))
        elif attempt.joined_at is None and can_wait(decision) and self._may_join(attempt, now):
            self._join(attempt, request, decision, now)
        elif reason in WORTH_A_RETRY and not in_vain and again <= attempt.goes_away_at:
            self.agenda.put(again, Turn.COMES, partial(self.comes, attempt))
        else:
            self._tell(attempt, Fate.LOST)

    def _is_answered(self, attempt: _Attempt, request: Request, now: datetime) -> None:
        self.books.say_yes(request, now)
        self.comes(attempt, now)

    # In line.

    def _may_join(self, attempt: _Attempt, now: datetime) -> bool:
        queue, name = self.catalog.policies.queue, attempt.visit.person.name
        theirs = sum(each.request.person.name == name for each in self.books.waiting)
        return queue.enabled and theirs < queue.per_person and now < attempt.goes_away_at

    def _join(self, attempt: _Attempt, request: Request, decision: Deny, now: datetime) -> None:
        visit = attempt.visit
        attempt.joined_at = now
        self.under_way[visit.id] = attempt
        place = Waiting(
            id=visit.id,
            request=replace(request, lease_id=f"place of {visit.id}"),
            options=visit.choice.options,
            joined_at=now,
            starts_itself=not visit.answers_after,
            pot=waits_for(decision),
        )
        self.books.line((*self.books.waiting, place))
        self.agenda.put(attempt.goes_away_at, Turn.ENDS, partial(self.leaves_line, attempt))
        self.ahead.line_changed(place.pot, now)

    def is_called(self, waiting: Waiting, now: datetime) -> None:
        """Who is late finds the place gone."""
        attempt = self.under_way[waiting.id]
        attempt.called_at = now
        at = now + attempt.visit.answers_after
        if waiting.kept_until is not None and at < waiting.kept_until:
            self.agenda.put(at, Turn.COMES, partial(self.comes, attempt))

    def misses(self, waiting: Waiting, now: datetime) -> None:
        self._tell(self.under_way.pop(waiting.id), Fate.MISSED)

    def leaves_line(self, attempt: _Attempt, now: datetime) -> None:
        """Unless it was called, or has started."""
        if attempt.called_at is None and self._out_of_line(attempt, now):
            self._tell(attempt, Fate.LEFT)

    def counts_line(self, now: datetime) -> None:
        count = sum(each.kept_until is None for each in self.books.waiting)
        if count != (self.in_line[-1][1] if self.in_line else 0):
            self.in_line.append((now, count))

    def _out_of_line(self, attempt: _Attempt, now: datetime) -> bool:
        """With the place that may be kept for it."""
        place = next((each for each in self.books.waiting if each.id == attempt.visit.id), None)
        if place is None:
            return False
        self.books.line(each for each in self.books.waiting if each is not place)
        self.under_way.pop(attempt.visit.id)
        kept = self.books.remove(KEPT + attempt.visit.id)
        if kept is not None:
            self.ahead.freed(kept, now)
        self.ahead.line_changed(place.pot, now)
        return True

    # Reservations.

    def books_it(self, booking: Booking, now: datetime, *, with_yes: bool = False) -> None:
        """`with_yes`: somebody has been asked for one, and has said it."""
        plan = resolve(self.catalog, booking.choice, booking.person)
        if isinstance(plan, Refusal):
            return
        policies, answer = self.catalog.policies, self.circumstances.answers_after
        request = Request.of(booking.id, booking.person, "", plan)
        pot = reservable(request, policies)
        if pot is None:
            return
        if with_yes:
            self.books.say_yes(request, now)
        grants, at = self.books.grants_of(booking.person.name), max(now, booking.begins_at)
        lacks = any(covering(grants, rule, request, at) is None for rule, _ in rules_for(policies, request))
        if lacks and answer is not None and not with_yes:
            self.agenda.put(now + answer, Turn.COMES, partial(self.books_it, booking, with_yes=True))
            return
        made = reserve(booking, pot, request, self.books, now)
        if made is None:
            self.not_reserved += 1
        else:
            self.ahead.reserved(made, now)

    # Room on nodes.

    def _serve(self, pool: str, now: datetime) -> None:
        """Strictly in turn: who needs much is not overtaken for ever by those who need little."""
        room, line = self.rooms[pool], self.waiting[pool]
        while line:
            attempt = next(iter(line.values()))
            lease = self._lease(attempt)
            if not room.place(lease.id, lease.amounts):
                break
            del line[lease.id]
            attempt.room_at = now
            self.agenda.put(now + self.circumstances.boots_in, Turn.BEGINS, partial(self.begins, attempt))
        moment = Moment(now, room.machines, room.share, len(line))
        moments = self.moments[pool]
        if moments and moments[-1].at == now:
            moments.pop()
        moments.append(moment)

    def gives_up(self, attempt: _Attempt, now: datetime) -> None:
        if attempt.room_at is None:
            self.stops(attempt.visit.id, EndReason.NEVER_RAN, now)

    # The run.

    def _lease(self, attempt: _Attempt) -> Lease:
        lease = self.books.leases.get(attempt.visit.id)
        assert lease is not None, "it was admitted"
        return lease

    def begins(self, attempt: _Attempt, now: datetime) -> None:
        lease = self.books.leases.get(attempt.visit.id)
        if lease is None:
            return  # it had to make room before
        assert attempt.plan is not None, "it was admitted"
        lease = replace(lease, state=LeaseState.RUNNING, began_at=now)
        self.books.put(lease)
        ran, reason = self._run(attempt.visit, attempt.plan, lease)
        self.agenda.put(now + ran, Turn.ENDS, partial(self.stops, lease.id, reason))
        self.overdraft.look(lease.id, now)

    def _run(self, visit: Visit, plan: MachinePlan, lease: Lease) -> tuple[timedelta, EndReason]:
        ran, reason = visit.works_for, EndReason.STOPPED
        if visit.forgets:
            own = plan.idle_timeout
            idle = self.circumstances.idle_timeout if own is None else timedelta(seconds=own.seconds)
            ran, reason = ran + idle, EndReason.CULLED
        if lease.longest is None or ran <= lease.longest:
            return ran, reason
        lifetime = plan.max_lifetime.seconds if plan.max_lifetime else None
        by_lifetime = lifetime is not None and lease.longest.total_seconds() >= lifetime
        return lease.longest, EndReason.CULLED if by_lifetime else EndReason.TIME_OVER

    def runs_dry(self, lease_id: str, now: datetime) -> None:
        self.stops(lease_id, EndReason.OUT_OF_BUDGET, now)

    def stops(self, lease_id: str, reason: EndReason, now: datetime) -> None:
        """Nothing happens where it was stopped before. What has not begun never ran."""
        lease = self.books.leases.get(lease_id)
        if lease is None:
            return
        attempt = self.under_way.pop(lease_id)
        if attempt.room_at is None:
            del self.waiting[lease.pool][lease_id]
        else:
            self.rooms[lease.pool].leave(lease_id)
        ran = lease.began_at is not None
        entry = Entry(
            lease=lease,
            ended_at=now,
            reason=reason if ran else EndReason.NEVER_RAN,
            charge=charge(lease, lease.ran(now)),
        )
        self.books.settle(entry)
        self._tell(attempt, Fate.SERVED if ran else Fate.GAVE_UP, entry)
        self._serve(lease.pool, now)
        self.ahead.freed(lease, now)

    def _tell(self, attempt: _Attempt, fate: Fate, entry: Entry | None = None) -> None:
        visit, room_at = attempt.visit, attempt.room_at
        self.servers.discard((visit.person.name, attempt.server or ""))
        story = Story(
            visit=visit,
            fate=fate,
            pool=attempt.plan.pool_id if attempt.plan is not None else "",
            refusals=tuple(attempt.refusals),
            asked=attempt.asked,
            joined_at=attempt.joined_at,
            called_at=attempt.called_at,
            waited=room_at - visit.comes_at if fate is Fate.SERVED and room_at is not None else None,
            entry=entry,
        )
        self.stories.append(story)


def _never_fits(plan: MachinePlan) -> Refusal:
    sentence = f"No node of the pool {plan.pool_id} is large enough for {plan.display_name}."
    return Refusal(Reason.NEVER_FITS, sentence, "Choose a smaller machine.")
