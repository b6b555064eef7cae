"""Find an address by the primary key alone, however small the planner thinks a business."""

from __future__ import annotations

from alembic import op

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    op.drop_index("ix_lead_addresses_lead", "lead_addresses")
    op.create_index("ix_lead_addresses_lead", "lead_addresses", ["lead_id", "business_id"])
