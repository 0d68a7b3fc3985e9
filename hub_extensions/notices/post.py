"""Telling somebody, in the transaction of what there is to tell: both are kept, or neither. Sending comes later."""

from __future__ import annotations

import re

from sqlalchemy import insert, select
from sqlalchemy.engine import Connection

from hub_extensions.notices.notice import Notice
from hub_extensions.notices.tables import NOTICES

MAX_SUBJECT, MAX_TEXT = 200, 4000
#: Control characters, changes of writing direction and halves of pairs; line breaks and tabs stay.
_INVISIBLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def post(connection: Connection, notice: Notice) -> bool:
    """False: this person was told of it already. The transaction has to be a writing one, which is exclusive."""
    told = select(NOTICES.c.id).where(NOTICES.c.user_name == notice.to, NOTICES.c.key == notice.key)
    if connection.execute(told).first() is not None:
        return False
    connection.execute(
        insert(NOTICES).values(
            user_name=notice.to,
            kind=str(notice.kind),
            key=notice.key,
            subject=_short(" ".join(cleaned(notice.subject).split()), MAX_SUBJECT),
            text=_short(cleaned(notice.text), MAX_TEXT),
            link=notice.link,
            sender=notice.sender,
            at=notice.at,
        )
    )
    return True


def cleaned(text: str) -> str:
    return _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
