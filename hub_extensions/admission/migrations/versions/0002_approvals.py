"""Asks for machines that need a yes, what was said about them, and the audit, which is append-only as the ledger is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub_extensions.admission.tables import UtcTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

WORDS = "the audit is append-only: what was done is never changed and never removed"


def upgrade() -> None:
    counter = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "remuda_ask",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("user_name", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("asked", sa.JSON, nullable=False),
        sa.Column("terms", sa.JSON, nullable=False),
        sa.Column("asked_at", UtcTime, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("answered_by", sa.Text, nullable=False),
        sa.Column("answered_at", UtcTime),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("begins_at", UtcTime),
        sa.Column("ends_at", UtcTime),
        sa.Column("revoked_by", sa.Text, nullable=False),
        sa.Column("revoked_at", UtcTime),
    )
    for column in ("rule", "user_name"):
        op.create_index(f"ix_remuda_ask_{column}", "remuda_ask", [column])
    op.create_table(
        "remuda_ask_note",
        sa.Column("id", counter, primary_key=True, autoincrement=True),
        sa.Column("ask_id", sa.Text, sa.ForeignKey("remuda_ask.id"), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
    )
    op.create_index("ix_remuda_ask_note_ask_id", "remuda_ask_note", ["ask_id"])
    op.create_table(
        "remuda_audit",
        sa.Column("id", counter, primary_key=True, autoincrement=True),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("way", sa.Text, nullable=False),
        sa.Column("details", sa.JSON, nullable=False),
    )
    for column in ("at", "actor", "action", "subject"):
        op.create_index(f"ix_remuda_audit_{column}", "remuda_audit", [column])
    _guard_sqlite() if op.get_bind().dialect.name == "sqlite" else _guard_postgresql()


def downgrade() -> None:
    raise NotImplementedError("the audit is never dropped by a program; restore a backup to go back")


def _guard_sqlite() -> None:
    for what in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER remuda_audit_no_{what.lower()} BEFORE {what} ON remuda_audit "
            f"BEGIN SELECT RAISE(ABORT, '{WORDS}'); END"
        )


def _guard_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION remuda_audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"RAISE EXCEPTION '{WORDS}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    op.execute(
        "CREATE TRIGGER remuda_audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON remuda_audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION remuda_audit_append_only()"
    )
