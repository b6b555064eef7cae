"""People's door to the statuses of leads, which are the columns of the board."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from trunkline.core.access import Role
from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.domain.leads import statuses
from trunkline.domain.leads.lead_schemas import StatusChange, StatusIn, StatusOut

router = APIRouter(prefix="/api/lead-statuses", tags=["leads"])


@router.get("")
def read_statuses(session: SessionDep, who: PrincipalDep) -> list[StatusOut]:
    """The business's statuses in their order."""
    rows = statuses.of_business(session, who.business).rows
    return [StatusOut.model_validate(status) for status in rows]


@router.post("", status_code=201)
def make_status(body: StatusIn, session: SessionDep, who: PrincipalDep) -> StatusOut:
    """Make a status behind the others."""
    who.require(Role.ADMIN)
    status = statuses.make(
        session, who.business, name=body.name, colour=body.colour, is_closed=body.is_closed, actor=who.email
    )
    return StatusOut.model_validate(status)


@router.patch("/{status_id}")
def change_status(status_id: UUID, body: StatusChange, session: SessionDep, who: PrincipalDep) -> StatusOut:
    """Change a status's name, colour, place, or whether it is an end."""
    who.require(Role.ADMIN)
    changes = body.model_dump(exclude_unset=True)
    return StatusOut.model_validate(
        statuses.change(session, who.business, status_id, changes, actor=who.email)
    )


@router.delete("/{status_id}", status_code=204)
def remove_status(status_id: UUID, session: SessionDep, who: PrincipalDep) -> None:
    """Remove a status in which no lead stands; 409 with how many do."""
    who.require(Role.ADMIN)
    statuses.remove(session, who.business, status_id, actor=who.email)
