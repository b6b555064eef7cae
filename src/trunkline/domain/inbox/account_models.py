"""Tables: chat_accounts, message_templates, canned_replies: what a business writes from, and with."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ForeignKey, ForeignKeyConstraint, LargeBinary, Text, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.core.db import Base, PrimaryId


class AccountState(enum.StrEnum):
    """Whether anything is sent from a number."""

    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    """People took it out of use, or the provider does not let it send; `trouble` says so."""


class AiMode(enum.StrEnum):
    """What the agent does in a conversation."""

    ON = "on"
    """It answers."""
    DRAFTS = "drafts"
    """It proposes, and people send."""
    OFF = "off"


class ChatAccount(Base):
    """A number that a business writes from, at one provider."""

    __tablename__ = "chat_accounts"
    __table_args__ = (
        UniqueConstraint("business_id", "id", name="uq_chat_accounts_business_id"),
        UniqueConstraint("business_id", "provider", "account", "address", name="uq_chat_accounts_account"),
        UniqueConstraint("hook_key", name="uq_chat_accounts_hook_key"),
        ForeignKeyConstraint(
            ["business_id", "agent_id"], ["agents.business_id", "agents.id"], ondelete="SET NULL (agent_id)"
        ),
    )

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"))
    provider: Mapped[str]
    """A name of `registry.chat_names`."""
    name: Mapped[str]
    """What the business calls it."""
    address: Mapped[str]
    """The number, E.164."""
    account: Mapped[str]
    """As in `ports.ChatAccount`: the provider's id of it."""
    owner: Mapped[str] = mapped_column(server_default="")
    """As in `ports.ChatAccount`: what has the templates."""
    hook_key: Mapped[str]
    """By which the provider's events name the account in their address; it proves nothing."""
    verify_token: Mapped[str]
    sealed_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Null: the installation's own account at the carrier is used."""
    sealed_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    sealed_under: Mapped[str | None]
    key_last_four: Mapped[str | None]
    state: Mapped[str] = mapped_column(server_default=AccountState.CONNECTED.value)
    trouble: Mapped[str | None]
    """Why nothing goes out or comes in, in the provider's own words."""
    subscribed_at: Mapped[datetime | None]
    """Since when the provider tells its events to our address; null: it was not brought to, so far."""
    closed_until: Mapped[datetime | None]
    """The provider asked to be left alone until then."""
    agent_id: Mapped[UUID | None]
    """Who answers here."""
    ai_mode: Mapped[str] = mapped_column(server_default=AiMode.OFF.value)
    """What the agent does in a new conversation."""
    session_minutes: Mapped[int] = mapped_column(server_default="15")
    """After how much silence a session is closed."""
    return_days: Mapped[int] = mapped_column(server_default="7")
    """Within how many days of a closed session somebody is offered to go on with it."""
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class MessageTemplate(Base):
    """A template as the provider last listed it."""

    __tablename__ = "message_templates"
    __table_args__ = (
        UniqueConstraint("business_id", "id", name="uq_message_templates_business_id"),
        UniqueConstraint(
            "business_id", "chat_account_id", "name", "language", name="uq_message_templates_name"
        ),
        ForeignKeyConstraint(
            ["business_id", "chat_account_id"], ["chat_accounts.business_id", "chat_accounts.id"],
            ondelete="CASCADE",
        ),
    )  # fmt: skip

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"))
    chat_account_id: Mapped[UUID]
    name: Mapped[str]
    language: Mapped[str]
    status: Mapped[str]
    category: Mapped[str]
    header: Mapped[str]
    body: Mapped[str]
    footer: Mapped[str]
    buttons: Mapped[list[str]] = mapped_column(ARRAY(Text))
    parameters: Mapped[dict[str, Any]]
    listed_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    """Since when the provider lists it like this."""


class CannedReply(Base):
    """Words that people of the business send often."""

    __tablename__ = "canned_replies"
    __table_args__ = (UniqueConstraint("business_id", "shortcut", name="uq_canned_replies_shortcut"),)

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"))
    shortcut: Mapped[str]
    text: Mapped[str]
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
