"""What the carrier is to do with a live call now, by what was asked for and what came of it.

Every carrier asks here: by the reply to its question, or by a command that is sent behind its report.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from trunkline.core import registry
from trunkline.core.errors import Forbidden
from trunkline.domain.agents import service as agents
from trunkline.domain.calls import service as calls
from trunkline.domain.calls.models import Away, Call, CallState
from trunkline.domain.control import places
from trunkline.domain.control.models import CallControl, ControlState, Verb
from trunkline.domain.control.store import get_control, newest_asked, open_controls, settle
from trunkline.providers.ports import Answer, CallStatus, DialReport, RecordingReport

RINGS_S = 25
"""How long a colleague's telephone rings: longer, and a caller who waits to ringing hangs up."""
LONGEST_TRANSFER_S = 4 * 3600
_AFTERMATH_S = 180.0
_TAKEN = frozenset({CallStatus.COMPLETED, CallStatus.IN_PROGRESS})
"""How a dialled leg ends that somebody has answered."""


def next_answer(session: Session, call: Call) -> Answer:
    """Return what the carrier is to do with a call now, and note that it is being done.

    What was asked for last counts. With nothing asked for, a call that was away only for a while goes
    back to its agent, and any other call ends.
    """
    carrier = registry.carrier(call.carrier)
    call.steps += 1
    control = newest_asked(session, call)
    if control is None:
        if call.state != CallState.ENDED and call.away in {Away.ON_HOLD, Away.SENDING_DIGITS}:
            return back_to_agent(call)
        return carrier.hang_up_answer()
    return _answer_of(session, call, control)


def _answer_of(session: Session, call: Call, control: CallControl) -> Answer:
    carrier = registry.carrier(call.carrier)
    verb = Verb(control.verb)
    if verb is Verb.TRANSFER:
        control.state = ControlState.UNDER_WAY
        return carrier.dial_answer(
            to=control.target or "", from_=call.ours, longest_s=LONGEST_TRANSFER_S,
            ring_timeout_s=RINGS_S,
            then_url=places.hook(call, "dialled", control.id),
        )  # fmt: skip
    settle(control, ControlState.DONE)
    then = places.hook(call, "next")
    match verb:
        case Verb.HOLD:
            times = int(control.data.get("times", 0))
            answer = carrier.hold_answer(music_url=places.music_url(), then_url=then, times=times)
        case Verb.SEND_DIGITS:
            answer = carrier.digits_answer(digits=str(control.data["digits"]), then_url=then)
        case Verb.DROP_MESSAGE:
            assert call.agent_id is not None  # a call that is connected has one
            language = agents.get_agent(session, call.business_id, call.agent_id).language
            answer = carrier.say_answer(text=str(control.data["message"]), language=language)
        case Verb.RESUME:
            answer = back_to_agent(call)
        case _:
            answer = carrier.hang_up_answer()
    return answer


def back_to_agent(call: Call) -> Answer:
    """Bring the call back to its agent, who knows what was said before."""
    longest_s = places.installed_places().longest_call.total_seconds()
    return places.to_agent(call, calls.bring_back(call, within_s=longest_s + _AFTERMATH_S))


def hear_dialled(session: Session, business_id: UUID, control_id: UUID, report: DialReport) -> Answer:
    """A dialled colleague has hung up, or never answered: then the caller gets the agent back."""
    control = get_control(session, business_id, control_id)
    call = calls.call_of_sid(session, business_id, report.sid)
    if call is None or call.id != control.call_id:
        raise Forbidden("The report is about another call.", reason="wrong_call")
    call.steps += 1
    if ControlState(control.state).is_open:
        state = ControlState.DONE if report.status in _TAKEN else ControlState.FAILED
        settle(control, state, status=report.status.value, duration_s=report.duration_s)
    if control.state == ControlState.DONE or report.call_is_over or call.state == CallState.ENDED:
        return registry.carrier(call.carrier).hang_up_answer()
    return back_to_agent(call)


def hear_refused(session: Session, call: Call, why: str) -> Answer | None:
    """The carrier would not do what it was told. Return what it is told instead; None: there is nothing.

    Whoever was to be handed on, held or the like gets the agent back.
    """
    call.steps += 1
    for control in open_controls(session, call):
        settle(control, ControlState.FAILED, why=why)
    if call.state == CallState.ENDED or call.away is None:
        return None
    return back_to_agent(call)


def hear_recording(session: Session, business_id: UUID, control_id: UUID, report: RecordingReport) -> None:
    """The message of a caller who found no free line can be fetched, or there is none."""
    control = get_control(session, business_id, control_id)
    if ControlState(control.state).is_open:
        state = ControlState.DONE if report.is_complete else ControlState.FAILED
        settle(
            control, state, recording_sid=report.recording_sid, recording_url=report.url,
            duration_s=report.duration_s,
        )  # fmt: skip
