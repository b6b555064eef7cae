"""People's door to appointments."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.domain.appointments import service
from trunkline.domain.appointments.schemas import AppointmentOut

router = APIRouter(prefix="/api/appointments", tags=["appointments"])


@router.get("")
def read_appointments(
    session: SessionDep,
    who: PrincipalDep,
    *,
    past: bool = False,
    after: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 200,
) -> list[AppointmentOut]:
    """The business's appointments that are not over, the next first; with `past` the others, the last first.

    A page shorter than `limit` is the last; `after` is the last id of the page before.
    """
    rows = service.list_appointments(session, who.business, past=past, after=after, limit=limit)
    return [AppointmentOut.model_validate(row) for row in rows]
