"""Hang files on notes about leads, and write leads to files that are kept for a day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from trunkline.migrations import policies

revision = "0033"
down_revision = "0032"

_NOW = sa.text("clock_timestamp()")


def upgrade() -> None:
    op.create_table(
        "note_files",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("note_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.ForeignKeyConstraint(["business_id"], ["businesses.id"], name=op.f("fk_note_files_business_id")),
        sa.ForeignKeyConstraint(
            ["business_id", "note_id"],
            ["lead_notes.business_id", "lead_notes.id"],
            name=op.f("fk_note_files_business_id_note_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_note_files")),
        sa.UniqueConstraint("business_id", "id", name="uq_note_files_business_id"),
    )
    op.create_index("ix_note_files_note", "note_files", ["business_id", "note_id", "created_at", "id"])
    policies.protect("note_files")
    op.create_table(
        "lead_exports",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("format", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("conditions", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.String(), server_default="waiting", nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["business_id"], ["businesses.id"], name=op.f("fk_lead_exports_business_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_exports")),
        sa.UniqueConstraint("business_id", "id", name="uq_lead_exports_business_id"),
    )
    op.create_index("ix_lead_exports_newest", "lead_exports", ["business_id", "created_at", "id"])
    policies.protect("lead_exports")
