"""Give leads statuses of the business's own, a place on its board, tags and notes, and find them at once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trunkline.migrations import policies

revision = "0018"
down_revision = "0017"

_NEXT_PLACE = "to_char(('999999999999'::bigint - nextval('lead_places'::regclass)), 'FM000000000000'::text)"
_OF_LEADS = "kind in ('lead.changed', 'lead.status_changed', 'consent.changed')"


def upgrade() -> None:
    _create_statuses()
    _widen_leads()
    _create_notes()
    op.create_index(
        "ix_events_lead",
        "events",
        ["business_id", "subject_id", "at", "id"],
        postgresql_where=sa.text(_OF_LEADS),
    )
    op.add_column("appointments", sa.Column("note", sa.String(), server_default="", nullable=False))
    op.add_column("appointments", sa.Column("version", sa.Integer(), server_default="1", nullable=False))


def _create_statuses() -> None:
    op.create_table(
        "lead_statuses",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("colour", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("is_closed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("is_initial", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(
            ["business_id"], ["businesses.id"], name=op.f("fk_lead_statuses_business_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_statuses")),
        sa.UniqueConstraint("business_id", "id", name="uq_lead_statuses_business_id"),
        sa.UniqueConstraint("business_id", "name", name="uq_lead_statuses_name"),
    )
    op.create_index(
        "uq_lead_statuses_initial",
        "lead_statuses",
        ["business_id"],
        unique=True,
        postgresql_where=sa.text("is_initial"),
    )
    policies.protect("lead_statuses")


def _widen_leads() -> None:
    # Who was there before stands on the board as in the list: the newest first.
    op.execute("create sequence lead_places")
    op.execute(f"grant usage on sequence lead_places to {policies.APP}")
    op.add_column("leads", sa.Column("place", sa.String(collation="C"), nullable=True))
    with policies.across_tenants("leads"):
        op.execute(
            "update leads set place = to_char(999999999999 - old.number, 'FM000000000000')"
            " from (select id, row_number() over (order by created_at, id) as number from leads) old"
            " where leads.id = old.id"
        )
        op.execute("select setval('lead_places', greatest(1, (select count(*) from leads)))")
    op.alter_column("leads", "place", nullable=False, server_default=sa.text(_NEXT_PLACE))
    op.add_column("leads", sa.Column("status_id", sa.UUID(), nullable=True))
    op.add_column(
        "leads",
        sa.Column("tags", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False),
    )
    op.add_column("leads", sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    op.add_column(
        "leads",
        sa.Column(
            "sort_name",
            sa.String(collation="C"),
            sa.Computed("coalesce(nullif(lower(name), ''), chr(1114109))", persisted=True),
            nullable=False,
        ),
    )
    op.add_column(
        "leads",
        sa.Column(
            "search_text",
            sa.String(),
            sa.Computed("lower(name || chr(10) || phone || coalesce(chr(10) || email, ''))", persisted=True),
            nullable=False,
        ),
    )
    op.create_foreign_key(
        op.f("fk_leads_business_id_status_id"),
        "leads",
        "lead_statuses",
        ["business_id", "status_id"],
        ["business_id", "id"],
    )
    # For pages alone: who looks numbers up does not say this, and so goes by the index over numbers.
    listed = sa.text("version > 0")
    op.create_index("ix_leads_newest", "leads", ["business_id", "created_at", "id"], postgresql_where=listed)
    op.create_index("ix_leads_name", "leads", ["business_id", "sort_name", "id"], postgresql_where=listed)
    op.create_index("ix_leads_board", "leads", ["business_id", "status_id", "place"], postgresql_where=listed)


def _create_notes() -> None:
    op.create_table(
        "lead_notes",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("lead_id", sa.UUID(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["business_id"], ["businesses.id"], name=op.f("fk_lead_notes_business_id")),
        sa.ForeignKeyConstraint(
            ["business_id", "lead_id"],
            ["leads.business_id", "leads.id"],
            name=op.f("fk_lead_notes_business_id_lead_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_notes")),
        sa.UniqueConstraint("business_id", "id", name="uq_lead_notes_business_id"),
    )
    op.create_index("ix_lead_notes_lead", "lead_notes", ["business_id", "lead_id", "created_at", "id"])
    policies.protect("lead_notes")
