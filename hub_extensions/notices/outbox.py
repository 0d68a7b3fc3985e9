"""What goes out, in SQL: a notice is routed once, each of its ways is claimed by one hub at a time, and is off the list
when it was sent or given up. Whoever dies between sending and saying so leaves a claim that ends, and it is sent again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.engine import Connection

from hub_extensions.admission.database import Database
from hub_extensions.notices.notice import Kept
from hub_extensions.notices.store import kept_of
from hub_extensions.notices.tables import NOTICES, OUTBOX, PEOPLE

MAIL = "mail"
#: So long whoever has claimed something may take to send it.
CLAIM = timedelta(minutes=5)
#: After the first failure, twice as long after each further one, and never longer than the last.
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=2)
#: What could not be sent for so long is no news any more. Notices from before mail was set up are none either.
GIVE_UP = timedelta(days=1)

#: The channels that a notice goes by: `mail`, or the names of webhooks as `webhook:<name>`.
Route = Callable[[Kept], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Parcel:
    """One notice on one way. `tries` were made before."""

    id: int
    kept: Kept
    channel: str
    made_at: datetime
    tries: int


def pause_after(tries: int) -> timedelta:
    """Until the next try, after so many that failed."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(tries - 1, 20))


def next_try(parcel: Parcel, now: datetime) -> datetime | None:
    """After this one failed; None: it is given up."""
    then = now + pause_after(parcel.tries + 1)
    return then if then < parcel.made_at + GIVE_UP else None


class Outbox:
    """Synchronous; the gate's worker runs it. `owner` is this process, among those that share the database."""

    def __init__(self, database: Database, owner: str) -> None:
        self._database = database
        self._owner = owner

    def route(self, ways: Route, now: datetime, limit: int = 200) -> int:
        """Decide once for each new notice where it goes. How many were new."""
        new = select(NOTICES).where(NOTICES.c.routed_at.is_(None)).order_by(NOTICES.c.id).limit(limit)
        with self._database.reading() as connection:
            if connection.execute(new.limit(1)).first() is None:
                return 0
        with self._database.writing() as connection:
            notices = [kept_of(row) for row in connection.execute(new)]
            silent = _without_mail(connection, {kept.notice.to for kept in notices})
            for kept in notices:
                late = kept.notice.at < now - GIVE_UP
                for channel in () if late else ways(kept):
                    if channel != MAIL or kept.notice.to not in silent:
                        row = {"notice_id": kept.id, "channel": channel, "made_at": now, "due_at": now}
                        connection.execute(insert(OUTBOX).values(**row, tries=0, claimed_by=""))
            ids = [kept.id for kept in notices]
            connection.execute(update(NOTICES).where(NOTICES.c.id.in_(ids)).values(routed_at=now))
            return len(notices)

    def claim(self, channel: str, now: datetime, limit: int = 20) -> tuple[Parcel, ...]:
        """What is due on this channel and nobody else is sending, oldest first; from here on it is ours to send."""
        free = or_(OUTBOX.c.claimed_until.is_(None), OUTBOX.c.claimed_until <= now)
        due = (OUTBOX.c.channel == channel, OUTBOX.c.due_at <= now, free)
        with self._database.reading() as connection:
            if connection.execute(select(OUTBOX.c.id).where(*due).limit(1)).first() is None:
                return ()
        with self._database.writing() as connection:
            query = select(OUTBOX).where(*due).order_by(OUTBOX.c.due_at, OUTBOX.c.id).limit(limit)
            rows = connection.execute(query).all()
            wanted = select(NOTICES).where(NOTICES.c.id.in_([row.notice_id for row in rows]))
            notices = {row.id: kept_of(row) for row in connection.execute(wanted)}
            mine = {"claimed_by": self._owner, "claimed_until": now + CLAIM}
            connection.execute(update(OUTBOX).where(OUTBOX.c.id.in_([row.id for row in rows])).values(**mine))
        return tuple(Parcel(row.id, notices[row.notice_id], row.channel, row.made_at, row.tries) for row in rows)

    def sent(self, parcel: Parcel) -> None:
        """Or given up: nothing is left to do. One that somebody else has claimed since is theirs."""
        with self._database.writing() as connection:
            connection.execute(delete(OUTBOX).where(OUTBOX.c.id == parcel.id, OUTBOX.c.claimed_by == self._owner))

    def failed(self, parcel: Parcel, now: datetime) -> datetime | None:
        """When it is tried again; None: it is given up."""
        then = next_try(parcel, now)
        if then is None:
            self.sent(parcel)
            return None
        again = {"tries": parcel.tries + 1, "due_at": then, "claimed_by": "", "claimed_until": None}
        mine = (OUTBOX.c.id == parcel.id, OUTBOX.c.claimed_by == self._owner)
        with self._database.writing() as connection:
            connection.execute(update(OUTBOX).where(*mine).values(**again))
        return then

    def drop_all_but(self, channels: Iterable[str]) -> int:
        """What was meant for a receiver that is no longer there."""
        with self._database.writing() as connection:
            return connection.execute(delete(OUTBOX).where(OUTBOX.c.channel.not_in(list(channels)))).rowcount


def _without_mail(connection: Connection, users: Iterable[str]) -> set[str]:
    chosen = select(PEOPLE.c.user_name).where(PEOPLE.c.user_name.in_(list(users)), PEOPLE.c.by_mail.is_(False))
    return {name for (name,) in connection.execute(chosen)}
