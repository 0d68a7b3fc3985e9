"""Notices and what goes out of them, beside admission's tables; migration 0003 makes them."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint

from hub_extensions.admission.tables import METADATA, Counter, UtcTime

#: `routed_at`: when it was decided where else the notice goes; what goes there is in the outbox.
NOTICES = Table(
    "remuda_notice",
    METADATA,
    Column("id", Counter, primary_key=True, autoincrement=True),
    Column("user_name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("link", Text, nullable=False),
    Column("sender", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("read_at", UtcTime),
    Column("routed_at", UtcTime),
    UniqueConstraint("user_name", "key", name="uq_remuda_notice_user_name_key"),
)
Index("ix_remuda_notice_user_name_at", NOTICES.c.user_name, NOTICES.c.at)
Index("ix_remuda_notice_sender_at", NOTICES.c.sender, NOTICES.c.at)
Index("ix_remuda_notice_at", NOTICES.c.at)
_unrouted = NOTICES.c.routed_at.is_(None)
Index("ix_remuda_notice_unrouted", NOTICES.c.id, sqlite_where=_unrouted, postgresql_where=_unrouted)

#: One row for each way that a notice still has to go. `claimed_until`: whoever sends it has so long to say that it did.
OUTBOX = Table(
    "remuda_outbox",
    METADATA,
    Column("id", Counter, primary_key=True, autoincrement=True),
    Column("notice_id", Counter, ForeignKey("remuda_notice.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("channel", Text, nullable=False),
    Column("made_at", UtcTime, nullable=False),
    Column("due_at", UtcTime, nullable=False, index=True),
    Column("tries", Integer, nullable=False),
    Column("claimed_by", Text, nullable=False),
    Column("claimed_until", UtcTime),
)

#: What somebody has chosen; who is not in it gets mail.
PEOPLE = Table(
    "remuda_notice_person",
    METADATA,
    Column("user_name", Text, primary_key=True),
    Column("by_mail", Boolean, nullable=False),
)
