"""People's door to appointments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session

from trunkline.core.access import Role
from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.core.times import Moment
from trunkline.domain.appointments import calendar
from trunkline.domain.appointments.models import Appointment, AppointmentState
from trunkline.domain.appointments.schemas import (
    AppointmentCancel,
    AppointmentIn,
    AppointmentMark,
    AppointmentMove,
    AppointmentOut,
    AppointmentsOut,
)
from trunkline.domain.leads import service as leads
from trunkline.domain.tenants import service as tenants

router = APIRouter(prefix="/api/appointments", tags=["appointments"])


@router.get("")
def read_appointments(
    session: SessionDep,
    who: PrincipalDep,
    *,
    since: Annotated[Moment | None, Query(alias="from")] = None,
    until: Annotated[Moment | None, Query(alias="to")] = None,
    state: AppointmentState | None = None,
    calendar_id: Annotated[list[UUID] | None, Query(max_length=50)] = None,
    lead_id: UUID | None = None,
    unmarked: bool = False,
    newest_first: bool = False,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 200,
) -> AppointmentsOut:
    """The business's appointments that overlap a stretch of time, the earliest or the newest first.

    `unmarked`: those that are over, of which nobody has said whether their person came.
    """
    rows, following = calendar.list_appointments(
        session, who.business, since=since, until=until, state=state,
        calendar_ids=calendar_id or (), lead_id=lead_id, unmarked=unmarked, newest_first=newest_first,
        after=cursor, limit=limit,
    )  # fmt: skip
    return AppointmentsOut(appointments=_shown(session, who.business, rows), next_cursor=following)


@router.post("", status_code=201)
def arrange(body: AppointmentIn, session: SessionDep, who: PrincipalDep) -> AppointmentOut:
    """Book a time. 409 `slot_taken` with what is free instead, `lead_busy`; 422 `outside_hours`."""
    who.require(Role.AGENT)
    business = tenants.get_business(session, who.business)
    made = calendar.arrange(session, business, body, actor=who.email)
    return _shown(session, who.business, [made])[0]


@router.get("/{appointment_id}")
def read_appointment(appointment_id: UUID, session: SessionDep, who: PrincipalDep) -> AppointmentOut:
    """One appointment."""
    return _shown(session, who.business, [calendar.get(session, who.business, appointment_id)])[0]


@router.patch("/{appointment_id}")
def move(
    appointment_id: UUID, body: AppointmentMove, session: SessionDep, who: PrincipalDep
) -> AppointmentOut:
    """Give an appointment another time. 409 where it is taken, or where somebody has changed it meanwhile."""
    who.require(Role.AGENT)
    business = tenants.get_business(session, who.business)
    moved = calendar.move(session, business, appointment_id, body, actor=who.email)
    return _shown(session, who.business, [moved])[0]


@router.post("/{appointment_id}/cancel")
def cancel(
    appointment_id: UUID, body: AppointmentCancel, session: SessionDep, who: PrincipalDep
) -> AppointmentOut:
    """Give an appointment's time free; it stays on record."""
    who.require(Role.AGENT)
    gone = calendar.cancel(session, who.business, appointment_id, version=body.version, actor=who.email)
    return _shown(session, who.business, [gone])[0]


@router.post("/{appointment_id}/mark")
def mark(
    appointment_id: UUID, body: AppointmentMark, session: SessionDep, who: PrincipalDep
) -> AppointmentOut:
    """Say whether the person came; 409 for an appointment that has not begun."""
    who.require(Role.AGENT)
    said = AppointmentState(body.state)
    marked = calendar.mark(session, who.business, appointment_id, said, version=body.version, actor=who.email)
    return _shown(session, who.business, [marked])[0]


def _shown(session: Session, business_id: UUID, rows: Sequence[Appointment]) -> list[AppointmentOut]:
    names = leads.called(session, business_id, {row.lead_id for row in rows if row.lead_id is not None})
    return [
        AppointmentOut.model_validate(row).model_copy(
            update={"lead_name": None if row.lead_id is None else names.get(row.lead_id)}
        )
        for row in rows
    ]
