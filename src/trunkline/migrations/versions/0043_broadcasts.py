"""Make room for broadcasts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trunkline.migrations import policies

revision = "0043"
down_revision = "0042"


def upgrade() -> None:
    _create_broadcasts()
    _create_broadcast_recipients()


def _create_broadcasts() -> None:
    op.create_table(
        "broadcasts",
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("run_id", sa.UUID(), nullable=False),
        sa.Column("chat_account_id", sa.UUID(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("hold_reason", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["business_id", "chat_account_id"],
            ["chat_accounts.business_id", "chat_accounts.id"],
            name=op.f("fk_broadcasts_business_id_chat_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "run_id"],
            ["runs.business_id", "runs.id"],
            name=op.f("fk_broadcasts_business_id_run_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("business_id", "run_id", name=op.f("pk_broadcasts")),
    )
    policies.protect("broadcasts")


def _create_broadcast_recipients() -> None:
    op.create_table(
        "broadcast_recipients",
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("run_id", sa.UUID(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("lead_id", sa.UUID(), nullable=True),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("state", sa.String(), server_default="queued", nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("message_id", sa.UUID(), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "lead_id"],
            ["leads.business_id", "leads.id"],
            name=op.f("fk_broadcast_recipients_business_id_lead_id"),
            ondelete="SET NULL (lead_id)",
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "message_id"],
            ["messages.business_id", "messages.id"],
            name=op.f("fk_broadcast_recipients_business_id_message_id"),
            ondelete="SET NULL (message_id)",
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "run_id"],
            ["broadcasts.business_id", "broadcasts.run_id"],
            name=op.f("fk_broadcast_recipients_business_id_run_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("business_id", "run_id", "position", name=op.f("pk_broadcast_recipients")),
    )
    op.create_index(
        "ix_broadcast_recipients_ended",
        "broadcast_recipients",
        ["business_id", "run_id", "updated_at"],
        unique=False,
        postgresql_where=sa.text("state in ('sent', 'failed', 'uncertain')"),
    )
    op.create_index(
        "ix_broadcast_recipients_lead", "broadcast_recipients", ["business_id", "lead_id"], unique=False
    )
    op.create_index(
        "ix_broadcast_recipients_message",
        "broadcast_recipients",
        ["business_id", "message_id"],
        unique=False,
        postgresql_where=sa.text("message_id is not null"),
    )
    op.create_index(
        "ix_broadcast_recipients_state",
        "broadcast_recipients",
        ["business_id", "run_id", "state", "position"],
        unique=False,
    )
    op.create_index(
        "uq_broadcast_recipients_address",
        "broadcast_recipients",
        ["business_id", "run_id", "address"],
        unique=True,
    )
    policies.protect("broadcast_recipients")
