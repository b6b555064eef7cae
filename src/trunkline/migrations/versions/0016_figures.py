"""Keep calls counted by the quarter of an hour, so that figures of a month cost no more than of a day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from trunkline.migrations import policies

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    _create_quarters()
    _create_months()
    op.create_table(
        "roll_ups",
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("rolled_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["business_id"], ["businesses.id"], name=op.f("fk_roll_ups_business_id_businesses")
        ),
        sa.PrimaryKeyConstraint("business_id", name=op.f("pk_roll_ups")),
    )
    policies.protect("roll_ups")
    # How many appointments were made when is counted too.
    op.create_index("ix_appointments_made", "appointments", ["business_id", "created_at"])
    # What the carrier would not place of late, few of many.
    op.create_index(
        "ix_outbound_attempts_rejected",
        "outbound_attempts",
        ["business_id", "resolved_at"],
        postgresql_where=sa.text("state = 'rejected'"),
    )


def _create_quarters() -> None:
    op.create_table(
        "call_quarters",
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        *(_count(name) for name in ("inbound", "inbound_answered")),
        _seconds("inbound_seconds"),
        *(_count(name) for name in ("outbound", "outbound_answered")),
        _seconds("outbound_seconds"),
        _count("appointments"),
        sa.Column(
            "outcomes",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["business_id"], ["businesses.id"], name=op.f("fk_call_quarters_business_id_businesses")
        ),
        sa.PrimaryKeyConstraint("business_id", "starts_at", name=op.f("pk_call_quarters")),
    )
    policies.protect("call_quarters")


def _create_months() -> None:
    op.create_table(
        "call_months",
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("inbound", sa.Integer(), nullable=False),
        sa.Column("inbound_seconds", sa.Float(), nullable=False),
        sa.Column("outbound", sa.Integer(), nullable=False),
        sa.Column("outbound_seconds", sa.Float(), nullable=False),
        sa.Column("appointments", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["business_id"], ["businesses.id"], name=op.f("fk_call_months_business_id_businesses")
        ),
        sa.PrimaryKeyConstraint("business_id", "month", name=op.f("pk_call_months")),
    )
    op.create_index("ix_call_months_month", "call_months", ["month"])
    policies.protect("call_months")
    policies.admit_lookup(
        "call_months",
        columns="business_id, month, inbound, inbound_seconds, outbound, outbound_seconds, appointments",
    )
    policies.lookup_function(
        "usage_since(since date)",
        "table (business_id uuid, month date, inbound int, inbound_seconds double precision, "
        "outbound int, outbound_seconds double precision, appointments int)",
        "select m.business_id, m.month, m.inbound, m.inbound_seconds, m.outbound, m.outbound_seconds, "
        "m.appointments from call_months m where m.month >= usage_since.since",
    )


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), server_default=sa.text("0"), nullable=False)


def _seconds(name: str) -> sa.Column[float]:
    return sa.Column(name, sa.Float(), server_default=sa.text("0"), nullable=False)
