"""People's door to who answers the business's numbers: an agent that takes calls, or nobody."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from trunkline.core.access import Role
from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.domain.agents import service as agents
from trunkline.domain.tenants import service as tenants
from trunkline.domain.tenants.schemas import NumberChange, NumberIn, NumberOut

router = APIRouter(prefix="/api/business/numbers", tags=["businesses"])


@router.post("", status_code=201)
def add_number(body: NumberIn, session: SessionDep, who: PrincipalDep) -> NumberOut:
    """Give the business a number. 409 for an agent that is archived."""
    who.require(Role.ADMIN)
    if body.agent_id is not None:
        agents.hold_working_agent(session, who.business, body.agent_id)
    business = tenants.get_business(session, who.business)
    return NumberOut.model_validate(
        tenants.add_number(session, business, number=body.number, agent_id=body.agent_id)
    )


@router.patch("/{number_id}")
def change_number(number_id: UUID, body: NumberChange, session: SessionDep, who: PrincipalDep) -> NumberOut:
    """Choose who answers a number. 409 for an agent that is archived."""
    who.require(Role.ADMIN)
    if body.agent_id is not None:
        agents.hold_working_agent(session, who.business, body.agent_id)
    return NumberOut.model_validate(
        tenants.assign_number(session, who.business, number_id, agent_id=body.agent_id, actor=who.email)
    )
