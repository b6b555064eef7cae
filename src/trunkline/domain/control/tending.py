"""What becomes of acts of control of which the carrier never tells, and of callers on their way back.

Fails towards the agent: who waits for nobody is given back. Speaks to no carrier.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from trunkline.domain.calls import service as calls
from trunkline.domain.calls.models import Call, CallState
from trunkline.domain.control import places, warm
from trunkline.domain.control.models import CallControl, ControlState, Verb
from trunkline.domain.control.rules import Stage
from trunkline.domain.control.store import locked, open_controls, settle
from trunkline.kit import clock
from trunkline.providers.ports import Answer

LOOK_S = 120.0
"""How long after an act was asked for it is looked at, and how often while it stays open."""
_TELLS_WITHIN = {Verb.TRANSFER: timedelta(minutes=1), Verb.VOICEMAIL: timedelta(minutes=15)}
"""For how long after the call's end the carrier may still tell what came of an act."""

Leg = tuple[UUID, str, str]
"""An act, the carrier, and the sid of a colleague's leg that is to be asked about."""


def tend(session: Session, business_id: UUID, call_id: UUID) -> tuple[float | None, list[Leg]]:
    """Settle what can be settled of a call's acts.

    Returns after how many seconds to look again (None: nothing is open) and which legs to ask about now.
    """
    call = calls.lock_call(session, business_id, call_id)
    waits: list[float] = []
    legs: list[Leg] = []
    for control in open_controls(session, business_id, call_id):
        if call.state == CallState.ENDED:
            left_s = _after_the_end(call, control)
        elif control.verb == Verb.WARM_TRANSFER and control.state == ControlState.UNDER_WAY:
            left_s = _in_the_conference(call, control, legs)
        else:
            left_s = LOOK_S
        if left_s is not None:
            waits.append(left_s)
    return min(waits, default=None), legs


def leg_is_over(session: Session, business_id: UUID, control_id: UUID) -> None:
    """The carrier says that a colleague's leg is over of whose end it has not told."""
    _, control = locked(session, business_id, control_id)
    if control.state == ControlState.UNDER_WAY and "leg_ended" not in control.data:
        warm.enter(control, warm.stage_of(control), leg_ended="asked")


def way_back(session: Session, business_id: UUID, control_id: UUID) -> tuple[Call, Answer] | None:
    """Return where the carrier is to send a caller whom nobody took.

    None: they are back with the agent, were sent elsewhere since, or are gone.
    """
    call, control = locked(session, business_id, control_id)
    leg = control.data.get("back_leg")
    is_back = leg is not None and (call.media_spent >= leg or call.media_legs != leg or call.away is not None)
    if is_back or control.state != ControlState.FAILED or call.state == CallState.ENDED:
        return None
    return call, places.back_to_agent(call, control)


def _after_the_end(call: Call, control: CallControl) -> float | None:
    verb = Verb(control.verb)
    by_us = call.end_reason == calls.HUNG_UP
    if control.state == ControlState.ASKED:
        settle(control, ControlState.FAILED, why=calls.HUNG_UP if by_us else "caller_hung_up")
        return None
    if verb is Verb.WARM_TRANSFER:
        warm.end(control, why=calls.HUNG_UP if by_us else "caller_hung_up")
        return None
    left_s = (
        (call.ended_at or clock.now()) + _TELLS_WITHIN.get(verb, timedelta()) - clock.now()
    ).total_seconds()
    if left_s > 0:
        return left_s
    settle(control, ControlState.FAILED, why=calls.HUNG_UP if by_us else "nobody_told")
    return None


def _in_the_conference(call: Call, control: CallControl, legs: list[Leg]) -> float | None:
    left_s = warm.overdue_in_s(control)
    if left_s > 0:
        return left_s
    if warm.stage_of(control) is Stage.TAKEN and "leg_ended" not in control.data:
        legs.append((control.id, call.carrier, str(control.data["leg_sid"])))
        return LOOK_S
    warm.fail(control, "nobody_told")
    return None
