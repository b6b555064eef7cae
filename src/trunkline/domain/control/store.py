"""The record of call control: acts as rows, found, noted and settled. Knows no carrier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from trunkline.core.errors import NotFound
from trunkline.core.events import announce
from trunkline.domain.calls import service as calls
from trunkline.domain.calls.models import Call
from trunkline.domain.control.models import CallControl, ControlState, Verb
from trunkline.kit import clock


def controls_of(session: Session, business_id: UUID, call_id: UUID) -> Sequence[CallControl]:
    """Return what was done with a call, oldest first. Raises NotFound for a call that is not theirs."""
    calls.get_call(session, business_id, call_id)
    return session.scalars(
        select(CallControl)
        .where(CallControl.business_id == business_id, CallControl.call_id == call_id)
        .order_by(CallControl.created_at, CallControl.id)
    ).all()


def get_control(session: Session, business_id: UUID, control_id: UUID) -> CallControl:
    """Return one act, locked. Raises NotFound."""
    control = session.scalar(
        select(CallControl)
        .where(CallControl.business_id == business_id, CallControl.id == control_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if control is None:
        raise NotFound("There is no such act of control.")
    return control


def locked(session: Session, business_id: UUID, control_id: UUID) -> tuple[Call, CallControl]:
    """Return an act and its call, both locked, the call first, as whoever controls it locks them.

    Raises NotFound.
    """
    call_id = session.scalar(
        select(CallControl.call_id).where(
            CallControl.business_id == business_id, CallControl.id == control_id
        )
    )
    if call_id is None:
        raise NotFound("There is no such act of control.")
    call = calls.lock_call(session, business_id, call_id)
    return call, get_control(session, business_id, control_id)


def open_controls(session: Session, business_id: UUID, call_id: UUID) -> Sequence[CallControl]:
    """Return a call's acts that are not settled, locked, oldest first."""
    return session.scalars(
        select(CallControl)
        .where(
            CallControl.business_id == business_id,
            CallControl.call_id == call_id,
            CallControl.state.in_([ControlState.ASKED, ControlState.UNDER_WAY]),
        )
        .order_by(CallControl.created_at, CallControl.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def told_last(session: Session, call: Call) -> CallControl | None:
    """Return the act that the carrier was told last for this call, whatever came of it."""
    return session.scalars(
        select(CallControl)
        .where(
            CallControl.business_id == call.business_id,
            CallControl.call_id == call.id,
            CallControl.state != ControlState.ASKED,
        )
        .order_by(CallControl.created_at.desc(), CallControl.id.desc())
        .limit(1)
    ).one_or_none()


def newest_asked(session: Session, call: Call) -> CallControl | None:
    """Return what was asked for last and not been told to the carrier; what came before it is off."""
    asked = session.scalars(
        select(CallControl)
        .where(
            CallControl.business_id == call.business_id,
            CallControl.call_id == call.id,
            CallControl.state == ControlState.ASKED,
        )
        .order_by(CallControl.created_at.desc(), CallControl.id.desc())
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    for older in asked[1:]:
        settle(older, ControlState.FAILED, why="superseded")
    return asked[0] if asked else None


def note(session: Session, call: Call, verb: Verb, **data: Any) -> CallControl:
    """Put on record what the installation itself does with a call that found no line."""
    control = CallControl(
        business_id=call.business_id, call_id=call.id, verb=verb, state=ControlState.UNDER_WAY,
        target=None, actor="system", data=data,
    )  # fmt: skip
    session.add(control)
    session.flush()
    tell(control)
    return control


def last_failed(session: Session, business_id: UUID, call_id: UUID) -> Verb | None:
    """Return what was tried last with a call, if it came to nothing: its agent should know."""
    newest = session.scalars(
        select(CallControl)
        .where(CallControl.business_id == business_id, CallControl.call_id == call_id)
        .order_by(CallControl.created_at.desc(), CallControl.id.desc())
        .limit(1)
    ).one_or_none()
    return Verb(newest.verb) if newest is not None and newest.state == ControlState.FAILED else None


def settle(control: CallControl, state: ControlState, **data: Any) -> None:
    """Note what came of an act."""
    control.state = state
    control.settled_at = clock.now()
    control.data = {**control.data, **data}
    tell(control)


def tell(control: CallControl) -> None:
    """Announce where an act stands, for whoever watches the call."""
    announce(
        "call.controlled", subject_id=control.call_id, actor=control.actor, verb=control.verb,
        state=control.state, target=control.target,
    )  # fmt: skip
