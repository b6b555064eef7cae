"""Count calls by agent, run and source as well."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    # All of it is counted again from the calls, a day in each transaction (`roll_up_calls`); until then
    # figures are counted when they are asked for.
    op.execute("truncate call_quarters, roll_ups")
    op.drop_constraint(op.f("pk_call_quarters"), "call_quarters")
    op.add_column("call_quarters", sa.Column("agent_id", sa.UUID(), nullable=False))
    op.add_column("call_quarters", sa.Column("run_id", sa.UUID(), nullable=False))
    op.add_column("call_quarters", sa.Column("source", sa.String(), nullable=False))
    op.create_primary_key(
        op.f("pk_call_quarters"), "call_quarters",
        ["business_id", "starts_at", "agent_id", "run_id", "source"],
    )  # fmt: skip
