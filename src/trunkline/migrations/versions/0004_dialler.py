"""The dialler in full: priority and schedule of runs, turns at a carrier account, rules and consent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from trunkline.migrations import policies

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    _tell_more_of_businesses_and_leads()
    _create_outbound_runs()
    _order_items_by_what_is_due()
    _tell_more_of_attempts()
    _create_turns()
    _create_system_suppressions()
    _count_by_account()


def _tell_more_of_businesses_and_leads() -> None:
    empty = sa.text("'{}'::jsonb")
    op.add_column(
        "businesses",
        sa.Column(
            "calling_rules", postgresql.JSONB(astext_type=sa.Text()), server_default=empty, nullable=False
        ),
    )
    op.add_column("leads", sa.Column("consent", sa.String(), server_default="none", nullable=False))
    op.add_column("leads", sa.Column("consent_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("leads", sa.Column("consent_source", sa.String(), nullable=True))
    op.add_column("calls", sa.Column("answered_by", sa.String(), nullable=True))


def _create_outbound_runs() -> None:
    op.create_table(
        "outbound_runs",
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("run_id", sa.UUID(), nullable=False),
        sa.Column("priority", sa.Integer(), server_default="0", nullable=False),
        sa.Column("retry_of", sa.UUID(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ramp_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("held_reason", sa.String(), nullable=True),
        sa.Column("last_dial_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["business_id", "run_id"],
            ["runs.business_id", "runs.id"],
            name=op.f("fk_outbound_runs_business_id_run_id"),
        ),
        sa.PrimaryKeyConstraint("business_id", "run_id", name=op.f("pk_outbound_runs")),
    )
    policies.protect("outbound_runs", grants="select, insert, update")
    with policies.across_tenants("runs"), policies.across_tenants("outbound_runs"):
        op.execute(
            "insert into outbound_runs (business_id, run_id, ramp_from) "
            "select business_id, id, started_at from runs where kind = 'outbound'"
        )
    op.create_index(
        "ix_runs_running",
        "runs",
        ["business_id", "kind"],
        postgresql_where=sa.text("state = 'running'"),
    )


def _order_items_by_what_is_due() -> None:
    op.add_column("outbound_items", sa.Column("rank", sa.Integer(), server_default="1", nullable=False))
    op.add_column("outbound_items", sa.Column("callback_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("outbound_items", sa.Column("waits_for", sa.String(), nullable=True))
    op.drop_index("ix_outbound_items_next", "outbound_items")
    with policies.across_tenants("outbound_items"):
        op.execute(
            "update outbound_items "
            "set state = case when not_before is null then 'queued' else 'retry_wait' end "
            "where state in ('queued', 'retry_wait')"
        )
        op.execute(
            "update outbound_items set not_before = clock_timestamp() "
            "where state = 'retry_wait' and not_before is null"
        )
    op.create_index(
        "ix_outbound_items_next",
        "outbound_items",
        ["business_id", "run_id", "rank", "position"],
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_index(
        "ix_outbound_items_due",
        "outbound_items",
        ["business_id", "run_id", "not_before"],
        postgresql_where=sa.text("state = 'retry_wait'"),
    )
    op.create_index(
        "ix_outbound_items_phone",
        "outbound_items",
        ["business_id", "phone"],
        postgresql_where=sa.text("state in ('queued', 'retry_wait')"),
    )
    op.create_index(
        "ix_outbound_items_begun",
        "outbound_items",
        ["business_id", "run_id"],
        postgresql_where=sa.text("state in ('dialling', 'in_call', 'wrap_up')"),
    )


def _tell_more_of_attempts() -> None:
    op.add_column("outbound_attempts", sa.Column("account", sa.String(), server_default="", nullable=False))
    op.add_column("outbound_attempts", sa.Column("disposition", sa.String(), nullable=True))
    op.create_index("ix_outbound_attempts_phone", "outbound_attempts", ["business_id", "phone", "created_at"])
    # The newest of a run are looked at after each failure.
    op.drop_index("ix_outbound_attempts_run", "outbound_attempts")
    op.create_index("ix_outbound_attempts_run", "outbound_attempts", ["business_id", "run_id", "created_at"])


def _create_turns() -> None:
    op.add_column("carrier_accounts", sa.Column("last_dial_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("carrier_accounts", sa.Column("closed_until", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "dial_turns",
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("turn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("waiting_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["business_id"], ["businesses.id"], name=op.f("fk_dial_turns_business_id")),
        sa.PrimaryKeyConstraint("business_id", "account", name=op.f("pk_dial_turns")),
    )
    op.create_index(
        "ix_dial_turns_waiting",
        "dial_turns",
        ["account", "waiting_since"],
        postgresql_where=sa.text("waiting_since is not null"),
    )
    policies.protect("dial_turns")
    policies.admit_lookup("dial_turns", columns="business_id, account, waiting_since, seen_at")
    policies.lookup_function(
        "longest_waiting(account text, seen_since timestamptz)",
        "table (business_id uuid, waiting_since timestamptz)",
        "select t.business_id, t.waiting_since from dial_turns t "
        "where t.account = longest_waiting.account and t.waiting_since is not null "
        "and t.seen_at >= longest_waiting.seen_since "
        "order by t.waiting_since, t.business_id limit 1",
    )


def _create_system_suppressions() -> None:
    op.create_table(
        "system_suppressions",
        sa.Column("phone", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("phone", name=op.f("pk_system_suppressions")),
    )
    op.add_column("suppressions", sa.Column("source", sa.String(), server_default="person", nullable=False))
    # Everybody's dialler reads it; only the system scope writes it.
    op.execute("alter table system_suppressions enable row level security")
    op.execute("alter table system_suppressions force row level security")
    op.execute(f"create policy everybody on system_suppressions for select to {policies.APP} using (true)")
    policies.admit_system("system_suppressions", rows="true")
    op.execute(f"grant select, insert, delete on system_suppressions to {policies.APP}")


def _count_by_account() -> None:
    op.execute(f"set local role {policies.LOOKUP}")
    op.execute("drop function count_live_dials")
    op.execute("reset role")
    op.execute(f"grant select (account) on outbound_attempts to {policies.LOOKUP}")
    policies.lookup_function(
        "live_dials(since timestamptz)",
        "table (account text, dials bigint)",
        "select a.account, count(*) from outbound_attempts a where not a.released "
        "and (a.state in ('submitting', 'placed', 'ringing', 'answered') "
        "or (a.state = 'unknown' and a.created_at > since)) group by a.account",
    )
