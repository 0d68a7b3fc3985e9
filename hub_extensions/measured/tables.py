"""What machines were measured to use, beside admission's tables; migration 0004 makes it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table, Text

from hub_extensions.admission.tables import METADATA, Json, UtcTime

#: One row for each process that measured: a server that was restarted on its machine begins a second one.
MEASURED = Table(
    "remuda_measured",
    METADATA,
    Column("lease_id", Text, primary_key=True),
    Column("run", Text, primary_key=True),
    # The lease's, so that sums need no look into the ledger.
    Column("user_name", Text, nullable=False),
    Column("groups", Json, nullable=False),
    Column("reported_at", UtcTime, nullable=False),
    Column("covered_ms", BigInteger, nullable=False),
    Column("cpu_ms", BigInteger, nullable=False),
    Column("peak_millicores", BigInteger, nullable=False),
    Column("sustained_millicores", BigInteger, nullable=False),
    Column("memory_peak", BigInteger, nullable=False),
    Column("gpus", BigInteger, nullable=False),
    Column("gpu_busy_ms", BigInteger, nullable=False),
    Column("gpu_peak_percent", BigInteger, nullable=False),
    Column("gpu_memory_peak", BigInteger, nullable=False),
    Column("gpu_covered_ms", BigInteger, nullable=False),
    # What the machine has: a catalog changes, and what was used is compared with what there was.
    Column("has_millicores", BigInteger, nullable=False),
    Column("has_memory", BigInteger, nullable=False),
    Column("has_gpus", BigInteger, nullable=False),
)

Index("ix_remuda_measured_user", MEASURED.c.user_name, MEASURED.c.reported_at)
