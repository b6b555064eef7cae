"""Say of a closed session what became of looking at it, and of one where its script stands."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0041"
down_revision = "0040"


def upgrade() -> None:
    op.add_column("chat_sessions", sa.Column("analysis_state", sa.String(), nullable=True))
    op.add_column(
        "chat_sessions", sa.Column("script_progress", postgresql.JSONB(astext_type=sa.Text()), nullable=True)
    )
    op.create_index(
        "ix_chat_sessions_waiting",
        "chat_sessions",
        ["business_id", "closed_at", "id"],
        unique=False,
        postgresql_where=sa.text("analysis_state = 'waiting'"),
    )
