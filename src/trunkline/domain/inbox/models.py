"""Tables: conversations, chat_sessions, messages and message_files."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.core.db import Base, PrimaryId


class ConversationState(enum.StrEnum):
    """What is to be done about a conversation."""

    OPEN = "open"
    PENDING = "pending"
    """Somebody waits for something; it opens when the person writes."""
    RESOLVED = "resolved"


class Direction(enum.StrEnum):
    """Which way a message goes."""

    IN = "in"
    OUT = "out"
    NOTE = "note"
    """Nowhere: a private note of the business's people."""


class MessageState(enum.StrEnum):
    """Where a message stands. Diagram: docs/reference/inbox.md."""

    RECEIVED = "received"
    """It came in, or is a note."""
    DRAFT = "draft"
    """The agent proposes it; nobody has sent it."""
    QUEUED = "queued"
    SENDING = "sending"
    """It is being handed over; whoever finds it so afterwards knows that nobody knows."""
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    """Nobody knows whether it went: it is not sent again by itself."""
    CANCELLED = "cancelled"
    """It was taken back before it went."""

    @property
    def is_settled(self) -> bool:
        """True where sending has come to an end, whatever receipts follow."""
        return self not in {MessageState.DRAFT, MessageState.QUEUED, MessageState.SENDING}


class SourceKind(enum.StrEnum):
    """On whose behalf a message goes out."""

    PERSON = "person"
    AGENT = "agent"
    BROADCAST = "broadcast"
    SCHEDULED = "scheduled"
    AUTOMATION = "automation"
    """Of appointments."""
    SYSTEM = "system"
    """Our own: that somebody is written to no more, or whether they go on where they stopped."""


class CloseReason(enum.StrEnum):
    """Why a session was closed."""

    SILENCE = "silence"
    PERSON = "person"
    """Somebody of the business's."""
    AGENT = "agent"
    STARTED_OVER = "started_over"
    """Whoever writes wanted to begin anew."""


class Offer(enum.StrEnum):
    """What became of the offer to go on with the session before."""

    OFFERED = "offered"
    CONTINUED = "continued"
    STARTED_OVER = "started_over"
    LAPSED = "lapsed"
    """They wrote something else."""


class AnalysisState(enum.StrEnum):
    """What became of looking at a closed session. Diagram: docs/reference/inbox-ai.md."""

    DONE = "done"
    """Nothing of it waits for a person."""
    WAITING = "waiting"
    """Something that was concluded waits for a person's yes or no."""
    NO_MODEL = "no_model"
    """There is no language model that could."""
    FAILED = "failed"
    """The model could not be had, or wrote nothing that can be used."""


class Conversation(Base):
    """Everything that is written between one person's address and one of the business's numbers."""

    __tablename__ = "conversations"
    __table_args__ = (
        UniqueConstraint("business_id", "id", name="uq_conversations_business_id"),
        UniqueConstraint("business_id", "chat_account_id", "address", name="uq_conversations_address"),
        ForeignKeyConstraint(
            ["business_id", "chat_account_id"], ["chat_accounts.business_id", "chat_accounts.id"]
        ),
        # The record stays when its lead is deleted, as a call does.
        ForeignKeyConstraint(
            ["business_id", "lead_id"], ["leads.business_id", "leads.id"], ondelete="SET NULL (lead_id)"
        ),
        ForeignKeyConstraint(
            ["business_id", "assignee_id"], ["users.business_id", "users.id"],
            ondelete="SET NULL (assignee_id)",
        ),
        Index("ix_conversations_newest", "business_id", "last_at", "id"),
        Index("ix_conversations_state", "business_id", "state", "last_at", "id"),
        Index("ix_conversations_assignee", "business_id", "assignee_id", "last_at", "id"),
        Index("ix_conversations_lead", "business_id", "lead_id", "last_at"),
        Index(
            "ix_conversations_unread", "business_id", "last_at", "id", postgresql_where=sql("unread > 0")
        ),
    )  # fmt: skip

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"))
    chat_account_id: Mapped[UUID]
    address: Mapped[str]
    """The person's, E.164."""
    name: Mapped[str] = mapped_column(server_default="")
    """What they call themselves at the provider."""
    lead_id: Mapped[UUID | None]
    state: Mapped[str] = mapped_column(server_default=ConversationState.OPEN.value)
    assignee_id: Mapped[UUID | None]
    ai_mode: Mapped[str]
    """An `AiMode`; handed over to a person it is `off`."""
    needs_person: Mapped[str | None]
    """Why a person is wanted, in the agent's words; null: nobody is."""
    labels: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=sql("'{}'::text[]"))
    unread: Mapped[int] = mapped_column(server_default="0")
    """How many messages came in since somebody of the business's looked, or the agent answered."""
    last_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    """When the last message came or was written."""
    last_in_at: Mapped[datetime | None]
    """When the person last wrote, by the provider's clock: free words go for 24 hours from then."""
    last_text: Mapped[str] = mapped_column(server_default="")
    """The last message, or its kind in brackets, cut for a list."""
    last_direction: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class ChatSession(Base):
    """A stretch of a conversation between two silences."""

    __tablename__ = "chat_sessions"
    __table_args__ = (
        UniqueConstraint("business_id", "id", name="uq_chat_sessions_business_id"),
        ForeignKeyConstraint(
            ["business_id", "conversation_id"], ["conversations.business_id", "conversations.id"],
            ondelete="CASCADE",
        ),
        Index(
            "uq_chat_sessions_open", "business_id", "conversation_id", unique=True,
            postgresql_where=sql("closed_at is null"),
        ),
        Index("ix_chat_sessions_due", "business_id", "closes_at", postgresql_where=sql("closed_at is null")),
        Index(
            "ix_chat_sessions_waiting", "business_id", "closed_at", "id",
            postgresql_where=sql("analysis_state = 'waiting'"),
        ),
        Index("ix_chat_sessions_conversation", "business_id", "conversation_id", "opened_at"),
    )  # fmt: skip

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"))
    conversation_id: Mapped[UUID]
    opened_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    closes_at: Mapped[datetime]
    """When it is closed unless somebody writes before."""
    closed_at: Mapped[datetime | None]
    close_reason: Mapped[str | None]
    """A `CloseReason`."""
    offer: Mapped[str | None]
    """An `Offer`; null: there was nothing to go on with."""
    continues_id: Mapped[UUID | None]
    """The session that the person chose to go on with."""
    summary: Mapped[str | None]
    analysis: Mapped[dict[str, Any] | None]
    """What was made of it: intent, confidence, fields and status for the lead, and who decided on them."""
    analysed_at: Mapped[datetime | None]
    analysis_state: Mapped[str | None]
    """An `AnalysisState`; null: it is not closed, or nobody has looked at it yet."""
    script_progress: Mapped[dict[str, Any] | None]
    """Where a scripted agent stands in its dialogue."""


class Message(Base):
    """One message of a conversation, in, out, or a note."""

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("business_id", "id", name="uq_messages_business_id"),
        ForeignKeyConstraint(
            ["business_id", "conversation_id"], ["conversations.business_id", "conversations.id"],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["business_id", "chat_account_id"], ["chat_accounts.business_id", "chat_accounts.id"]
        ),
        ForeignKeyConstraint(
            ["business_id", "session_id"], ["chat_sessions.business_id", "chat_sessions.id"],
            ondelete="SET NULL (session_id)",
        ),
        # The two locks on doing anything twice: what goes out has a key, what comes in the provider's id.
        Index(
            "uq_messages_key", "business_id", "key", unique=True, postgresql_where=sql("key is not null")
        ),
        Index(
            "uq_messages_provider_id", "business_id", "chat_account_id", "provider_id", unique=True,
            postgresql_where=sql("provider_id is not null"),
        ),
        Index("ix_messages_conversation", "business_id", "conversation_id", "at", "id"),
        Index("ix_messages_session", "business_id", "session_id", "at"),
        Index(
            "ix_messages_unsettled", "business_id", "conversation_id", "at",
            postgresql_where=sql("state in ('queued', 'sending')"),
        ),
        Index(
            "ix_messages_due", "business_id", "due_at",
            postgresql_where=sql("state in ('queued', 'sending')"),
        ),
        Index(
            "ix_messages_uncertain", "business_id", "at", postgresql_where=sql("state = 'uncertain'")
        ),
    )  # fmt: skip

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"))
    conversation_id: Mapped[UUID]
    chat_account_id: Mapped[UUID]
    session_id: Mapped[UUID | None]
    direction: Mapped[str]
    kind: Mapped[str]
    """A `ports.MessageKind`."""
    text: Mapped[str]
    content: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'::jsonb"))
    """What the words do not hold: choices, the template and its variables, a place, what was chosen."""
    reply_to: Mapped[str | None]
    """The provider's id of the message that it answers."""
    provider_id: Mapped[str | None]
    key: Mapped[str | None]
    """Of what goes out: the same key is the same message, sent once at most."""
    state: Mapped[str]
    source: Mapped[str | None]
    """A `SourceKind`, of what goes out."""
    author: Mapped[str]
    """The person's address at the provider, of the business's people their e-mail, `agent:<id>`..."""
    reason: Mapped[str | None]
    """Why it failed or is uncertain: a `ports.Refusal`, or a word of ours."""
    code: Mapped[str | None]
    """The provider's own code of that."""
    detail: Mapped[str | None]
    tries: Mapped[int] = mapped_column(server_default="0")
    due_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    """Before that it is not sent."""
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    """Its place in the conversation: by the provider's clock of what came in, else when it was written."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    sent_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]


class FileState(enum.StrEnum):
    """Whether a message's file is here."""

    WAITING = "waiting"
    KEPT = "kept"
    FAILED = "failed"


class MessageFile(Base):
    """The file of a message; it lies in the storage."""

    __tablename__ = "message_files"
    __table_args__ = (
        ForeignKeyConstraint(
            ["business_id", "message_id"], ["messages.business_id", "messages.id"], ondelete="CASCADE"
        ),
        Index(
            "ix_message_files_stored", "business_id", "storage_key",
            postgresql_where=sql("storage_key is not null"),
        ),
    )  # fmt: skip

    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"), primary_key=True)
    message_id: Mapped[UUID] = mapped_column(primary_key=True)
    handle: Mapped[str | None]
    """By which the provider gives it out."""
    content_type: Mapped[str]
    name: Mapped[str]
    size: Mapped[int | None] = mapped_column(BigInteger)
    sha256: Mapped[str | None]
    state: Mapped[str] = mapped_column(server_default=FileState.WAITING.value)
    storage_key: Mapped[str | None]
    reason: Mapped[str | None]
    """Why it could not be had."""
