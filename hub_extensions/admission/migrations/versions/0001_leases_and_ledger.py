"""Leases, ledger, and the ledger's sums. The ledger is append-only: the database itself refuses anything else."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from hub_extensions.admission.tables import UtcTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

WORDS = "the ledger is append-only: what ran is never changed and never removed"
GUARDED = ("remuda_ledger", "remuda_ledger_groups")


def upgrade() -> None:
    counter = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "remuda_state",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("version", counter, nullable=False),
        sa.Column("forgotten", counter, nullable=False),
        sa.Column("seen_at", UtcTime),
    )
    op.execute("INSERT INTO remuda_state (id, version, forgotten) VALUES (1, 0, 0)")
    op.create_table(
        "remuda_leases",
        sa.Column("id", sa.Text, primary_key=True),
        *_what_is_leased(),
        sa.Column("changed", counter, nullable=False),
    )
    op.create_index("ix_remuda_leases_changed", "remuda_leases", ["changed"])
    op.create_table(
        "remuda_gone",
        sa.Column("version", counter, primary_key=True, autoincrement=False),
        sa.Column("lease_id", sa.Text, nullable=False),
    )
    op.create_table(
        "remuda_ledger",
        sa.Column("lease_id", sa.Text, primary_key=True),
        *_what_is_leased(),
        sa.Column("ended_at", UtcTime, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        *_charge(),
    )
    op.create_index("ix_remuda_ledger_ended", "remuda_ledger", ["ended_at", "lease_id"])
    op.create_index("ix_remuda_ledger_user", "remuda_ledger", ["user_name", "ended_at", "lease_id"])
    op.create_table(
        "remuda_ledger_groups",
        sa.Column("group_name", sa.Text, primary_key=True),
        sa.Column("ended_at", UtcTime, primary_key=True),
        sa.Column("lease_id", sa.Text, primary_key=True),
    )
    op.create_table("remuda_group_sets", sa.Column("members", sa.Text, primary_key=True))
    op.create_table(
        "remuda_spent",
        *(sa.Column(name, sa.Text, primary_key=True) for name in ("kind", "subject", "span")),
        sa.Column("begins", UtcTime, primary_key=True),
        *(sa.Column(name, sa.Text, primary_key=True) for name in ("profile", "pool")),
        *_charge(),
    )
    _guard_sqlite() if op.get_bind().dialect.name == "sqlite" else _guard_postgresql()


def downgrade() -> None:
    raise NotImplementedError("the ledger is never dropped by a program; restore a backup to go back")


def _what_is_leased() -> list[sa.Column[Any]]:
    return [
        sa.Column("user_name", sa.Text, nullable=False),
        sa.Column("groups", sa.Text, nullable=False),
        sa.Column("server", sa.Text, nullable=False),
        sa.Column("profile", sa.Text, nullable=False),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("pool", sa.Text, nullable=False),
        sa.Column("amounts", sa.Text, nullable=False),
        sa.Column("price_per_hour", sa.Text, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("longest_us", sa.BigInteger),
        sa.Column("held_at", UtcTime, nullable=False),
        sa.Column("began_at", UtcTime),
    ]


def _charge() -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in ("seconds", "gpu_seconds", "micros")]


def _guard_sqlite() -> None:
    for table in GUARDED:
        for what in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{what.lower()} BEFORE {what} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{WORDS}'); END"
            )


def _guard_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION remuda_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"RAISE EXCEPTION '{WORDS}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    for table in GUARDED:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION remuda_append_only()"
        )
