"""What pages of outbound read: the moments of a dial, items by state, and the suppression list."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    for name in ("placed_at", "ringing_at", "answered_at", "unknown_at"):
        op.add_column("outbound_attempts", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_outbound_items_state", "outbound_items", ["business_id", "run_id", "state", "position"]
    )
    op.create_index("ix_suppressions_newest", "suppressions", ["business_id", "created_at", "phone"])
    op.create_index("ix_suppressions_digits", "suppressions", ["business_id", sa.text('phone collate "C"')])
