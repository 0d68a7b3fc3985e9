"""Visits through the very decisions of the hub: (catalog, visits, sizes of pools) -> Outcome. Pure, one virtual clock.

comes ─ resolve ─ decide ─┬ refused: again later, until patience is over
                          └ held ─ waits for room (first come, first served) ─ begins ─ ends
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from profiles.admission import Deny, decide, lease_of
from profiles.cost import charge
from profiles.lease import EndReason, Entry, Lease, LeaseState, Request
from profiles.lease_book import LeaseBook
from profiles.model import Catalog
from profiles.plan import MachinePlan
from profiles.refusal import Reason, Refusal
from profiles.resolve import resolve
from profiles.simulation.agenda import Agenda, Turn
from profiles.simulation.outcome import Fate, Moment, Outcome, Refused, Story
from profiles.simulation.overdraft import Overdraft
from profiles.simulation.room import PoolSize, Room
from profiles.simulation.spending import Spending
from profiles.simulation.visit import Visit
from profiles.snapshot import Snapshot

#: What waiting may change. For the others one asks a person, or chooses another machine.
WORTH_A_RETRY = frozenset({Reason.OVER_QUOTA, Reason.OVER_BUDGET, Reason.OUTSIDE_HOURS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """Of the cluster, not of the rules."""

    sizes: Mapping[str, PoolSize] = field(default_factory=dict)
    boots_in: timedelta = timedelta(seconds=45)
    """From room on a node until the server answers."""
    idle_timeout: timedelta = timedelta(hours=1)
    """The hub's own, where a profile says nothing; the chart's `cull.timeout`."""


Watch = Callable[[datetime, LeaseBook, Mapping[str, Room]], None]


def simulate(
    catalog: Catalog,
    visits: Iterable[Visit],
    span: tuple[datetime, datetime],
    circumstances: Circumstances | None = None,
    watch: Watch | None = None,
) -> Outcome:
    """Until the last machine is gone. `watch` is shown the state after every event."""
    day = _Day(catalog, circumstances or Circumstances())
    for visit in visits:
        day.agenda.put(visit.comes_at, Turn.COMES, partial(day.comes, _Attempt(visit)))
    for now in day.agenda.run():
        if watch is not None:
            watch(now, day.book, day.rooms)
    return Outcome(
        catalog=catalog,
        begin=span[0],
        end=span[1],
        stories=tuple(sorted(day.stories, key=lambda story: (story.visit.comes_at, story.visit.id))),
        pools={pool: tuple(moments) for pool, moments in day.moments.items()},
        limited=frozenset(pool for pool, room in day.rooms.items() if room.is_limited),
    )


@dataclass
class _Attempt:
    """One visit under way."""

    visit: Visit
    refusals: list[Refused] = field(default_factory=list)
    plan: MachinePlan | None = None
    lease: Lease | None = None
    room_at: datetime | None = None


class _Day:
    def __init__(self, catalog: Catalog, circumstances: Circumstances) -> None:
        self.catalog, self.circumstances = catalog, circumstances
        self.agenda, self.book, self.spending = Agenda(), LeaseBook(), Spending(catalog.policies)
        self.overdraft = Overdraft(self.agenda, self.book, self.spending, self.stops)
        self.running: dict[str, _Attempt] = {}
        sizes = circumstances.sizes
        self.rooms = {pool: Room(sizes.get(pool, PoolSize())) for pool in catalog.pools}
        self.waiting: dict[str, dict[str, _Attempt]] = {pool: {} for pool in catalog.pools}
        self.moments: dict[str, list[Moment]] = {pool: [] for pool in catalog.pools}
        self.stories: list[Story] = []

    def comes(self, attempt: _Attempt, now: datetime) -> None:
        visit = attempt.visit
        plan = resolve(self.catalog, visit.choice, visit.person)
        if isinstance(plan, Refusal):
            self._refuse(attempt, visit.choice.profile or "", plan, now)
            return
        attempt.plan = plan
        request = Request.of(visit.id, visit.person, visit.server, plan)
        if not self.rooms[plan.pool_id].ever_fits(request.amounts):
            self._refuse(attempt, plan.pool_id, _never_fits(plan), now)
            return
        snapshot = Snapshot(self.book, self.spending.of(request, now))
        decision = decide(request, snapshot, self.catalog.policies, now)
        if isinstance(decision, Deny):
            too_large = any(standing.wanted > standing.limit for standing in decision.standings)
            self._refuse(attempt, decision.rule, decision.refusal, now, in_vain=too_large)
            return
        attempt.lease = lease_of(request, decision, now)
        self.book.put(attempt.lease)
        self.waiting[plan.pool_id][visit.id] = attempt
        self._serve(plan.pool_id, now)
        if attempt.room_at is None:
            self.agenda.put(max(now, visit.goes_away_at), Turn.ENDS, partial(self.gives_up, attempt))

    def _refuse(self, attempt: _Attempt, rule: str, refusal: Refusal, now: datetime, in_vain: bool = False) -> None:
        visit = attempt.visit
        attempt.refusals.append(Refused(now, rule, refusal.reason, refusal.sentence))
        again = now + visit.retries_after
        if refusal.reason in WORTH_A_RETRY and not in_vain and again <= visit.goes_away_at:
            self.agenda.put(again, Turn.COMES, partial(self.comes, attempt))
        else:
            self._tell(attempt, Fate.LOST)

    def _serve(self, pool: str, now: datetime) -> None:
        """Strictly in turn: who needs much is not overtaken for ever by those who need little."""
        room, line = self.rooms[pool], self.waiting[pool]
        while line:
            attempt = next(iter(line.values()))
            assert attempt.lease is not None, "only who was admitted waits for room"
            if not room.place(attempt.lease.id, attempt.lease.amounts):
                break
            del line[attempt.visit.id]
            attempt.room_at = now
            self.agenda.put(now + self.circumstances.boots_in, Turn.BEGINS, partial(self.begins, attempt))
        moment = Moment(now, room.machines, room.share, len(line))
        moments = self.moments[pool]
        if moments and moments[-1].at == now:
            moments.pop()
        moments.append(moment)

    def gives_up(self, attempt: _Attempt, now: datetime) -> None:
        if attempt.room_at is None and attempt.lease is not None:
            del self.waiting[attempt.lease.pool][attempt.visit.id]
            self._close(attempt, Fate.GAVE_UP, EndReason.NEVER_RAN, now)

    def begins(self, attempt: _Attempt, now: datetime) -> None:
        assert attempt.lease is not None and attempt.plan is not None, "it was admitted"
        attempt.lease = replace(attempt.lease, state=LeaseState.RUNNING, began_at=now)
        self.book.put(attempt.lease)
        ran, reason = self._run(attempt.visit, attempt.plan, attempt.lease)
        self.running[attempt.lease.id] = attempt
        self.agenda.put(now + ran, Turn.ENDS, partial(self.ends, attempt, reason))
        self.overdraft.look(attempt.lease.id, now)

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

    def stops(self, lease_id: str, now: datetime) -> None:
        self.ends(self.running[lease_id], EndReason.OUT_OF_BUDGET, now)

    def ends(self, attempt: _Attempt, reason: EndReason, now: datetime) -> None:
        """Nothing happens where it was stopped before."""
        if attempt.lease is None or self.running.pop(attempt.lease.id, None) is None:
            return
        self.rooms[attempt.lease.pool].leave(attempt.lease.id)
        self._close(attempt, Fate.SERVED, reason, now)

    def _close(self, attempt: _Attempt, fate: Fate, reason: EndReason, now: datetime) -> None:
        lease = attempt.lease
        assert lease is not None, "it was admitted"
        self.book.remove(lease.id)
        entry = Entry(lease=lease, ended_at=now, reason=reason, charge=charge(lease, lease.ran(now)))
        self.spending.add(entry)
        self._tell(attempt, fate, entry)
        self._serve(lease.pool, now)

    def _tell(self, attempt: _Attempt, fate: Fate, entry: Entry | None = None) -> None:
        visit, room_at = attempt.visit, attempt.room_at
        story = Story(
            visit=visit,
            fate=fate,
            pool=attempt.plan.pool_id if attempt.plan is not None else "",
            refusals=tuple(attempt.refusals),
            waited=None if room_at is None else room_at - visit.comes_at,
            entry=entry,
        )
        self.stories.append(story)


def _never_fits(plan: MachinePlan) -> Refusal:
    sentence = f"No node of the pool {plan.pool_id} is large enough for {plan.display_name}."
    return Refusal(Reason.NEVER_FITS, sentence, "Choose a smaller machine.")
