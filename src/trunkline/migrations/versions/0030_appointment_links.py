"""Let people move and cancel their appointment by a link, programs read a calendar, and reminders be sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trunkline.migrations import policies

revision = "0030"
down_revision = "0029"

_NOW = sa.text("clock_timestamp()")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _open_by_links()
    _create_automations()
    _create_sendings()


def _open_by_links() -> None:
    op.add_column("appointments", sa.Column("outcome_asked_at", _TIME, nullable=True))
    op.create_index(
        "ix_appointments_unmarked",
        "appointments",
        ["business_id", "ends_at"],
        postgresql_where=sa.text("state = 'booked' and outcome_asked_at is null"),
    )
    op.add_column("appointments", sa.Column("link_hash", sa.String(), nullable=True))
    op.create_unique_constraint(op.f("uq_appointments_link_hash"), "appointments", ["link_hash"])
    op.add_column("calendars", sa.Column("feed_hash", sa.String(), nullable=True))
    op.add_column("calendars", sa.Column("feed_number", sa.Integer(), server_default="0", nullable=False))
    op.create_unique_constraint(op.f("uq_calendars_feed_hash"), "calendars", ["feed_hash"])
    # The policy is there already: reminders look across businesses for what begins soon.
    op.execute(f"grant select (link_hash) on appointments to {policies.LOOKUP}")
    policies.lookup_function(
        "lookup_appointment_link(token_hash text)",
        "uuid",
        "select a.business_id from appointments a where a.link_hash = lookup_appointment_link.token_hash",
    )
    policies.admit_lookup("calendars", columns="business_id, feed_hash")
    policies.lookup_function(
        "lookup_calendar_feed(token_hash text)",
        "uuid",
        "select c.business_id from calendars c where c.feed_hash = lookup_calendar_feed.token_hash",
    )


def _create_automations() -> None:
    table = "appointment_automations"
    op.create_table(
        table,
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("moment", sa.String(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("calendar_id", sa.UUID(), nullable=True),
        sa.Column("agent_id", sa.UUID(), nullable=True),
        sa.Column("from_number", sa.String(), nullable=True),
        sa.Column("subject", sa.String(), server_default="", nullable=False),
        sa.Column("text", sa.String(), server_default="", nullable=False),
        sa.Column("quiet_from", sa.String(), nullable=True),
        sa.Column("quiet_until", sa.String(), nullable=True),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("since", _TIME, server_default=_NOW, nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["business_id"], ["businesses.id"], name=op.f(f"fk_{table}_business_id")),
        sa.ForeignKeyConstraint(
            ["business_id", "calendar_id"],
            ["calendars.business_id", "calendars.id"],
            name=op.f(f"fk_{table}_business_id_calendar_id"),
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "agent_id"],
            ["agents.business_id", "agents.id"],
            name=op.f(f"fk_{table}_business_id_agent_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("business_id", "id", name=f"uq_{table}_business_id"),
    )
    policies.protect(table)


def _create_sendings() -> None:
    table = "appointment_sendings"
    op.create_table(
        table,
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("automation_id", sa.UUID(), nullable=False),
        sa.Column("appointment_id", sa.UUID(), nullable=False),
        sa.Column("occurrence", sa.String(), nullable=False),
        sa.Column("due_at", _TIME, nullable=False),
        sa.Column("state", sa.String(), server_default="waiting", nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("run_id", sa.UUID(), nullable=True),
        sa.Column("done_at", _TIME, nullable=True),
        sa.ForeignKeyConstraint(["business_id"], ["businesses.id"], name=op.f(f"fk_{table}_business_id")),
        sa.ForeignKeyConstraint(
            ["business_id", "automation_id"],
            ["appointment_automations.business_id", "appointment_automations.id"],
            name=op.f(f"fk_{table}_business_id_automation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "appointment_id"],
            ["appointments.business_id", "appointments.id"],
            name=op.f(f"fk_{table}_business_id_appointment_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("business_id", "id", name=f"uq_{table}_business_id"),
        sa.UniqueConstraint(
            "business_id",
            "automation_id",
            "appointment_id",
            "occurrence",
            name="uq_appointment_sendings_once",
        ),
    )
    op.create_index(
        "ix_appointment_sendings_due",
        table,
        ["business_id", "due_at"],
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index("ix_appointment_sendings_appointment", table, ["business_id", "appointment_id", "due_at"])
    policies.protect(table)
