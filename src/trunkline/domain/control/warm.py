"""Warm transfer: the caller waits in a conference while a colleague hears who calls, and takes it or not.

Owns the way of one such act from its beginning to its end: which step each report of the carrier's is,
and what is answered to it. Reports may come twice, late, out of order or never; each step is taken once,
with the call's row and then the act's locked, and whatever goes wrong gives the caller back to the agent.
Nothing here speaks to the carrier: its jobs do that, between transactions.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from trunkline.core import registry
from trunkline.core.errors import Forbidden
from trunkline.core.jobs import enqueue_job
from trunkline.domain.agents import service as agents
from trunkline.domain.calls import service as calls
from trunkline.domain.calls.models import Away, Call, CallState
from trunkline.domain.control import places, wording
from trunkline.domain.control.models import CallControl, ControlState
from trunkline.domain.control.rules import PATIENCE_S, TAKES_IT, Stage
from trunkline.domain.control.store import locked, settle
from trunkline.domain.leads import service as leads
from trunkline.kit import clock
from trunkline.providers.ports import Answer, CallOrder, CallStatus

RINGS_S = 25
"""How long a colleague's telephone rings: longer, and a caller who waits hangs up."""
LEG_OVER_S = 10.0
"""How long after the end of the colleague's leg the caller is expected to have left the conference."""


def begin(call: Call, control: CallControl) -> Answer:
    """Let the caller wait in the conference and have the colleague called. Asked again, the same answer."""
    if control.state == ControlState.ASKED:
        control.state = ControlState.UNDER_WAY
        enter(control, Stage.WAITING)
        enqueue_job("high", "call_colleague", str(control.id))
    return _conference(call, control, begins=False)


def enter(control: CallControl, stage: Stage, **data: Any) -> None:
    """Note which step an act has come to, and when."""
    control.data = {**control.data, **data, "stage": stage.value, "since": clock.now().isoformat()}


def stage_of(control: CallControl) -> Stage:
    """Return which step an act has come to."""
    return Stage(control.data.get("stage", Stage.WAITING))


def overdue_in_s(control: CallControl) -> float:
    """Return for how long the present step may last yet; not above 0: no more news is to be expected."""
    since = datetime.fromisoformat(str(control.data["since"]))
    patience_s = LEG_OVER_S if "leg_ended" in control.data else PATIENCE_S[stage_of(control)]
    return (since + timedelta(seconds=patience_s) - clock.now()).total_seconds()


def fail(control: CallControl, why: str, **data: Any) -> None:
    """Nobody takes the call: the colleague's leg ends, and the caller gets the agent back."""
    settle(control, ControlState.FAILED, why=why, **data)
    enqueue_job("high", "give_caller_back", str(control.id))
    let_colleague_go(control)


def let_colleague_go(control: CallControl) -> None:
    """Have the colleague's leg ended, if there is one that nobody knows to be over."""
    if "leg_sid" in control.data and "leg_ended" not in control.data:
        enqueue_job("high", "hang_up_colleague", str(control.id))


def order(session: Session, business_id: UUID, control_id: UUID) -> CallOrder | None:
    """Return the call to the colleague that is to be placed now; None: not any more, or it was before.

    It is placed once at the most: this notes that it is being done, before it is.
    """
    call, control = locked(session, business_id, control_id)
    if control.state != ControlState.UNDER_WAY or stage_of(control) is not Stage.WAITING:
        return None
    if call.state == CallState.ENDED:
        return None
    enter(control, Stage.CALLING)
    return CallOrder(
        to=control.target or "",
        from_=call.ours,
        answer_url=places.hook(call, "colleague", control.id),
        status_url=places.hook(call, "colleague-status", control.id),
        ring_timeout_s=RINGS_S,
        key=str(control.id),
    )


def bind(session: Session, business_id: UUID, control_id: UUID, sid: str) -> None:
    """The carrier has placed the call to the colleague. It may have told more of it before."""
    _, control = locked(session, business_id, control_id)
    if "leg_sid" not in control.data:
        control.data = {**control.data, "leg_sid": sid}
    if control.state != ControlState.UNDER_WAY:
        let_colleague_go(control)


# --- What the carrier tells ----------------------------------------------------------------


def hear_colleague(session: Session, business_id: UUID, control_id: UUID, sid: str) -> Answer:
    """A colleague has picked up: tell them who calls and what about, and ask whether they take it."""
    call, control = locked(session, business_id, control_id)
    carrier = registry.carrier(call.carrier)
    if control.data.get("leg_sid", sid) != sid:
        return carrier.hang_up_answer()  # a second call for one act
    if not _goes_on(call, control):
        return carrier.say_answer(
            text=wording.caller_gone(_language(session, call)), language=_language(session, call)
        )
    if stage_of(control) in {Stage.WAITING, Stage.CALLING}:
        enter(control, Stage.ASKED, leg_sid=sid)
    language = _language(session, call)
    name = leads.get_lead(session, business_id, call.lead_id).name if call.lead_id else ""
    text = wording.offer(
        language, name=name or "", number=call.theirs, summary=str(control.data.get("summary", ""))
    )
    then_url = places.hook(call, "offered", control.id)
    return carrier.ask_answer(text=text, language=language, digits=1, then_url=then_url)


def hear_choice(session: Session, business_id: UUID, control_id: UUID, sid: str, keys: str) -> Answer:
    """The colleague has pressed a key, or none: 1 joins the two, and the agent is out of it."""
    call, control = locked(session, business_id, control_id)
    carrier = registry.carrier(call.carrier)
    if control.data.get("leg_sid") != sid:
        raise Forbidden("The report is about another call.", reason="wrong_call")
    if not _goes_on(call, control):
        language = _language(session, call)
        return carrier.say_answer(text=wording.caller_gone(language), language=language)
    if stage_of(control) is not Stage.TAKEN:
        if keys != TAKES_IT:
            # Their own leg ends by this answer.
            fail(control, "declined" if keys else "no_key", leg_ended=True)
            return carrier.hang_up_answer()
        enter(control, Stage.TAKEN)
        calls.send_away(call, Away.TRANSFERRED)
    return _conference(call, control, begins=True)


def hear_colleague_status(
    session: Session, business_id: UUID, control_id: UUID, sid: str, status: CallStatus
) -> None:
    """The colleague's leg has changed; only its end matters, and only the first time."""
    call, control = locked(session, business_id, control_id)
    if not status.is_final or control.data.get("leg_sid", sid) != sid or "leg_ended" in control.data:
        return
    control.data = {**control.data, "leg_sid": sid, "leg_ended": status.value}
    if control.state != ControlState.UNDER_WAY:
        return
    if stage_of(control) is Stage.TAKEN:
        # They have talked, and the caller leaves the conference with them. If not, they never were in it.
        enter(control, Stage.TAKEN)
        enqueue_job("high", "tend_controls", str(call.id), run_in=LEG_OVER_S)
    else:
        fail(control, "declined" if status is CallStatus.COMPLETED else status.value)


def hear_left(session: Session, business_id: UUID, control_id: UUID, sid: str, *, is_over: bool) -> Answer:
    """One of the two has left the conference: after a talk that is the end, before it the agent is back."""
    call, control = locked(session, business_id, control_id)
    carrier = registry.carrier(call.carrier)
    if sid == control.data.get("leg_sid"):
        return carrier.hang_up_answer()
    if sid != call.carrier_sid:
        raise Forbidden("The report is about another call.", reason="wrong_call")
    taken = stage_of(control) is Stage.TAKEN
    if ControlState(control.state).is_open:
        if taken:
            settle(control, ControlState.DONE)
        elif not is_over:
            settle(control, ControlState.FAILED, why="conference_ended")
            let_colleague_go(control)
    if is_over or call.state == CallState.ENDED or control.state == ControlState.DONE:
        return carrier.hang_up_answer()
    return places.back_to_agent(call, control)


def end(control: CallControl, *, why: str) -> None:
    """The call is over: so is the act, and the colleague's leg. `why` tells who ended a call too early."""
    if stage_of(control) is Stage.TAKEN:
        settle(control, ControlState.DONE)
    else:
        settle(control, ControlState.FAILED, why=why)
    let_colleague_go(control)


# --- Parts -----------------------------------------------------------------------------------


def _goes_on(call: Call, control: CallControl) -> bool:
    return control.state == ControlState.UNDER_WAY and call.state != CallState.ENDED


def _conference(call: Call, control: CallControl, *, begins: bool) -> Answer:
    return registry.carrier(call.carrier).conference_answer(
        name=str(control.id), begins=begins, ends=True, music_url=places.music_url(),
        then_url=places.hook(call, "left", control.id),
    )  # fmt: skip


def _language(session: Session, call: Call) -> str:
    assert call.agent_id is not None  # a call that is connected has one
    return agents.get_agent(session, call.business_id, call.agent_id).language
