"""Callers who find every line taken: a sentence, a tone to leave a message after, or a call back.

Owns what the carrier answers and what of it is on record. Which one it is, the business has chosen; where
that cannot be had, the sentence is what is left.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from trunkline.core import registry
from trunkline.core.errors import TrunklineError
from trunkline.core.jobs import enqueue_job
from trunkline.core.telemetry import get_logger
from trunkline.domain.calls import service as calls
from trunkline.domain.calls.models import Call
from trunkline.domain.control import places
from trunkline.domain.control import store as control
from trunkline.domain.control.models import CallControl, ControlState, Verb
from trunkline.domain.outbound import callbacks
from trunkline.domain.tenants.extensions import WhenFull
from trunkline.domain.tenants.models import Business
from trunkline.kit import clock
from trunkline.providers.ports import Answer
from trunkline.web.sentences import FULL_LINE, LEAVE_A_MESSAGE, WE_CALL_BACK

_CALL_BACK_IN = timedelta(minutes=5)
_LONGEST_MESSAGE_S = 120
_RECORDED_WITHIN_S = 20 * 60.0
"""How long after a caller was asked for a message the carrier has certainly told of it, if it ever does."""

log = get_logger(__name__)


def turn_away(session: Session, business: Business, call: Call) -> Answer:
    """Log a call that found every line taken, and return what its caller gets."""
    calls.reject_for_capacity(call)
    wanted = WhenFull(business.when_full)
    if wanted is WhenFull.VOICEMAIL and registry.carrier(call.carrier).capabilities.records:
        return _voicemail(business, call, _noted(session, call))
    if wanted is WhenFull.CALLBACK and _promise(session, business, call):
        return _say(business, call, WE_CALL_BACK)
    return _say(business, call, FULL_LINE)


def again(session: Session, business: Business, call: Call) -> Answer:
    """Return the same for a carrier that asks once more; nothing is noted twice."""
    for noted in control.controls_of(session, business.id, call.id):
        if noted.verb == Verb.VOICEMAIL:
            return _voicemail(business, call, noted)
        if noted.verb == Verb.CALLBACK:
            return _say(business, call, WE_CALL_BACK)
    return _say(business, call, FULL_LINE)


def _promise(session: Session, business: Business, call: Call) -> bool:
    """Have the dialler call the person back. False: nobody can, and nothing is promised."""
    if call.lead_id is None:
        return False  # who withholds their number is nobody's lead
    at = (clock.now() + _CALL_BACK_IN).isoformat()
    try:
        with session.begin_nested():
            callbacks.ask(
                session, business.id, call_id=call.id, phone=call.theirs, at=at,
                note="every line was taken", actor="system",
            )  # fmt: skip
    except TrunklineError as error:
        log.info("callback_not_promised", call_id=str(call.id), reason=error.message)
        return False
    control.settle(control.note(session, call, Verb.CALLBACK, at=at), ControlState.DONE)
    return True


def _voicemail(business: Business, call: Call, noted: CallControl) -> Answer:
    return registry.carrier(call.carrier).record_answer(
        text=LEAVE_A_MESSAGE[business.language], language=business.language,
        longest_s=_LONGEST_MESSAGE_S, then_url=places.hook(call, "next"),
        recording_url=places.hook(call, "recorded", noted.id),
    )  # fmt: skip


def _noted(session: Session, call: Call) -> CallControl:
    enqueue_job("high", "tend_controls", str(call.id), run_in=_RECORDED_WITHIN_S)
    return control.note(session, call, Verb.VOICEMAIL)


def _say(business: Business, call: Call, sentences: dict[str, str]) -> Answer:
    language = business.language
    return registry.carrier(call.carrier).say_answer(text=sentences[language], language=language)
