"""The audit's table, beside admission's. Triggers refuse UPDATE and DELETE: see migration 0002."""

from __future__ import annotations

from sqlalchemy import Column, Table, Text
from sqlalchemy.types import JSON

from hub_extensions.admission.tables import METADATA, Counter, UtcTime

AUDIT = Table(
    "remuda_audit",
    METADATA,
    Column("id", Counter, primary_key=True, autoincrement=True),
    Column("at", UtcTime, nullable=False, index=True),
    Column("actor", Text, nullable=False, index=True),
    Column("action", Text, nullable=False, index=True),
    Column("subject", Text, nullable=False, index=True),
    Column("way", Text, nullable=False),
    Column("details", JSON, nullable=False),
)
