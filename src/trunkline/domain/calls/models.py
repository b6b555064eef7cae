"""Tables: calls and call_events."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Computed, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.core.db import Base, PrimaryId


class CallState(enum.StrEnum):
    """Where a call stands with us."""

    RINGING = "ringing"
    LIVE = "live"
    ENDED = "ended"

    @property
    def rank(self) -> int:
        """A late report of a lower rank changes nothing."""
        return list(CallState).index(self)


class Away(enum.StrEnum):
    """Why a call goes on without its agent; also the reason of its end, should it end like this."""

    TRANSFERRING = "transferring"
    """A colleague is to be rung up, or is; nobody has answered yet."""
    TRANSFERRED = "transferred"
    """A colleague has taken the caller."""
    ON_HOLD = "on_hold"
    SENDING_DIGITS = "sending_digits"
    IN_CONFERENCE = "in_conference"
    """The caller waits while a colleague is asked whether they take the call."""
    LEAVING_MESSAGE = "leaving_message"
    """A message is to be left; the carrier has not been told to speak it yet."""
    MESSAGE_DROPPED = "message_dropped"


class Call(Base):
    """One call, either direction."""

    __tablename__ = "calls"
    __table_args__ = (
        UniqueConstraint("business_id", "id", name="uq_calls_business_id"),
        UniqueConstraint("business_id", "carrier_sid", name="uq_calls_carrier_sid"),
        ForeignKeyConstraint(["business_id", "agent_id"], ["agents.business_id", "agents.id"]),
        # The record stays when its lead is deleted; the business is never emptied.
        ForeignKeyConstraint(
            ["business_id", "lead_id"], ["leads.business_id", "leads.id"], ondelete="SET NULL (lead_id)"
        ),
        ForeignKeyConstraint(
            ["business_id", "run_id"], ["runs.business_id", "runs.id"], ondelete="SET NULL (run_id)"
        ),
        # One for each thing that the log is filtered by, in its order.
        Index("ix_calls_newest", "business_id", "created_at", "id"),
        Index("ix_calls_lead", "business_id", "lead_id", "created_at", "id"),
        Index("ix_calls_agent", "business_id", "agent_id", "created_at", "id"),
        Index("ix_calls_direction", "business_id", "direction", "created_at", "id"),
        Index("ix_calls_carrier", "business_id", "carrier", "created_at", "id"),
        Index("ix_calls_disposition", "business_id", "disposition", "created_at", "id"),
        Index(
            "ix_calls_run",
            "business_id",
            "run_id",
            "created_at",
            "id",
            postgresql_where=text("run_id is not null"),
        ),
        Index(
            "ix_calls_booked",
            "business_id",
            "created_at",
            "id",
            postgresql_where=text("booked_at is not null"),
        ),
        Index("ix_calls_open", "business_id", postgresql_where=text("state <> 'ended'")),
        # Row-level security takes no `like` for an index; where a number begins and ends, it does.
        Index("ix_calls_theirs", "business_id", "theirs", postgresql_ops={"theirs": "text_pattern_ops"}),
        Index(
            "ix_calls_theirs_reversed",
            "business_id",
            "theirs_reversed",
            postgresql_ops={"theirs_reversed": "text_pattern_ops"},
        ),
    )

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"))
    carrier: Mapped[str] = mapped_column(server_default="twilio")
    """By which carrier it goes, as the registry names it."""
    carrier_sid: Mapped[str]
    direction: Mapped[str]
    """`inbound` or `outbound`."""
    ours: Mapped[str]
    """Our number, E.164."""
    theirs: Mapped[str]
    """The other party's number, as the carrier gave it."""
    agent_id: Mapped[UUID | None]
    agent_version: Mapped[int | None]
    """Which version of the agent held it; none: the agent has not been on the line."""
    lead_id: Mapped[UUID | None]
    run_id: Mapped[UUID | None]
    """The run that has it called, if one has."""
    state: Mapped[str]
    disposition: Mapped[str | None]
    end_reason: Mapped[str | None]
    answered_by: Mapped[str | None]
    """`human`, `machine`, `fax` or `unknown`, as the carrier told it."""
    media_opened_at: Mapped[datetime | None]
    """When the first media socket's single-use token was spent."""
    media_legs: Mapped[int] = mapped_column(server_default="1")
    """Stretches with the agent that were asked for: another one each time that the agent comes back."""
    media_spent: Mapped[int] = mapped_column(server_default="0")
    """Of how many of these the token was spent."""
    steps: Mapped[int] = mapped_column(server_default="0")
    """How often it was decided what is next with the call; what belongs to an earlier step is late."""
    away: Mapped[str | None]
    """Why the call goes on without its agent (`Away`); none: it does not."""
    live_until: Mapped[datetime | None]
    """When the call is surely over, if nobody has told of its end by then."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    finalized_at: Mapped[datetime | None]
    """When everything that media had to tell of the call was written."""
    booked_at: Mapped[datetime | None]
    """When an appointment was first made in it."""
    notes: Mapped[str] = mapped_column(server_default="")
    """What people have written about it, as one text."""
    notes_version: Mapped[int] = mapped_column(server_default="0")
    """How often that was changed: who changes it says what they have read."""
    notes_by: Mapped[str | None]
    theirs_reversed: Mapped[str] = mapped_column(Computed("reverse(theirs)", persisted=True))
    """The other party's number from its end."""


class CallEvent(Base):
    """One thing that happened in a call: said, heard, keyed, measured, ended."""

    __tablename__ = "call_events"
    __table_args__ = (ForeignKeyConstraint(["business_id", "call_id"], ["calls.business_id", "calls.id"]),)

    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    call_id: Mapped[UUID] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    at: Mapped[datetime]
    data: Mapped[dict[str, Any]]
