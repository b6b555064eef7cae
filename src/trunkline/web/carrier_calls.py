"""What is done about a call when its carrier speaks of it, whichever carrier and in whichever way.

Owns the decisions that carriers' doors share: whom a call is for, whether there is a line, what became of
it. One transaction each, nothing is sent from here. The business comes from the dialled number or from
our own signed token, never from a field that a caller could choose.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from trunkline.core import registry
from trunkline.core.db import SYSTEM, of_business, unit_of_work
from trunkline.core.errors import Forbidden
from trunkline.core.telemetry import get_logger
from trunkline.core.tenancy import business_of_number
from trunkline.domain.calls import service as calls
from trunkline.domain.calls.models import Call, CallState
from trunkline.domain.control import places
from trunkline.domain.leads import service as leads
from trunkline.domain.outbound import hearing, machines, orders
from trunkline.domain.outbound import service as outbound
from trunkline.domain.tenants import service as tenants
from trunkline.kit import tokens
from trunkline.kit.phone import InvalidPhone, to_e164
from trunkline.providers.ports import Answer, AnswerReport, CallReport
from trunkline.web import turned_away
from trunkline.web.callroom import CallRoom
from trunkline.web.parts import PartsDep
from trunkline.web.sentences import NO_LINE_LEFT

log = get_logger(__name__)


class Unsigned(Forbidden):
    """The request was not signed by our carrier, or for another address."""

    code = "bad_signature"


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


# --- Calls to us -------------------------------------------------------------------------


def business_called(report: CallReport) -> UUID | None:
    """Return whose number was dialled; None: nobody's."""
    with unit_of_work(SYSTEM) as session:
        return business_of_number(session, report.to)


def admit(
    session: Session, business_id: UUID, report: CallReport, *, full: bool, carrier: str
) -> Call | Answer | None:
    """Open an inbound call's row and return it, or the answer that turns the call away. None: rejected.

    The carrier speaks again of a call when our first answer was lost on its way: it gets the same one.
    """
    business = tenants.get_business(session, business_id)
    number = tenants.number_called(session, business_id, report.to)
    if number is None or number.agent_id is None:
        return None
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
        agent_id=number.agent_id, lead_id=lead_id, carrier=carrier,
    )  # fmt: skip
    if full or taken >= business.max_calls:
        return turned_away.turn_away(session, business, call)
    return call


def to_agent(call: Call) -> Answer:
    """Return the answer that connects a call with its agent, and see to its end in any case."""
    # The carrier may go silent, the process may die: the call is closed all the same.
    calls.expect_end(call, within_s=places.longest_life_s())
    return places.to_agent(call, calls.next_leg(call))


def inbound_changed(report: CallReport) -> None:
    """A call to one of our numbers has changed."""
    business_id = business_called(report)
    if business_id is None:
        return
    with unit_of_work(of_business(business_id)) as session:
        call = calls.call_of_sid(session, business_id, report.sid)
        if call is not None:
            calls.note_status(session, call, report.status)


# --- Calls that we made ------------------------------------------------------------------


def outbound_answered(
    session: Session, attempt: AttemptRef, report: CallReport, room: CallRoom, *, carrier: str
) -> Call | Answer:
    """Return the call whose person is to have the agent now, or another answer. Raises SecondCall."""
    call = hearing.hear_report(session, attempt.business_id, attempt.attempt_id, report, carrier=carrier)
    if call is None or call.state == CallState.ENDED:
        return registry.carrier(carrier).hang_up_answer()
    _spare_others(session, attempt, room)
    if call.media_opened_at is None and not _has_line(session, attempt, room):
        # Nobody here can talk to them; a person who has said hello is told so.
        calls.reject_for_capacity(call)
        language = tenants.get_business(session, attempt.business_id).language
        return registry.carrier(carrier).say_answer(text=NO_LINE_LEFT[language], language=language)
    return call


def outbound_changed(
    session: Session, attempt: AttemptRef, report: CallReport, room: CallRoom, *, carrier: str
) -> None:
    """A call that we made has changed. Raises SecondCall."""
    hearing.hear_report(session, attempt.business_id, attempt.attempt_id, report, carrier=carrier)
    _spare_others(session, attempt, room)


def _has_line(session: Session, attempt: AttemptRef, room: CallRoom) -> bool:
    """Whom we called before the process began to drain is not called for nothing."""
    since = room.parting.since
    if not room.has_line or since is None:
        return room.has_line
    return hearing.dialled_at(session, attempt.business_id, attempt.attempt_id) < since


def _spare_others(session: Session, attempt: AttemptRef, room: CallRoom) -> None:
    """Nobody else is to be called whose answer would come here, where no new call is taken."""
    if room.draining:
        hearing.rest(session, attempt.business_id, attempt.attempt_id)


def outbound_detected(attempt: AttemptRef, report: AnswerReport, room: CallRoom, *, carrier: str) -> None:
    """The carrier has found out who answered a call that we made. It may come at any time, also twice."""
    try:
        with unit_of_work(of_business(attempt.business_id)) as session:
            call_id = machines.hear_answered_by(
                session, attempt.business_id, attempt.attempt_id, report, carrier=carrier
            )
    except hearing.SecondCall:
        log.warning("second_call_detected", attempt_id=str(attempt.attempt_id), sid=report.sid)
        return
    if call_id is not None:
        room.answers.tell(call_id, report.answered_by)
