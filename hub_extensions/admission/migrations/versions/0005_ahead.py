"""What is promised for later: reservations, places in the queue, and machines that are to be given back."""

from __future__ import annotations

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    raise NotImplementedError("promises are never dropped by a program; restore a backup to go back")
