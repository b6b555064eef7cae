"""What is read of calls, and the events of their conversations. Changes no call."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from trunkline.core.events import announce
from trunkline.domain.calls.models import Call, CallEvent, CallState
from trunkline.providers.ports import AnsweredBy

EVENTS_A_LEG = 100_000
"""Each stretch with the agent numbers its events from its own multiple of this on."""

HUNG_UP = "hung_up"
"""End reason of a call that somebody had hung up, written before anybody else is told."""

_SEEN_AT_ONCE = frozenset({"agent_said", "caller_said", "tool_used", "digits", "note", "machine_found"})
"""What whoever looks at a live call is to see as it happens."""

MESSAGE_LEFT = "message_left"
"""Kind of the call's event that tells of a message left on an answering machine."""


def lengths_of(session: Session, business_id: UUID, call_ids: Collection[UUID]) -> dict[UUID, float]:
    """Return for how many seconds those of these calls went on that were answered and are over."""
    seconds = func.extract("epoch", Call.ended_at - Call.answered_at)
    rows = session.execute(
        select(Call.id, seconds).where(
            Call.business_id == business_id, Call.id.in_(call_ids), seconds.is_not(None)
        )
    )
    return {call_id: float(length) for call_id, length in rows}


def live_ones(session: Session, business_id: UUID, call_ids: Collection[UUID]) -> dict[UUID, bool]:
    """Return those of these calls that are not over, and whether they go on without their agent."""
    rows = session.execute(
        select(Call.id, Call.away).where(
            Call.business_id == business_id, Call.id.in_(call_ids), Call.state != CallState.ENDED
        )
    )
    return {row.id: row.away is not None for row in rows}


def leads_on_the_line(session: Session, business_id: UUID, lead_ids: Collection[UUID]) -> set[UUID]:
    """Return those of these leads who have a call that is not over."""
    found = session.scalars(
        select(Call.lead_id).where(
            Call.business_id == business_id, Call.lead_id.in_(lead_ids), Call.state != CallState.ENDED
        )
    )
    return {lead_id for lead_id in found if lead_id is not None}


def hung_up(session: Session, business_id: UUID, call_ids: Collection[UUID]) -> set[UUID]:
    """Return which of these calls somebody had hung up."""
    return set(
        session.scalars(
            select(Call.id).where(
                Call.business_id == business_id, Call.id.in_(call_ids), Call.end_reason == HUNG_UP
            )
        )
    )


def answered_by(session: Session, business_id: UUID, call_ids: Collection[UUID]) -> dict[UUID, AnsweredBy]:
    """Return who has answered those of these calls of which the carrier has told."""
    found = session.execute(
        select(Call.id, Call.answered_by).where(
            Call.business_id == business_id, Call.id.in_(call_ids), Call.answered_by.is_not(None)
        )
    )
    return {call_id: AnsweredBy(who) for call_id, who in found if who is not None}


def record_events(
    session: Session, business_id: UUID, call_id: UUID, events: Sequence[dict[str, Any]]
) -> None:
    """Write what happened in a call; an event that is written already is left as it is."""
    if not events:
        return
    written = session.execute(
        insert(CallEvent)
        .values(
            [
                {
                    "business_id": business_id,
                    "call_id": call_id,
                    "sequence": event["sequence"],
                    "kind": event["kind"],
                    "at": datetime.fromisoformat(event["at"]),
                    "data": event["data"],
                }
                for event in events
            ]
        )
        .on_conflict_do_nothing()
        .returning(CallEvent.kind, CallEvent.data)
    )
    news = written.all()
    for kind, data in news:
        if kind == MESSAGE_LEFT:
            announce("call.message_left", subject_id=call_id, actor="media", text=data["text"])
    if any(kind in _SEEN_AT_ONCE for kind, _ in news):
        announce("call.turn", subject_id=call_id, actor="media")


def events_of(session: Session, business_id: UUID, call_id: UUID) -> Sequence[CallEvent]:
    """Return a call's events in order."""
    return session.scalars(
        select(CallEvent)
        .where(CallEvent.business_id == business_id, CallEvent.call_id == call_id)
        .order_by(CallEvent.sequence)
    ).all()


def leg_of(sequence: int) -> int:
    """Return in which stretch with the agent an event of this number happened."""
    return max(sequence - 1, 0) // EVENTS_A_LEG + 1


def events_missing(session: Session, business_id: UUID, call_id: UUID, *, upto: int) -> int:
    """Return how many events of a leg are not written, of which `upto` is the last one's number."""
    before = (leg_of(upto) - 1) * EVENTS_A_LEG
    written = session.scalar(
        select(func.count()).where(
            CallEvent.business_id == business_id,
            CallEvent.call_id == call_id,
            CallEvent.sequence > before,
            CallEvent.sequence <= upto,
        )
    )
    return upto - before - (written or 0)


def lines_of(session: Session, business_id: UUID, call_id: UUID) -> list[tuple[str, str]]:
    """Return what was said and heard so far, as (`agent` or `caller`, text), for whoever goes on."""
    said = []
    for event in events_of(session, business_id, call_id):
        if event.kind == "agent_said":
            said.append(("agent", str(event.data.get("heard_text", ""))))
        elif event.kind == "caller_said":
            said.append(("caller", str(event.data.get("text", ""))))
    return [(who, text) for who, text in said if text]


def told_before(
    session: Session, business_id: UUID, call_ids: Sequence[UUID], *, instant: datetime
) -> set[UUID]:
    """Return which of these calls were over and fully written before an instant."""
    return set(
        session.scalars(
            select(Call.id).where(
                Call.business_id == business_id, Call.id.in_(call_ids), Call.finalized_at < instant
            )
        )
    )
