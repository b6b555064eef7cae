"""Make room for messages and their files, and find messages by their words."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from trunkline.migrations import finding, policies

revision = "0040"
down_revision = "0039"


def upgrade() -> None:
    _create_messages()
    _create_message_files()
    finding.keep("messages", kind="message", words="{row}.text", at="{row}.at")


def _create_messages() -> None:
    op.create_table(
        "messages",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("conversation_id", sa.UUID(), nullable=False),
        sa.Column("chat_account_id", sa.UUID(), nullable=False),
        sa.Column("session_id", sa.UUID(), nullable=True),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column(
            "content",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("reply_to", sa.String(), nullable=True),
        sa.Column("provider_id", sa.String(), nullable=True),
        sa.Column("key", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=True),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("detail", sa.String(), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "due_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["business_id", "chat_account_id"],
            ["chat_accounts.business_id", "chat_accounts.id"],
            name=op.f("fk_messages_business_id_chat_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "conversation_id"],
            ["conversations.business_id", "conversations.id"],
            name=op.f("fk_messages_business_id_conversation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "session_id"],
            ["chat_sessions.business_id", "chat_sessions.id"],
            name=op.f("fk_messages_business_id_session_id"),
            ondelete="SET NULL (session_id)",
        ),
        sa.ForeignKeyConstraint(["business_id"], ["businesses.id"], name=op.f("fk_messages_business_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint("business_id", "id", name="uq_messages_business_id"),
    )
    op.create_index(
        "ix_messages_conversation", "messages", ["business_id", "conversation_id", "at", "id"], unique=False
    )
    op.create_index("ix_messages_session", "messages", ["business_id", "session_id", "at"], unique=False)
    op.create_index(
        "ix_messages_due",
        "messages",
        ["business_id", "due_at"],
        unique=False,
        postgresql_where=sa.text("state in ('queued', 'sending')"),
    )
    op.create_index(
        "ix_messages_uncertain",
        "messages",
        ["business_id", "at"],
        unique=False,
        postgresql_where=sa.text("state = 'uncertain'"),
    )
    op.create_index(
        "ix_messages_unsettled",
        "messages",
        ["business_id", "conversation_id", "at"],
        unique=False,
        postgresql_where=sa.text("state in ('queued', 'sending')"),
    )
    op.create_index(
        "uq_messages_key",
        "messages",
        ["business_id", "key"],
        unique=True,
        postgresql_where=sa.text("key is not null"),
    )
    op.create_index(
        "uq_messages_provider_id",
        "messages",
        ["business_id", "chat_account_id", "provider_id"],
        unique=True,
        postgresql_where=sa.text("provider_id is not null"),
    )
    policies.protect("messages")
    policies.admit_lookup("messages", columns="business_id, state, due_at")
    policies.lookup_function(
        "businesses_with_messages_due(until timestamptz)",
        "table (business_id uuid)",
        """
        select b.id from businesses b
        where ((select current_setting('app.is_system', true)) = 'on'
            or b.id = (select nullif(current_setting('app.business_id', true), ''))::uuid)
        and exists (
            select from messages m
            where m.business_id = b.id and m.state in ('queued', 'sending')
              and m.due_at <= businesses_with_messages_due.until)
        """,
    )


def _create_message_files() -> None:
    op.create_table(
        "message_files",
        sa.Column("business_id", sa.UUID(), nullable=False),
        sa.Column("message_id", sa.UUID(), nullable=False),
        sa.Column("handle", sa.String(), nullable=True),
        sa.Column("content_type", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.String(), nullable=True),
        sa.Column("state", sa.String(), server_default="waiting", nullable=False),
        sa.Column("storage_key", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["business_id", "message_id"],
            ["messages.business_id", "messages.id"],
            name=op.f("fk_message_files_business_id_message_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["business_id"], ["businesses.id"], name=op.f("fk_message_files_business_id")
        ),
        sa.PrimaryKeyConstraint("business_id", "message_id", name=op.f("pk_message_files")),
    )
    op.create_index(
        "ix_message_files_stored",
        "message_files",
        ["business_id", "storage_key"],
        unique=False,
        postgresql_where=sa.text("storage_key is not null"),
    )
    policies.protect("message_files")
