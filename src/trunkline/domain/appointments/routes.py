"""People's door to appointments."""

from __future__ import annotations

from fastapi import APIRouter

from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.domain.appointments import service
from trunkline.domain.appointments.schemas import AppointmentOut

router = APIRouter(prefix="/api/appointments", tags=["appointments"])


@router.get("")
def read_appointments(session: SessionDep, who: PrincipalDep) -> list[AppointmentOut]:
    """The business's appointments, in order of time."""
    return [AppointmentOut.model_validate(row) for row in service.list_appointments(session, who.business)]
