"""What is promised for later, looked at again and again: reservations that begin and end, the line of those who wait,
machines that make room. Each step is one exclusive transaction; what it decides is pure (`profiles`)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub_extensions.admission.books import promises_changed
from hub_extensions.admission.store import Books, Store
from hub_extensions.admission.tables import QUEUE, RESERVATIONS
from profiles.admission import Decision
from profiles.lease import KEPT, Lease, LeaveWhy, Request
from profiles.policy import Policies
from profiles.pots import Pot
from profiles.reservations import Leave, Reservation
from profiles.turns import Decide, Line, clearings, decide_place, next_step, reservation_at, spared, to_give_back
from profiles.waiting import Waiting


@dataclass(frozen=True, slots=True)
class Looked:
    """What is news. `called`: a machine is kept for them until `kept_until`. `passed`: they were called and did not
    come. `dropped`: what they wait for is not offered to them any more. `told`: machines that have to make room.
    `spared`: machines that were told so, and may stay. `released`: reservations that nobody has taken up."""

    called: tuple[Waiting, ...] = ()
    passed: tuple[Waiting, ...] = ()
    dropped: tuple[Waiting, ...] = ()
    told: tuple[tuple[Leave, LeaveWhy], ...] = ()
    released: tuple[Reservation, ...] = ()
    spared: tuple[Lease, ...] = ()

    def __add__(self, other: Looked) -> Looked:
        return Looked(
            self.called + other.called,
            self.passed + other.passed,
            self.dropped + other.dropped,
            self.told + other.told,
            self.released + other.released,
            self.spared + other.spared,
        )

    @property
    def nothing(self) -> bool:
        return self == Looked()


#: Told within each transaction what it has changed: what people are told of it is written with it, or not at all.
Tell = Callable[[Connection, Looked], None]


def tell_nobody(connection: Connection, looked: Looked) -> None:
    return None


def look_ahead(
    store: Store,
    policies: Policies,
    requests: Mapping[str, Request | None],
    now: datetime,
    tell: Tell = tell_nobody,
) -> Looked:
    """Everything that is due. `requests`: by the place's id what it waits for, as the catalog offers it now; None: it
    does not any more. Raises `DatabaseAway`."""
    return sum(steps(store, policies, requests, now, tell), Looked())


def steps(
    store: Store,
    policies: Policies,
    requests: Mapping[str, Request | None],
    now: datetime,
    tell: Tell = tell_nobody,
) -> Iterator[Looked]:
    """`look_ahead`, one transaction after the other: between two of them others have their turn."""
    with store.looking() as books:
        leaving = any(lease.leaves_why in {LeaveWhy.RESERVED, LeaveWhy.LENT} for lease in books.leases)
        if not (books.reservations or books.waiting or leaving):
            return
    yield _reservations(store, policies, now, tell)
    judge = _Judge(store, policies, now)
    for _ in range(2 * len(books.waiting) + 1):  # each is called at most once, and passed at most once
        step = _call_next(judge, requests, tell)
        yield step
        if step.nothing:
            break
    yield _take_back(judge, requests, tell)


class _Judge:
    """Decides about places; about each once, for as long as the books stay as they are."""

    def __init__(self, store: Store, policies: Policies, now: datetime) -> None:
        self.store, self.policies, self.now = store, policies, now
        self._known: dict[str, tuple[Request, Decision]] = {}
        self._made_of: tuple[object, ...] | None = None

    def decides(self, books: Books) -> Decide:
        """In this transaction."""
        made_of = books.leases, books.leases.changes, books.reservations, books.waiting
        # Permissions are given without a change of the books.
        if self.policies.approvals or self._made_of is None or not _same(self._made_of, made_of):
            self._known, self._made_of = {}, made_of

        def decide(request: Request, *, gone: Collection[str] = ()) -> Decision:
            if gone:
                return self.store.decide_in(books, request, self.policies, self.now, gone=gone)
            asked, decision = self._known.get(request.lease_id, (None, None))
            if decision is None or asked != request:
                decision = self.store.decide_in(books, request, self.policies, self.now)
                self._known[request.lease_id] = request, decision
            return decision

        return decide


def _same(one: tuple[object, ...], other: tuple[object, ...]) -> bool:
    """The very same objects, and equal numbers."""
    pairs = zip(one, other, strict=True)
    return all(mine is theirs or (isinstance(mine, int) and mine == theirs) for mine, theirs in pairs)


def _say(books: Books, tell: Tell, looked: Looked) -> Looked:
    if not looked.nothing:
        tell(books.connection, looked)
    return looked


def _reservations(store: Store, policies: Policies, now: datetime, tell: Tell) -> Looked:
    with store.changing() as books:
        released, changed = [], False
        for each in books.reservations:
            after = reservation_at(each, policies, books.leases, now)
            if after == each:
                continue
            changed = True
            values = {"taken_at": after.taken_at, "over_at": after.over_at}
            books.connection.execute(sa.update(RESERVATIONS).where(RESERVATIONS.c.id == each.id).values(values))
            if after.over_at is not None and after.over_at < each.ends_at:
                released.append(after)
        if changed:
            promises_changed(books.connection)
            # The machines that make room are thought of with the next look.
            return _say(books, tell, Looked(released=tuple(released)))
        needed = clearings(books.reservations, policies, books.leases, now)
        return _make_room(store, books, needed, LeaveWhy.RESERVED, tell)


def _make_room(store: Store, books: Books, leaves: Sequence[Leave], why: LeaveWhy, tell: Tell) -> Looked:
    """These leave for this reason, and of those who were told so nobody else."""
    staying = spared(leaves, why, books.leases)
    store.stay_in(books, staying)
    told = store.leave_in(books, leaves, why)
    return _say(books, tell, Looked(told=tuple((leave, why) for leave in told), spared=staying))


def _call_next(judge: _Judge, requests: Mapping[str, Request | None], tell: Tell) -> Looked:
    """At most one is called in a transaction: the next decision is made by books that have its machine."""
    store = judge.store
    with store.changing() as books:
        step = next_step(_line(books, judge.policies, requests), judge.decides(books), judge.now)
        if step.nothing:
            return Looked()
        for waiting in step.passed:
            store.drop_place_in(books, KEPT + waiting.id)
        for waiting, amounts in step.resized:
            _write(books, waiting.id, {"amounts": amounts.to_dict()})
        for waiting, pot in step.moved:
            _write(books, waiting.id, pot_columns(pot))
        for waiting in step.called:
            assert step.place is not None, "whoever is called has a place"
            store.keep_place_in(books, step.place)
            _write(books, waiting.id, {"kept_until": waiting.kept_until})
        gone = [waiting.id for waiting in (*step.passed, *step.dropped)]
        if gone:
            books.connection.execute(sa.delete(QUEUE).where(QUEUE.c.id.in_(gone)))
        promises_changed(books.connection)
        return _say(books, tell, Looked(called=step.called, passed=step.passed, dropped=step.dropped))


def _take_back(judge: _Judge, requests: Mapping[str, Request | None], tell: Tell) -> Looked:
    """Borrowed machines leave when their owners wait for them, and stay when nobody does any more."""
    with judge.store.changing() as books:
        leaves = to_give_back(_line(books, judge.policies, requests), judge.decides(books), judge.now)
        return _make_room(judge.store, books, leaves, LeaveWhy.LENT, tell)


def place_decision(
    store: Store, books: Books, beside: Request, policies: Policies, now: datetime
) -> Decision:
    """What a place in line would be given by these books."""
    return decide_place(beside, books.leases, _Judge(store, policies, now).decides(books))[1]


def _line(books: Books, policies: Policies, requests: Mapping[str, Request | None]) -> Line:
    return Line(
        waiting=books.waiting,
        requests=requests,
        book=books.leases,
        reservations=books.reservations,
        policies=policies,
    )


def pot_columns(pot: Pot | None) -> dict[str, str | None]:
    if pot is None:
        return {"pot_rule": None, "pot_per": None, "pot_subject": None}
    return {"pot_rule": pot.rule, "pot_per": pot.per, "pot_subject": pot.subject}


def _write(books: Books, place: str, values: Mapping[str, object]) -> None:
    books.connection.execute(sa.update(QUEUE).where(QUEUE.c.id == place).values(values))
