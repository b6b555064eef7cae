"""What is left of an act that the carrier refused: the call goes on as if it had not been asked for.

Owns which steps of a call were decided and never came to be. A step's number is not used again: it is
part of the key by which a carrier knows commands that it has had. Speaks to no carrier.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from trunkline.domain.calls import service as calls
from trunkline.domain.calls.models import Call, CallState
from trunkline.domain.control.answers import behind_what
from trunkline.domain.control.models import CallControl, ControlState, Verb
from trunkline.domain.control.rules import left_for
from trunkline.domain.control.store import controls_of, settle, told_last
from trunkline.domain.control.warm import let_colleague_go
from trunkline.providers.ports import Answer, CallStatus, DialReport

_TELLING, _MISSED = "telling", "missed"
"""In an act's data while the carrier is asked for it: that it is, and what came to its end meanwhile."""
_REFUSED = "refused_step"
"""In a refused act's data: the step that it was, and how the call stood before."""


@dataclass(frozen=True, slots=True)
class Before:
    """How a call stood before an act was asked for."""

    away: str | None
    step: int
    live_until: datetime | None

    @classmethod
    def of(cls, call: Call) -> Before:
        return cls(call.away, call.steps, call.live_until)


@dataclass(frozen=True, slots=True)
class Undone:
    """What has become of an act that the carrier refused."""

    is_undone: bool = True
    """False: it is being done all the same."""
    next: Answer | None = None
    """What the carrier is to be told now, for what the call did before has come to its end meanwhile."""


def begin_telling(control: CallControl) -> None:
    """The carrier is about to be asked for this act."""
    control.data = {**control.data, _TELLING: True}


def end_telling(control: CallControl) -> None:
    """The carrier has not refused this act."""
    control.data = {name: value for name, value in control.data.items() if name not in {_TELLING, _MISSED}}


def stands(session: Session, call: Call, step: int) -> bool:
    """Return whether the call still does what it was told at this step: all that came later was refused."""
    return call.steps == step or _stands_at(_refusals(session, call), call) == step


def note_missed(
    session: Session, call: Call, step: int, behind: UUID | None, dial: DialReport | None
) -> None:
    """What a call was told at `step` is over: late, unless the carrier refuses what it is being told."""
    told = told_last(session, call)
    if told is None or _TELLING not in told.data:
        return
    ended = None if dial is None else [dial.status.value, dial.duration_s, dial.call_is_over]
    act = None if behind is None else str(behind)
    told.data = {**told.data, _MISSED: {"step": step, "behind": act, "dial": ended}}


def take_back(session: Session, call: Call, control: CallControl, before: Before, why: str) -> Undone:
    """The carrier has refused an act: the call is as it was before, but for what was asked for since.

    It may have been told the same in another way meanwhile; then it does it, and nothing is taken back.
    """
    at = _stands_at(_refusals(session, call), call)
    if at != before.step + 1 and control.state != ControlState.FAILED and told_last(session, call) is control:
        end_telling(control)
        return Undone(is_undone=False)
    live_until = None if before.live_until is None else before.live_until.isoformat()
    stood = {"step": before.step + 1, "from": before.step, "away": before.away, "live_until": live_until}
    settle(control, ControlState.FAILED, why=why, **{_REFUSED: stood})
    let_colleague_go(control)
    refusals = _refusals(session, call)
    if call.steps not in refusals or call.state == CallState.ENDED:
        return Undone()
    acts = controls_of(session, call.business_id, call.id)
    at = _stands_at(refusals, call)
    sent_away = [act for act in acts if act.state == ControlState.ASKED and left_for(Verb(act.verb))]
    if not sent_away:
        first = next(stood for stood in refusals.values() if stood["from"] == at)
        until = first["live_until"]
        calls.take_back(call, first["away"], live_until=datetime.fromisoformat(until) if until else None)
    missed = [act.data[_MISSED] for act in acts if act.data.get(_MISSED, {}).get("step") == at]
    return Undone(next=_what_was_missed(session, call, missed[-1])) if missed else Undone()


def _what_was_missed(session: Session, call: Call, missed: dict[str, Any]) -> Answer:
    dial = None
    if missed["dial"] is not None:
        status, duration_s, is_over = missed["dial"]
        dial = DialReport(call.carrier_sid, CallStatus(status), duration_s, is_over)
    behind = UUID(missed["behind"]) if missed["behind"] else None
    return behind_what(session, call, behind=behind, dial=dial)


def _refusals(session: Session, call: Call) -> dict[int, dict[str, Any]]:
    acts = controls_of(session, call.business_id, call.id)
    return {act.data[_REFUSED]["step"]: act.data[_REFUSED] for act in acts if _REFUSED in act.data}


def _stands_at(refusals: dict[int, dict[str, Any]], call: Call) -> int:
    """Return the last step of the call that came to be."""
    step = call.steps
    while step in refusals:
        step = refusals[step]["from"]
    return step
