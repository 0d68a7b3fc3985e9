"""Notices: what people are told, and the outbox of what goes to them by e-mail and webhook."""

from __future__ import annotations

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    raise NotImplementedError("notices are not taken back by a program; restore a backup to go back")
