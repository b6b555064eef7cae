"""A call's own hooks: what is next, how a handed-on leg ended, what was recorded, what the stream did.

Every request is signed by the carrier and bears the call's token, which says whose call it is.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from trunkline.core import registry
from trunkline.core.db import of_business, unit_of_work
from trunkline.core.errors import Forbidden, InvalidInput
from trunkline.core.telemetry import get_logger
from trunkline.domain.calls import service as calls
from trunkline.domain.calls.tickets import CallTicket, read_call_token
from trunkline.domain.control import answers, places
from trunkline.kit import tokens
from trunkline.kit.tones import music_file
from trunkline.providers.ports import Answer
from trunkline.web.carrier_calls import Unsigned
from trunkline.web.carrier_hooks import SignedForm
from trunkline.web.parts import PartsDep

router = APIRouter(prefix=places.HOOKS, tags=["carrier"], include_in_schema=False)

log = get_logger(__name__)


def ticket_of(token: str, parts: PartsDep) -> CallTicket:
    """Read our own token in the hook's address. Raises Unsigned."""
    try:
        return read_call_token(token, key=parts.token_key)
    except tokens.InvalidToken as error:
        raise Unsigned(f"The call's token: {error}.", reason="bad_token") from error


Ticket = Annotated[CallTicket, Depends(ticket_of)]


@router.post("/next")
def what_is_next(_form: SignedForm, ticket: Ticket) -> Response:
    """Whatever the call was doing is over: its stream was closed, its music has ended."""
    with unit_of_work(of_business(ticket.business_id)) as session:
        call = calls.get_call(session, ticket.business_id, ticket.call_id)
        return _body(answers.next_answer(session, call))


@router.post("/dialled")
def dialled(form: SignedForm, ticket: Ticket) -> Response:
    """A colleague whom the call was handed to has hung up, or did not answer."""
    if ticket.control_id is None:
        raise Forbidden("The token names no act of control.", reason="bad_token")
    try:
        report = registry.asking_carrier(places.TWILIO).read_dial_report(form)
    except ValueError as error:
        raise InvalidInput(f"The carrier's report cannot be read: {error}.") from error
    with unit_of_work(of_business(ticket.business_id)) as session:
        return _body(answers.hear_dialled(session, ticket.business_id, ticket.control_id, report))


@router.post("/recorded", status_code=204)
def recorded(form: SignedForm, ticket: Ticket) -> None:
    """A caller's message can be fetched; fetching it is a job's work."""
    if ticket.control_id is None:
        raise Forbidden("The token names no act of control.", reason="bad_token")
    try:
        report = registry.asking_carrier(places.TWILIO).read_recording(form)
    except ValueError as error:
        raise InvalidInput(f"The carrier's report cannot be read: {error}.") from error
    with unit_of_work(of_business(ticket.business_id)) as session:
        answers.hear_recording(session, ticket.business_id, ticket.control_id, report)


@router.post("/stream", status_code=204)
def stream_changed(form: SignedForm, ticket: Ticket) -> None:
    """The media stream began, stopped or failed; a failure is what the log needs."""
    event = form.get("StreamEvent", "")
    if event == "stream-error":
        log.error("stream_failed", call_id=str(ticket.call_id), detail=form.get("StreamError", "")[:300])


@router.get("/hold.wav")
def music() -> Response:
    """What waiting callers hear. It is nobody's, so it needs no token."""
    return Response(music_file(), media_type="audio/wav", headers={"Cache-Control": "public, max-age=86400"})


def _body(answer: Answer) -> Response:
    return Response(answer.body, media_type=answer.content_type)
