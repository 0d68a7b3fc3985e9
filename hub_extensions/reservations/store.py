"""Reservations in SQL. What is booked is judged, written and told to those concerned in one exclusive transaction."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

import sqlalchemy as sa

from hub_extensions.admission.ahead import Looked
from hub_extensions.admission.books import promises_changed
from hub_extensions.admission.rows import reservation_of, reservation_row
from hub_extensions.admission.store import Books, Store
from hub_extensions.admission.tables import RESERVATIONS
from hub_extensions.audit.entry import Action, AuditEntry, Way
from hub_extensions.audit.store import write
from hub_extensions.notices.post import post
from hub_extensions.queue.told import notices_of
from hub_extensions.reservations import decide, telling
from hub_extensions.reservations.decide import Booking
from hub_extensions.reservations.tables import FEEDS
from hub_extensions.reservations.words import NotPossible
from profiles.frozen import EMPTY
from profiles.lease import LeaveWhy
from profiles.policy import Policies
from profiles.reservations import Reservation
from profiles.slots import Span
from profiles.snapshot import Snapshot
from profiles.turns import clearings

#: So many rows at once at most: a calendar is for people.
MOST = 2000


class Reservations:
    """Raises `DatabaseAway`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def book(self, said: Booking, policies: Policies, now: datetime) -> Reservation | NotPossible:
        """Of two who want the last, one is first, and the other is told."""
        with self._store.changing() as books:
            made = decide.book(said, self._snapshot(books, said), policies, now)
            if isinstance(made, NotPossible):
                return made
            books.connection.execute(sa.insert(RESERVATIONS).values(reservation_row(made)))
            promises_changed(books.connection)
            needed = clearings((*books.reservations, made), policies, books.leases, now)
            told = self._store.leave_in(books, needed, LeaveWhy.RESERVED)
            looked = Looked(told=tuple((leave, LeaveWhy.RESERVED) for leave in told))
            for notice in notices_of(looked, policies, now):
                post(books.connection, notice)
            return made

    def proposed(
        self, said: Booking, policies: Policies, until: datetime, now: datetime
    ) -> tuple[Span, ...] | NotPossible:
        with self._store.looking() as books:
            return decide.proposed(said, self._snapshot(books, said), policies, until, now)

    def end(  # noqa: PLR0913 - who, how, and when
        self, reservation_id: str, by: str, policies: Policies, now: datetime, way: Way, *, sees_all: bool = False
    ) -> Reservation | NotPossible:
        """Cancelled, or ended early. Machines that would have had to leave for it may stay, as the next look finds."""
        with self._store.changing() as books:
            asked = sa.select(RESERVATIONS).where(RESERVATIONS.c.id == reservation_id)
            row = books.connection.execute(asked).mappings().first()
            found = None if row is None else reservation_of(row)
            ended = decide.end(found, by, sees_all=sees_all, now=now)
            if isinstance(ended, NotPossible):
                return ended
            values = {"over_at": ended.over_at, "over_by": ended.over_by}
            books.connection.execute(
                sa.update(RESERVATIONS).where(RESERVATIONS.c.id == reservation_id).values(values)
            )
            promises_changed(books.connection)
            if ended.user != by:
                post(books.connection, telling.cancelled(ended, by, policies.timezone, now))
                write(books.connection, _entry(ended, by, way, now))
            return ended

    def leave(self, user: str) -> None:
        """An account is removed or renamed: nothing is kept for that name any more, its calendar reads nothing, and a
        new one of that name reads nothing of what it had or wrote down."""
        with self._store.changing() as books:
            theirs = sa.delete(RESERVATIONS).where(RESERVATIONS.c.user_name == user)
            if books.connection.execute(theirs).rowcount:
                promises_changed(books.connection)
            books.connection.execute(sa.delete(FEEDS).where(FEEDS.c.user_name == user))

    # Looking.

    def between(self, since: datetime, until: datetime) -> tuple[Reservation, ...]:
        """Everybody's that took place or are to, by their beginning; what was over before it began is left out."""
        return self._found(
            RESERVATIONS.c.begins_at < until,
            RESERVATIONS.c.ends_at > since,
            sa.or_(RESERVATIONS.c.over_at.is_(None), RESERVATIONS.c.over_at > RESERVATIONS.c.begins_at),
        )

    def of_user(self, user: str, since: datetime) -> tuple[Reservation, ...]:
        """Those that end later than that, whatever became of them."""
        return self._found(RESERVATIONS.c.user_name == user, RESERVATIONS.c.ends_at > since)

    def _found(self, *conditions: sa.ColumnElement[bool]) -> tuple[Reservation, ...]:
        order = RESERVATIONS.c.begins_at, RESERVATIONS.c.id
        asked = sa.select(RESERVATIONS).where(*conditions).order_by(*order).limit(MOST)
        with self._store.database.reading() as connection:
            return tuple(map(reservation_of, connection.execute(asked).mappings()))

    def _snapshot(self, books: Books, said: Booking) -> Snapshot:
        grants = self._store.grants_of(books.connection, said.request.person.name)
        return Snapshot(books.leases, EMPTY, grants, books.reservations, books.waiting)

    # The address for calendars.

    def new_feed(self, user: str, now: datetime) -> str:
        """Its secret, which is told once; one that was made before no longer works."""
        secret = secrets.token_urlsafe(32)
        with self._store.database.writing() as connection:
            connection.execute(sa.delete(FEEDS).where(FEEDS.c.user_name == user))
            connection.execute(sa.insert(FEEDS).values(user_name=user, digest=_digest(secret), made_at=now))
        return secret

    def no_feed(self, user: str) -> None:
        with self._store.database.writing() as connection:
            connection.execute(sa.delete(FEEDS).where(FEEDS.c.user_name == user))

    def feed_since(self, user: str) -> datetime | None:
        asked = sa.select(FEEDS.c.made_at).where(FEEDS.c.user_name == user)
        with self._store.database.reading() as connection:
            made_at: datetime | None = connection.execute(asked).scalar_one_or_none()
            return made_at

    def feed_of(self, secret: str) -> str | None:
        """Whose it is."""
        asked = sa.select(FEEDS.c.user_name).where(FEEDS.c.digest == _digest(secret))
        with self._store.database.reading() as connection:
            user: str | None = connection.execute(asked).scalar_one_or_none()
            return user


def _digest(secret: str) -> str:
    """It is random and long: nothing is gained by a slow hash."""
    return hashlib.sha256(secret.encode("utf8", "replace")).hexdigest()


def _entry(ended: Reservation, by: str, way: Way, now: datetime) -> AuditEntry:
    details = {
        "machine": ended.display_name,
        "profile": ended.profile,
        "begins_at": ended.begins_at.isoformat(),
        "ends_at": ended.ends_at.isoformat(),
    }
    return AuditEntry(
        at=now, actor=by, action=Action.RESERVATION_CANCELLED, subject=ended.user, way=way, details=details
    )


#: How far back one's own list goes.
LOOK_BACK = timedelta(days=7)
