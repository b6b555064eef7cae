"""Find leads that bear tags, and which tags there are, without reading those that bear none."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.create_index(
        "ix_leads_tagged",
        "leads",
        ["business_id", "created_at", "id"],
        postgresql_where=sa.text("tags <> '{}'::text[]"),
    )
