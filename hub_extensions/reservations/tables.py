"""Addresses under which people's calendars read their reservations, beside admission's tables; migration 0005 makes
them."""

from __future__ import annotations

from sqlalchemy import Column, Table, Text

from hub_extensions.admission.tables import METADATA, UtcTime

#: One for each person. The secret itself is not kept.
FEEDS = Table(
    "remuda_reservation_feed",
    METADATA,
    Column("user_name", Text, primary_key=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("made_at", UtcTime, nullable=False),
)
