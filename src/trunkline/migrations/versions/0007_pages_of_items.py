"""Read a run's items page by page, in their order, without reading them all."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the index that pages go by."""
    op.create_index("ix_outbound_items_position", "outbound_items", ["business_id", "run_id", "position"])
