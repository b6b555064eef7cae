"""Imports of leads: the file in pieces, how far it is worked, and the rows that could not be used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from trunkline.migrations import policies

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    _create_lead_imports()
    _create_import_chunks()
    _create_import_faults()


def _create_lead_imports() -> None:
    op.create_table(
        "lead_imports",
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("run_id", sa.UUID(), nullable=False),
        sa.Column("list_id", sa.UUID(), nullable=False),
        sa.Column("filename", sa.String(), nullable=False),
        sa.Column("encoding", sa.String(), nullable=True),
        sa.Column("mapping", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("expected", sa.Integer(), nullable=True),
        sa.Column("imported", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created", sa.Integer(), server_default="0", nullable=False),
        sa.Column("updated", sa.Integer(), server_default="0", nullable=False),
        sa.Column("faults", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["business_id", "run_id"],
            ["runs.business_id", "runs.id"],
            name=op.f("fk_lead_imports_business_id_run_id"),
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "list_id"],
            ["lead_lists.business_id", "lead_lists.id"],
            name=op.f("fk_lead_imports_business_id_list_id"),
        ),
        sa.PrimaryKeyConstraint("business_id", "run_id", name=op.f("pk_lead_imports")),
    )
    policies.protect("lead_imports", grants="select, insert, update")


def _create_import_chunks() -> None:
    op.create_table(
        "import_chunks",
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("run_id", sa.UUID(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        _of_import("import_chunks"),
        sa.PrimaryKeyConstraint("business_id", "run_id", "position", name=op.f("pk_import_chunks")),
    )
    policies.protect("import_chunks", grants="select, insert, delete")


def _create_import_faults() -> None:
    op.create_table(
        "import_faults",
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("run_id", sa.UUID(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("content", sa.String(), nullable=False),
        _of_import("import_faults"),
        sa.PrimaryKeyConstraint("business_id", "run_id", "line", name=op.f("pk_import_faults")),
    )
    policies.protect("import_faults", grants="select, insert")


def _of_import(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["business_id", "run_id"],
        ["lead_imports.business_id", "lead_imports.run_id"],
        name=op.f(f"fk_{table}_business_id_run_id"),
    )
