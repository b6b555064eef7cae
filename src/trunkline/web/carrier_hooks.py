"""The door of a carrier that asks: what to do with a call, and what became of it. Every request is signed.

Answers are small and fast: one transaction, no waiting on anybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from trunkline.core import registry
from trunkline.core.db import of_business, unit_of_work
from trunkline.core.errors import InvalidInput
from trunkline.core.jobs import enqueue_job
from trunkline.core.telemetry import get_logger
from trunkline.domain.calls.models import Call
from trunkline.domain.control.places import TWILIO
from trunkline.domain.outbound import hearing
from trunkline.kit import barriers
from trunkline.providers.ports import Answer, CallReport
from trunkline.web import carrier_calls
from trunkline.web.carrier_calls import AttemptRef, Unsigned, attempt_of
from trunkline.web.parts import PartsDep, RoomDep

log = get_logger(__name__)


async def signed_form(request: Request, parts: PartsDep) -> Mapping[str, str]:
    """Read the form and check the carrier's signature over it. Raises Unsigned."""
    form = {key: str(value) for key, value in (await request.form()).items()}
    query = f"?{request.url.query}" if request.url.query else ""
    signed = registry.asking_carrier(TWILIO).verify_signature(
        url=f"{parts.public_url}{request.url.path}{query}",
        form=form,
        signature=request.headers.get("x-twilio-signature", ""),
    )
    if not signed:
        raise Unsigned("The signature does not match.", reason="bad_signature")
    return form


SignedForm = Annotated[Mapping[str, str], Depends(signed_form)]
Attempt = Annotated[AttemptRef, Depends(attempt_of)]

router = APIRouter(prefix="/hooks/carrier", tags=["carrier"], include_in_schema=False)


@router.post("/inbound/answer")
def answer_inbound(form: SignedForm, room: RoomDep) -> Response:
    """Somebody calls one of our numbers. A number that is nobody's is rejected."""
    report = _report(form)
    business_id = carrier_calls.business_called(report)
    if business_id is None:
        log.warning("unknown_number_dialled", number=report.to)
        return _body(registry.carrier(TWILIO).reject_answer())
    with unit_of_work(of_business(business_id)) as session:
        admitted = carrier_calls.admit(session, business_id, report, full=room.is_full, carrier=TWILIO)
        if not isinstance(admitted, Call):
            return _body(admitted or registry.carrier(TWILIO).reject_answer())
        answer = carrier_calls.to_agent(admitted)
    room.expect(business_id, admitted.id)
    return _body(answer)


@router.post("/inbound/status", status_code=204)
def inbound_status(form: SignedForm) -> None:
    """A call to one of our numbers has changed."""
    carrier_calls.inbound_changed(_report(form))


@router.post("/outbound/answer")
def answer_outbound(form: SignedForm, attempt: Attempt, room: RoomDep) -> Response:
    """A person whom we called has answered. A second call for one attempt is hung up."""
    report = _report(form)
    try:
        with unit_of_work(of_business(attempt.business_id)) as session:
            call = carrier_calls.outbound_answered(session, attempt, report, room, carrier=TWILIO)
            if not isinstance(call, Call):
                return _body(call)
            answer = carrier_calls.to_agent(call)
    except hearing.SecondCall:
        log.warning("second_call_hung_up", attempt_id=str(attempt.attempt_id), sid=report.sid)
        return _body(registry.carrier(TWILIO).hang_up_answer())
    room.expect(attempt.business_id, call.id)
    return _body(answer)


@router.post("/outbound/status", status_code=204)
def outbound_status(form: SignedForm, attempt: Attempt, room: RoomDep) -> None:
    """A call that we made has changed."""
    report = _report(form)
    barriers.reached("hook.heard")
    scope = of_business(attempt.business_id)
    try:
        with unit_of_work(scope) as session:
            carrier_calls.outbound_changed(session, attempt, report, room, carrier=TWILIO)
    except hearing.SecondCall:
        log.warning("second_call_reported", attempt_id=str(attempt.attempt_id), sid=report.sid)
        if not report.status.is_final:
            with unit_of_work(scope):
                enqueue_job("high", "hang_up_call", report.sid, str(attempt.attempt_id))
    barriers.reached("hook.written")


@router.post("/outbound/machine", status_code=204)
def outbound_machine(form: SignedForm, attempt: Attempt, room: RoomDep) -> None:
    """The carrier has found out who answered a call that we made."""
    try:
        report = registry.asking_carrier(TWILIO).read_answered_by(form)
    except ValueError as error:
        raise InvalidInput(f"The carrier's report cannot be read: {error}.") from error
    carrier_calls.outbound_detected(attempt, report, room, carrier=TWILIO)


def _report(form: Mapping[str, str]) -> CallReport:
    try:
        return registry.asking_carrier(TWILIO).read_report(form)
    except ValueError as error:
        raise InvalidInput(f"The carrier's report cannot be read: {error}.") from error


def _body(answer: Answer) -> Response:
    return Response(answer.body, media_type=answer.content_type)
