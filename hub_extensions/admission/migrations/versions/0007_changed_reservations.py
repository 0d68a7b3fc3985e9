"""Reservations that were changed: how often, and when last."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub_extensions.admission.tables import UtcTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("remuda_reservation", sa.Column("revision", sa.Integer, nullable=False, server_default="0"))
    op.add_column("remuda_reservation", sa.Column("changed_at", UtcTime))


def downgrade() -> None:
    raise NotImplementedError("promises are never dropped by a program; restore a backup to go back")
