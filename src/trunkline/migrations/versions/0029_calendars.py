"""Give each business calendars, and let no two appointments of one calendar overlap, buffers included."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from trunkline.migrations import policies

revision = "0029"
down_revision = "0028"

_NO_LIST = sa.text("'[]'::jsonb")
_NOW = sa.text("clock_timestamp()")


def upgrade() -> None:
    _create_calendars()
    _place_appointments()


def _create_calendars() -> None:
    op.create_table(
        "calendars",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("colour", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("is_default", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("working_hours", postgresql.JSONB(), nullable=True),
        sa.Column("slot_minutes", sa.Integer(), nullable=True),
        sa.Column("buffer_before", sa.Integer(), server_default="0", nullable=False),
        sa.Column("buffer_after", sa.Integer(), server_default="0", nullable=False),
        sa.Column("notice_minutes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("ahead_days", sa.Integer(), server_default="365", nullable=False),
        sa.Column("days_off", postgresql.JSONB(), server_default=_NO_LIST, nullable=False),
        sa.Column("public_holidays", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("agent_ids", postgresql.JSONB(), server_default=_NO_LIST, nullable=False),
        sa.Column("lead_tags", postgresql.JSONB(), server_default=_NO_LIST, nullable=False),
        sa.Column("visits", postgresql.JSONB(), server_default=_NO_LIST, nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["business_id"], ["businesses.id"], name=op.f("fk_calendars_business_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendars")),
        sa.UniqueConstraint("business_id", "id", name="uq_calendars_business_id"),
        sa.UniqueConstraint("business_id", "name", name="uq_calendars_name"),
    )
    op.create_index(
        "uq_calendars_default",
        "calendars",
        ["business_id"],
        unique=True,
        postgresql_where=sa.text("is_default"),
    )
    with policies.across_tenants("businesses"):
        # Hours and length of slots stay null: they are the business's, also when those change.
        op.execute(
            "insert into calendars (id, business_id, name, colour, position, is_default)"
            " select gen_random_uuid(), id, case language when 'he' then 'יומן ראשי' else 'Main calendar' end"
            ", 'blue', 1, true from businesses"
        )
    policies.protect("calendars")


def _place_appointments() -> None:
    for column in ("calendar_id", "held_from", "held_until"):
        kind = sa.UUID() if column == "calendar_id" else sa.DateTime(timezone=True)
        op.add_column("appointments", sa.Column(column, kind, nullable=True))
    op.add_column("appointments", sa.Column("visit", sa.String(), server_default="", nullable=False))
    op.add_column(
        "appointments",
        sa.Column("arranged_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
    )
    with policies.across_tenants("appointments"), policies.across_tenants("calendars"):
        op.execute(
            "update appointments a set calendar_id = c.id, held_from = a.starts_at, held_until = a.ends_at,"
            " arranged_at = a.created_at from calendars c where c.business_id = a.business_id"
        )
    for column in ("calendar_id", "held_from", "held_until"):
        op.alter_column("appointments", column, nullable=False)
    op.create_foreign_key(
        op.f("fk_appointments_business_id_calendar_id"),
        "appointments",
        "calendars",
        ["business_id", "calendar_id"],
        ["business_id", "id"],
    )
    op.drop_constraint("ex_appointments_overlap", "appointments")
    op.execute(
        "alter table appointments add constraint ex_appointments_overlap exclude using gist ("
        "business_id with =, calendar_id with =, tstzrange(held_from, held_until) with &&)"
        " where (state <> 'cancelled')"
    )
