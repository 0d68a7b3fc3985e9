"""What machines were measured to use, and until when people keep theirs alive."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub_extensions.admission.tables import UtcTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "remuda_measured",
        sa.Column("lease_id", sa.Text, primary_key=True),
        sa.Column("run", sa.Text, primary_key=True),
        sa.Column("user_name", sa.Text, nullable=False),
        sa.Column("groups", sa.Text, nullable=False),
        sa.Column("reported_at", UtcTime, nullable=False),
        sa.Column("covered_ms", sa.BigInteger, nullable=False),
        sa.Column("cpu_ms", sa.BigInteger, nullable=False),
        sa.Column("peak_millicores", sa.BigInteger, nullable=False),
        sa.Column("sustained_millicores", sa.BigInteger, nullable=False),
        sa.Column("memory_peak", sa.BigInteger, nullable=False),
        sa.Column("gpus", sa.BigInteger, nullable=False),
        sa.Column("gpu_busy_ms", sa.BigInteger, nullable=False),
        sa.Column("gpu_peak_percent", sa.BigInteger, nullable=False),
        sa.Column("gpu_memory_peak", sa.BigInteger, nullable=False),
        sa.Column("gpu_covered_ms", sa.BigInteger, nullable=False),
        sa.Column("has_millicores", sa.BigInteger, nullable=False),
        sa.Column("has_memory", sa.BigInteger, nullable=False),
        sa.Column("has_gpus", sa.BigInteger, nullable=False),
    )
    # What a month of one person's, or of everybody's, is read by.
    op.create_index("ix_remuda_measured_user", "remuda_measured", ["user_name", "reported_at"])
    op.create_index("ix_remuda_measured_reported", "remuda_measured", ["reported_at"])
    op.create_table(
        "remuda_kept_alive",
        sa.Column("lease_id", sa.Text, primary_key=True),
        sa.Column("until", UtcTime, nullable=False),
        sa.Column("said_at", UtcTime, nullable=False),
    )


def downgrade() -> None:
    raise NotImplementedError("what was measured is never dropped by a program; restore a backup to go back")
