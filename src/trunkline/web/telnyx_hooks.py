"""The door of a carrier that tells: signed events come in, and what is decided goes out as commands.

The signature is checked before anything is read. What an event means for a call is decided in one
transaction; the carrier is told behind it, never inside, on threads of its own: while it is slow, others
are not. A call whose carrier cannot be told anything is hung up by a job, so that nobody is left in silence.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid5

from fastapi import APIRouter, Depends, Request, Response

from trunkline.core import registry
from trunkline.core.carrier_threads import wait_on_own_threads
from trunkline.core.db import of_business, unit_of_work
from trunkline.core.errors import InvalidInput
from trunkline.core.jobs import enqueue_job
from trunkline.core.telemetry import get_logger
from trunkline.domain.calls import service as calls
from trunkline.domain.calls.models import Call, CallState
from trunkline.domain.calls.tickets import CallTicket, read_call_token
from trunkline.domain.control import answers, places, undoing
from trunkline.domain.outbound import hearing
from trunkline.domain.tenants import service as tenants
from trunkline.kit import tokens
from trunkline.providers.ports import (
    Answer,
    CallReport,
    CallStatus,
    CarrierEvent,
    CarrierRefused,
    CarrierUncertain,
    DialReport,
)
from trunkline.web import carrier_calls, turned_away
from trunkline.web.carrier_calls import AttemptRef, Unsigned, attempt_of
from trunkline.web.parts import AppParts, PartsDep, RoomDep

TELNYX = places.TELNYX

router = APIRouter(tags=["carrier"], include_in_schema=False)

log = get_logger(__name__)


async def signed_event(request: Request) -> bytes:
    """Return the event's bytes, whose signature fits and is fresh. Raises Unsigned."""
    body = await request.body()
    if TELNYX not in registry.carrier_names():
        raise Unsigned("There is nobody here who could have signed it.", reason="bad_signature")
    if not registry.telling_carrier(TELNYX).verify_event(body, request.headers):
        raise Unsigned("The signature does not match, or is too old.", reason="bad_signature")
    return body


def attempt_if_any(parts: PartsDep, token: str = "") -> AttemptRef | None:
    """Read which attempt an event is about; those of calls to us name none. Raises Unsigned."""
    return attempt_of(token, parts) if token else None


@router.post(places.events_of(TELNYX))
async def events(
    body: Annotated[bytes, Depends(signed_event)],
    attempt: Annotated[AttemptRef | None, Depends(attempt_if_any)],
    parts: PartsDep,
    room: RoomDep,
) -> Response:
    """Something has happened to a call."""
    try:
        event = registry.telling_carrier(TELNYX).read_event(body)
    except ValueError as error:
        raise InvalidInput(f"The carrier's event cannot be read: {error}.") from error
    if event is not None:
        await wait_on_own_threads(TELNYX, partial(_Told(parts, room).hear, event, attempt))
    return Response()


async def stream_closed(state: str, call_id: UUID, parts: AppParts) -> None:
    """A media stream of a call is over here; the carrier need not have told it yet."""
    then_url = registry.telling_carrier(TELNYX).read_state(state)
    if then_url and _read_then(then_url, parts)[0].call_id == call_id:
        await wait_on_own_threads(TELNYX, partial(_go_on, then_url, parts, None))


class _Told:
    """One event."""

    def __init__(self, parts: AppParts, room: RoomDep) -> None:
        self._parts = parts
        self._room = room

    def hear(self, event: CarrierEvent, attempt: AttemptRef | None) -> None:
        if event.trouble:
            log.error("stream_failed", sid=event.sid, detail=event.trouble[:300])
        if event.then_url is not None:
            if event.then_url:
                _go_on(event.then_url, self._parts, event.dial)
            else:
                _tell(None, event.sid, registry.carrier(TELNYX).hang_up_answer(), uuid5(_NOBODY, event.sid))
        elif event.answered_by is not None:
            if attempt is not None:
                carrier_calls.outbound_detected(attempt, event.answered_by, self._room, carrier=TELNYX)
        elif event.report is None:
            return
        elif event.is_offered:
            self._offered(event.report)
        elif event.report.status is CallStatus.IN_PROGRESS:
            self._answered(event.report, attempt)
        elif attempt is not None:
            self._outbound_changed(event.report, attempt)
        else:
            carrier_calls.inbound_changed(event.report)

    def _offered(self, report: CallReport) -> None:
        """Somebody calls one of our numbers: who is to be spoken to is picked up, others are rejected."""
        carrier = registry.telling_carrier(TELNYX)
        business_id = carrier_calls.business_called(report)
        if business_id is None:
            log.warning("unknown_number_dialled", number=report.to)
            _tell(None, report.sid, carrier.reject_answer(), uuid5(_NOBODY, report.sid))
            return
        with unit_of_work(of_business(business_id)) as session:
            admitted = carrier_calls.admit(
                session, business_id, report, full=self._room.is_full, carrier=TELNYX
            )
            if isinstance(admitted, Call):
                calls.expect_end(admitted, within_s=places.longest_life_s())
        answer = carrier.reject_answer() if admitted is None else carrier.pick_up_answer()
        if isinstance(admitted, Call):
            self._room.expect(business_id, admitted.id)
        _tell(business_id, report.sid, answer, uuid5(business_id, report.sid))

    def _answered(self, report: CallReport, attempt: AttemptRef | None) -> None:
        """A call is up: the person gets the agent, or the sentence for whom there is no line."""
        business_id = attempt.business_id if attempt is not None else carrier_calls.business_called(report)
        if business_id is None:
            return
        try:
            with unit_of_work(of_business(business_id)) as session:
                if attempt is not None:
                    found: Call | Answer | None = carrier_calls.outbound_answered(
                        session, attempt, report, self._room, carrier=TELNYX
                    )
                else:
                    found = calls.call_of_sid(session, business_id, report.sid)
                    if found is not None and found.state == CallState.ENDED:
                        business = tenants.get_business(session, business_id)
                        found = turned_away.again(session, business, found)
                if found is None:
                    return
                call = found if isinstance(found, Call) else None
                if call is not None:
                    if call.steps or call.media_opened_at is not None:
                        return  # told twice; the call is further
                    calls.note_status(session, call, report.status)
                    found = carrier_calls.to_agent(call)
                key = uuid5(business_id, f"{report.sid} answered")
        except hearing.SecondCall:
            assert attempt is not None  # calls to us have none
            self._second(report, attempt)
            return
        if call is not None and attempt is not None:
            self._room.expect(business_id, call.id)
        assert isinstance(found, Answer)
        if _tell(business_id, report.sid, found, key):
            _leave_to_job(business_id, report.sid)

    def _outbound_changed(self, report: CallReport, attempt: AttemptRef) -> None:
        try:
            with unit_of_work(of_business(attempt.business_id)) as session:
                carrier_calls.outbound_changed(session, attempt, report, self._room, carrier=TELNYX)
        except hearing.SecondCall:
            if not report.status.is_final:
                self._second(report, attempt)

    @staticmethod
    def _second(report: CallReport, attempt: AttemptRef) -> None:
        """A second call for one attempt, of which no row tells, is hung up here and now, or by a job."""
        log.warning("second_call_hung_up", attempt_id=str(attempt.attempt_id), sid=report.sid)
        hang_up = registry.carrier(TELNYX).hang_up_answer()
        key = uuid5(attempt.business_id, f"{report.sid} second")
        if _tell(attempt.business_id, report.sid, hang_up, key, attempt=attempt.attempt_id):
            _leave_to_job(attempt.business_id, report.sid, attempt.attempt_id)


_NOBODY = UUID(int=0)
"""In whose name keys are made of what belongs to no business."""


def _go_on(then_url: str, parts: AppParts, dial: DialReport | None) -> None:
    """An answer has been carried out: decide what is next and say so. What is late changes nothing."""
    ticket, name = _read_then(then_url, parts)
    with unit_of_work(of_business(ticket.business_id)) as session:
        call = calls.lock_call(session, ticket.business_id, ticket.call_id)
        told = None
        if dial is not None and name == "dialled":
            told = DialReport(call.carrier_sid, dial.status, dial.duration_s, dial.call_is_over)
        if not undoing.stands(session, call, ticket.step):
            log.info("told_late", call_id=str(call.id), step=ticket.step, now=call.steps)
            undoing.note_missed(session, call, ticket.step, ticket.control_id, told)
            return
        answer = answers.behind_what(session, call, behind=ticket.control_id, dial=told)
        sid, key = call.carrier_sid, places.command_key(call)
    trouble = _tell(ticket.business_id, sid, answer, key)
    if trouble:
        _go_back(ticket, trouble)


def _go_back(ticket: CallTicket, why: str) -> None:
    """The carrier has refused what was next: who was to be away gets the agent back, others are hung up."""
    with unit_of_work(of_business(ticket.business_id)) as session:
        call = calls.lock_call(session, ticket.business_id, ticket.call_id)
        answer = answers.hear_refused(session, call, why)
        sid, key, over = call.carrier_sid, places.command_key(call), call.state == CallState.ENDED
    if not over and (answer is None or _tell(ticket.business_id, sid, answer, key)):
        _leave_to_job(ticket.business_id, sid)


def _tell(
    business_id: UUID | None, sid: str, answer: Answer, key: UUID, *, attempt: UUID | None = None
) -> str:
    """Send an answer's commands; in doubt once more, with the same key. Returns why they were refused."""
    carrier = registry.carrier(TELNYX)
    for last in (False, True):
        try:
            carrier.redirect(sid, answer, key=key)
        except CarrierUncertain as doubt:
            log.warning("command_unanswered", sid=sid, error=str(doubt), again=not last)
        except CarrierRefused as refusal:
            log.warning("command_refused", sid=sid, code=refusal.code, error=str(refusal))
            return str(refusal)
        else:
            return ""
    if business_id is not None:
        _leave_to_job(business_id, sid, attempt)
    return ""


def _leave_to_job(business_id: UUID, sid: str, attempt: UUID | None = None) -> None:
    """Have a call hung up that could not be told what is next; `attempt` shows whose an unknown one is."""
    with unit_of_work(of_business(business_id)):
        enqueue_job("high", "hang_up_call", sid, None if attempt is None else str(attempt))


def _read_then(then_url: str, parts: AppParts) -> tuple[CallTicket, str]:
    """Return whose call this goes on with, and the last word of the address. Raises Unsigned."""
    url = urlsplit(then_url)
    token = parse_qs(url.query).get("token", [""])[0]
    try:
        return read_call_token(token, key=parts.token_key), url.path.rpartition("/")[2]
    except tokens.InvalidToken as error:
        raise Unsigned(f"The call's token: {error}.", reason="bad_token") from error
