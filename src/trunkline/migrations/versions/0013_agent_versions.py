"""Keep every version of an agent, say by which one a call was held, and write down what agents know."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from trunkline.migrations import policies

revision = "0013"
down_revision = "0012"

_NOW = sa.text("clock_timestamp()")


def upgrade() -> None:
    op.add_column("agents", sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    op.add_column("agents", sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("calls", sa.Column("agent_version", sa.Integer(), nullable=True))
    _create_agent_versions()
    _create_knowledge_texts()


def _create_agent_versions() -> None:
    op.create_table(
        "agent_versions",
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("agent_id", sa.UUID(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("changed", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("restored_from", sa.Integer(), nullable=True),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("saved_by", sa.String(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.ForeignKeyConstraint(
            ["business_id", "agent_id"],
            ["agents.business_id", "agents.id"],
            name=op.f("fk_agent_versions_business_id_agent_id"),
        ),
        sa.PrimaryKeyConstraint("business_id", "agent_id", "number", name=op.f("pk_agent_versions")),
    )
    policies.protect("agent_versions", grants="select, insert")
    with policies.across_tenants("agents"), policies.across_tenants("agent_versions"):
        op.execute(
            """
            insert into agent_versions
                (business_id, agent_id, number, content, changed, note, saved_by, saved_at)
            select business_id, id, 1,
                   jsonb_build_object(
                       'name', name, 'language', language, 'greeting', greeting,
                       'instructions', instructions, 'script', script, 'brain', brain, 'voice', voice,
                       'tools', tools, 'transfer_to', transfer_to),
                   '[]', '', 'system', updated_at
            from agents
            """
        )


def _create_knowledge_texts() -> None:
    op.create_table(
        "knowledge_texts",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("agent_id", sa.UUID(), nullable=True),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("saved_by", sa.String(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.ForeignKeyConstraint(
            ["business_id"], ["businesses.id"], name=op.f("fk_knowledge_texts_business_id")
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "agent_id"],
            ["agents.business_id", "agents.id"],
            name=op.f("fk_knowledge_texts_business_id_agent_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_knowledge_texts")),
        sa.UniqueConstraint("business_id", "id", name="uq_knowledge_texts_business_id"),
    )
    op.create_index("ix_knowledge_texts_agent", "knowledge_texts", ["business_id", "agent_id", "title"])
    policies.protect("knowledge_texts")
