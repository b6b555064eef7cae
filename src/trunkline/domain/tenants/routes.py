"""People's door to businesses."""

from __future__ import annotations

from fastapi import APIRouter

from trunkline.core.access import Role
from trunkline.core.door import PrincipalDep, SessionDep, SystemSessionDep
from trunkline.domain.tenants import service
from trunkline.domain.tenants.schemas import BusinessIn, BusinessOut, NumberIn, NumberOut

router = APIRouter(prefix="/api", tags=["businesses"])


@router.get("/business")
def read_business(session: SessionDep, who: PrincipalDep) -> BusinessOut:
    """The business whose pages you are on."""
    return BusinessOut.model_validate(service.get_business(session, who.business))


@router.get("/business/numbers")
def read_numbers(session: SessionDep, who: PrincipalDep) -> list[NumberOut]:
    """The business's telephone numbers."""
    return [NumberOut.model_validate(row) for row in service.list_numbers(session, who.business)]


@router.post("/business/numbers", status_code=201)
def add_number(body: NumberIn, session: SessionDep, who: PrincipalDep) -> NumberOut:
    """Give the business a number."""
    who.require(Role.ADMIN)
    business = service.get_business(session, who.business)
    return NumberOut.model_validate(
        service.add_number(session, business, number=body.number, agent_id=body.agent_id)
    )


@router.get("/admin/businesses")
def read_businesses(session: SystemSessionDep, who: PrincipalDep) -> list[BusinessOut]:
    """Every business of this installation; for system admins."""
    who.require_system_admin()
    return [BusinessOut.model_validate(row) for row in service.list_businesses(session)]


@router.post("/admin/businesses", status_code=201)
def create_business(body: BusinessIn, session: SystemSessionDep, who: PrincipalDep) -> BusinessOut:
    """Found a business; for system admins."""
    who.require_system_admin()
    return BusinessOut.model_validate(service.create_business(session, **body.model_dump(), actor=who.email))
