"""Runs that are worked in slices, and leads that can be deleted while their history stays."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from trunkline.migrations import policies

revision = "0003"
down_revision = "0002"

# The business is part of the key and stays: only the lead is emptied.
_KEPT = "SET NULL (lead_id)"


def upgrade() -> None:
    op.add_column("runs", sa.Column("error", sa.String(), nullable=True))
    op.create_index("ix_runs_newest", "runs", ["business_id", "kind", "created_at"])
    _create_run_slices()
    for table in ("outbound_items", "appointments"):
        op.alter_column(table, "lead_id", nullable=True)
    for table, on_delete in (
        ("calls", _KEPT),
        ("outbound_items", _KEPT),
        ("appointments", _KEPT),
        ("lead_list_entries", "CASCADE"),
    ):
        _let_leads_go(table, on_delete)


def _create_run_slices() -> None:
    op.create_table(
        "run_slices",
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("run_id", sa.UUID(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("item_ids", postgresql.ARRAY(sa.UUID()), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "skipped",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("worked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["business_id", "run_id"],
            ["runs.business_id", "runs.id"],
            name=op.f("fk_run_slices_business_id_run_id"),
        ),
        sa.PrimaryKeyConstraint("business_id", "run_id", "position", name=op.f("pk_run_slices")),
    )
    policies.protect("run_slices", grants="select, insert, update")


def _let_leads_go(table: str, on_delete: str) -> None:
    """Say what becomes of a table's rows when their lead is deleted, and let them be found by it."""
    name = f"fk_{table}_business_id_lead_id"
    op.drop_constraint(name, table, type_="foreignkey")
    columns = ["business_id", "lead_id"]
    op.create_foreign_key(op.f(name), table, "leads", columns, ["business_id", "id"], ondelete=on_delete)
    op.create_index(f"ix_{table}_lead", table, columns)
