"""The line of those who wait, in SQL: joining, leaving, looking. Calling the next is `admission.ahead`'s."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from hub_extensions.admission.ahead import place_decision
from hub_extensions.admission.books import promises_changed
from hub_extensions.admission.rows import waiting_row
from hub_extensions.admission.store import Books, Store
from hub_extensions.admission.tables import QUEUE
from hub_extensions.queue import decide, words
from hub_extensions.queue.words import NotPossible
from profiles.admission import Decision
from profiles.lease import KEPT, Lease
from profiles.policy import Policies
from profiles.reservations import Reservation
from profiles.waiting import Waiting


@dataclass(frozen=True, slots=True)
class Picture:
    """The line and what it waits for, at one moment."""

    line: tuple[Waiting, ...]
    leases: tuple[Lease, ...]
    reservations: tuple[Reservation, ...]


class Line:
    """Synchronous, as `Store` is; the gate's thread runs it. Raises `DatabaseAway`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def join(self, wanted: Waiting, policies: Policies, now: datetime) -> Waiting | NotPossible:
        """Judged as nobody can change it meanwhile. `wanted` has a new id."""
        with self._store.changing() as books:
            decision = self._decide(books, wanted, policies, now)
            place = decide.join(wanted, decision, books.waiting, policies.queue, now)
            if isinstance(place, NotPossible):
                return place
            for old in books.waiting:
                if old.is_for(wanted.request):
                    self._remove(books, old, keep_machine=old.id == place.id)
            books.connection.execute(sa.insert(QUEUE).values(waiting_row(place)))
            promises_changed(books.connection)
            return place

    def leave(self, place: str, user: str | None) -> Waiting | NotPossible:
        """`user` None: whoever's it is."""
        with self._store.changing() as books:
            found = next((each for each in books.waiting if each.id == place), None)
            if found is None or (user is not None and found.request.person.name != user):
                return words.NO_PLACE
            self._remove(books, found)
            promises_changed(books.connection)
            return found

    def leave_all(self, user: str) -> int:
        """Of an account that is gone."""
        with self._store.changing() as books:
            theirs = [each for each in books.waiting if each.request.person.name == user]
            for each in theirs:
                self._remove(books, each)
            if theirs:
                promises_changed(books.connection)
            return len(theirs)

    def by_hand(self, place: str) -> None:
        """Its person has to start the machine."""
        with self._store.changing() as books:
            books.connection.execute(sa.update(QUEUE).where(QUEUE.c.id == place).values(starts_itself=False))
            promises_changed(books.connection)

    def line(self) -> tuple[Waiting, ...]:
        """In its order."""
        with self._store.looking() as books:
            return books.waiting

    def picture(self) -> Picture:
        with self._store.looking() as books:
            return Picture(books.waiting, tuple(books.leases), books.reservations)

    def _decide(self, books: Books, wanted: Waiting, policies: Policies, now: datetime) -> Decision:
        """Beside what runs on that server, or else instead of it: whoever gets either need not wait."""
        request = replace(wanted.request, lease_id=KEPT + wanted.id)
        return place_decision(self._store, books, request, policies, now)

    def _remove(self, books: Books, place: Waiting, *, keep_machine: bool = False) -> None:
        books.connection.execute(sa.delete(QUEUE).where(QUEUE.c.id == place.id))
        if not keep_machine:
            self._store.drop_place_in(books, KEPT + place.id)
