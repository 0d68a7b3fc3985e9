"""Reservations in SQL. What is booked is judged, written and told to those concerned in one exclusive transaction."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from hub_extensions.admission.ahead import Looked
from hub_extensions.admission.books import promises_changed
from hub_extensions.admission.rows import reservation_of, reservation_row
from hub_extensions.admission.store import Books, Store
from hub_extensions.admission.tables import RESERVATIONS
from hub_extensions.audit.entry import Way
from hub_extensions.audit.store import write
from hub_extensions.notices.post import post
from hub_extensions.queue.told import notices_of
from hub_extensions.reservations import decide, telling
from hub_extensions.reservations.change import Around, Ask, Change, change
from hub_extensions.reservations.decide import Booking
from hub_extensions.reservations.tables import FEEDS
from hub_extensions.reservations.words import NotPossible
from profiles.frozen import EMPTY
from profiles.lease import LeaveWhy
from profiles.policy import Policies
from profiles.reservations import Reservation
from profiles.slots import Span
from profiles.snapshot import Snapshot
from profiles.turns import clearings, spared

#: So many rows at once at most: a calendar is for people.
MOST = 2000


class Reservations:
    """Raises `DatabaseAway`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def book(self, said: Booking, policies: Policies, now: datetime) -> Reservation | NotPossible:
        """Of two who want the last, one is first, and the other is told."""
        with self._store.changing() as books:
            made = decide.book(said, self._snapshot(books, said.request.person.name), policies, now)
            if isinstance(made, NotPossible):
                return made
            books.connection.execute(sa.insert(RESERVATIONS).values(reservation_row(made)))
            promises_changed(books.connection)
            self._think_anew(books, (*books.reservations, made), policies, now)
            return made

    def change(  # noqa: PLR0913, PLR0917 - which one, what about it, who, how, and when
        self,
        reservation_id: str,
        said: Change,
        by: str,
        ask: Ask,
        policies: Policies,
        now: datetime,
        way: Way,
        *,
        acts_for_all: bool = False,
    ) -> Reservation | NotPossible:
        """All of it, or nothing: refused, it stays as it was. Who has to make room for it is thought anew."""
        with self._store.changing() as books:
            old = self._one(books, reservation_id)
            around = Around(ask, self._snapshot(books, by), policies, acts_for_all)
            changed = change(old, said, by, around, now)
            if old is None or isinstance(changed, NotPossible) or changed == old:
                return changed
            books.connection.execute(
                sa.update(RESERVATIONS).where(RESERVATIONS.c.id == old.id).values(reservation_row(changed))
            )
            promises_changed(books.connection)
            standing = tuple(changed if each.id == old.id else each for each in books.reservations)
            self._think_anew(books, standing, policies, now)
            write(books.connection, telling.changed_entry(old, changed, way, now))
            return changed

    def proposed(
        self, said: Booking, policies: Policies, until: datetime, now: datetime
    ) -> tuple[Span, ...] | NotPossible:
        """As if the one of its own id, which it would be instead of, were not there."""
        with self._store.looking() as books:
            snapshot = self._snapshot(books, said.request.person.name)
            others = tuple(each for each in snapshot.reservations if each.id != said.id)
            return decide.proposed(said, replace(snapshot, reservations=others), policies, until, now)

    def end(  # noqa: PLR0913 - who, how, and when
        self,
        reservation_id: str,
        by: str,
        policies: Policies,
        now: datetime,
        way: Way,
        *,
        acts_for_all: bool = False,
        reason: str | None = None,
    ) -> Reservation | NotPossible:
        """Cancelled, or ended early; `reason` is what its person reads, where that is somebody else. Machines that
        would have had to leave for it may stay."""
        with self._store.changing() as books:
            kept = self._one(books, reservation_id)
            ended = decide.end(kept, by, acts_for_all=acts_for_all, now=now, reason=reason)
            if isinstance(ended, NotPossible):
                return ended
            values = {"over_at": ended.over_at, "over_by": ended.over_by}
            books.connection.execute(
                sa.update(RESERVATIONS).where(RESERVATIONS.c.id == reservation_id).values(values)
            )
            promises_changed(books.connection)
            standing = tuple(each for each in books.reservations if each.id != ended.id)
            self._think_anew(books, standing, policies, now)
            if ended.user != by:
                post(books.connection, telling.cancelled(ended, by, reason or "", policies.timezone, now))
                write(books.connection, telling.cancelled_entry(ended, by, reason or "", way, now))
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

    def _one(self, books: Books, reservation_id: str) -> Reservation | None:
        asked = sa.select(RESERVATIONS).where(RESERVATIONS.c.id == reservation_id)
        row = books.connection.execute(asked).mappings().first()
        return None if row is None else reservation_of(row)

    def _snapshot(self, books: Books, user: str) -> Snapshot:
        grants = self._store.grants_of(books.connection, user)
        return Snapshot(books.leases, EMPTY, grants, books.reservations, books.waiting)

    def _think_anew(
        self, books: Books, reservations: tuple[Reservation, ...], policies: Policies, now: datetime
    ) -> None:
        """Who has to make room for all of these, and who need not any more, is written down and told with them."""
        needed = clearings(reservations, policies, books.leases, now)
        staying = spared(needed, LeaveWhy.RESERVED, books.leases)
        self._store.stay_in(books, staying)
        told = self._store.leave_in(books, needed, LeaveWhy.RESERVED)
        looked = Looked(told=tuple((leave, LeaveWhy.RESERVED) for leave in told), spared=staying)
        for notice in notices_of(looked, policies, now):
            post(books.connection, notice)

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


#: How far back one's own list goes.
LOOK_BACK = timedelta(days=7)
