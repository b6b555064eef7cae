"""Find calls of one direction or one carrier, however few of a long log they are."""

from __future__ import annotations

from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    for column in ("direction", "carrier"):
        op.create_index(f"ix_calls_{column}", "calls", ["business_id", column, "created_at", "id"])
