"""Let a business have its calls recorded."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from trunkline.migrations import policies

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.add_column(
        "businesses", sa.Column("record_calls", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.create_table(
        "recordings",
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("call_id", sa.UUID(), nullable=False),
        sa.Column("leg", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), server_default="coming", nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True)),
        sa.Column("duration_ms", sa.Integer()),
        sa.Column("peaks", postgresql.JSONB(astext_type=sa.Text())),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("kept_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("business_id", "call_id", "leg", name=op.f("pk_recordings")),
        sa.ForeignKeyConstraint(["business_id", "call_id"], ["calls.business_id", "calls.id"]),
    )
    policies.protect("recordings")
