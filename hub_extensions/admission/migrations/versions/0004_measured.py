"""What machines were measured to use, and until when people keep theirs alive."""

from __future__ import annotations

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    raise NotImplementedError("what was measured is never dropped by a program; restore a backup to go back")
