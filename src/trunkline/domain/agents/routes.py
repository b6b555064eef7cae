"""People's door to agents."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from trunkline.core.access import Role
from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.domain.agents import service
from trunkline.domain.agents.models import Agent
from trunkline.domain.agents.schemas import AgentChange, AgentIn, AgentOut

router = APIRouter(prefix="/api/agents", tags=["agents"])


@router.get("")
def read_agents(session: SessionDep, who: PrincipalDep) -> list[AgentOut]:
    """The business's agents."""
    return [_out(agent) for agent in service.list_agents(session, who.business)]


@router.post("", status_code=201)
def create_agent(body: AgentIn, session: SessionDep, who: PrincipalDep) -> AgentOut:
    """Make an agent; what cannot work is refused with the place of the fault."""
    who.require(Role.ADMIN)
    agent = service.create_agent(session, who.business, actor=who.email, **body.model_dump())
    return _out(agent)


@router.get("/{agent_id}")
def read_agent(agent_id: UUID, session: SessionDep, who: PrincipalDep) -> AgentOut:
    """One agent."""
    return _out(service.get_agent(session, who.business, agent_id))


@router.patch("/{agent_id}")
def change_agent(agent_id: UUID, body: AgentChange, session: SessionDep, who: PrincipalDep) -> AgentOut:
    """Change an agent; live calls keep what they began with."""
    who.require(Role.ADMIN)
    changes = body.model_dump(exclude_unset=True)
    return _out(service.update_agent(session, who.business, agent_id, changes, actor=who.email))


def _out(agent: Agent) -> AgentOut:
    return AgentOut.model_validate(agent).model_copy(update={"warnings": service.warnings_of(agent)})
