"""What is promised for later, looked at again and again: reservations that begin and end, the line of those who wait,
machines that make room. Each step is one exclusive transaction; what it decides is pure (`profiles`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub_extensions.admission.books import promises_changed
from hub_extensions.admission.store import Books, Store
from hub_extensions.admission.tables import QUEUE, RESERVATIONS
from profiles.admission import Admit, Decision, Deny, lease_of
from profiles.borrowing import give_back
from profiles.lease import KEPT, Lease, LeaveWhy, Request
from profiles.policy import Policies
from profiles.pots import Pot, ReservedPot, drawn
from profiles.reservations import Leave, Reservation, to_clear
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
    with store.looking() as books:
        leaving = any(lease.leaves_why in {LeaveWhy.RESERVED, LeaveWhy.LENT} for lease in books.leases)
        if not (books.reservations or books.waiting or leaving):
            return Looked()
    looked = _reservations(store, policies, now, tell)
    for _ in range(2 * len(books.waiting) + 1):  # each is called at most once, and passed at most once
        step = _call_next(store, policies, requests, now, tell)
        looked += step
        if step.nothing:
            break
    return looked + _take_back(store, policies, requests, now, tell)


def _say(books: Books, tell: Tell, looked: Looked) -> Looked:
    if not looked.nothing:
        tell(books.connection, looked)
    return looked


def _reservations(store: Store, policies: Policies, now: datetime, tell: Tell) -> Looked:
    with store.changing() as books:
        released, changed = [], False
        for each in books.reservations:
            after = at(each, policies, books, now)
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
        needed = clearings(books.reservations, policies, books, now)
        return _make_room(store, books, needed, LeaveWhy.RESERVED, tell)


def _make_room(store: Store, books: Books, leaves: Sequence[Leave], why: LeaveWhy, tell: Tell) -> Looked:
    """These leave for this reason, and of those who were told so nobody else."""
    needed = {leave.lease.id for leave in leaves}
    spared = tuple(lease for lease in books.leases if lease.leaves_why is why and lease.id not in needed)
    store.stay_in(books, spared)
    told = store.leave_in(books, leaves, why)
    return _say(books, tell, Looked(told=tuple((leave, why) for leave in told), spared=spared))


def at(reservation: Reservation, policies: Policies, books: Books, now: datetime) -> Reservation:
    """The reservation at this moment: taken up by a machine that runs already, over, or released."""
    if now >= reservation.ends_at:
        return replace(reservation, over_at=reservation.ends_at)
    reservable = policies.reservations.get(reservation.rule)
    if reservable is None or reservation.taken_at is not None or now < reservation.begins_at:
        return reservation
    pot = ReservedPot.of(reservation.rule, reservable)
    if any(lease.user == reservation.user for lease in drawn(pot.pot, reservable, books.leases)):
        return replace(reservation, taken_at=now)
    late = now >= reservation.begins_at + timedelta(seconds=reservable.no_show.seconds)
    return replace(reservation, over_at=now) if late else reservation


def clearings(
    reservations: Sequence[Reservation], policies: Policies, books: Books, now: datetime
) -> tuple[Leave, ...]:
    """Every machine that has to make room for these reservations."""
    pots = [ReservedPot.of(rule, each) for rule, each in policies.reservations.items()]
    return tuple(leave for pot in pots for leave in to_clear(pot, reservations, books.leases, now))


def _call_next(
    store: Store, policies: Policies, requests: Mapping[str, Request | None], now: datetime, tell: Tell
) -> Looked:
    """At most one is called in a transaction: the next decision is made by books that have its machine."""
    with store.changing() as books:
        passed, dropped, called, changed = [], [], [], False
        in_vain: set[object] = set()
        for waiting in books.waiting:
            if waiting.kept_until is not None:
                if now < waiting.kept_until and KEPT + waiting.id in books.leases:
                    continue
                passed.append(waiting)
                store.drop_place_in(books, KEPT + waiting.id)
                continue
            request = requests.get(waiting.id, waiting.request)
            if request is None:
                dropped.append(waiting)
                continue
            if called:
                continue
            if request.amounts != waiting.request.amounts:  # the catalog has changed; decided with the next look
                changed = True
                _write(books, waiting.id, {"amounts": request.amounts.to_dict()})
                continue
            if _alike(request, waiting, books) in in_vain:
                continue
            request, decision = decide_place(store, books, replace(request, lease_id=KEPT + waiting.id), policies, now)
            if isinstance(decision, Admit):
                until = now + timedelta(seconds=policies.queue.keep_for.seconds)
                until = min(until, decision.leaves_at or until)
                place = replace(lease_of(request, decision, now), leaves_at=until, leaves_why=LeaveWhy.KEPT)
                store.keep_place_in(books, place)
                called.append(replace(waiting, kept_until=until))
                _write(books, waiting.id, {"kept_until": until})
            elif (pot := waits_for(decision)) != waiting.pot:
                changed = True
                _write(books, waiting.id, pot_columns(pot))
            elif pot is not None and pot.per != "user":
                in_vain.add((pot, request.profile, request.amounts, request.person.groups))
        gone = [waiting.id for waiting in (*passed, *dropped)]
        if gone:
            books.connection.execute(sa.delete(QUEUE).where(QUEUE.c.id.in_(gone)))
        if gone or called or changed:
            promises_changed(books.connection)
        return _say(books, tell, Looked(called=tuple(called), passed=tuple(passed), dropped=tuple(dropped)))


def _would_help(
    store: Store, books: Books, demands: Sequence[Request], policies: Policies, now: datetime
) -> bool:
    """Another rule is in the way of the last of them as well: it may be in the way because of the very machines that
    are lent; otherwise they would be taken in vain."""
    gone = {leave.lease.id for leave in give_back(demands, policies, books.leases, now)}
    return bool(gone) and isinstance(store.decide_in(books, demands[-1], policies, now, gone=gone), Admit)


def _alike(request: Request, waiting: Waiting, books: Books) -> object:
    """What decides about a place where its person has nothing that could: whoever stands behind one like it that waits
    in vain does so too, and need not be decided about. None: machines or reservations of one's own matter."""
    name = request.person.name
    runs = any(lease.server == request.server for lease in books.leases.of_user(name))
    if runs or waiting.pot is None or any(each.user == name for each in books.reservations):
        return None
    return waiting.pot, request.profile, request.amounts, request.person.groups


def decide_place(
    store: Store, books: Books, beside: Request, policies: Policies, now: datetime
) -> tuple[Request, Decision]:
    """For the place that is kept: beside the machine that runs on the same server, or, where the rules allow only one
    of both, instead of it; then the place holds what it takes beyond that machine."""
    decision = store.decide_in(books, beside, policies, now)
    theirs = books.leases.of_user(beside.person.name)
    runs = next((each for each in theirs if each.server == beside.server and not each.is_kept), None)
    if isinstance(decision, Admit) or runs is None:
        return beside, decision
    instead = store.decide_in(books, replace(beside, lease_id=runs.id), policies, now)
    return replace(beside, amounts=beside.amounts.beyond(runs.amounts)), instead


def waits_for(decision: Decision) -> Pot | None:
    """The pot that has too little left; None: it waits for something that is not shared, or for nothing."""
    if isinstance(decision, Admit):
        return None
    return next((each.pot for each in decision.standings if each.pot.rule == decision.rule and not each.fits), None)


def pot_columns(pot: Pot | None) -> dict[str, str | None]:
    if pot is None:
        return {"pot_rule": None, "pot_per": None, "pot_subject": None}
    return {"pot_rule": pot.rule, "pot_per": pot.per, "pot_subject": pot.subject}


def _write(books: Books, place: str, values: Mapping[str, object]) -> None:
    books.connection.execute(sa.update(QUEUE).where(QUEUE.c.id == place).values(values))


def _take_back(
    store: Store, policies: Policies, requests: Mapping[str, Request | None], now: datetime, tell: Tell
) -> Looked:
    """Borrowed machines leave when their owners wait for them, and stay when nobody does any more."""
    wholes = {quota.borrowing.within for quota in policies.quotas.values() if quota.borrowing is not None}
    with store.changing() as books:
        demands = []
        for waiting in books.waiting:
            request = requests.get(waiting.id, waiting.request)
            if request is None or waiting.kept_until is not None or waiting.pot is None:
                continue
            if waiting.pot.rule not in wholes:
                continue
            request, decision = decide_place(store, books, replace(request, lease_id=KEPT + waiting.id), policies, now)
            if not isinstance(decision, Deny) or decision.rule not in wholes:
                continue
            lacking = {each.pot.rule for each in decision.standings if not each.fits}
            if lacking <= wholes or _would_help(store, books, [*demands, request], policies, now):
                demands.append(request)
        return _make_room(store, books, give_back(demands, policies, books.leases, now), LeaveWhy.LENT, tell)
