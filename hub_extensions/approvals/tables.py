"""Asks and what was said about them, beside admission's tables; migrations 0002 and 0009 make them."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Table, Text
from sqlalchemy.types import JSON

from hub_extensions.admission.tables import METADATA, Counter, UtcTime

ASKS = Table(
    "remuda_ask",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("rule", Text, nullable=False, index=True),
    Column("user_name", Text, nullable=False, index=True),
    Column("reason", Text, nullable=False),
    Column("asked", JSON, nullable=False),
    Column("terms", JSON, nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    Column("state", Text, nullable=False),
    Column("answered_by", Text, nullable=False),
    Column("answered_at", UtcTime),
    Column("answer", Text, nullable=False),
    Column("begins_at", UtcTime),
    Column("ends_at", UtcTime),
    Column("revoked_by", Text, nullable=False),
    Column("revoked_at", UtcTime),
    Column("left_at", UtcTime),
)

NOTES = Table(
    "remuda_ask_note",
    METADATA,
    Column("id", Counter, primary_key=True, autoincrement=True),
    Column("ask_id", Text, ForeignKey("remuda_ask.id"), nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("text", Text, nullable=False),
)
