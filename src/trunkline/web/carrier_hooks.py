"""The carrier's door: what to do with a call, and what became of it. Every request is signed.

Answers are small and fast: one transaction, no waiting on anybody. The business comes from the
dialled number or from our own signed token, never from a field that a caller could choose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from trunkline.core import registry
from trunkline.core.db import SYSTEM, of_business, unit_of_work
from trunkline.core.errors import Forbidden, InvalidInput
from trunkline.core.jobs import enqueue_job
from trunkline.core.telemetry import get_logger
from trunkline.core.tenancy import business_of_number
from trunkline.domain.calls import service as calls
from trunkline.domain.calls.models import Call, CallState
from trunkline.domain.control import places
from trunkline.domain.leads import service as leads
from trunkline.domain.outbound import hearing, machines, orders
from trunkline.domain.outbound import service as outbound
from trunkline.domain.tenants import service as tenants
from trunkline.kit import barriers, tokens
from trunkline.kit.phone import InvalidPhone, to_e164
from trunkline.providers.ports import Answer, CallReport
from trunkline.web import turned_away
from trunkline.web.parts import AppParts, PartsDep, RoomDep
from trunkline.web.sentences import NO_LINE_LEFT

_AFTERMATH = timedelta(minutes=3)
"""How much longer than the longest call a call may be thought to live."""

log = get_logger(__name__)


class Unsigned(Forbidden):
    """The request was not signed by our carrier, or for another address."""

    code = "bad_signature"


async def signed_form(request: Request, parts: PartsDep) -> Mapping[str, str]:
    """Read the form and check the carrier's signature over it. Raises Unsigned."""
    form = {key: str(value) for key, value in (await request.form()).items()}
    query = f"?{request.url.query}" if request.url.query else ""
    signed = registry.carrier().verify_signature(
        url=f"{parts.public_url}{request.url.path}{query}",
        form=form,
        signature=request.headers.get("x-twilio-signature", ""),
    )
    if not signed:
        raise Unsigned("The signature does not match.", reason="bad_signature")
    return form


@dataclass(frozen=True, slots=True)
class AttemptRef:
    """The attempt that a callback's token names."""

    business_id: UUID
    attempt_id: UUID


def attempt_of(token: str, parts: PartsDep) -> AttemptRef:
    """Read our own token in the callback's address. Raises Unsigned."""
    try:
        claims = tokens.verify(token, key=parts.token_key, purpose=orders.ATTEMPT_TOKEN)
    except tokens.InvalidToken as error:
        raise Unsigned(f"The attempt's token: {error}.", reason="bad_token") from error
    return AttemptRef(UUID(claims["business_id"]), UUID(claims["attempt_id"]))


SignedForm = Annotated[Mapping[str, str], Depends(signed_form)]
Attempt = Annotated[AttemptRef, Depends(attempt_of)]

router = APIRouter(prefix="/hooks/carrier", tags=["carrier"], include_in_schema=False)


@router.post("/inbound/answer")
def answer_inbound(form: SignedForm, parts: PartsDep, room: RoomDep) -> Response:
    """Somebody calls one of our numbers. A number that is nobody's is rejected."""
    report = _report(form)
    with unit_of_work(SYSTEM) as session:
        business_id = business_of_number(session, report.to)
    if business_id is None:
        log.warning("unknown_number_dialled", number=report.to)
        return _body(registry.carrier().reject_answer())
    with unit_of_work(of_business(business_id)) as session:
        admitted = _admit(session, business_id, report, full=room.is_full)
        if not isinstance(admitted, Call):
            return _body(admitted)
        calls.expect_end(admitted, within_s=_longest_life_s(parts))
        answer = _to_agent(admitted)
    room.early.expect(business_id, admitted.id)
    return _body(answer)


@router.post("/inbound/status", status_code=204)
def inbound_status(form: SignedForm) -> None:
    """A call to one of our numbers has changed."""
    report = _report(form)
    with unit_of_work(SYSTEM) as session:
        business_id = business_of_number(session, report.to)
    if business_id is None:
        return
    with unit_of_work(of_business(business_id)) as session:
        call = calls.call_of_sid(session, business_id, report.sid)
        if call is not None:
            calls.note_status(session, call, report.status)


@router.post("/outbound/answer")
def answer_outbound(form: SignedForm, attempt: Attempt, parts: PartsDep, room: RoomDep) -> Response:
    """A person whom we called has answered. A second call for one attempt is hung up."""
    report = _report(form)
    carrier = registry.carrier()
    try:
        with unit_of_work(of_business(attempt.business_id)) as session:
            call = hearing.hear_report(session, attempt.business_id, attempt.attempt_id, report)
            if call is None or call.state == CallState.ENDED:
                return _body(carrier.hang_up_answer())
            if room.is_full and call.media_opened_at is None:
                # Nobody here can talk to them; a person who has said hello is told so.
                calls.reject_for_capacity(call)
                language = tenants.get_business(session, attempt.business_id).language
                return _body(carrier.say_answer(text=NO_LINE_LEFT[language], language=language))
            calls.expect_end(call, within_s=_longest_life_s(parts))
            answer = _to_agent(call)
    except hearing.SecondCall:
        log.warning("second_call_hung_up", attempt_id=str(attempt.attempt_id), sid=report.sid)
        return _body(carrier.hang_up_answer())
    room.early.expect(attempt.business_id, call.id)
    return _body(answer)


@router.post("/outbound/status", status_code=204)
def outbound_status(form: SignedForm, attempt: Attempt) -> None:
    """A call that we made has changed."""
    report = _report(form)
    barriers.reached("hook.heard")
    scope = of_business(attempt.business_id)
    try:
        with unit_of_work(scope) as session:
            hearing.hear_report(session, attempt.business_id, attempt.attempt_id, report)
    except hearing.SecondCall:
        log.warning("second_call_reported", attempt_id=str(attempt.attempt_id), sid=report.sid)
        if not report.status.is_final:
            with unit_of_work(scope):
                enqueue_job("high", "hang_up_call", report.sid)
    barriers.reached("hook.written")


@router.post("/outbound/machine", status_code=204)
def outbound_machine(form: SignedForm, attempt: Attempt, room: RoomDep) -> None:
    """The carrier has found out who answered a call that we made. It may come at any time, also twice."""
    try:
        report = registry.carrier().read_answered_by(form)
    except ValueError as error:
        raise InvalidInput(f"The carrier's report cannot be read: {error}.") from error
    try:
        with unit_of_work(of_business(attempt.business_id)) as session:
            call_id = machines.hear_answered_by(session, attempt.business_id, attempt.attempt_id, report)
    except hearing.SecondCall:
        log.warning("second_call_detected", attempt_id=str(attempt.attempt_id), sid=report.sid)
        return
    if call_id is not None:
        room.answers.tell(call_id, report.answered_by)


def _admit(session: Session, business_id: UUID, report: CallReport, *, full: bool) -> Call | Answer:
    """Open an inbound call's row and return it, or the carrier's answer that turns the call away.

    The carrier asks again when our first answer was lost on its way: it gets the same one.
    """
    business = tenants.get_business(session, business_id)
    number = tenants.number_called(session, business_id, report.to)
    if number is None or number.agent_id is None:
        return registry.carrier().reject_answer()
    lead_id = None
    try:
        lead_id = leads.lead_of_caller(session, business_id, to_e164(report.from_, region=business.region))
    except InvalidPhone:
        log.info("caller_withheld_number", sid=report.sid)
    # Slots are counted under one lock for both directions, so that calls in and out never add up to more.
    outbound.lock_slots(session, business_id)
    known = calls.call_of_sid(session, business_id, report.sid)
    if known is not None:
        return known if known.state != CallState.ENDED else turned_away.again(session, business, known)
    taken = outbound.lines_in_use(session, business_id)
    call = calls.open_call(
        session, business_id, sid=report.sid, direction="inbound", ours=report.to, theirs=report.from_,
        agent_id=number.agent_id, lead_id=lead_id,
    )  # fmt: skip
    if full or taken >= business.max_calls:
        return turned_away.turn_away(session, business, call)
    return call


def _to_agent(call: Call) -> Answer:
    return places.to_agent(call, calls.next_leg(call))


def _longest_life_s(parts: AppParts) -> float:
    """Return after how many seconds a call connected now is surely over."""
    return (parts.longest_call + _AFTERMATH).total_seconds()


def _report(form: Mapping[str, str]) -> CallReport:
    try:
        return registry.carrier().read_report(form)
    except ValueError as error:
        raise InvalidInput(f"The carrier's report cannot be read: {error}.") from error


def _body(answer: Answer) -> Response:
    return Response(answer.body, media_type=answer.content_type)
