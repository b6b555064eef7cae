"""Keep how leads moved and why, and the rules by which calls move them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trunkline.migrations import policies

revision = "0031"
down_revision = "0030"

# What was told before is the history so far, of the leads that are still there.
_FROM_EVENTS = """
    insert into lead_status_changes
        (id, business_id, lead_id, before_id, before_name, status_id, status_name, cause, actor, at)
    select gen_random_uuid(), told.business_id, told.subject_id, (told.data ->> 'before')::uuid,
        told.data ->> 'before_name', (told.data ->> 'status_id')::uuid, told.data ->> 'status_name',
        told.data ->> 'cause', told.actor, told.at
    from events told
    join leads on leads.business_id = told.business_id and leads.id = told.subject_id
    where told.kind = 'lead.status_changed'
"""


def upgrade() -> None:
    _create_changes()
    _create_rules()
    with (
        policies.across_tenants("events"),
        policies.across_tenants("leads"),
        policies.across_tenants("lead_status_changes"),
    ):
        op.execute(_FROM_EVENTS)


def _create_changes() -> None:
    op.create_table(
        "lead_status_changes",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("lead_id", sa.UUID(), nullable=False),
        sa.Column("before_id", sa.UUID(), nullable=False),
        sa.Column("before_name", sa.String(), nullable=False),
        sa.Column("status_id", sa.UUID(), nullable=False),
        sa.Column("status_name", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("source_id", sa.UUID(), nullable=True),
        sa.Column("source_event", sa.String(), nullable=True),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["business_id"], ["businesses.id"], name=op.f("fk_lead_status_changes_business_id")
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "lead_id"],
            ["leads.business_id", "leads.id"],
            name=op.f("fk_lead_status_changes_business_id_lead_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_status_changes")),
        sa.UniqueConstraint("business_id", "id", name="uq_lead_status_changes_business_id"),
    )
    op.create_index(
        "ix_lead_status_changes_lead", "lead_status_changes", ["business_id", "lead_id", "at", "id"]
    )
    op.create_index(
        "uq_lead_status_changes_event",
        "lead_status_changes",
        ["business_id", "source_event"],
        unique=True,
        postgresql_where=sa.text("source_event is not null"),
    )
    policies.protect("lead_status_changes")


def _create_rules() -> None:
    op.create_table(
        "lead_status_rules",
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("status_id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(
            ["business_id"], ["businesses.id"], name=op.f("fk_lead_status_rules_business_id")
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "status_id"],
            ["lead_statuses.business_id", "lead_statuses.id"],
            name=op.f("fk_lead_status_rules_business_id_status_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("business_id", "outcome", name=op.f("pk_lead_status_rules")),
    )
    op.create_index("ix_lead_status_rules_status", "lead_status_rules", ["business_id", "status_id"])
    policies.protect("lead_status_rules")
    op.create_table(
        "lead_status_habits",
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("is_on", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("goes_back", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("reopens", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("least_confidence", sa.Numeric(3, 2), server_default="0.65", nullable=False),
        sa.ForeignKeyConstraint(
            ["business_id"], ["businesses.id"], name=op.f("fk_lead_status_habits_business_id")
        ),
        sa.PrimaryKeyConstraint("business_id", name=op.f("pk_lead_status_habits")),
    )
    policies.protect("lead_status_habits")
