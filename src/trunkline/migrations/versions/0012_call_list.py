"""Let the call log be filtered and kept notes on, however long it is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trunkline.migrations import policies

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("calls", sa.Column("run_id", sa.UUID()))
    op.add_column("calls", sa.Column("booked_at", sa.DateTime(timezone=True)))
    op.add_column("calls", sa.Column("notes", sa.String(), server_default="", nullable=False))
    op.add_column("calls", sa.Column("notes_version", sa.Integer(), server_default="0", nullable=False))
    op.add_column("calls", sa.Column("notes_by", sa.String()))
    op.add_column(
        "calls",
        sa.Column(
            "theirs_reversed",
            sa.String(),
            sa.Computed("reverse(theirs)", persisted=True),
            nullable=False,
        ),
    )
    op.create_foreign_key(
        None, "calls", "runs", ["business_id", "run_id"], ["business_id", "id"], ondelete="SET NULL (run_id)"
    )
    with (
        policies.across_tenants("calls"),
        policies.across_tenants("outbound_attempts"),
        policies.across_tenants("appointments"),
    ):
        op.execute(
            """
            update calls set run_id = attempts.run_id from outbound_attempts attempts
            where attempts.business_id = calls.business_id and attempts.call_id = calls.id
            """
        )
        op.execute(
            """
            update calls set booked_at = booked.at
            from (select business_id, call_id, min(created_at) at from appointments group by 1, 2) booked
            where booked.business_id = calls.business_id and booked.call_id = calls.id
            """
        )
    op.drop_index("ix_calls_newest", "calls")
    op.drop_index("ix_calls_lead", "calls")
    newest_first = ["created_at", "id"]
    op.create_index("ix_calls_newest", "calls", ["business_id", *newest_first])
    op.create_index("ix_calls_lead", "calls", ["business_id", "lead_id", *newest_first])
    op.create_index("ix_calls_agent", "calls", ["business_id", "agent_id", *newest_first])
    op.create_index("ix_calls_disposition", "calls", ["business_id", "disposition", *newest_first])
    op.create_index(
        "ix_calls_run", "calls", ["business_id", "run_id", *newest_first],
        postgresql_where=sa.text("run_id is not null"),
    )  # fmt: skip
    op.create_index(
        "ix_calls_booked", "calls", ["business_id", *newest_first],
        postgresql_where=sa.text("booked_at is not null"),
    )  # fmt: skip
    for column in ("theirs", "theirs_reversed"):
        op.create_index(
            f"ix_calls_{column}", "calls", ["business_id", column],
            postgresql_ops={column: "text_pattern_ops"},
        )  # fmt: skip
