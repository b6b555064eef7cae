"""Find the few dials that matter among a million that are over."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_UNRESOLVED = "state in ('submitting', 'placed', 'ringing', 'answered', 'unknown') and not released"


def upgrade() -> None:
    """Make the indexes that the dialler and whoever hears of its calls go by."""
    # Whatever is due is taken in its order, without sorting all of it.
    op.drop_index("ix_outbound_items_due", "outbound_items")
    op.create_index(
        "ix_outbound_items_due",
        "outbound_items",
        ["business_id", "run_id", "not_before", "position"],
        postgresql_where=sa.text("state = 'retry_wait'"),
    )
    op.drop_index("ix_outbound_attempts_live", "outbound_attempts")
    op.create_index(
        "ix_outbound_attempts_unresolved",
        "outbound_attempts",
        ["business_id", "run_id"],
        postgresql_where=sa.text(_UNRESOLVED),
    )
    op.create_index("ix_outbound_attempts_item", "outbound_attempts", ["business_id", "item_id"])
    op.create_index(
        "ix_outbound_attempts_call",
        "outbound_attempts",
        ["business_id", "call_id"],
        postgresql_where=sa.text("call_id is not null"),
    )
    op.create_index(
        "ix_outbound_attempts_sid",
        "outbound_attempts",
        ["business_id", "carrier_sid"],
        postgresql_where=sa.text("carrier_sid is not null"),
    )
