"""Have tasks, remind people of what is coming, and tell them in the page, on their devices and by post."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from trunkline.migrations import policies

revision = "0026"
down_revision = "0025"

_NOW = sa.text("clock_timestamp()")
_OPEN = sa.text("tasks.state <> 'done'")


def upgrade() -> None:
    _create_installation_keys()
    _create_notifications()
    _create_push_devices()
    _create_sendings()
    _create_choices()
    _create_tasks()
    _find_who_is_to_be_reminded()


def _create_installation_keys() -> None:
    op.create_table(
        "installation_keys",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_under", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_installation_keys")),
    )
    op.execute(f"grant select, insert, update on installation_keys to {policies.APP}")


def _create_notifications() -> None:
    op.create_table(
        "notifications",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("data", postgresql.JSONB(), nullable=False),
        sa.Column("dedup_key", sa.String(), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("in_page", sa.Boolean(), nullable=False),
        sa.Column("stale_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications")),
        sa.UniqueConstraint("business_id", "id", name="uq_notifications_business_id"),
        sa.UniqueConstraint("business_id", "user_id", "dedup_key", name="uq_notifications_once"),
        sa.ForeignKeyConstraint(["business_id"], ["businesses.id"]),
        sa.ForeignKeyConstraint(
            ["business_id", "user_id"], ["users.business_id", "users.id"], ondelete="CASCADE"
        ),
    )
    op.create_index("ix_notifications_inbox", "notifications", ["business_id", "user_id", "created_at", "id"])
    op.create_index(
        "ix_notifications_unread", "notifications", ["business_id", "user_id"],
        postgresql_where=sa.text("read_at is null and in_page"),
    )  # fmt: skip
    op.create_index("ix_notifications_age", "notifications", ["business_id", "created_at"])
    policies.protect("notifications")


def _create_push_devices() -> None:
    op.create_table(
        "push_devices",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("endpoint", sa.String(), nullable=False),
        sa.Column("endpoint_hash", sa.String(), nullable=False),
        sa.Column("p256dh", sa.LargeBinary(), nullable=False),
        sa.Column("auth", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kinds", postgresql.JSONB(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_devices")),
        sa.UniqueConstraint("business_id", "id", name="uq_push_devices_business_id"),
        sa.UniqueConstraint("business_id", "endpoint_hash", name="uq_push_devices_endpoint"),
        sa.ForeignKeyConstraint(["business_id"], ["businesses.id"]),
        sa.ForeignKeyConstraint(
            ["business_id", "user_id"], ["users.business_id", "users.id"], ondelete="CASCADE"
        ),
    )
    op.create_index("ix_push_devices_user", "push_devices", ["business_id", "user_id"])
    policies.protect("push_devices")


def _create_sendings() -> None:
    op.create_table(
        "notification_sendings",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("notification_id", sa.UUID(), nullable=False),
        sa.Column("device_id", sa.UUID(), nullable=True),
        sa.Column("state", sa.String(), server_default="waiting", nullable=False),
        sa.Column("reason", sa.String(), server_default="", nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification_sendings")),
        sa.UniqueConstraint("business_id", "id", name="uq_notification_sendings_business_id"),
        sa.ForeignKeyConstraint(["business_id"], ["businesses.id"]),
        sa.ForeignKeyConstraint(
            ["business_id", "notification_id"], ["notifications.business_id", "notifications.id"],
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "device_id"], ["push_devices.business_id", "push_devices.id"], ondelete="CASCADE"
        ),
    )  # fmt: skip
    op.create_index(
        "ix_notification_sendings_of", "notification_sendings", ["business_id", "notification_id"]
    )
    op.create_index("ix_notification_sendings_device", "notification_sendings", ["business_id", "device_id"])
    policies.protect("notification_sendings")


def _create_choices() -> None:
    op.create_table(
        "notification_choices",
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("kinds", postgresql.JSONB(), nullable=False),
        sa.Column("ahead", postgresql.JSONB(), nullable=False),
        sa.Column("own_quiet", sa.Boolean(), nullable=False),
        sa.Column("quiet_from", sa.String(), nullable=True),
        sa.Column("quiet_to", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("business_id", "user_id", name=op.f("pk_notification_choices")),
        sa.ForeignKeyConstraint(["business_id"], ["businesses.id"]),
        sa.ForeignKeyConstraint(
            ["business_id", "user_id"], ["users.business_id", "users.id"], ondelete="CASCADE"
        ),
    )
    policies.protect("notification_choices")
    op.create_table(
        "quiet_hours",
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("quiet_from", sa.String(), nullable=True),
        sa.Column("quiet_to", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("business_id", name=op.f("pk_quiet_hours")),
        sa.ForeignKeyConstraint(["business_id"], ["businesses.id"]),
    )
    policies.protect("quiet_hours")


def _create_tasks() -> None:
    op.create_table(
        "tasks",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("text", sa.String(), server_default="", nullable=False),
        sa.Column("state", sa.String(), server_default="todo", nullable=False),
        sa.Column("priority", sa.String(), server_default="normal", nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("due_time", sa.Time(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_set_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.Column(
            "sort_at",
            sa.DateTime(timezone=True),
            sa.Computed(
                "coalesce(due_at, '9999-12-31 00:00:00+00'::timestamp with time zone)", persisted=True
            ),
            nullable=False,
        ),
        sa.Column("assignee_id", sa.UUID(), nullable=True),
        sa.Column("lead_id", sa.UUID(), nullable=True),
        sa.Column("call_id", sa.UUID(), nullable=True),
        sa.Column("remind", postgresql.JSONB(), nullable=True),
        sa.Column("repeats", sa.String(), nullable=True),
        sa.Column("repeats_from", sa.Date(), nullable=True),
        sa.Column("follows_id", sa.UUID(), nullable=True),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
        sa.UniqueConstraint("business_id", "id", name="uq_tasks_business_id"),
        sa.UniqueConstraint("business_id", "follows_id", name="uq_tasks_follows"),
        sa.ForeignKeyConstraint(["business_id"], ["businesses.id"]),
        sa.ForeignKeyConstraint(
            ["business_id", "assignee_id"], ["users.business_id", "users.id"],
            ondelete="SET NULL (assignee_id)",
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "lead_id"], ["leads.business_id", "leads.id"], ondelete="SET NULL (lead_id)"
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "call_id"], ["calls.business_id", "calls.id"], ondelete="SET NULL (call_id)"
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "follows_id"], ["tasks.business_id", "tasks.id"],
            ondelete="SET NULL (follows_id)",
        ),
    )  # fmt: skip
    op.create_index("ix_tasks_open", "tasks", ["business_id", "sort_at", "id"], postgresql_where=_OPEN)
    op.create_index(
        "ix_tasks_assignee", "tasks", ["business_id", "assignee_id", "sort_at", "id"], postgresql_where=_OPEN
    )
    op.create_index("ix_tasks_lead", "tasks", ["business_id", "lead_id", "sort_at", "id"])
    op.create_index("ix_tasks_call", "tasks", ["business_id", "call_id"])
    op.create_index(
        "ix_tasks_done", "tasks", ["business_id", "done_at", "id"], postgresql_where=sa.text("state = 'done'")
    )
    policies.protect("tasks")


def _find_who_is_to_be_reminded() -> None:
    policies.admit_lookup("tasks", columns="business_id, sort_at, state")
    policies.admit_lookup("appointments", columns="business_id, starts_at, state")
    policies.admit_lookup("businesses", columns="id")
    policies.lookup_function(
        "businesses_to_remind(since timestamptz, until timestamptz)",
        "table (business_id uuid)",
        """
        select b.id from businesses b
        where ((select current_setting('app.is_system', true)) = 'on'
            or b.id = (select nullif(current_setting('app.business_id', true), ''))::uuid)
        and (exists (
            select from tasks t
            where t.business_id = b.id and t.state <> 'done'
              and t.sort_at > businesses_to_remind.since and t.sort_at <= businesses_to_remind.until)
        or exists (
            select from appointments a
            where a.business_id = b.id and a.state = 'booked'
              and a.starts_at > businesses_to_remind.since and a.starts_at <= businesses_to_remind.until))
        """,
    )
