"""Leases and the ledger in SQL. Each method is one transaction; one that writes is exclusive, so that what a start was
decided by is still true when it is written."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub_extensions.admission import spent
from hub_extensions.admission.books import LiveBook, bury
from hub_extensions.admission.currencies import billed_in
from hub_extensions.admission.database import Database, DatabaseAway, together
from hub_extensions.admission.life import again, has_ended, is_spent, places_kept, settle, take_up, used_up
from hub_extensions.admission.rows import MICROSECOND, entry_of, entry_row, lease_row
from hub_extensions.admission.spent import UsedHour
from hub_extensions.admission.tables import LEASES, LEDGER, LEDGER_GROUPS, STATE
from profiles.admission import Admit, Decision, decide, lease_of
from profiles.amounts import total
from profiles.grants import Grant
from profiles.lease import KEPT, EndReason, Entry, Lease, LeaveWhy, Request
from profiles.lease_book import BY_AGE, LeaseBook
from profiles.policy import Policies
from profiles.pots import Pot, budget_pots
from profiles.reservations import Leave, Reservation
from profiles.snapshot import Snapshot
from profiles.turns import is_news
from profiles.waiting import Waiting

log = logging.getLogger(__name__)

# Made once: to put a statement together takes longer than to run it.
HOLD, INTO_LEDGER, INTO_GROUPS = sa.insert(LEASES), sa.insert(LEDGER), sa.insert(LEDGER_GROUPS)
BEGAN = (
    sa.update(LEASES)
    .where(LEASES.c.id == sa.bindparam("lease_id"))
    .values(began_at=sa.bindparam("began"), changed=sa.bindparam("version"))
)
LEAVES = (
    sa.update(LEASES)
    .where(LEASES.c.id == sa.bindparam("leave"))
    .values(leaves_at=sa.bindparam("at"), leaves_why=sa.bindparam("why"), changed=sa.bindparam("version"))
)
LASTS = (
    sa.update(LEASES)
    .where(LEASES.c.id == sa.bindparam("lasting"))
    .values(longest_us=sa.bindparam("longest"), changed=sa.bindparam("version"))
)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: The grants of one person, read in the transaction that decides by them.
GrantsOf = Callable[[Connection, str], tuple[Grant, ...]]


@dataclass(frozen=True, slots=True)
class Books:
    """Everything that decisions are made by, within one exclusive transaction. `leases` is the store's own book: for
    reading, and as it was when the transaction began."""

    connection: Connection
    leases: LeaseBook
    reservations: tuple[Reservation, ...]
    waiting: tuple[Waiting, ...]


@dataclass(frozen=True, slots=True)
class Promise:
    """What a server starts next, by which rules."""

    request: Request
    policies: Policies


def no_grants(connection: Connection, user: str) -> tuple[Grant, ...]:
    return ()


class Store:
    """Several may share one database, in one process or in several. Raises `DatabaseAway`."""

    def __init__(self, database: Database, grants_of: GrantsOf = no_grants, currency: str = "") -> None:
        """`currency` is the catalog's."""
        self.database = database
        self.grants_of = grants_of
        self.currency = currency
        #: Currencies other than the catalog's in which something was billed; `currencies` finds them at the Hub's boot.
        self.other_currencies: frozenset[str] = frozenset()
        self._book = LiveBook()
        self._book_lock = threading.Lock()

    # A lease's life.

    def admit(self, request: Request, policies: Policies, now: datetime) -> Decision:
        """Decide and, if so, hold, before anybody else may. The same request again gets the same answer. A place that
        is kept for this server since its last machine ended is taken up."""
        with self._writing() as (connection, book):
            held = book.get(request.lease_id)
            if is_spent(connection, request, held):
                return used_up(request)
            kept = places_kept(book, request)
            decision = decide(request, self._snapshot(connection, book, policies, request, now), policies, now)
            if held is not None:
                return again(held, decision)
            if isinstance(decision, Admit):
                with together(connection):
                    self._put(connection, lease_of(request, decision, now))
                    for place in kept:
                        bury(connection, place.id, self._book.count(connection))
                    take_up(connection, request, policies, self._book, now)
            return decision

    def adopt(self, lease: Lease, now: datetime) -> None:
        """Write down what runs already, without a decision. What is known is left as it is."""
        with self._writing() as (connection, book):
            if lease.id in book:
                return
            if has_ended(connection, lease.id):
                log.warning("Lease %s of %s has ended and is not taken up again", lease.id, lease.user)
                return
            self._put(connection, lease)

    def began(self, lease_id: str, at: datetime, now: datetime) -> None:
        """From here on it costs. The first time counts; what is unknown or over is left alone."""
        with self._writing() as (connection, book):
            lease = book.get(lease_id)
            if lease is None or lease.began_at is not None:
                return
            version = self._book.count(connection)
            connection.execute(BEGAN, {"lease_id": lease_id, "began": at, "version": version})

    def ended(  # noqa: PLR0913, PLR0917 - what is known of an end
        self,
        lease_id: str,
        at: datetime,
        reason: EndReason,
        now: datetime,
        then: Promise | None = None,
        policies: Policies | None = None,
    ) -> Entry | None:
        """Off the leases and into the ledger, once. None: it was ended already, or never known. `then`: what the same
        server is to start next; its place is taken before anybody else can have it. By `policies` a place that the
        line keeps for the server takes what this one leaves."""
        with self._writing() as (connection, book):
            lease = book.get(lease_id)
            if lease is None:
                return None
            if lease_id.startswith(KEPT):
                bury(connection, lease_id, self._book.count(connection))
                return None
            entry = settle(lease, at, reason)
            with together(connection):
                bury(connection, lease_id, self._book.count(connection))
                connection.execute(INTO_LEDGER, entry_row(entry))
                if lease.groups:
                    groups = [
                        {"group_name": name, "ended_at": at, "lease_id": lease_id} for name in sorted(lease.groups)
                    ]
                    connection.execute(INTO_GROUPS, groups)
                spent.add(connection, entry)
            if then is not None:
                self._keep_place(connection, book, lease, then, now)
            elif policies is not None:
                self._widen_place(connection, book, lease, policies, now)
            return entry

    # Looking.

    def foresee(self, request: Request, policies: Policies, now: datetime) -> Decision:
        """What `admit` would answer now. Nothing is written."""
        with self._reading() as (connection, book):
            return decide(request, self._snapshot(connection, book, policies, request, now), policies, now)

    def foresee_all(self, requests: Sequence[Request], policies: Policies, now: datetime) -> tuple[Decision, ...]:
        """`foresee` of many of one person's, at one moment: what budgets have left is looked up once for all machines
        that draw from the same ones."""
        decisions: list[Decision] = []
        with self._reading() as (connection, book):
            known: dict[tuple[str, tuple[Pot, ...]], Snapshot] = {}
            for request in requests:
                key = request.lease_id, tuple(pot.pot for pot in budget_pots(policies, request, now))
                if key not in known:
                    known[key] = self._snapshot(connection, book, policies, request, now)
                decisions.append(decide(request, known[key], policies, now))
        return tuple(decisions)

    def snapshot(self, policies: Policies, request: Request, now: datetime) -> Snapshot:
        """What a decision about this request would be made by; a copy, which stays as it is."""
        with self._reading() as (connection, book):
            found = self._snapshot(connection, book, policies, request, now)
            return replace(found, book=book.copy(), thought={})

    def leases(self) -> tuple[Lease, ...]:
        """Everything that is out, in the order in which it was granted."""
        with self._reading() as (_, book):
            return tuple(sorted(book, key=BY_AGE))

    def ledger(  # noqa: PLR0913 - what can be asked of a ledger, by name
        self,
        *,
        since: datetime,
        until: datetime,
        user: str | None = None,
        group: str | None = None,
        limit: int = 10_000,
        before: tuple[datetime, str] | None = None,
    ) -> tuple[Entry, ...]:
        """What ended from `since` on, before `until`; newest first. `before`: (ended_at, lease's id) of the last entry
        of the page before."""
        asked = sa.select(LEDGER).order_by(LEDGER.c.ended_at.desc(), LEDGER.c.lease_id.desc()).limit(limit)
        ended, lease_id = LEDGER.c.ended_at, LEDGER.c.lease_id
        if group is not None:
            theirs = LEDGER_GROUPS.c
            asked = (
                sa.select(LEDGER)
                .join(LEDGER_GROUPS, theirs.lease_id == LEDGER.c.lease_id)
                .where(theirs.group_name == group)
                .order_by(theirs.ended_at.desc(), theirs.lease_id.desc())
                .limit(limit)
            )
            ended, lease_id = theirs.ended_at, theirs.lease_id
        asked = asked.where(ended >= since, ended < until)
        if user is not None:
            asked = asked.where(LEDGER.c.user_name == user)
        if before is not None:
            asked = asked.where(sa.tuple_(ended, lease_id) < sa.tuple_(*_typed(before)))
        with self.database.reading() as connection:
            return tuple(entry_of(row) for row in connection.execute(asked).mappings())

    def used(
        self,
        *,
        since: datetime,
        until: datetime,
        by: Literal["user", "group", "profile"],
        name: str | None = None,
    ) -> tuple[UsedHour, ...]:
        """The ledger by subject, profile and UTC hour: the hours that begin from `since` on, before `until`."""
        with self.database.reading() as connection:
            return spent.used_hours(connection, since=since, until=until, by=by, name=name)

    # The Hub's own heartbeat.

    def seen(self, now: datetime) -> None:
        """The Hub was up at this moment: a run that is lost while it is away ended at its last one, for the bill."""
        with self.database.writing() as connection:
            connection.execute(sa.update(STATE).values(seen_at=now))

    def write_nothing(self) -> None:
        """A write that leaves nothing: whether a disk is full only a commit can tell, and SQLite writes no page where a
        value is only replaced by itself."""
        with self.database.writing() as connection:
            seen = connection.execute(sa.select(STATE.c.seen_at)).scalar_one()
            for at in (EPOCH, seen):
                connection.execute(sa.update(STATE).values(seen_at=at))

    def last_seen(self) -> datetime | None:
        with self.database.reading() as connection:
            return connection.execute(sa.select(STATE.c.seen_at)).scalar_one()

    # For promises, which lie beside the leases (`ahead`, and whoever writes reservations or the line).

    @contextmanager
    def changing(self) -> Iterator[Books]:
        """One exclusive transaction over leases and promises. What changes promises says `promises_changed`."""
        with self._writing() as (connection, book):
            yield Books(connection, book, self._book.reservations, self._book.waiting)

    @contextmanager
    def looking(self) -> Iterator[Books]:
        """The same, for reading only."""
        with self._reading() as (connection, book):
            yield Books(connection, book, self._book.reservations, self._book.waiting)

    def decide_in(
        self, books: Books, request: Request, policies: Policies, now: datetime, *, gone: Collection[str] = ()
    ) -> Decision:
        """What `admit` would answer, within this transaction; as if the leases `gone` were over."""
        snapshot = self._snapshot(books.connection, books.leases, policies, request, now)
        if gone:
            book = books.leases.copy()
            for lease_id in gone:
                book.remove(lease_id)
            snapshot = replace(snapshot, book=book, thought={})
        return decide(request, snapshot, policies, now)

    def keep_place_in(self, books: Books, lease: Lease) -> None:
        """Hold a place (`KEPT`) within this transaction."""
        self._put(books.connection, lease)

    def leave_in(self, books: Books, leaves: Iterable[Leave], why: LeaveWhy) -> tuple[Leave, ...]:
        """Write down when machines have to make room; returns those to whom that is news. One that has to leave sooner
        for another reason is left as it is, and so are places that are kept: they end by themselves."""
        told = tuple(leave for leave in leaves if is_news(leave, why))
        self._set_leaving(books, [(leave.lease.id, leave.at, why.value) for leave in told])
        return told

    def stay_in(self, books: Books, leases: Iterable[Lease]) -> None:
        """They need not make room any more."""
        self._set_leaving(books, [(lease.id, None, None) for lease in leases])

    def lengthen_in(self, books: Books, lease_id: str, longest: timedelta) -> None:
        """From now on it may run so long in all; `longer` decides."""
        values = {"lasting": lease_id, "longest": longest // MICROSECOND, "version": self._book.count(books.connection)}
        books.connection.execute(LASTS, values)

    def drop_place_in(self, books: Books, lease_id: str) -> None:
        """A place that was kept (`KEPT`) is free again; what is no such place stays."""
        if lease_id in books.leases and lease_id.startswith(KEPT):
            bury(books.connection, lease_id, self._book.count(books.connection))

    def _set_leaving(self, books: Books, leaving: Sequence[tuple[str, datetime | None, str | None]]) -> None:
        if leaving:
            version = self._book.count(books.connection)
            for lease_id, at, why in leaving:
                values = {"leave": lease_id, "at": at, "why": why, "version": version}
                books.connection.execute(LEAVES, values)

    # Within a transaction.

    @contextmanager
    def _writing(self) -> Iterator[tuple[Connection, LeaseBook]]:
        with self._book_to_myself(), self.database.writing() as connection:
            yield connection, self._book.refresh(connection)

    @contextmanager
    def _reading(self) -> Iterator[tuple[Connection, LeaseBook]]:
        with self._book_to_myself(), self.database.reading() as connection:
            yield connection, self._book.refresh(connection)

    @contextmanager
    def _book_to_myself(self) -> Iterator[None]:
        """Before the transaction begins: one that began earlier would turn the book back to its own moment."""
        patience_s = self.database.patience_s
        if not self._book_lock.acquire(timeout=patience_s):
            raise DatabaseAway(f"{self.database.url}: no turn in {patience_s:g} s, others of this Hub are at it")
        try:
            yield
        finally:
            self._book_lock.release()

    def _snapshot(  # noqa: PLR0913 - what a decision is made by
        self,
        connection: Connection,
        book: LeaseBook,
        policies: Policies,
        request: Request,
        now: datetime,
        *,
        ending: bool = False,
    ) -> Snapshot:
        """`ending`: this transaction has written to the ledger, which may come to nothing yet: no sum is remembered."""
        known = None if ending else self._book.spent
        pots = tuple(budget_pots(policies, request, now))
        used = spent.spent_in(connection, pots, now, known)
        others = billed_in(connection, pots, book, self.other_currencies)
        grants = self.grants_of(connection, request.person.name) if policies.approvals else ()
        return Snapshot(book, used, grants, self._book.reservations, self._book.waiting, self._book.thought, others)

    def _keep_place(self, connection: Connection, book: LeaseBook, ending: Lease, then: Promise, now: datetime) -> None:
        """Measured as if the ending machine, which this book still has, were gone already."""
        request = replace(then.request, lease_id=ending.id)
        snapshot = self._snapshot(connection, book, then.policies, request, now, ending=True)
        decision = decide(request, snapshot, then.policies, now)
        if isinstance(decision, Admit):
            place = replace(lease_of(request, decision, now), id=f"{KEPT}{ending.id}")
            # Beside one that the line keeps for this server: both together are what it starts next.
            kept = total(each.amounts for each in places_kept(book, request))
            self._put(connection, replace(place, amounts=place.amounts.beyond(kept)))

    def _widen_place(
        self, connection: Connection, book: LeaseBook, ended: Lease, policies: Policies, now: datetime
    ) -> None:
        """A place that was kept for what a machine takes beyond the one that ran: nobody else gets the rest of it."""
        for waiting in self._book.waiting:
            place = book.get(KEPT + waiting.id)
            mine = waiting.request.person.name == ended.user and waiting.request.server == ended.server
            if not mine or place is None or place.amounts == waiting.request.amounts:
                continue
            request = replace(waiting.request, lease_id=ended.id)
            snapshot = self._snapshot(connection, book, policies, request, now, ending=True)
            if isinstance(decide(request, snapshot, policies, now), Admit):
                values = {"changed": self._book.count(connection), "amounts": waiting.request.amounts.to_dict()}
                connection.execute(sa.update(LEASES).where(LEASES.c.id == place.id).values(values))

    def _put(self, connection: Connection, lease: Lease) -> None:
        version = self._book.count(connection)
        connection.execute(HOLD, {"changed": version, **lease_row(lease)})


def _typed(before: tuple[datetime, str]) -> tuple[sa.BindParameter[datetime], sa.BindParameter[str]]:
    ended, lease_id = before
    return sa.bindparam("before_at", ended, LEDGER.c.ended_at.type), sa.bindparam("before_id", lease_id, sa.Text)
