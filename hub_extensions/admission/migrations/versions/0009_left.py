"""Asks of accounts that have been removed: a new account of the same name has nothing to do with them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub_extensions.admission.tables import UtcTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("remuda_ask", sa.Column("left_at", UtcTime))


def downgrade() -> None:
    raise NotImplementedError("asks are never dropped by a program; restore a backup to go back")
