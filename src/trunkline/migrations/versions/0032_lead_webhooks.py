"""Let forms and programs of a business's bring it leads, each by a secret of its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from trunkline.migrations import policies

revision = "0032"
down_revision = "0031"

_NOW = sa.text("clock_timestamp()")


def upgrade() -> None:
    _create_secrets()
    _create_webhooks()
    _create_deliveries()


def _create_secrets() -> None:
    op.create_table(
        "shared_secrets",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_under", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["business_id"], ["businesses.id"], name=op.f("fk_shared_secrets_business_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shared_secrets")),
        sa.UniqueConstraint("business_id", "id", name="uq_shared_secrets_business_id"),
    )
    policies.protect("shared_secrets")


def _create_webhooks() -> None:
    op.create_table(
        "lead_webhooks",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("is_on", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("status_id", sa.UUID(), nullable=True),
        sa.Column("list_id", sa.UUID(), nullable=True),
        sa.Column("tags", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False),
        sa.Column("mapping", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("secret_id", sa.UUID(), nullable=False),
        sa.Column("last_four", sa.String(), nullable=False),
        sa.Column("old_secret_id", sa.UUID(), nullable=True),
        sa.Column("old_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.CheckConstraint("slot between 1 and 3", name=op.f("ck_lead_webhooks_slot")),
        sa.ForeignKeyConstraint(
            ["business_id"], ["businesses.id"], name=op.f("fk_lead_webhooks_business_id")
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "status_id"],
            ["lead_statuses.business_id", "lead_statuses.id"],
            name=op.f("fk_lead_webhooks_business_id_status_id"),
            ondelete="SET NULL (status_id)",
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "list_id"],
            ["lead_lists.business_id", "lead_lists.id"],
            name=op.f("fk_lead_webhooks_business_id_list_id"),
            ondelete="SET NULL (list_id)",
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "secret_id"],
            ["shared_secrets.business_id", "shared_secrets.id"],
            name=op.f("fk_lead_webhooks_business_id_secret_id"),
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "old_secret_id"],
            ["shared_secrets.business_id", "shared_secrets.id"],
            name=op.f("fk_lead_webhooks_business_id_old_secret_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_webhooks")),
        sa.UniqueConstraint("business_id", "id", name="uq_lead_webhooks_business_id"),
        sa.UniqueConstraint("business_id", "slot", name="uq_lead_webhooks_slot"),
    )
    policies.protect("lead_webhooks")
    policies.admit_lookup("lead_webhooks", columns="business_id, id")
    policies.lookup_function(
        "lookup_lead_webhook(webhook uuid)",
        "uuid",
        "select w.business_id from lead_webhooks w where w.id = lookup_lead_webhook.webhook",
    )


def _create_deliveries() -> None:
    op.create_table(
        "lead_deliveries",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("webhook_id", sa.UUID(), nullable=False),
        sa.Column("key", sa.String(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("lead_id", sa.UUID(), nullable=True),
        sa.Column("is_test", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("answer", postgresql.JSONB(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.ForeignKeyConstraint(
            ["business_id"], ["businesses.id"], name=op.f("fk_lead_deliveries_business_id")
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "webhook_id"],
            ["lead_webhooks.business_id", "lead_webhooks.id"],
            name=op.f("fk_lead_deliveries_business_id_webhook_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "lead_id"],
            ["leads.business_id", "leads.id"],
            name=op.f("fk_lead_deliveries_business_id_lead_id"),
            ondelete="SET NULL (lead_id)",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_deliveries")),
        sa.UniqueConstraint("business_id", "id", name="uq_lead_deliveries_business_id"),
    )
    op.create_index("ix_lead_deliveries_newest", "lead_deliveries", ["business_id", "webhook_id", "at", "id"])
    op.create_index("ix_lead_deliveries_lead", "lead_deliveries", ["business_id", "lead_id"])
    op.create_index(
        "uq_lead_deliveries_key",
        "lead_deliveries",
        ["business_id", "webhook_id", "key"],
        unique=True,
        postgresql_where=sa.text("key is not null"),
    )
    policies.protect("lead_deliveries")
