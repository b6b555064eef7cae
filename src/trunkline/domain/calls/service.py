"""The verbs of calls. A call's row is opened by whoever hears of it first, and only ever moves on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, case, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from trunkline.core.errors import Conflict, NotFound
from trunkline.core.events import announce
from trunkline.core.jobs import enqueue_job
from trunkline.domain.calls.models import Call, CallEvent, CallState
from trunkline.kit import clock
from trunkline.kit.ids import new_id
from trunkline.providers.ports import AnsweredBy, AnswerReport, CallStatus

NO_OUTCOME, CUT_OFF, CANCELLED = "no_response", "cut_off", "cancelled"
"""Dispositions of a conversation that came to nothing: by itself; because our process died; because we
hung up."""

PROCESS_LOST, HUNG_UP = "process_lost", "hung_up"
"""Reasons of a call's end: the process died that held it; somebody had it hung up."""
"""End reason of a call whose end nobody told."""

MESSAGE_LEFT = "message_left"
"""Kind of the call's event that tells of a message left on an answering machine."""

_MEDIA_GRACE_S = 30.0
"""How long after the carrier's word a call's own process may take to tell its end."""

_STATES = {
    CallStatus.QUEUED: CallState.RINGING,
    CallStatus.INITIATED: CallState.RINGING,
    CallStatus.RINGING: CallState.RINGING,
    CallStatus.IN_PROGRESS: CallState.LIVE,
}

_UNANSWERED = {
    CallStatus.BUSY: "busy",
    CallStatus.NO_ANSWER: "no_answer",
    CallStatus.FAILED: "failed",
    CallStatus.CANCELED: "cancelled",
}


def open_call(
    session: Session,
    business_id: UUID,
    *,
    sid: str,
    direction: str,
    ours: str,
    theirs: str,
    agent_id: UUID | None,
    lead_id: UUID | None,
) -> Call:
    """Return the row of the carrier's call `sid`, writing it if this is the first word of it."""
    session.execute(
        insert(Call)
        .values(
            id=new_id(), business_id=business_id, carrier_sid=sid, direction=direction, ours=ours,
            theirs=theirs, agent_id=agent_id, lead_id=lead_id, state=CallState.RINGING,
        )
        .on_conflict_do_nothing(index_elements=["business_id", "carrier_sid"])
    )  # fmt: skip
    return session.scalars(
        select(Call).where(Call.business_id == business_id, Call.carrier_sid == sid).with_for_update()
    ).one()


def get_call(session: Session, business_id: UUID, call_id: UUID) -> Call:
    """Return a call of this business. Raises NotFound."""
    call = session.scalar(select(Call).where(Call.business_id == business_id, Call.id == call_id))
    if call is None:
        raise NotFound("There is no such call.")
    return call


def call_of_sid(session: Session, business_id: UUID, sid: str) -> Call | None:
    """Return the call that the carrier calls `sid`."""
    return session.scalar(
        select(Call).where(Call.business_id == business_id, Call.carrier_sid == sid).with_for_update()
    )


def list_calls(session: Session, business_id: UUID, *, limit: int, offset: int) -> Sequence[Call]:
    """Return calls, newest first."""
    return session.scalars(
        select(Call)
        .where(Call.business_id == business_id)
        .order_by(Call.created_at.desc(), Call.id.desc())
        .limit(limit)
        .offset(offset)
    ).all()


def lengths_of(session: Session, business_id: UUID, call_ids: Collection[UUID]) -> dict[UUID, float]:
    """Return for how many seconds those of these calls went on that were answered and are over."""
    seconds = func.extract("epoch", Call.ended_at - Call.answered_at)
    rows = session.execute(
        select(Call.id, seconds).where(
            Call.business_id == business_id, Call.id.in_(call_ids), seconds.is_not(None)
        )
    )
    return {call_id: float(length) for call_id, length in rows}


def open_inbound_calls(session: Session, business_id: UUID) -> int:
    """Return how many calls to the business are not over."""
    return session.scalar(
        select(func.count()).where(
            Call.business_id == business_id, Call.direction == "inbound", Call.state != CallState.ENDED
        )
    ) or 0  # fmt: skip


def leads_on_the_line(session: Session, business_id: UUID, lead_ids: Collection[UUID]) -> set[UUID]:
    """Return those of these leads who have a call that is not over."""
    found = session.scalars(
        select(Call.lead_id).where(
            Call.business_id == business_id, Call.lead_id.in_(lead_ids), Call.state != CallState.ENDED
        )
    )
    return {lead_id for lead_id in found if lead_id is not None}


def note_status(session: Session, call: Call, status: CallStatus) -> bool:
    """Take what the carrier says of a call; False: a late or repeated report, which changes nothing."""
    state = CallState.ENDED if status.is_final else _STATES[status]
    if state.rank <= CallState(call.state).rank:
        return False
    call.state = state
    if state is CallState.LIVE:
        call.answered_at = clock.now()
    elif state is CallState.ENDED:
        call.ended_at = clock.now()
        # Of an answered call, media tells the disposition when it has told all else.
        if call.media_opened_at is None:
            call.disposition = call.disposition or _UNANSWERED.get(status, "no_conversation")
            call.end_reason = call.end_reason or status.value
            call.finalized_at = clock.now()
        else:
            expect_end(call, within_s=_MEDIA_GRACE_S)
        announce("call.ended", subject_id=call.id, actor="carrier", disposition=call.disposition)
    return True


def note_answered_by(session: Session, call: Call, report: AnswerReport) -> bool:
    """Take the carrier's word on who has answered. False: it has been given before and stands."""
    if call.answered_by not in {None, AnsweredBy.UNKNOWN} or call.answered_by == report.answered_by:
        return False
    call.answered_by = report.answered_by
    announce(
        "call.answered_by", subject_id=call.id, actor="carrier", answered_by=report.answered_by.value,
        took_ms=report.took_ms,
    )  # fmt: skip
    return True


def answered_by(session: Session, business_id: UUID, call_ids: Collection[UUID]) -> dict[UUID, AnsweredBy]:
    """Return who has answered those of these calls of which the carrier has told."""
    found = session.execute(
        select(Call.id, Call.answered_by).where(
            Call.business_id == business_id, Call.id.in_(call_ids), Call.answered_by.is_not(None)
        )
    )
    return {call_id: AnsweredBy(who) for call_id, who in found if who is not None}


def expect_end(call: Call, *, within_s: float) -> None:
    """See to it that the call is closed after this long, should nobody else tell of its end."""
    enqueue_job("high", "finalize_call_session", str(call.id), run_in=within_s)


def reject_for_capacity(call: Call) -> None:
    """Log a call that found every line of the business taken. It is over for us; it holds no line."""
    call.disposition = call.end_reason = "rejected_capacity"
    call.state = CallState.ENDED
    call.ended_at = call.finalized_at = clock.now()
    announce("call.rejected_capacity", subject_id=call.id, actor="system")


def spend_media_token(session: Session, business_id: UUID, call_id: UUID) -> Call:
    """Let one media socket in, once. Raises NotFound, or Conflict for a second one and for an ended call."""
    call: Call | None = session.scalar(
        update(Call)
        .where(
            Call.business_id == business_id,
            Call.id == call_id,
            Call.media_opened_at.is_(None),
            Call.state != CallState.ENDED,
        )
        .values(media_opened_at=clock.now(), state=CallState.LIVE)
        .returning(Call)
    )
    if call is None:
        get_call(session, business_id, call_id)
        raise Conflict("This call's audio is connected already, or the call is over.")
    if call.answered_at is None:
        call.answered_at = call.media_opened_at
    announce("call.answered", subject_id=call.id, actor="carrier", direction=call.direction)
    return call


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
    for kind, data in written:
        if kind == MESSAGE_LEFT:
            announce("call.message_left", subject_id=call_id, actor="media", text=data["text"])


def events_of(session: Session, business_id: UUID, call_id: UUID) -> Sequence[CallEvent]:
    """Return a call's events in order."""
    return session.scalars(
        select(CallEvent)
        .where(CallEvent.business_id == business_id, CallEvent.call_id == call_id)
        .order_by(CallEvent.sequence)
    ).all()


def count_events(session: Session, business_id: UUID, call_id: UUID) -> int:
    """Return how many events of a call are written."""
    return session.scalar(
        select(func.count()).where(CallEvent.business_id == business_id, CallEvent.call_id == call_id)
    ) or 0  # fmt: skip


def note_hang_up(session: Session, business_id: UUID, sid: str) -> None:
    """Note that a live call is being hung up on purpose, before the carrier is told."""
    session.execute(
        update(Call)
        .where(Call.business_id == business_id, Call.carrier_sid == sid, Call.state != CallState.ENDED)
        .values(end_reason=HUNG_UP)
    )


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


def finalize(
    session: Session, business_id: UUID, call_id: UUID, *, end_reason: str, disposition: str
) -> bool:
    """Write a call's outcome, once. False: it was written before.

    What media itself tells replaces what was concluded from its silence, which is concluded once.
    """
    silent_so_far: ColumnElement[bool] = Call.finalized_at.is_(None)
    came_to: ColumnElement[str] = literal(disposition)
    reason: ColumnElement[str] = literal(end_reason)
    if disposition in {NO_OUTCOME, CUT_OFF}:
        came_to = case((Call.end_reason == HUNG_UP, CANCELLED), else_=disposition)
    if end_reason != PROCESS_LOST:
        silent_so_far = or_(silent_so_far, Call.end_reason == PROCESS_LOST)
        # Media hears only that the line is gone, and takes it for the caller's doing.
        reason = case((Call.end_reason == HUNG_UP, HUNG_UP), else_=end_reason)
    call: Call | None = session.scalar(
        update(Call)
        .where(Call.business_id == business_id, Call.id == call_id, silent_so_far)
        .values(
            finalized_at=clock.now(),
            end_reason=reason,
            disposition=came_to,
            ended_at=func.coalesce(Call.ended_at, clock.now()),
            state=CallState.ENDED,
        )
        .returning(Call)
    )
    if call is None:
        return False
    announce("call.finalized", subject_id=call.id, actor="media", disposition=call.disposition)
    if call.direction == "outbound":
        enqueue_job("high", "hear_call_outcome", str(call.id))
    return True
