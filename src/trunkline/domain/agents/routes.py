"""People's door to agents and their versions."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session

from trunkline.core.access import Role
from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.domain.agents import service, versions
from trunkline.domain.agents.models import Agent
from trunkline.domain.agents.rules import differences
from trunkline.domain.agents.schemas import (
    AgentChange,
    AgentContent,
    AgentFault,
    AgentIn,
    AgentOut,
    AgentRow,
    AgentWarning,
    DifferenceOut,
    Examination,
    RestoreIn,
    VersionOut,
    VersionRow,
    VersionsOut,
)
from trunkline.kit import cursors

router = APIRouter(prefix="/api/agents", tags=["agents"])


@router.get("")
def read_agents(
    session: SessionDep, who: PrincipalDep, archived: Annotated[bool, Query()] = False
) -> list[AgentRow]:
    """The business's agents, by name; `archived`: those that were put away."""
    agents = service.list_agents(session, who.business, archived=archived)
    standing = service.standing_of(session, who.business, agents)
    return [AgentRow(**_row(agent, standing[agent.id])) for agent in agents]


@router.post("", status_code=201)
def create_agent(body: AgentIn, session: SessionDep, who: PrincipalDep) -> AgentOut:
    """Make an agent; what cannot work is refused with the places of the faults."""
    who.require(Role.ADMIN)
    agent = service.create_agent(session, who.business, actor=who.email, **body.model_dump())
    return _out(session, agent)


@router.post("/check")
def check_agent(body: AgentContent, session: SessionDep, who: PrincipalDep) -> Examination:
    """Tell what would be refused of an agent like this, and what would not work of it; saves nothing."""
    who.require(Role.ADMIN)
    faults, warnings = service.examine(session, who.business, body.model_dump())
    return Examination(
        faults=[AgentFault.model_validate(fault) for fault in faults],
        warnings=[AgentWarning.model_validate(warning) for warning in warnings],
    )


@router.get("/{agent_id}")
def read_agent(agent_id: UUID, session: SessionDep, who: PrincipalDep) -> AgentOut:
    """One agent."""
    return _out(session, service.get_agent(session, who.business, agent_id))


@router.patch("/{agent_id}")
def change_agent(agent_id: UUID, body: AgentChange, session: SessionDep, who: PrincipalDep) -> AgentOut:
    """Change an agent, which makes a new version of it; live calls keep what they began with."""
    who.require(Role.ADMIN)
    changes = body.model_dump(exclude_unset=True, exclude={"version", "note"})
    agent = service.update_agent(
        session, who.business, agent_id, changes, version=body.version, note=body.note, actor=who.email
    )
    return _out(session, agent)


@router.post("/{agent_id}/archive")
def archive_agent(agent_id: UUID, session: SessionDep, who: PrincipalDep) -> AgentOut:
    """Put an agent away: it takes no new calls. Calls and runs that have it go on."""
    who.require(Role.ADMIN)
    return _out(session, service.archive_agent(session, who.business, agent_id, actor=who.email))


@router.post("/{agent_id}/unarchive")
def unarchive_agent(agent_id: UUID, session: SessionDep, who: PrincipalDep) -> AgentOut:
    """Bring an agent back."""
    who.require(Role.ADMIN)
    return _out(session, service.unarchive_agent(session, who.business, agent_id, actor=who.email))


@router.get("/{agent_id}/versions")
def read_versions(
    agent_id: UUID,
    session: SessionDep,
    who: PrincipalDep,
    limit: Annotated[int, Query(ge=1, le=100)] = 30,
    cursor: Annotated[str | None, Query()] = None,
) -> VersionsOut:
    """Every save of an agent, newest first."""
    service.get_agent(session, who.business, agent_id)
    before = cursors.read(cursor, int)[0] if cursor is not None else None
    rows = versions.list_versions(session, who.business, agent_id, limit=limit + 1, before=before)
    page = rows[:limit]
    return VersionsOut(
        versions=[VersionRow.model_validate(row) for row in page],
        next_cursor=cursors.write(page[-1].number) if len(rows) > limit else None,
    )


@router.get("/{agent_id}/versions/{number}")
def read_version(
    agent_id: UUID,
    number: int,
    session: SessionDep,
    who: PrincipalDep,
    against: Annotated[int | None, Query(ge=1)] = None,
) -> VersionOut:
    """One version, and what differs from another one, the one before it if none is named."""
    version = versions.get_version(session, who.business, agent_id, number)
    other = against if against is not None else number - 1
    before = versions.get_version(session, who.business, agent_id, other) if other else None
    found = differences(before.content, version.content) if before is not None else []
    return VersionOut(
        **VersionRow.model_validate(version).model_dump(),
        content=AgentContent.model_validate(version.content),
        against=None if before is None else before.number,
        differences=[DifferenceOut.model_validate(difference) for difference in found],
    )


@router.post("/{agent_id}/restore")
def restore_version(agent_id: UUID, body: RestoreIn, session: SessionDep, who: PrincipalDep) -> AgentOut:
    """Make an agent again what it was in an earlier version; that is a new version."""
    who.require(Role.ADMIN)
    agent = service.restore_version(
        session, who.business, agent_id, body.number, version=body.version, note=body.note, actor=who.email
    )
    return _out(session, agent)


def _out(session: Session, agent: Agent) -> AgentOut:
    standing = service.standing_of(session, agent.business_id, [agent])[agent.id]
    return AgentOut(**{**_row(agent, standing), **versions.content_of(agent)})


def _row(agent: Agent, standing: service.Standing) -> dict[str, Any]:
    return {
        "id": agent.id,
        "version": agent.version,
        "archived_at": agent.archived_at,
        "saved_by": standing.saved_by,
        "saved_at": standing.saved_at,
        "numbers": standing.numbers,
        "warnings": [AgentWarning.model_validate(warning) for warning in standing.warnings],
        "name": agent.name,
        "language": agent.language,
        "brain": agent.brain,
    }
