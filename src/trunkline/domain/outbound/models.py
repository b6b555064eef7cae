"""Tables: outbound_runs, items, attempts; suppressions; carrier accounts and the turns at them."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    bindparam,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.core.db import Base, PrimaryId


class ItemState(enum.StrEnum):
    """Where a lead stands in a run."""

    QUEUED = "queued"
    DIALLING = "dialling"
    IN_CALL = "in_call"
    WRAP_UP = "wrap_up"
    """Its call is over; what came of the conversation is being written."""
    RETRY_WAIT = "retry_wait"
    """It is called at `not_before`, or again then."""
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"
    """Nobody could find out whether it rang."""


WAITING_ITEM_STATES = (ItemState.QUEUED, ItemState.RETRY_WAIT)
BEGUN_ITEM_STATES = (ItemState.DIALLING, ItemState.IN_CALL, ItemState.WRAP_UP)
OPEN_ITEM_STATES = (*WAITING_ITEM_STATES, *BEGUN_ITEM_STATES)


class AttemptState(enum.StrEnum):
    """Where a dial stands."""

    SUBMITTING = "submitting"
    PLACED = "placed"
    RINGING = "ringing"
    ANSWERED = "answered"
    UNKNOWN = "unknown"
    ENDED = "ended"
    REJECTED = "rejected"

    @property
    def rank(self) -> int:
        """A late report of a lower rank changes nothing; unknown gives way to any evidence."""
        return _RANKS[self]


_RANKS = {
    AttemptState.SUBMITTING: 0,
    AttemptState.UNKNOWN: 0,
    AttemptState.PLACED: 1,
    AttemptState.RINGING: 2,
    AttemptState.ANSWERED: 3,
    AttemptState.ENDED: 4,
    AttemptState.REJECTED: 4,
}

UNRESOLVED_STATES = (
    AttemptState.SUBMITTING,
    AttemptState.PLACED,
    AttemptState.RINGING,
    AttemptState.ANSWERED,
    AttemptState.UNKNOWN,
)

_UNRESOLVED = text("state in ('submitting', 'placed', 'ringing', 'answered', 'unknown') and not released")


def spelt_out(states: Sequence[enum.StrEnum]) -> BindParameter[list[str]]:
    """Return states for `in_` that are part of the statement's text.

    Of a statement that takes them as parameters PostgreSQL does not know, once it has prepared it, that
    an index over rows of some states alone would do.
    """
    values = [state.value for state in states]
    return bindparam(None, values, expanding=True, literal_execute=True)


class OutboundRun(Base):
    """What a run that calls has beyond any other run."""

    __tablename__ = "outbound_runs"
    __table_args__ = (ForeignKeyConstraint(["business_id", "run_id"], ["runs.business_id", "runs.id"]),)

    business_id: Mapped[UUID] = mapped_column(primary_key=True)
    run_id: Mapped[UUID] = mapped_column(primary_key=True)
    priority: Mapped[int] = mapped_column(server_default="0")
    """Of the business's runs with somebody to call, the highest goes first."""
    retry_of: Mapped[UUID | None]
    """The run whose failed leads this one calls again."""
    starts_at: Mapped[datetime | None]
    """When it starts by itself."""
    ramp_from: Mapped[datetime | None]
    """Since when its lines grow to their full number: its start, or the end of a hold."""
    held_until: Mapped[datetime | None]
    """Too many dials failed: it begins none before this."""
    held_reason: Mapped[str | None]
    last_dial_at: Mapped[datetime | None]
    """Of runs of one priority, the one that dialled longest ago goes first."""
    tallied: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """How many people came to what, once it is over (`tallies`); a trigger takes it away when one changes."""


class OutboundItem(Base):
    """One lead of a run."""

    __tablename__ = "outbound_items"
    __table_args__ = (
        UniqueConstraint("business_id", "id", name="uq_outbound_items_business_id"),
        # The number too: two leads of a run may have come to be one since, who was called at both of theirs.
        UniqueConstraint("business_id", "run_id", "lead_id", "phone", name="uq_outbound_items_lead"),
        ForeignKeyConstraint(["business_id", "run_id"], ["runs.business_id", "runs.id"]),
        ForeignKeyConstraint(
            ["business_id", "lead_id"], ["leads.business_id", "leads.id"], ondelete="SET NULL (lead_id)"
        ),
        Index("ix_outbound_items_lead", "business_id", "lead_id"),
        # Pages of a run's items in their order, whatever their states; and of those in one state, which are
        # counted over it too.
        Index("ix_outbound_items_position", "business_id", "run_id", "position"),
        Index("ix_outbound_items_state", "business_id", "run_id", "state", "position"),
        Index(
            "ix_outbound_items_next",
            "business_id",
            "run_id",
            "rank",
            "position",
            postgresql_where=text("state = 'queued'"),
        ),
        Index(
            "ix_outbound_items_due",
            "business_id",
            "run_id",
            "not_before",
            "position",
            postgresql_where=text("state = 'retry_wait'"),
        ),
        Index(
            "ix_outbound_items_phone",
            "business_id",
            "phone",
            postgresql_where=text("state in ('queued', 'retry_wait')"),
        ),
        Index(
            "ix_outbound_items_begun",
            "business_id",
            "run_id",
            postgresql_where=text("state in ('dialling', 'in_call', 'wrap_up')"),
        ),
    )

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID]
    run_id: Mapped[UUID]
    lead_id: Mapped[UUID | None]
    """Null: the lead has been deleted since."""
    phone: Mapped[str]
    position: Mapped[int]
    state: Mapped[str] = mapped_column(server_default=ItemState.QUEUED.value)
    rank: Mapped[int] = mapped_column(server_default="1")
    """0: somebody asked to be called at this time, and goes before the others."""
    attempts_used: Mapped[int] = mapped_column(server_default="0")
    not_before: Mapped[datetime | None]
    """Until when it waits, in `retry_wait`."""
    waits_for: Mapped[str | None]
    """Why it waits: `calling_hours`, `retry`, `callback`, `attempts_per_day` and so on."""
    callback_at: Mapped[datetime | None]
    """When the person asked, in the call that is under way, to be called again."""
    disposition: Mapped[str | None]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class OutboundAttempt(Base):
    """One dial. While it is unresolved it holds a slot and fences its number."""

    __tablename__ = "outbound_attempts"
    __table_args__ = (
        UniqueConstraint("business_id", "id", name="uq_outbound_attempts_business_id"),
        ForeignKeyConstraint(["business_id", "run_id"], ["runs.business_id", "runs.id"]),
        ForeignKeyConstraint(["business_id", "item_id"], ["outbound_items.business_id", "outbound_items.id"]),
        ForeignKeyConstraint(["business_id", "call_id"], ["calls.business_id", "calls.id"]),
        # The fence: no second dial to a number while one to it is unresolved.
        Index(
            "uq_outbound_attempts_fence", "business_id", "phone", unique=True, postgresql_where=_UNRESOLVED
        ),
        # Few of many, whatever lies behind them: the lines in use, and what a run has under way.
        Index("ix_outbound_attempts_unresolved", "business_id", "run_id", postgresql_where=_UNRESOLVED),
        Index("ix_outbound_attempts_phone", "business_id", "phone", "created_at"),
        Index("ix_outbound_attempts_run", "business_id", "run_id", "created_at"),
        Index("ix_outbound_attempts_item", "business_id", "item_id"),
        Index(
            "ix_outbound_attempts_call",
            "business_id",
            "call_id",
            postgresql_where=text("call_id is not null"),
        ),
        Index(
            "ix_outbound_attempts_rejected",
            "business_id",
            "resolved_at",
            postgresql_where=text("state = 'rejected'"),
        ),
        Index(
            "ix_outbound_attempts_sid",
            "business_id",
            "carrier_sid",
            postgresql_where=text("carrier_sid is not null"),
        ),
    )

    id: Mapped[PrimaryId]
    business_id: Mapped[UUID]
    run_id: Mapped[UUID]
    item_id: Mapped[UUID]
    phone: Mapped[str]
    from_number: Mapped[str]
    account: Mapped[str] = mapped_column(server_default="")
    """The carrier account that it was dialled through."""
    state: Mapped[str]
    disposition: Mapped[str | None]
    """What the carrier made of it, once it is resolved."""
    job_id: Mapped[UUID]
    """The job that dialled, and under which lease: only it may speak for a submitting attempt."""
    lease_epoch: Mapped[int]
    carrier_sid: Mapped[str | None]
    call_id: Mapped[UUID | None]
    error: Mapped[str | None]
    released: Mapped[bool] = mapped_column(server_default=text("false"))
    """An unknown attempt whose number may be dialled again, by policy or by a person."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    placed_at: Mapped[datetime | None]
    """When we came to know that the carrier has the call; the next three likewise. What was never told of
    a dial, or came behind something later, has no time."""
    ringing_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    unknown_at: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]

    def reach(self, state: AttemptState, *, at: datetime) -> None:
        """Take the dial to a state, and keep when that was."""
        self.state = state
        match state:
            case AttemptState.PLACED:
                self.placed_at = at
            case AttemptState.RINGING:
                self.ringing_at = at
            case AttemptState.ANSWERED:
                self.answered_at = at
            case AttemptState.UNKNOWN:
                self.unknown_at = at
            case AttemptState.ENDED | AttemptState.REJECTED:
                self.resolved_at = at
            case AttemptState.SUBMITTING:
                raise ValueError("a dial begins by being submitted; it does not come to that")


class Suppression(Base):
    """A number that a business must not call."""

    __tablename__ = "suppressions"
    __table_args__ = (
        # Pages of the list, newest first; and numbers by how they begin: that one's migration gives it the
        # collation "C", whatever the database's, which cannot be said here so that it compares with what is.
        Index("ix_suppressions_newest", "business_id", "created_at", "phone"),
        Index("ix_suppressions_digits", "business_id", "phone"),
    )

    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"), primary_key=True)
    phone: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str]
    source: Mapped[str] = mapped_column(server_default="person")
    """Where it came from: `call`, `whatsapp`, `person` or `import`."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class SystemSuppression(Base):
    """A number that no business here calls."""

    __tablename__ = "system_suppressions"

    phone: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class CarrierAccount(Base):
    """The pace of one carrier account, shared by all businesses that call through it."""

    __tablename__ = "carrier_accounts"

    account: Mapped[str] = mapped_column(primary_key=True)
    next_dial_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    """The next moment that is nobody's turn."""
    last_dial_at: Mapped[datetime | None]
    """When its last dial was made, as its pace is reckoned: `rules.turn_of`."""
    closed_until: Mapped[datetime | None]
    """The carrier asked to be left alone until then."""


class DialTurn(Base):
    """A business's place in the queue at a carrier account: for a moment to dial at, or for a line."""

    __tablename__ = "dial_turns"
    __table_args__ = (
        Index(
            "ix_dial_turns_waiting",
            "account",
            "waiting_since",
            postgresql_where=text("waiting_since is not null"),
        ),
    )

    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"), primary_key=True)
    account: Mapped[str] = mapped_column(primary_key=True)
    turn_at: Mapped[datetime | None]
    """From this moment on it may dial once, as far as the account's pace is concerned."""
    waiting_since: Mapped[datetime | None]
    """Since when it has wanted one of the account's lines, all of which were taken."""
    seen_at: Mapped[datetime | None]
    """When it last asked; who has not asked of late is not waited for."""
