"""A call's own hooks: what is next, how a handed-on leg ended, what was recorded, what the stream did.

Every request is signed by the carrier and bears the call's token, which says whose call it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from trunkline.core import registry
from trunkline.core.db import of_business, unit_of_work
from trunkline.core.errors import Forbidden, InvalidInput
from trunkline.core.telemetry import get_logger
from trunkline.domain.calls.tickets import CallTicket, read_call_token
from trunkline.domain.control import answers, places, warm
from trunkline.kit import tokens
from trunkline.kit.tones import music_file
from trunkline.providers.ports import Answer
from trunkline.web.carrier_calls import Unsigned
from trunkline.web.carrier_hooks import SignedForm
from trunkline.web.parts import PartsDep

router = APIRouter(prefix=places.HOOKS, tags=["carrier"], include_in_schema=False)

Report = TypeVar("Report")

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
        return _body(
            answers.what_is_next(session, ticket.business_id, ticket.call_id, behind=ticket.control_id)
        )


@router.post("/dialled")
def dialled(form: SignedForm, ticket: Ticket) -> Response:
    """A colleague whom the call was handed to has hung up, or did not answer."""
    report = _read(registry.asking_carrier(places.TWILIO).read_dial_report, form)
    with unit_of_work(of_business(ticket.business_id)) as session:
        return _body(answers.hear_dialled(session, ticket.business_id, _act(ticket), report))


@router.post("/colleague")
def colleague_answered(form: SignedForm, ticket: Ticket) -> Response:
    """A colleague has picked up who is to be asked whether they take a call."""
    report = _read(registry.asking_carrier(places.TWILIO).read_report, form)
    with unit_of_work(of_business(ticket.business_id)) as session:
        return _body(warm.hear_colleague(session, ticket.business_id, _act(ticket), report.sid))


@router.post("/offered")
def colleague_chose(form: SignedForm, ticket: Ticket) -> Response:
    """The colleague has pressed a key, or let the time for it go by."""
    carrier = registry.asking_carrier(places.TWILIO)
    report, keys = _read(carrier.read_report, form), carrier.read_digits(form)
    with unit_of_work(of_business(ticket.business_id)) as session:
        return _body(warm.hear_choice(session, ticket.business_id, _act(ticket), report.sid, keys))


@router.post("/left")
def left_the_conference(form: SignedForm, ticket: Ticket) -> Response:
    """The caller or the colleague is no longer in the conference."""
    report = _read(registry.asking_carrier(places.TWILIO).read_dial_report, form)
    with unit_of_work(of_business(ticket.business_id)) as session:
        return _body(
            warm.hear_left(session, ticket.business_id, _act(ticket), report.sid, is_over=report.call_is_over)
        )


@router.post("/colleague-status", status_code=204)
def colleague_status(form: SignedForm, ticket: Ticket) -> None:
    """The call to a colleague has changed."""
    report = _read(registry.asking_carrier(places.TWILIO).read_report, form)
    with unit_of_work(of_business(ticket.business_id)) as session:
        warm.hear_colleague_status(session, ticket.business_id, _act(ticket), report.sid, report.status)


@router.post("/recorded", status_code=204)
def recorded(form: SignedForm, ticket: Ticket) -> None:
    """A caller's message is with the carrier, who keeps it; its address and length are noted."""
    report = _read(registry.asking_carrier(places.TWILIO).read_recording, form)
    with unit_of_work(of_business(ticket.business_id)) as session:
        answers.hear_recording(session, ticket.business_id, _act(ticket), report)


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


def _act(ticket: CallTicket) -> UUID:
    if ticket.control_id is None:
        raise Forbidden("The token names no act of control.", reason="bad_token")
    return ticket.control_id


def _read(reader: Callable[[Mapping[str, str]], Report], form: Mapping[str, str]) -> Report:
    try:
        return reader(form)
    except ValueError as error:
        raise InvalidInput(f"The carrier's report cannot be read: {error}.") from error


def _body(answer: Answer) -> Response:
    return Response(answer.body, media_type=answer.content_type)
