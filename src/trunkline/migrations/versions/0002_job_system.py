"""The job system widened: forced cancel, worker rows, counters, and where each schedule stands."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from trunkline.migrations import policies

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    _widen_jobs()
    _create_workers()
    _create_job_counters()
    _widen_schedule_ticks()


def _widen_jobs() -> None:
    op.add_column("jobs", sa.Column("cancel_force_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("jobs", sa.Column("suspect", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    # Renewing a lease must not touch an index: an index that has no such column lets the new version
    # of the row stay on its page.
    op.drop_index("ix_jobs_leased", "jobs")
    op.create_index(
        "ix_jobs_running",
        "jobs",
        ["queue", "tenant_key"],
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_index(
        "ix_jobs_expiring",
        "jobs",
        ["expires_at"],
        postgresql_where=sa.text("state = 'queued' and expires_at is not null"),
    )
    op.create_index("ix_jobs_newest", "jobs", ["tenant_key", "id"])
    op.create_index(
        "ix_jobs_dead", "jobs", ["tenant_key", "id"], postgresql_where=sa.text("state = 'failed'")
    )
    op.drop_index("ix_jobs_run", "jobs")
    op.create_index(
        "ix_jobs_run", "jobs", ["business_id", "run_id"], postgresql_where=sa.text("run_id is not null")
    )
    # A row is written three times in its life and the dead versions are many: room on each page for
    # the next version, and a vacuum that does not wait until a fifth of a large table is dead.
    op.execute(
        "alter table jobs set (fillfactor = 75, autovacuum_vacuum_scale_factor = 0.01, "
        "autovacuum_vacuum_threshold = 1000, autovacuum_analyze_scale_factor = 0.02, "
        "autovacuum_vacuum_cost_delay = 0)"
    )


def _create_workers() -> None:
    op.create_table(
        "workers",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("queues", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("job_id", sa.UUID(), nullable=True),
        sa.Column("job_name", sa.String(), nullable=True),
        sa.Column("jobs_run", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rss_bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_workers")),
    )
    op.execute(f"grant select, insert, update, delete on workers to {policies.RELAY}")


def _create_job_counters() -> None:
    op.create_table(
        "job_counters",
        sa.Column("queue", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("jobs", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("buckets", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.PrimaryKeyConstraint("queue", "name", "outcome", name=op.f("pk_job_counters")),
    )
    op.execute(f"grant select, insert, update on job_counters to {policies.RELAY}")


def _widen_schedule_ticks() -> None:
    op.add_column("schedule_ticks", sa.Column("fired_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("schedule_ticks", sa.Column("job_id", sa.UUID(), nullable=True))
    op.add_column("schedule_ticks", sa.Column("fired", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("schedule_ticks", sa.Column("missed", sa.BigInteger(), server_default="0", nullable=False))
    op.execute(f"grant select on schedule_ticks to {policies.RELAY}")
