"""The verbs of calls. A call's row is opened by whoever hears of it first, and only ever moves on."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, ScalarResult, case, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from trunkline.core import registry
from trunkline.core.errors import Conflict, InvalidInput, NotFound
from trunkline.core.events import announce
from trunkline.core.jobs import enqueue_job
from trunkline.domain.calls import endings, listing, noting, reading
from trunkline.domain.calls.models import Away, Call, CallState
from trunkline.kit import clock
from trunkline.kit.ids import new_id
from trunkline.providers.ports import AnsweredBy, AnswerReport, CallStatus, CarrierCapabilities

# Whoever uses the verbs reads by the same door.
EVENTS_A_LEG = reading.EVENTS_A_LEG
MESSAGE_LEFT = reading.MESSAGE_LEFT
answered_by = reading.answered_by
events_missing = reading.events_missing
events_of = reading.events_of
leads_on_the_line = reading.leads_on_the_line
leg_of = reading.leg_of
lengths_of = reading.lengths_of
lines_of = reading.lines_of
hung_up = reading.hung_up
list_calls = listing.list_calls
live_ones = reading.live_ones
note_booked = noting.note_booked
record_events = reading.record_events
told_before = reading.told_before

TWILIO = registry.TWILIO
"""The carrier of a call of which nothing else is said."""
BROWSER = registry.BROWSER
"""The carrier of calls from the page: it tells of nothing, so whoever holds such a call does."""

NO_OUTCOME, CUT_OFF, CANCELLED = "no_response", "cut_off", "cancelled"
"""Dispositions of a conversation that came to nothing: by itself; because our process died or could not
wait; because we hung up."""
OUR_FAULT, LINE_FAILED = "our_fault", "failed"
"""The same, because no answer or no voice of ours came; because no sound came over the line or got away."""
_NOTHING_NOTED = frozenset({NO_OUTCOME, CUT_OFF, OUR_FAULT, LINE_FAILED})
"""What is concluded of a conversation in which nobody noted an outcome."""

PROCESS_LOST, HUNG_UP = "process_lost", reading.HUNG_UP
"""Reasons of a call's end: nobody told of it, for the process died that held it; somebody had it hung up."""

_AWAY_LIMIT = timedelta(hours=4)
"""How long a call may go on without its agent: the carrier's own limit of a dialled leg."""
_CAME_TO = {
    Away.TRANSFERRED: "transferred",
    Away.MESSAGE_DROPPED: "voicemail",
}
"""Dispositions of calls that ended away from their agent, which had noted none."""

_WITH_A_COLLEAGUE = frozenset({Away.TRANSFERRING, Away.TRANSFERRED, Away.IN_CONFERENCE})
"""Where a colleague's telephone may ring for a caller who is gone."""

_TIMERS_SLACK = timedelta(seconds=1)
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
    carrier: str = TWILIO,
    run_id: UUID | None = None,
) -> Call:
    """Return the row of the carrier's call `sid`, writing it if this is the first word of it."""
    opened = session.scalar(
        insert(Call)
        .values(
            id=new_id(), business_id=business_id, carrier_sid=sid, direction=direction, ours=ours,
            theirs=theirs, agent_id=agent_id, lead_id=lead_id, state=CallState.RINGING, carrier=carrier,
            run_id=run_id,
        )
        .on_conflict_do_nothing(index_elements=["business_id", "carrier_sid"])
        .returning(Call.id)
    )  # fmt: skip
    if opened is not None:
        announce("call.opened", subject_id=opened, actor="carrier", direction=direction)
    return _locked(session, business_id, Call.carrier_sid == sid).one()


def get_call(session: Session, business_id: UUID, call_id: UUID) -> Call:
    """Return a call of this business. Raises NotFound."""
    call = session.scalar(select(Call).where(Call.business_id == business_id, Call.id == call_id))
    if call is None:
        raise NotFound("There is no such call.")
    return call


def call_of_sid(session: Session, business_id: UUID, sid: str) -> Call | None:
    """Return the call that the carrier calls `sid`, as it stands, locked until the transaction ends."""
    return _locked(session, business_id, Call.carrier_sid == sid).one_or_none()


def carrier_of_sid(session: Session, business_id: UUID, sid: str) -> str | None:
    """Return by which carrier a call of this business goes; None for a call that is not on record."""
    return session.scalar(
        select(Call.carrier).where(Call.business_id == business_id, Call.carrier_sid == sid)
    )


def capabilities_of(call: Call) -> CarrierCapabilities | None:
    """Return what the call's carrier can do; None: this installation no longer has it."""
    try:
        return registry.carrier(call.carrier).capabilities
    except InvalidInput:
        return None


def lock_call(session: Session, business_id: UUID, call_id: UUID) -> Call:
    """Return a call as it stands, locked until the transaction ends. Raises NotFound."""
    call = _locked(session, business_id, Call.id == call_id).one_or_none()
    if call is None:
        raise NotFound("There is no such call.")
    return call


def _locked(session: Session, business_id: UUID, which: ColumnElement[bool]) -> ScalarResult[Call]:
    """The one way to lock a call. Whoever has read it before gets what it has become while they waited."""
    return session.scalars(
        select(Call)
        .where(Call.business_id == business_id, which)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def open_inbound_calls(session: Session, business_id: UUID) -> int:
    """Return how many calls to the business are not over."""
    # No condition says the direction: an index of directions would be read through the whole log.
    inbound = func.count().filter(Call.direction == "inbound")
    return session.scalar(
        select(inbound).where(Call.business_id == business_id, Call.state != CallState.ENDED)
    ) or 0  # fmt: skip


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
        if call.away is not None:
            came_to_nothing = CANCELLED if call.end_reason == HUNG_UP else NO_OUTCOME
            call.disposition = call.disposition or _CAME_TO.get(Away(call.away), came_to_nothing)
            call.end_reason = call.end_reason or call.away
            call.finalized_at = clock.now()
            endings.finalized(call)
            if call.away in _WITH_A_COLLEAGUE:
                enqueue_job("high", "tend_controls", str(call.id))
        elif call.media_opened_at is None:
            call.disposition = call.disposition or _UNANSWERED.get(status, "no_conversation")
            call.end_reason = call.end_reason or status.value
            call.finalized_at = clock.now()
            endings.tell(session, call)
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


def expect_end(call: Call, *, within_s: float) -> None:
    """See to it that the call is closed after this long, should nobody else tell of its end.

    The latest expectation holds: a check that comes before it leaves the call as it is.
    """
    call.live_until = clock.now() + timedelta(seconds=within_s)
    enqueue_job("high", "finalize_call_session", str(call.id), run_in=within_s)


def reject_for_capacity(call: Call) -> None:
    """Log a call that found every line of the business taken. It is over for us; it holds no line."""
    call.disposition = call.end_reason = "rejected_capacity"
    call.state = CallState.ENDED
    call.ended_at = call.finalized_at = clock.now()
    announce("call.rejected_capacity", subject_id=call.id, actor="system")


def note_agent_version(call: Call, version: int) -> None:
    """Put on record by which version of its agent a call is held; that of its first stretch stands."""
    if call.agent_version is None:
        call.agent_version = version


def next_leg(call: Call) -> int:
    """Return the number of the stretch with the agent that the call is to begin now.

    One that was asked for and has not begun is given again: the carrier may not have had our answer.
    """
    if call.media_spent >= call.media_legs:
        call.media_legs = call.media_spent + 1
    return call.media_legs


def spend_media_token(session: Session, business_id: UUID, call_id: UUID, leg: int = 1) -> Call:
    """Let one media socket in, once a leg. Raises NotFound, Conflict for a second one or an ended call."""
    call: Call | None = session.scalar(
        update(Call)
        .where(
            Call.business_id == business_id,
            Call.id == call_id,
            Call.media_legs == leg,
            Call.media_spent == leg - 1,
            Call.state != CallState.ENDED,
        )
        .values(
            media_opened_at=func.coalesce(Call.media_opened_at, clock.now()),
            media_spent=leg,
            state=CallState.LIVE,
        )
        .returning(Call)
    )
    if call is None:
        get_call(session, business_id, call_id)
        raise Conflict("This call's sound is connected already, or it is over.", reason="call_connected")
    if call.answered_at is None:
        call.answered_at = call.media_opened_at
    if leg > 1:
        return call
    announce("call.answered", subject_id=call.id, actor="carrier", direction=call.direction)
    return call


def note_hang_up(session: Session, business_id: UUID, sid: str) -> bool:
    """Note that a live call is being hung up on purpose, before the carrier is told.

    False: there is no such call, or it was noted before.
    """
    live = (Call.business_id == business_id, Call.carrier_sid == sid, Call.state != CallState.ENDED)
    noted = update(Call).where(*live, Call.end_reason.is_(None)).values(end_reason=HUNG_UP)
    return session.scalar(noted.returning(Call.id)) is not None


def take_back_hang_up(session: Session, business_id: UUID, sid: str) -> None:
    """The carrier refused to hang a call up: as it goes on, its end will have a reason of its own."""
    live = (Call.business_id == business_id, Call.carrier_sid == sid, Call.state != CallState.ENDED)
    session.execute(update(Call).where(*live, Call.end_reason == HUNG_UP).values(end_reason=None))


def conclude_leg(
    session: Session, business_id: UUID, call_id: UUID, *, leg: int, end_reason: str, disposition: str
) -> bool:
    """Take how a stretch with the agent ended: the call's end, unless the call goes on or went on without it.

    False: nothing was finalized.
    """
    call = _locked(session, business_id, Call.id == call_id).one_or_none()
    if call is None or (call.away is None and leg >= call.media_legs):
        return finalize(session, business_id, call_id, end_reason=end_reason, disposition=disposition)
    # An agent that fails where it has handed the call on leaves the call what that comes to.
    if disposition not in _NOTHING_NOTED | {call.disposition}:
        call.disposition = disposition
        if call.finalized_at is not None:
            endings.finalized(call)
    return False


def is_expected_to_live(session: Session, business_id: UUID, call_id: UUID) -> bool:
    """True while a later moment than this is set for the call's end (see `expect_end`)."""
    until = session.scalar(select(Call.live_until).where(Call.business_id == business_id, Call.id == call_id))
    return until is not None and until > clock.now() + _TIMERS_SLACK


def withdraw(session: Session, business_id: UUID, call_id: UUID) -> bool:
    """Close a call from the page whose socket never came. False: it is another's, or its socket did come."""
    call = lock_call(session, business_id, call_id)
    if call.carrier != BROWSER or call.media_opened_at is not None:
        return False
    return note_status(session, call, CallStatus.CANCELED)


def send_away(call: Call, why: Away) -> None:
    """The call goes on without its agent; the end of the agent's stretch is not the call's."""
    call.away = why
    expect_end(call, within_s=_AWAY_LIMIT.total_seconds())


def note_taken(call: Call) -> None:
    """Note that a colleague has taken the caller.

    The carrier may tell of it behind the call's end; what was concluded of that without it is put right.
    """
    if call.away != Away.TRANSFERRING:
        return
    call.away = Away.TRANSFERRED
    if call.state != CallState.ENDED:
        return
    if call.end_reason == Away.TRANSFERRING:
        call.end_reason = Away.TRANSFERRED
    if call.disposition in {NO_OUTCOME, CANCELLED}:
        call.disposition = _CAME_TO[Away.TRANSFERRED]
    endings.finalized(call)


def take_back(call: Call, away: str | None, *, live_until: datetime | None) -> None:
    """The call was sent nowhere: it is where it was, and lives no longer than was expected then."""
    call.away = away
    if live_until is not None:
        expect_end(call, within_s=max((live_until - clock.now()).total_seconds(), 1.0))


def bring_back(call: Call, *, within_s: float) -> int:
    """The call comes back to its agent: return the number of the stretch that begins now."""
    call.away = None
    expect_end(call, within_s=within_s)
    return next_leg(call)


def finalize(
    session: Session, business_id: UUID, call_id: UUID, *, end_reason: str, disposition: str
) -> bool:
    """Write a call's outcome, once. False: it was written before.

    What media itself tells replaces what was concluded from its silence, which is concluded once.
    """
    silent_so_far: ColumnElement[bool] = Call.finalized_at.is_(None)
    came_to: ColumnElement[str] = literal(disposition)
    reason: ColumnElement[str] = literal(end_reason)
    if disposition in _NOTHING_NOTED:
        concluded = {*_NOTHING_NOTED, CANCELLED} - {NO_OUTCOME}
        told_earlier = Call.disposition.not_in(concluded) & (Call.media_legs > 1)
        came_to = case(
            (Call.end_reason == HUNG_UP, CANCELLED),
            (told_earlier, Call.disposition),
            else_=disposition,
        )
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
    endings.finalized(call)
    return True
