"""People's door to businesses."""

from __future__ import annotations

from fastapi import APIRouter

from trunkline.core.access import Role
from trunkline.core.door import PrincipalDep, SessionDep, SystemSessionDep
from trunkline.core.errors import Forbidden
from trunkline.domain.tenants import service
from trunkline.domain.tenants.schemas import BusinessChange, BusinessIn, BusinessOut, NumberOut

router = APIRouter(prefix="/api", tags=["businesses"])

LIMITS = frozenset({"max_outbound_calls", "max_calls"})


@router.get("/business")
def read_business(session: SessionDep, who: PrincipalDep) -> BusinessOut:
    """The business whose pages you are on."""
    return BusinessOut.model_validate(service.get_business(session, who.business))


@router.patch("/business")
def change_business(body: BusinessChange, session: SessionDep, who: PrincipalDep) -> BusinessOut:
    """Change the business's settings. Its limits are the system admin's to set."""
    who.require(Role.ADMIN)
    changes = body.model_dump(exclude_unset=True, by_alias=True, mode="json")
    if not who.is_system_admin and LIMITS.intersection(changes):
        raise Forbidden("Limits are set by a system admin.", reason="insufficient_role")
    return BusinessOut.model_validate(
        service.change_business(session, who.business, changes, actor=who.email)
    )


@router.get("/business/numbers")
def read_numbers(session: SessionDep, who: PrincipalDep) -> list[NumberOut]:
    """The business's telephone numbers."""
    return [NumberOut.model_validate(row) for row in service.list_numbers(session, who.business)]


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
