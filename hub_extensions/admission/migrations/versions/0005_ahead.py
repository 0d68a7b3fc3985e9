"""What is promised for later: reservations, places in the queue, and machines that are to be given back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub_extensions.admission.tables import UtcTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    counter = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column("remuda_state", sa.Column("promised", counter, nullable=False, server_default="0"))
    op.add_column("remuda_leases", sa.Column("closes_at", UtcTime))
    op.add_column("remuda_leases", sa.Column("leaves_at", UtcTime))
    op.add_column("remuda_leases", sa.Column("leaves_why", sa.Text))
    op.create_table(
        "remuda_reservation",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("user_name", sa.Text, nullable=False),
        sa.Column("groups", sa.Text, nullable=False),
        sa.Column("profile", sa.Text, nullable=False),
        sa.Column("options", sa.Text, nullable=False),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("amounts", sa.Text, nullable=False),
        sa.Column("begins_at", UtcTime, nullable=False),
        sa.Column("ends_at", UtcTime, nullable=False),
        sa.Column("made_at", UtcTime, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("taken_at", UtcTime),
        sa.Column("over_at", UtcTime),
        sa.Column("over_by", sa.Text, nullable=False),
    )
    for column in ("user_name", "ends_at", "over_at"):
        op.create_index(f"ix_remuda_reservation_{column}", "remuda_reservation", [column])
    op.create_table(
        "remuda_reservation_feed",
        sa.Column("user_name", sa.Text, primary_key=True),
        sa.Column("digest", sa.Text, nullable=False, unique=True),
        sa.Column("made_at", UtcTime, nullable=False),
    )
    op.create_table(
        "remuda_queue",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("user_name", sa.Text, nullable=False),
        sa.Column("groups", sa.Text, nullable=False),
        sa.Column("server", sa.Text, nullable=False),
        sa.Column("profile", sa.Text, nullable=False),
        sa.Column("options", sa.Text, nullable=False),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("pool", sa.Text, nullable=False),
        sa.Column("amounts", sa.Text, nullable=False),
        sa.Column("price_per_hour", sa.Text, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("longest_us", sa.BigInteger),
        sa.Column("joined_at", UtcTime, nullable=False),
        sa.Column("starts_itself", sa.Boolean, nullable=False),
        sa.Column("pot_rule", sa.Text),
        sa.Column("pot_per", sa.Text),
        sa.Column("pot_subject", sa.Text),
        sa.Column("kept_until", UtcTime),
    )


def downgrade() -> None:
    raise NotImplementedError("promises are never dropped by a program; restore a backup to go back")
