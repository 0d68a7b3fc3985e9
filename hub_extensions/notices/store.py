"""Notices in SQL: what somebody was told, what of it they have read, and whether they want mail."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, Literal, TypeVar

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.engine import Row

from hub_extensions.admission.database import Database
from hub_extensions.notices.notice import Kept, Kind, Notice
from hub_extensions.notices.post import post
from hub_extensions.notices.tables import NOTICES, OUTBOX, PEOPLE

R = TypeVar("R")

#: What was read is kept for so long, and what nobody reads for a year.
KEPT, KEPT_UNREAD = timedelta(days=90), timedelta(days=365)
#: No id is larger, and no database takes a larger number as one.
LARGEST_ID = 2**63 - 1


class Notices:
    """Synchronous, as admission's `Store` is; the gate's worker runs it. Raises `DatabaseAway`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def post_all(self, notices: Iterable[Notice], now: datetime) -> int:
        """How many were news. Whoever is in a transaction already calls `post`. `now` is when they are written down;
        each notice has its own time."""
        notices = tuple(notices)
        if not notices:
            return 0
        with self._database.writing() as connection:
            return sum(post(connection, notice) for notice in notices)

    def tell_if(
        self, sender: str, since: datetime, judge: Callable[[tuple[Notice, ...]], Notice | R]
    ) -> Notice | R:
        """`judge` sees what this person has caused others to be told since then, as nobody can add to it, and says
        what to tell, or what instead."""
        sent = select(NOTICES).where(NOTICES.c.sender == sender, NOTICES.c.at >= since)
        with self._database.writing() as connection:
            outcome = judge(tuple(kept_of(row).notice for row in connection.execute(sent)))
            if isinstance(outcome, Notice):
                post(connection, outcome)
            return outcome

    def of_user(self, user: str, limit: int = 50, *, unread: bool = False) -> tuple[Kept, ...]:
        """Newest first."""
        query = select(NOTICES).where(NOTICES.c.user_name == user)
        if unread:
            query = query.where(NOTICES.c.read_at.is_(None))
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(NOTICES.c.at.desc(), NOTICES.c.id.desc()).limit(limit))
            return tuple(map(kept_of, rows))

    def unread(self, user: str) -> int:
        query = select(func.count()).where(NOTICES.c.user_name == user, NOTICES.c.read_at.is_(None))
        with self._database.reading() as connection:
            return int(connection.execute(query).scalar_one())

    def read(self, user: str, ids: Iterable[int] | Literal["all"], now: datetime) -> int:
        """How many were unread. Somebody else's stay as they are, and an id that no notice can have is nobody's."""
        change = update(NOTICES).where(NOTICES.c.user_name == user, NOTICES.c.read_at.is_(None))
        if ids != "all":
            change = change.where(NOTICES.c.id.in_([each for each in ids if 0 < each <= LARGEST_ID]))
        with self._database.writing() as connection:
            return connection.execute(change.values(read_at=now)).rowcount

    def by_mail(self, user: str) -> bool:
        with self._database.reading() as connection:
            chosen = connection.execute(select(PEOPLE.c.by_mail).where(PEOPLE.c.user_name == user)).scalar()
            return chosen is not False

    def set_by_mail(self, user: str, by_mail: bool) -> None:
        with self._database.writing() as connection:
            connection.execute(delete(PEOPLE).where(PEOPLE.c.user_name == user))
            connection.execute(insert(PEOPLE).values(user_name=user, by_mail=by_mail))

    def leave(self, user: str) -> None:
        """The account is gone: a new one of that name reads nothing of it."""
        theirs = select(NOTICES.c.id).where(NOTICES.c.user_name == user)
        with self._database.writing() as connection:
            connection.execute(delete(OUTBOX).where(OUTBOX.c.notice_id.in_(theirs)))
            connection.execute(delete(NOTICES).where(NOTICES.c.user_name == user))
            connection.execute(delete(PEOPLE).where(PEOPLE.c.user_name == user))

    def tidy(self, now: datetime) -> int:
        """Remove what is old; how many."""
        read_long_ago = NOTICES.c.read_at.is_not(None) & (NOTICES.c.read_at < now - KEPT)
        old = read_long_ago | (NOTICES.c.at < now - KEPT_UNREAD)
        with self._database.writing() as connection:
            connection.execute(delete(OUTBOX).where(OUTBOX.c.notice_id.in_(select(NOTICES.c.id).where(old))))
            return connection.execute(delete(NOTICES).where(old)).rowcount


def kept_of(row: Row[Any]) -> Kept:
    kept = row._mapping
    notice = Notice(
        to=kept["user_name"],
        kind=Kind(kept["kind"]),
        key=kept["key"],
        subject=kept["subject"],
        text=kept["text"],
        at=kept["at"],
        link=kept["link"],
        sender=kept["sender"],
    )
    return Kept(kept["id"], notice, kept["read_at"])
