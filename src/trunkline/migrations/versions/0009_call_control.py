"""Call control: what was done with a live call, where calls may be transferred to, and who carries them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from trunkline.migrations import policies

revision = "0009"
down_revision = "0008"

_EMPTY_LIST = sa.text("'[]'::jsonb")


def upgrade() -> None:
    _create_call_controls()
    _let_calls_leave_their_agent_and_come_back()
    op.add_column("businesses", _list("extensions"))
    op.add_column("businesses", sa.Column("when_full", sa.String(), server_default="message", nullable=False))
    op.add_column("businesses", sa.Column("carrier", sa.String(), nullable=True))
    op.add_column("agents", _list("transfer_to"))


def _list(name: str) -> sa.Column[object]:
    return sa.Column(
        name, postgresql.JSONB(astext_type=sa.Text()), server_default=_EMPTY_LIST, nullable=False
    )


def _create_call_controls() -> None:
    op.create_table(
        "call_controls",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("call_id", sa.UUID(), nullable=False),
        sa.Column("verb", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=True),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_controls")),
        sa.UniqueConstraint("business_id", "id", name="uq_call_controls_business_id"),
        sa.ForeignKeyConstraint(
            ["business_id", "call_id"],
            ["calls.business_id", "calls.id"],
            name=op.f("fk_call_controls_business_id_call_id"),
        ),
    )
    op.create_index("ix_call_controls_call", "call_controls", ["business_id", "call_id", "created_at"])
    policies.protect("call_controls")


def _let_calls_leave_their_agent_and_come_back() -> None:
    op.add_column("calls", sa.Column("carrier", sa.String(), server_default="twilio", nullable=False))
    op.add_column("calls", sa.Column("away", sa.String(), nullable=True))
    op.add_column("calls", sa.Column("live_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("calls", sa.Column("media_legs", sa.Integer(), server_default="1", nullable=False))
    op.add_column("calls", sa.Column("media_spent", sa.Integer(), server_default="0", nullable=False))
    with policies.across_tenants("calls"):
        op.execute("update calls set media_spent = 1 where media_opened_at is not null")
