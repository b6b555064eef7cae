"""Make room for what people and a business write to each other."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from trunkline.migrations import policies

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    _create_chat_accounts()
    _create_message_templates()
    _create_conversations()
    _create_chat_sessions()
    _create_canned_replies()


def _create_chat_accounts() -> None:
    op.create_table(
        "chat_accounts",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), server_default="", nullable=False),
        sa.Column("hook_key", sa.String(), nullable=False),
        sa.Column("verify_token", sa.String(), nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_under", sa.String(), nullable=True),
        sa.Column("key_last_four", sa.String(), nullable=True),
        sa.Column("state", sa.String(), server_default="connected", nullable=False),
        sa.Column("trouble", sa.String(), nullable=True),
        sa.Column("subscribed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("agent_id", sa.UUID(), nullable=True),
        sa.Column("ai_mode", sa.String(), server_default="off", nullable=False),
        sa.Column("session_minutes", sa.Integer(), server_default="15", nullable=False),
        sa.Column("return_days", sa.Integer(), server_default="7", nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "agent_id"],
            ["agents.business_id", "agents.id"],
            name=op.f("fk_chat_accounts_business_id_agent_id"),
            ondelete="SET NULL (agent_id)",
        ),
        sa.ForeignKeyConstraint(
            ["business_id"], ["businesses.id"], name=op.f("fk_chat_accounts_business_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_accounts")),
        sa.UniqueConstraint("business_id", "id", name="uq_chat_accounts_business_id"),
        sa.UniqueConstraint("business_id", "provider", "account", "address", name="uq_chat_accounts_account"),
        sa.UniqueConstraint("hook_key", name="uq_chat_accounts_hook_key"),
    )
    policies.protect("chat_accounts")
    policies.admit_lookup("chat_accounts", columns="business_id, hook_key")
    policies.lookup_function(
        "lookup_chat_account(hook text)",
        "uuid",
        "select a.business_id from chat_accounts a where a.hook_key = lookup_chat_account.hook",
    )


def _create_message_templates() -> None:
    op.create_table(
        "message_templates",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("chat_account_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("header", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("footer", sa.String(), nullable=False),
        sa.Column("buttons", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("parameters", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "listed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "chat_account_id"],
            ["chat_accounts.business_id", "chat_accounts.id"],
            name=op.f("fk_message_templates_business_id_chat_account_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["business_id"], ["businesses.id"], name=op.f("fk_message_templates_business_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_templates")),
        sa.UniqueConstraint(
            "business_id", "chat_account_id", "name", "language", name="uq_message_templates_name"
        ),
        sa.UniqueConstraint("business_id", "id", name="uq_message_templates_business_id"),
    )
    policies.protect("message_templates")


def _create_conversations() -> None:
    op.create_table(
        "conversations",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("chat_account_id", sa.UUID(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("name", sa.String(), server_default="", nullable=False),
        sa.Column("lead_id", sa.UUID(), nullable=True),
        sa.Column("state", sa.String(), server_default="open", nullable=False),
        sa.Column("assignee_id", sa.UUID(), nullable=True),
        sa.Column("ai_mode", sa.String(), nullable=False),
        sa.Column("needs_person", sa.String(), nullable=True),
        sa.Column("labels", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False),
        sa.Column("unread", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "last_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("last_in_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_text", sa.String(), server_default="", nullable=False),
        sa.Column("last_direction", sa.String(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "assignee_id"],
            ["users.business_id", "users.id"],
            name=op.f("fk_conversations_business_id_assignee_id"),
            ondelete="SET NULL (assignee_id)",
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "chat_account_id"],
            ["chat_accounts.business_id", "chat_accounts.id"],
            name=op.f("fk_conversations_business_id_chat_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "lead_id"],
            ["leads.business_id", "leads.id"],
            name=op.f("fk_conversations_business_id_lead_id"),
            ondelete="SET NULL (lead_id)",
        ),
        sa.ForeignKeyConstraint(
            ["business_id"], ["businesses.id"], name=op.f("fk_conversations_business_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversations")),
        sa.UniqueConstraint("business_id", "chat_account_id", "address", name="uq_conversations_address"),
        sa.UniqueConstraint("business_id", "id", name="uq_conversations_business_id"),
    )
    op.create_index(
        "ix_conversations_assignee",
        "conversations",
        ["business_id", "assignee_id", "last_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_conversations_lead", "conversations", ["business_id", "lead_id", "last_at"], unique=False
    )
    op.create_index(
        "ix_conversations_newest", "conversations", ["business_id", "last_at", "id"], unique=False
    )
    op.create_index(
        "ix_conversations_state", "conversations", ["business_id", "state", "last_at", "id"], unique=False
    )
    op.create_index(
        "ix_conversations_unread",
        "conversations",
        ["business_id", "last_at", "id"],
        unique=False,
        postgresql_where=sa.text("unread > 0"),
    )
    policies.protect("conversations")


def _create_chat_sessions() -> None:
    op.create_table(
        "chat_sessions",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("conversation_id", sa.UUID(), nullable=False),
        sa.Column(
            "opened_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("close_reason", sa.String(), nullable=True),
        sa.Column("offer", sa.String(), nullable=True),
        sa.Column("continues_id", sa.UUID(), nullable=True),
        sa.Column("summary", sa.String(), nullable=True),
        sa.Column("analysis", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("analysed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["business_id", "conversation_id"],
            ["conversations.business_id", "conversations.id"],
            name=op.f("fk_chat_sessions_business_id_conversation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["business_id"], ["businesses.id"], name=op.f("fk_chat_sessions_business_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_sessions")),
        sa.UniqueConstraint("business_id", "id", name="uq_chat_sessions_business_id"),
    )
    op.create_index(
        "ix_chat_sessions_conversation",
        "chat_sessions",
        ["business_id", "conversation_id", "opened_at"],
        unique=False,
    )
    op.create_index(
        "ix_chat_sessions_due",
        "chat_sessions",
        ["business_id", "closes_at"],
        unique=False,
        postgresql_where=sa.text("closed_at is null"),
    )
    op.create_index(
        "uq_chat_sessions_open",
        "chat_sessions",
        ["business_id", "conversation_id"],
        unique=True,
        postgresql_where=sa.text("closed_at is null"),
    )
    policies.protect("chat_sessions")
    policies.admit_lookup("chat_sessions", columns="business_id, closes_at, closed_at")
    policies.lookup_function(
        "businesses_with_chats_to_close(until timestamptz)",
        "table (business_id uuid)",
        """
        select b.id from businesses b
        where ((select current_setting('app.is_system', true)) = 'on'
            or b.id = (select nullif(current_setting('app.business_id', true), ''))::uuid)
        and exists (
            select from chat_sessions s
            where s.business_id = b.id and s.closed_at is null
              and s.closes_at <= businesses_with_chats_to_close.until)
        """,
    )


def _create_canned_replies() -> None:
    op.create_table(
        "canned_replies",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("shortcut", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["business_id"], ["businesses.id"], name=op.f("fk_canned_replies_business_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canned_replies")),
        sa.UniqueConstraint("business_id", "shortcut", name="uq_canned_replies_shortcut"),
    )
    policies.protect("canned_replies")
