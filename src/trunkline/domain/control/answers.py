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
from trunkline.domain.control import places, warm
from trunkline.domain.control.models import CallControl, ControlState, Verb
from trunkline.domain.control.store import (
    get_control,
    locked,
    newest_asked,
    open_controls,
    settle,
    told_last,
)
from trunkline.providers.ports import Answer, CallStatus, DialReport, RecordingReport

LONGEST_TRANSFER_S = 4 * 3600
_FOR_A_WHILE = frozenset({Away.ON_HOLD, Away.SENDING_DIGITS})
_TAKEN = frozenset({CallStatus.COMPLETED, CallStatus.IN_PROGRESS})
"""How a dialled leg ends that somebody has answered."""


def what_is_next(session: Session, business_id: UUID, call_id: UUID, *, behind: UUID | None = None) -> Answer:
    """Answer a carrier that asks what is to be done with a call. Raises NotFound.

    `behind` names the act whose music or keys have ended; without it a stream with the agent has.
    """
    return next_answer(session, calls.lock_call(session, business_id, call_id), behind=behind)


def behind_what(
    session: Session, call: Call, *, behind: UUID | None, dial: DialReport | None = None
) -> Answer:
    """Return what comes behind an answer that has been carried out; `dial`: it was a colleague's leg."""
    if dial is not None and behind is not None:
        return hear_dialled(session, call.business_id, behind, dial)
    return next_answer(session, call, behind=behind)


def next_answer(session: Session, call: Call, *, behind: UUID | None = None) -> Answer:
    """Return what the carrier is to do with a call now, and note that it is being done.

    What was asked for last counts. With nothing asked for, a call that was away only for a while goes
    back to its agent, and any other call ends. A carrier that asks twice, because our answer was lost,
    gets the same one again. What was asked for too late is settled by the job that tends the call.
    """
    carrier = registry.carrier(call.carrier)
    call.steps += 1
    if call.state != CallState.ENDED:
        control = newest_asked(session, call)
        if control is not None:
            return _answer_of(session, call, control)
        if behind is not None:
            control = get_control(session, call.business_id, behind)
            returns = control.call_id == call.id and control.verb in {Verb.HOLD, Verb.SEND_DIGITS}
            if returns and (call.away in _FOR_A_WHILE or "back_leg" in control.data):
                return places.back_to_agent(call, control)
        elif call.away is not None and (told := told_last(session, call)) is not None:
            return _answer_of(session, call, told)
    return carrier.hang_up_answer()


def _answer_of(session: Session, call: Call, control: CallControl) -> Answer:
    carrier = registry.carrier(call.carrier)
    verb = Verb(control.verb)
    if verb is Verb.WARM_TRANSFER:
        if control.state == ControlState.FAILED:
            return places.back_to_agent(call, control)
        return warm.begin(call, control)
    if verb is Verb.TRANSFER:
        if control.state == ControlState.ASKED:
            control.state = ControlState.UNDER_WAY
        return carrier.dial_answer(
            to=control.target or "", from_=call.ours, longest_s=LONGEST_TRANSFER_S,
            ring_timeout_s=warm.RINGS_S,
            then_url=places.hook(call, "dialled", control.id),
        )  # fmt: skip
    if control.state == ControlState.ASKED:
        settle(control, ControlState.DONE)
    then = places.hook(call, "next", control.id)
    match verb:
        case Verb.HOLD:
            times = int(control.data.get("times", 0))
            answer = carrier.hold_answer(music_url=places.music_url(), then_url=then, times=times)
        case Verb.SEND_DIGITS:
            answer = carrier.digits_answer(digits=str(control.data["digits"]), then_url=then)
        case Verb.DROP_MESSAGE:
            assert call.agent_id is not None  # a call that is connected has one
            language = agents.get_agent(session, call.business_id, call.agent_id).language
            # The carrier tells no more of it: what it was told to say counts as left.
            call.away = Away.MESSAGE_DROPPED
            answer = carrier.say_answer(text=str(control.data["message"]), language=language)
        case Verb.RESUME:
            answer = places.back_to_agent(call, control)
        case _:
            answer = carrier.hang_up_answer()
    return answer


def hear_dialled(session: Session, business_id: UUID, control_id: UUID, report: DialReport) -> Answer:
    """A dialled colleague has hung up, or never answered: then the caller gets the agent back."""
    call, control = locked(session, business_id, control_id)
    if report.sid != call.carrier_sid:
        raise Forbidden("The report is about another call.", reason="wrong_call")
    call.steps += 1
    if ControlState(control.state).is_open:
        state = ControlState.DONE if report.status in _TAKEN else ControlState.FAILED
        settle(control, state, status=report.status.value, duration_s=report.duration_s)
        if state is ControlState.DONE:
            calls.note_taken(call)
    if control.state == ControlState.DONE or report.call_is_over or call.state == CallState.ENDED:
        return registry.carrier(call.carrier).hang_up_answer()
    return places.back_to_agent(call, control)


def hear_refused(session: Session, call: Call, why: str) -> Answer | None:
    """The carrier would not do what it was told. Return what it is told instead; None: there is nothing.

    Whoever was to be handed on, held or the like gets the agent back.
    """
    call.steps += 1
    begun = open_controls(session, call.business_id, call.id)
    for control in begun:
        settle(control, ControlState.FAILED, why=why)
    if call.state == CallState.ENDED or call.away is None:
        return None
    last = begun[-1] if begun else told_last(session, call)
    return None if last is None else places.back_to_agent(call, last)


def hear_recording(session: Session, business_id: UUID, control_id: UUID, report: RecordingReport) -> None:
    """The carrier keeps the message of a caller who found no free line, or there is none.

    Nothing fetches it: whoever has the carrier's account hears it there.
    """
    control = get_control(session, business_id, control_id)
    if ControlState(control.state).is_open:
        state = ControlState.DONE if report.is_complete else ControlState.FAILED
        settle(
            control, state, recording_sid=report.recording_sid, recording_url=report.url,
            duration_s=report.duration_s,
        )  # fmt: skip
