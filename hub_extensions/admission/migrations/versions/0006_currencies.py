"""An index: runs that were billed in another currency are looked for at each look at usage; there are hardly any."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_remuda_ledger_currency", "remuda_ledger", ["currency", "ended_at"])


def downgrade() -> None:
    raise NotImplementedError("the ledger is never dropped by a program; restore a backup to go back")
