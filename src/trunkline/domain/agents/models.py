"""Tables: agents, agent_versions and agent_prompts; knowledge_texts and knowledge_chunks."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.core.db import Base, PrimaryId


class Agent(Base):
    """A voice agent: how it sounds, what it says, what it may do."""

    __tablename__ = "agents"
    __table_args__ = (UniqueConstraint("business_id", "id", name="uq_agents_business_id"),)

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"))
    name: Mapped[str]
    language: Mapped[str]
    greeting: Mapped[str]
    instructions: Mapped[str]
    script: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    brain: Mapped[str]
    voice: Mapped[dict[str, Any]]
    tools: Mapped[list[str]]
    transfer_to: Mapped[list[str]] = mapped_column(JSONB, server_default=text("'[]'::jsonb"))
    """Extensions of the business and numbers (E.164) that it may hand calls to; empty: it hands none."""
    version: Mapped[int] = mapped_column(server_default="1")
    """Which of its versions this is; calls remember theirs."""
    archived_at: Mapped[datetime | None]
    """Since when it takes no new calls and stands in no list of agents."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class AgentVersion(Base):
    """An agent as somebody saved it. Written once."""

    __tablename__ = "agent_versions"
    __table_args__ = (ForeignKeyConstraint(["business_id", "agent_id"], ["agents.business_id", "agents.id"]),)

    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    agent_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[dict[str, Any]]
    """Every field of the agent that people write, by name."""
    changed: Mapped[list[str]]
    """Which of these fields differ from the version before."""
    restored_from: Mapped[int | None]
    """Which version this is once more."""
    note: Mapped[str]
    """Why, in the words of whoever saved it; may be empty."""
    saved_by: Mapped[str]
    saved_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class KnowledgeText(Base):
    """Something that a business's agents are to know: opening times, prices, the way in."""

    __tablename__ = "knowledge_texts"
    __table_args__ = (
        ForeignKeyConstraint(["business_id", "agent_id"], ["agents.business_id", "agents.id"]),
        UniqueConstraint("business_id", "id", name="uq_knowledge_texts_business_id"),
        Index("ix_knowledge_texts_agent", "business_id", "agent_id", "title"),
    )

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"))
    agent_id: Mapped[UUID | None]
    """Whose it is; none: every agent of the business knows it."""
    title: Mapped[str]
    text: Mapped[str]
    version: Mapped[int] = mapped_column(server_default="1")
    """Counts the changes; who saves on top of an older one is refused."""
    saved_by: Mapped[str]
    saved_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class KnowledgeChunk(Base):
    """A part of a text, about as long as an answer: what a look-up finds."""

    __tablename__ = "knowledge_chunks"
    __table_args__ = (
        ForeignKeyConstraint(
            ["business_id", "text_id"], ["knowledge_texts.business_id", "knowledge_texts.id"],
            ondelete="CASCADE",
        ),
    )  # fmt: skip

    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    text_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    """From 1 on, in the order of the text."""
    version: Mapped[int]
    """Of the text, when it was cut."""
    body: Mapped[str]
    words: Mapped[Any] = mapped_column(TSVECTOR)
    """Its words and its title's, English ones by their stems, Hebrew ones in every form (`kit.folding`)."""
    vector: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Where it lies among meanings: a direction, a signed byte for each number."""
    vector_of: Mapped[str | None]
    """The model whose vector that is."""


class AgentPrompt(Base):
    """What a call of an agent's begins with, put together before anybody rings."""

    __tablename__ = "agent_prompts"
    __table_args__ = (
        ForeignKeyConstraint(
            ["business_id", "agent_id"], ["agents.business_id", "agents.id"], ondelete="CASCADE"
        ),
    )

    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    agent_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str]
    """Of all that it was made of; where that has another key by now, this is not used."""
    content: Mapped[dict[str, Any]]
    built_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
