"""The first schema: ledger, runs, events, and the thin domains, every tenant table under its policy."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from trunkline.migrations import policies

revision = "0001"
down_revision = None


def upgrade() -> None:
    _create_tables()
    _protect_tables()
    _create_lookups()


def _create_tables() -> None:
    op.execute("create extension if not exists btree_gist")
    op.create_table(
        "businesses",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("working_hours", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("calling_window", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("slot_minutes", sa.Integer(), server_default="30", nullable=False),
        sa.Column("max_outbound_calls", sa.Integer(), server_default="3", nullable=False),
        sa.Column("max_calls", sa.Integer(), server_default="5", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_businesses")),
    )
    op.create_table(
        "carrier_accounts",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column(
            "next_dial_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_carrier_accounts")),
    )
    op.create_table(
        "schedule_ticks",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("last_tick", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_schedule_ticks")),
    )
    op.create_table(
        "agents",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("greeting", sa.String(), nullable=False),
        sa.Column("instructions", sa.String(), nullable=False),
        sa.Column("script", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("brain", sa.String(), nullable=False),
        sa.Column("voice", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("tools", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["business_id"], ["businesses.id"], name=op.f("fk_agents_business_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agents")),
        sa.UniqueConstraint("business_id", "id", name="uq_agents_business_id"),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "transaction_id",
            sa.BigInteger(),
            server_default=sa.text("pg_current_xact_id()::text::bigint"),
            nullable=False,
        ),
        sa.Column("business_id", sa.UUID(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.UUID(), nullable=True),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.ForeignKeyConstraint(["business_id"], ["businesses.id"], name=op.f("fk_events_business_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_index("ix_events_kind", "events", ["kind", "actor", "at"], unique=False)
    op.create_index("ix_events_feed", "events", ["business_id", "transaction_id", "id"], unique=False)
    op.create_table(
        "jobs",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("business_id", sa.UUID(), nullable=True),
        sa.Column(
            "tenant_key",
            sa.UUID(),
            sa.Computed(
                "coalesce(business_id, '00000000-0000-0000-0000-000000000000'::uuid)", persisted=True
            ),
            nullable=False,
        ),
        sa.Column("run_id", sa.UUID(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("queue", sa.String(), nullable=False),
        sa.Column("args", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.String(), server_default="queued", nullable=False),
        sa.Column("dedup_key", sa.String(), nullable=True),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("timeout_s", sa.Double(), nullable=False),
        sa.Column("backoff_s", sa.Double(), nullable=False),
        sa.Column(
            "run_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_owner", sa.String(), nullable=True),
        sa.Column("lease_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_epoch", sa.Integer(), server_default="0", nullable=False),
        sa.Column("cancel_requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trace_id", sa.String(), nullable=False),
        sa.Column("progress_done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("progress_total", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["business_id"], ["businesses.id"], name=op.f("fk_jobs_business_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
    )
    op.create_index(
        "ix_jobs_leased",
        "jobs",
        ["lease_expires_at"],
        unique=False,
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_index(
        "ix_jobs_ready",
        "jobs",
        ["queue", "tenant_key", "run_at", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_index(
        "ix_jobs_finished",
        "jobs",
        ["finished_at"],
        unique=False,
        postgresql_where=sa.text("state in ('succeeded', 'cancelled', 'expired')"),
    )
    op.create_index("ix_jobs_run", "jobs", ["business_id", "run_id"], unique=False)
    op.create_index(
        "uq_jobs_active_dedup",
        "jobs",
        ["tenant_key", "name", "dedup_key"],
        unique=True,
        postgresql_where=sa.text("dedup_key is not null and state in ('queued', 'running')"),
    )
    op.create_table(
        "lead_lists",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["business_id"], ["businesses.id"], name=op.f("fk_lead_lists_business_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_lists")),
        sa.UniqueConstraint("business_id", "id", name="uq_lead_lists_business_id"),
        sa.UniqueConstraint("business_id", "name", name="uq_lead_lists_name"),
    )
    op.create_table(
        "leads",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("phone", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("notes", sa.String(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["business_id"], ["businesses.id"], name=op.f("fk_leads_business_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leads")),
        sa.UniqueConstraint("business_id", "id", name="uq_leads_business_id"),
        sa.UniqueConstraint("business_id", "phone", name="uq_leads_phone"),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("state", sa.String(), server_default="pending", nullable=False),
        sa.Column("options", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("cursor", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("swept_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unsettled", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(["business_id"], ["businesses.id"], name=op.f("fk_runs_business_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
        sa.UniqueConstraint("business_id", "id", name="uq_runs_business_id"),
    )
    op.create_index(
        "ix_runs_swept",
        "runs",
        ["swept_at"],
        unique=False,
        postgresql_where=sa.text("state = 'running' or unsettled"),
    )
    op.create_index(
        "uq_runs_active_subject",
        "runs",
        ["business_id", "kind", "subject"],
        unique=True,
        postgresql_where=sa.text("subject is not null and state in ('running', 'paused')"),
    )
    op.create_table(
        "suppressions",
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("phone", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["business_id"], ["businesses.id"], name=op.f("fk_suppressions_business_id")),
        sa.PrimaryKeyConstraint("business_id", "phone", name=op.f("pk_suppressions")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("business_id", sa.UUID(), nullable=True),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=True),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("(business_id is null) = (role is null)", name=op.f("ck_users_role_in_business")),
        sa.ForeignKeyConstraint(["business_id"], ["businesses.id"], name=op.f("fk_users_business_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("business_id", "id", name="uq_users_business_id"),
    )
    op.create_index("uq_users_email", "users", [sa.literal_column("lower(email)")], unique=True)
    op.create_table(
        "calls",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("carrier_sid", sa.String(), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("ours", sa.String(), nullable=False),
        sa.Column("theirs", sa.String(), nullable=False),
        sa.Column("agent_id", sa.UUID(), nullable=True),
        sa.Column("lead_id", sa.UUID(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("disposition", sa.String(), nullable=True),
        sa.Column("end_reason", sa.String(), nullable=True),
        sa.Column("media_opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finalized_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["business_id", "agent_id"],
            ["agents.business_id", "agents.id"],
            name=op.f("fk_calls_business_id_agent_id"),
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "lead_id"],
            ["leads.business_id", "leads.id"],
            name=op.f("fk_calls_business_id_lead_id"),
        ),
        sa.ForeignKeyConstraint(["business_id"], ["businesses.id"], name=op.f("fk_calls_business_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calls")),
        sa.UniqueConstraint("business_id", "carrier_sid", name="uq_calls_carrier_sid"),
        sa.UniqueConstraint("business_id", "id", name="uq_calls_business_id"),
    )
    op.create_index("ix_calls_newest", "calls", ["business_id", "created_at"], unique=False)
    op.create_index(
        "ix_calls_open", "calls", ["business_id"], unique=False, postgresql_where=sa.text("state <> 'ended'")
    )
    op.create_table(
        "lead_list_entries",
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("list_id", sa.UUID(), nullable=False),
        sa.Column("lead_id", sa.UUID(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["business_id", "lead_id"],
            ["leads.business_id", "leads.id"],
            name=op.f("fk_lead_list_entries_business_id_lead_id"),
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "list_id"],
            ["lead_lists.business_id", "lead_lists.id"],
            name=op.f("fk_lead_list_entries_business_id_list_id"),
        ),
        sa.PrimaryKeyConstraint("business_id", "list_id", "lead_id", name=op.f("pk_lead_list_entries")),
    )
    op.create_table(
        "outbound_items",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("run_id", sa.UUID(), nullable=False),
        sa.Column("lead_id", sa.UUID(), nullable=False),
        sa.Column("phone", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), server_default="queued", nullable=False),
        sa.Column("attempts_used", sa.Integer(), server_default="0", nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disposition", sa.String(), nullable=True),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "lead_id"],
            ["leads.business_id", "leads.id"],
            name=op.f("fk_outbound_items_business_id_lead_id"),
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "run_id"],
            ["runs.business_id", "runs.id"],
            name=op.f("fk_outbound_items_business_id_run_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbound_items")),
        sa.UniqueConstraint("business_id", "id", name="uq_outbound_items_business_id"),
        sa.UniqueConstraint("business_id", "run_id", "lead_id", name="uq_outbound_items_lead"),
    )
    op.create_index(
        "ix_outbound_items_next",
        "outbound_items",
        ["business_id", "run_id", "position"],
        unique=False,
        postgresql_where=sa.text("state in ('queued', 'retry_wait')"),
    )
    op.create_table(
        "phone_numbers",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("e164", sa.String(), nullable=False),
        sa.Column("agent_id", sa.UUID(), nullable=True),
        sa.ForeignKeyConstraint(
            ["business_id", "agent_id"],
            ["agents.business_id", "agents.id"],
            name=op.f("fk_phone_numbers_business_id_agent_id"),
        ),
        sa.ForeignKeyConstraint(
            ["business_id"], ["businesses.id"], name=op.f("fk_phone_numbers_business_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phone_numbers")),
        sa.UniqueConstraint("business_id", "id", name="uq_phone_numbers_business_id"),
        sa.UniqueConstraint("e164", name=op.f("uq_phone_numbers_e164")),
    )
    op.create_table(
        "sign_ins",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("business_id", sa.UUID(), nullable=True),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("chosen_business_id", sa.UUID(), nullable=True),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["business_id"], ["businesses.id"], name=op.f("fk_sign_ins_business_id")),
        sa.ForeignKeyConstraint(
            ["chosen_business_id"], ["businesses.id"], name=op.f("fk_sign_ins_chosen_business_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sign_ins_user_id")),
        sa.ForeignKeyConstraint(
            ["business_id", "user_id"],
            ["users.business_id", "users.id"],
            name=op.f("fk_sign_ins_business_id_user_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_ins")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sign_ins_token_hash")),
    )
    op.create_table(
        "appointments",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("lead_id", sa.UUID(), nullable=False),
        sa.Column("call_id", sa.UUID(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), server_default="booked", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        postgresql.ExcludeConstraint(
            (sa.column("business_id"), "="),
            (sa.text("tstzrange(starts_at, ends_at)"), "&&"),
            where=sa.text("state = 'booked'"),
            using="gist",
            name="ex_appointments_overlap",
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "call_id"],
            ["calls.business_id", "calls.id"],
            name=op.f("fk_appointments_business_id_call_id"),
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "lead_id"],
            ["leads.business_id", "leads.id"],
            name=op.f("fk_appointments_business_id_lead_id"),
        ),
        sa.ForeignKeyConstraint(["business_id"], ["businesses.id"], name=op.f("fk_appointments_business_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appointments")),
        sa.UniqueConstraint("business_id", "id", name="uq_appointments_business_id"),
    )
    op.create_index("ix_appointments_start", "appointments", ["business_id", "starts_at"], unique=False)
    op.create_table(
        "call_events",
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("call_id", sa.UUID(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["business_id", "call_id"],
            ["calls.business_id", "calls.id"],
            name=op.f("fk_call_events_business_id_call_id"),
        ),
        sa.PrimaryKeyConstraint("business_id", "call_id", "sequence", name=op.f("pk_call_events")),
    )
    op.create_table(
        "outbound_attempts",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("run_id", sa.UUID(), nullable=False),
        sa.Column("item_id", sa.UUID(), nullable=False),
        sa.Column("phone", sa.String(), nullable=False),
        sa.Column("from_number", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("job_id", sa.UUID(), nullable=False),
        sa.Column("lease_epoch", sa.Integer(), nullable=False),
        sa.Column("carrier_sid", sa.String(), nullable=True),
        sa.Column("call_id", sa.UUID(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("released", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["business_id", "call_id"],
            ["calls.business_id", "calls.id"],
            name=op.f("fk_outbound_attempts_business_id_call_id"),
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "item_id"],
            ["outbound_items.business_id", "outbound_items.id"],
            name=op.f("fk_outbound_attempts_business_id_item_id"),
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "run_id"],
            ["runs.business_id", "runs.id"],
            name=op.f("fk_outbound_attempts_business_id_run_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbound_attempts")),
        sa.UniqueConstraint("business_id", "id", name="uq_outbound_attempts_business_id"),
    )
    op.create_index(
        "ix_outbound_attempts_live",
        "outbound_attempts",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text(
            "state in ('submitting', 'placed', 'ringing', 'answered', 'unknown') and not released"
        ),
    )
    op.create_index("ix_outbound_attempts_run", "outbound_attempts", ["business_id", "run_id"], unique=False)
    op.create_index(
        "uq_outbound_attempts_fence",
        "outbound_attempts",
        ["business_id", "phone"],
        unique=True,
        postgresql_where=sa.text(
            "state in ('submitting', 'placed', 'ringing', 'answered', 'unknown') and not released"
        ),
    )


def _protect_tables() -> None:
    for table in (
        "phone_numbers", "users", "sign_ins", "agents", "leads", "lead_lists", "lead_list_entries", "calls",
        "call_events", "outbound_items", "outbound_attempts", "suppressions", "appointments", "runs", "jobs",
    ):  # fmt: skip
        policies.protect(table)
    policies.protect("businesses", key="id", grants="select, insert, update")
    policies.protect("events", grants="select, insert")

    policies.admit_system("businesses", rows="true")
    for table in ("users", "sign_ins", "jobs", "events"):
        policies.admit_system(table)

    policies.admit_relay("jobs", grants="select, update, delete")
    policies.admit_relay("runs", grants="select, update")

    # No tenant's rows: the pace of a carrier account, and which ticks have fired.
    for table in ("carrier_accounts", "schedule_ticks"):
        op.execute(f"grant select, insert, update on {table} to {policies.APP}")
    op.execute(f"grant select on alembic_version to {policies.APP}, {policies.RELAY}")


def _create_lookups() -> None:
    policies.admit_lookup("users", columns="business_id, email")
    policies.lookup_function(
        "lookup_login(email text)",
        "table (business_id uuid)",
        "select u.business_id from users u where lower(u.email) = lower(lookup_login.email)",
    )
    policies.admit_lookup("sign_ins", columns="business_id, token_hash")
    policies.lookup_function(
        "lookup_sign_in(token_hash text)",
        "table (business_id uuid)",
        "select s.business_id from sign_ins s where s.token_hash = lookup_sign_in.token_hash",
    )
    policies.admit_lookup("phone_numbers", columns="business_id, e164")
    policies.lookup_function(
        "lookup_number(e164 text)",
        "uuid",
        "select n.business_id from phone_numbers n where n.e164 = lookup_number.e164",
    )
    policies.admit_lookup("outbound_attempts", columns="state, released, created_at")
    policies.lookup_function(
        "count_live_dials(since timestamptz)",
        "bigint",
        "select count(*) from outbound_attempts where not released and "
        "(state in ('submitting', 'placed', 'ringing', 'answered') "
        "or (state = 'unknown' and created_at > since))",
    )
