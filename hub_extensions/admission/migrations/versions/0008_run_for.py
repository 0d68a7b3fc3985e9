"""Whoever waits in line may have said for how long the machine is to run."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("remuda_queue", sa.Column("run_for_s", sa.BigInteger))


def downgrade() -> None:
    raise NotImplementedError("promises are never dropped by a program; restore a backup to go back")
