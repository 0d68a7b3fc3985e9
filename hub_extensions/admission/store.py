"""Leases and the ledger in SQL. Each method is one transaction; one that writes is exclusive, so that what a start was
decided by is still true when it is written."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub_extensions.admission import spent
from hub_extensions.admission.books import LiveBook, bury, next_version
from hub_extensions.admission.database import Database, DatabaseAway
from hub_extensions.admission.rows import entry_of, entry_row, lease_row
from hub_extensions.admission.spent import UsedHour
from hub_extensions.admission.tables import LEASES, LEDGER, LEDGER_GROUPS, STATE
from profiles.admission import Admit, Decision, Deny, decide, lease_of
from profiles.cost import charge
from profiles.grants import Grant
from profiles.lease import EndReason, Entry, Lease, Request
from profiles.lease_book import LeaseBook
from profiles.policy import Policies
from profiles.pots import Pot, budget_pots
from profiles.refusal import Reason, Refusal
from profiles.snapshot import Snapshot

log = logging.getLogger(__name__)

# Made once: to put a statement together takes longer than to run it.
HOLD, INTO_LEDGER, INTO_GROUPS = sa.insert(LEASES), sa.insert(LEDGER), sa.insert(LEDGER_GROUPS)
BEGAN = (
    sa.update(LEASES)
    .where(LEASES.c.id == sa.bindparam("lease_id"))
    .values(began_at=sa.bindparam("began"), changed=sa.bindparam("version"))
)
IN_LEDGER = sa.select(LEDGER.c.lease_id).where(LEDGER.c.lease_id == sa.bindparam("lease_id"))
#: The grants of one person, read in the transaction that decides by them.
GrantsOf = Callable[[Connection, str], tuple[Grant, ...]]


#: Leases of this kind keep a place between the end of a machine and the start of the next one of the same server. They
#: never run, and leave no entry.
KEPT = "kept:"


@dataclass(frozen=True, slots=True)
class Promise:
    """What a server starts next, by which rules."""

    request: Request
    policies: Policies


def no_grants(connection: Connection, user: str) -> tuple[Grant, ...]:
    return ()


class Store:
    """Several may share one database, in one process or in several. Raises `DatabaseAway`."""

    def __init__(self, database: Database, grants_of: GrantsOf = no_grants) -> None:
        self.database = database
        self.grants_of = grants_of
        self._book = LiveBook()
        self._book_lock = threading.Lock()

    # A lease's life.

    def admit(self, request: Request, policies: Policies, now: datetime) -> Decision:
        """Decide and, if so, hold, before anybody else may. The same request again gets the same answer. A place that
        is kept for this server since its last machine ended is taken up."""
        with self._writing() as (connection, book):
            held = book.get(request.lease_id)
            if _is_spent(connection, request, held):
                return _used_up(request)
            kept = _place_kept(book, request)
            asked = request if kept is None else replace(request, lease_id=kept.id)
            decision = decide(asked, self._snapshot(connection, book, policies, asked, now), policies, now)
            if held is not None:
                return _again(held, decision)
            if isinstance(decision, Admit):
                self._put(connection, lease_of(request, decision, now))
                if kept is not None:
                    bury(connection, kept.id, next_version(connection, self._book.version))
            return decision

    def adopt(self, lease: Lease, now: datetime) -> None:
        """Write down what runs already, without a decision. What is known is left as it is."""
        with self._writing() as (connection, book):
            if lease.id in book:
                return
            if _has_ended(connection, lease.id):
                log.warning("Lease %s of %s has ended and is not taken up again", lease.id, lease.user)
                return
            self._put(connection, lease)

    def began(self, lease_id: str, at: datetime, now: datetime) -> None:
        """From here on it costs. The first time counts; what is unknown or over is left alone."""
        with self._writing() as (connection, book):
            lease = book.get(lease_id)
            if lease is None or lease.began_at is not None:
                return
            version = next_version(connection, self._book.version)
            connection.execute(BEGAN, {"lease_id": lease_id, "began": at, "version": version})

    def ended(
        self, lease_id: str, at: datetime, reason: EndReason, now: datetime, then: Promise | None = None
    ) -> Entry | None:
        """Off the leases and into the ledger, once. None: it was ended already, or never known. `then`: what the same
        server is to start next; its place is taken before anybody else can have it."""
        with self._writing() as (connection, book):
            lease = book.get(lease_id)
            if lease is None:
                return None
            if lease_id.startswith(KEPT):
                bury(connection, lease_id, next_version(connection, self._book.version))
                return None
            entry = settle(lease, at, reason)
            bury(connection, lease_id, next_version(connection, self._book.version))
            connection.execute(INTO_LEDGER, entry_row(entry))
            if lease.groups:
                groups = [
                    {"group_name": name, "ended_at": at, "lease_id": lease_id} for name in sorted(lease.groups)
                ]
                connection.execute(INTO_GROUPS, groups)
            spent.add(connection, entry)
            if then is not None:
                self._keep_place(connection, book, lease, then, now)
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
            return replace(found, book=LeaseBook(book))

    def leases(self) -> tuple[Lease, ...]:
        """Everything that is out, in the order in which it was granted."""
        with self._reading() as (_, book):
            return tuple(sorted(book, key=lambda lease: (lease.held_at, lease.id)))

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

    def last_seen(self) -> datetime | None:
        with self.database.reading() as connection:
            return connection.execute(sa.select(STATE.c.seen_at)).scalar_one()

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

    def _snapshot(
        self, connection: Connection, book: LeaseBook, policies: Policies, request: Request, now: datetime
    ) -> Snapshot:
        used = spent.spent_in(connection, tuple(budget_pots(policies, request, now)), now)
        grants = self.grants_of(connection, request.person.name) if policies.approvals else ()
        return Snapshot(book, used, grants)

    def _keep_place(self, connection: Connection, book: LeaseBook, ending: Lease, then: Promise, now: datetime) -> None:
        """Measured as if the ending machine, which this book still has, were gone already."""
        request = replace(then.request, lease_id=ending.id)
        snapshot = self._snapshot(connection, book, then.policies, request, now)
        decision = decide(request, snapshot, then.policies, now)
        if isinstance(decision, Admit):
            self._put(connection, replace(lease_of(request, decision, now), id=f"{KEPT}{ending.id}"))

    def _put(self, connection: Connection, lease: Lease) -> None:
        version = next_version(connection, self._book.version)
        connection.execute(HOLD, {"changed": version, **lease_row(lease)})


def settle(lease: Lease, at: datetime, reason: EndReason) -> Entry:
    """The entry of a lease that ended. What never began costs nothing, nor does what ended before it began by a clock
    that was wrong."""
    if lease.began_at is None:
        return Entry(lease=lease, ended_at=at, reason=EndReason.NEVER_RAN)
    ran = max(timedelta(0), at - lease.began_at)
    return Entry(lease=lease, ended_at=at, reason=reason, charge=charge(lease, ran))


def _is_spent(connection: Connection, request: Request, held: Lease | None) -> bool:
    """The id stands for something else than what is asked: another start, or this one's past."""
    return _has_ended(connection, request.lease_id) if held is None else not _is_for(held, request)


def _has_ended(connection: Connection, lease_id: str) -> bool:
    return connection.execute(IN_LEDGER, {"lease_id": lease_id}).first() is not None


def _place_kept(book: LeaseBook, request: Request) -> Lease | None:
    theirs = book.of_user(request.person.name)
    return next((lease for lease in theirs if lease.id.startswith(KEPT) and lease.server == request.server), None)


def _is_for(held: Lease, request: Request) -> bool:
    return (held.user, held.server, held.profile, held.amounts, held.price_per_hour) == (
        request.person.name,
        request.server,
        request.profile,
        request.amounts,
        request.price_per_hour,
    )


def _again(held: Lease, decision: Decision) -> Admit:
    """What was promised stays, whatever the rules have become since."""
    grant = decision.grant if isinstance(decision, Admit) else None
    return Admit(held.longest, decision.standings, decision.balances, grant)


def _used_up(request: Request) -> Deny:
    sentence = f"This start of {request.display_name} is over already."
    return Deny(Refusal(Reason.ADMISSION_UNAVAILABLE, sentence, "Start the machine again."), rule="")


def _typed(before: tuple[datetime, str]) -> tuple[sa.BindParameter[datetime], sa.BindParameter[str]]:
    ended, lease_id = before
    return sa.bindparam("before_at", ended, LEDGER.c.ended_at.type), sa.bindparam("before_id", lease_id, sa.Text)
