"""The verbs of call control. An act is asked for, told to the carrier, and settled by what came of it.

An agent's act waits until its present turn has been heard out: then its stream closes and the carrier
asks what is next. A person's act is carried out at once: the carrier is told in between two
transactions, never inside one. Both go through `next_answer`. Every act is a row, which the call's page
shows.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from trunkline.core import registry
from trunkline.core.db import of_business, unit_of_work
from trunkline.core.errors import Conflict, Forbidden, InvalidInput
from trunkline.core.jobs import enqueue_job
from trunkline.core.telemetry import get_logger
from trunkline.domain.agents import service as agents
from trunkline.domain.calls import service as calls
from trunkline.domain.calls.models import Away, Call, CallState
from trunkline.domain.control import places, undoing
from trunkline.domain.control.answers import next_answer
from trunkline.domain.control.models import CallControl, ControlState, Verb
from trunkline.domain.control.rules import HANDED_ON, KEYS, is_within, left_for, possible
from trunkline.domain.control.store import get_control, locked, note, settle, tell
from trunkline.domain.control.tending import LOOK_S
from trunkline.domain.control.warm import fail
from trunkline.domain.tenants import service as tenants
from trunkline.domain.tenants.extensions import is_allowed, resolve
from trunkline.providers.ports import (
    Answer,
    Carrier,
    CarrierRefused,
    CarrierUncertain,
)

log = get_logger(__name__)


def ask(
    session: Session,
    business_id: UUID,
    call_id: UUID,
    verb: Verb,
    *,
    actor: str,
    to: str = "",
    agent_id: UUID | None = None,
    **data: Any,
) -> CallControl:
    """Note that something is to be done with a live call. The carrier is not told here.

    `agent_id` names the agent that asks: it hands calls to those on its own list alone. Raises NotFound,
    Conflict for a call that is not live or already under another act, InvalidInput, Forbidden.
    """
    call = _live_call(session, business_id, call_id, verb)
    if verb is Verb.SEND_DIGITS and not KEYS.fullmatch(str(data.get("digits", ""))):
        raise InvalidInput("Keys are 0-9, * and #; w waits half a second.", reason="keys_wrong")
    target = None
    if verb in {Verb.TRANSFER, Verb.WARM_TRANSFER}:
        target = _target(session, call, to, agent_id, data)
    control = CallControl(
        business_id=business_id, call_id=call_id, verb=verb, state=ControlState.ASKED, target=target,
        actor=actor, data=data,
    )  # fmt: skip
    session.add(control)
    session.flush()
    away = left_for(verb)
    if away is not None:
        calls.send_away(call, away)
    tell(control)
    enqueue_job("high", "tend_controls", str(call_id), run_in=LOOK_S)
    return control


def possible_acts(session: Session, business_id: UUID, call_id: UUID) -> list[Verb]:
    """Return what people can do with a call now: nothing with one that is not live. Raises NotFound."""
    call = calls.get_call(session, business_id, call_id)
    can = calls.capabilities_of(call) if call.state == CallState.LIVE else None
    return possible(call.away, can) if can is not None else []


def ask_for_tones(
    session: Session, business_id: UUID, call_id: UUID, digits: str, *, actor: str
) -> CallControl:
    """Note that keys go out in the call's own audio. Raises NotFound, Conflict, InvalidInput."""
    call = _live_call(session, business_id, call_id, Verb.SEND_DIGITS)
    if not KEYS.fullmatch(digits):
        raise InvalidInput("Keys are 0-9, * and #; w waits half a second.", reason="keys_wrong")
    control = note(session, call, Verb.SEND_DIGITS, digits=digits)
    control.actor = actor
    settle(control, ControlState.DONE)
    return control


def carry_out(
    business_id: UUID, call_id: UUID, verb: Verb, *, actor: str, to: str = "", **data: Any
) -> CallControl:
    """Do something with a live call now, for a person. Opens its own transactions.

    Raises what `ask` does, and Conflict with the carrier's reason where it would not.
    """
    scope = of_business(business_id)
    with unit_of_work(scope) as session:
        call = calls.lock_call(session, business_id, call_id)
        before = undoing.Before.of(call)
        control = ask(session, business_id, call_id, verb, actor=actor, to=to, **data)
        answer = next_answer(session, call)
        undoing.begin_telling(control)
        carrier, sid, key = registry.carrier(call.carrier), call.carrier_sid, places.command_key(call)
        is_noted = verb is Verb.HANG_UP and calls.note_hang_up(session, business_id, sid)
    trouble = ""
    try:
        if verb is Verb.HANG_UP:
            carrier.hang_up(sid)
        else:
            _redirect(carrier, sid, answer, key)
    except CarrierRefused as error:
        trouble = str(error)
    except CarrierUncertain as error:
        # It may have happened: what the carrier tells of the call next will show.
        with unit_of_work(scope) as session:
            control = get_control(session, business_id, control.id)
            undoing.end_telling(control)
            control.data = {**control.data, "doubt": str(error)}
            if verb is Verb.WARM_TRANSFER and control.state == ControlState.UNDER_WAY:
                # A colleague would take a caller who may not be there: back to the agent, wherever they are.
                fail(control, "doubt")
        raise Conflict(
            f"The carrier did not say whether it was done: {error}.", doubt=True, reason="carrier_doubt"
        ) from error
    with unit_of_work(scope) as session:
        call, control = locked(session, business_id, control.id)
        if not trouble:
            undoing.end_telling(control)
            return control
        undone = undoing.take_back(session, call, control, before, trouble)
        if is_noted and undone.is_undone:
            calls.take_back_hang_up(session, business_id, sid)
        key = places.command_key(call)
    if not undone.is_undone:
        return control
    if undone.next is not None:
        _tell_instead(business_id, carrier, sid, undone.next, key)
    raise Conflict(f"The carrier refused: {trouble}.", doubt=False, reason="carrier_refused")


def _tell_instead(business_id: UUID, carrier: Carrier, sid: str, answer: Answer, key: UUID) -> None:
    """What came behind the call's last answer while another was refused; one that fails is hung up."""
    try:
        _redirect(carrier, sid, answer, key)
    except (CarrierRefused, CarrierUncertain) as error:
        log.warning("command_failed", sid=sid, error=str(error))
        with unit_of_work(of_business(business_id)):
            enqueue_job("high", "hang_up_call", sid)


def _redirect(carrier: Carrier, sid: str, answer: Answer, key: UUID) -> None:
    """Tell the carrier; one that knows commands again by their key, a second time when in doubt."""
    if carrier.capabilities.idempotency_key:
        with suppress(CarrierUncertain):
            carrier.redirect(sid, answer, key=key)
            return
    carrier.redirect(sid, answer, key=key)


def _live_call(session: Session, business_id: UUID, call_id: UUID, verb: Verb) -> Call:
    call = calls.lock_call(session, business_id, call_id)
    if call.state != CallState.LIVE:
        raise Conflict("The call is not live.", state=call.state, reason="call_not_live")
    if not is_within(verb, registry.carrier(call.carrier).capabilities):
        raise Conflict("The call's carrier cannot do this.", carrier=call.carrier, reason="carrier_cannot")
    if verb is Verb.RESUME and call.away != Away.ON_HOLD:
        raise Conflict("The call is not on hold.", reason="call_not_held")
    if call.away in HANDED_ON and verb is not Verb.HANG_UP:
        raise Conflict("The call has been handed on.", away=call.away, reason="call_handed_on")
    return call


def _target(session: Session, call: Call, to: str, agent_id: UUID | None, data: dict[str, Any]) -> str:
    business = tenants.get_business(session, call.business_id)
    allowed = None
    if agent_id is not None:
        allowed = agents.get_agent(session, call.business_id, agent_id).transfer_to
        # Who just asks for a person gets whoever stands first.
        to = to.strip() or next(iter(allowed), "")
    target = resolve(to, business.extensions, region=business.region)
    tenants.check_transfer(business, target.number, target.label)
    if allowed is not None and not is_allowed(target, allowed):
        raise Forbidden(f"This agent may not hand calls to {target.label}.", reason="not_on_list")
    if target.number in {call.ours, call.theirs}:
        raise InvalidInput("A call cannot be handed to one of its own ends.", reason="own_end")
    data["label"] = target.label
    return target.number
