"""Notices: what people are told, and the outbox of what goes to them by e-mail and webhook."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub_extensions.admission.tables import UtcTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    counter = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "remuda_notice",
        sa.Column("id", counter, primary_key=True, autoincrement=True),
        sa.Column("user_name", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("link", sa.Text, nullable=False),
        sa.Column("sender", sa.Text, nullable=False),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("read_at", UtcTime),
        sa.Column("routed_at", UtcTime),
        sa.UniqueConstraint("user_name", "key", name="uq_remuda_notice_user_name_key"),
    )
    op.create_index("ix_remuda_notice_user_name_at", "remuda_notice", ["user_name", "at"])
    op.create_index("ix_remuda_notice_sender_at", "remuda_notice", ["sender", "at"])
    op.create_index("ix_remuda_notice_at", "remuda_notice", ["at"])
    unrouted = sa.text("routed_at IS NULL")
    op.create_index(
        "ix_remuda_notice_unrouted", "remuda_notice", ["id"], sqlite_where=unrouted, postgresql_where=unrouted
    )
    op.create_table(
        "remuda_outbox",
        sa.Column("id", counter, primary_key=True, autoincrement=True),
        sa.Column(
            "notice_id", counter, sa.ForeignKey("remuda_notice.id", ondelete="CASCADE"), nullable=False, index=True
        ),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("made_at", UtcTime, nullable=False),
        sa.Column("due_at", UtcTime, nullable=False, index=True),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("claimed_by", sa.Text, nullable=False),
        sa.Column("claimed_until", UtcTime),
    )
    op.create_table(
        "remuda_notice_person",
        sa.Column("user_name", sa.Text, primary_key=True),
        sa.Column("by_mail", sa.Boolean, nullable=False),
    )


def downgrade() -> None:
    raise NotImplementedError("notices are not taken back by a program; restore a backup to go back")
