"""Until when machines are kept on, beside admission's tables; migration 0004 makes it."""

from __future__ import annotations

from sqlalchemy import Column, Table, Text

from hub_extensions.admission.tables import METADATA, UtcTime

KEPT_ALIVE = Table(
    "remuda_kept_alive",
    METADATA,
    Column("lease_id", Text, primary_key=True),
    Column("until", UtcTime, nullable=False),
    Column("said_at", UtcTime, nullable=False),
)
