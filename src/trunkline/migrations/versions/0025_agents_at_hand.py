"""Have knowledge looked up by its chunks, and what a call begins with ready before it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from trunkline.migrations import policies

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.create_table(
        "knowledge_chunks",
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("text_id", sa.UUID(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("words", postgresql.TSVECTOR(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=True),
        sa.Column("vector_of", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["business_id", "text_id"],
            ["knowledge_texts.business_id", "knowledge_texts.id"],
            name=op.f("fk_knowledge_chunks_business_id_text_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("business_id", "text_id", "number", name=op.f("pk_knowledge_chunks")),
    )
    policies.protect("knowledge_chunks")
    op.create_table(
        "agent_prompts",
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("agent_id", sa.UUID(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.Column(
            "built_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "agent_id"],
            ["agents.business_id", "agents.id"],
            name=op.f("fk_agent_prompts_business_id_agent_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("business_id", "agent_id", name=op.f("pk_agent_prompts")),
    )
    policies.protect("agent_prompts")
