"""The versions of agents: each save is one, kept for ever."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from trunkline.core.errors import NotFound
from trunkline.domain.agents.models import Agent, AgentVersion
from trunkline.domain.agents.rules import CONTENT, changed_fields
from trunkline.kit import clock


def content_of(agent: Agent) -> dict[str, Any]:
    """Return every field of an agent that people write."""
    return {field: deepcopy(getattr(agent, field)) for field in CONTENT}


def keep(
    session: Session,
    agent: Agent,
    *,
    before: dict[str, Any] | None,
    note: str = "",
    restored_from: int | None = None,
    actor: str,
) -> AgentVersion:
    """Write an agent down as it is now. `before` is its content until now; None: it is new."""
    content = content_of(agent)
    version = AgentVersion(
        business_id=agent.business_id, agent_id=agent.id, number=agent.version, content=content,
        changed=[] if before is None else changed_fields(before, content), restored_from=restored_from,
        note=note.strip(), saved_by=actor, saved_at=clock.now(),
    )  # fmt: skip
    session.add(version)
    return version


def list_versions(
    session: Session, business_id: UUID, agent_id: UUID, *, limit: int, before: int | None
) -> Sequence[AgentVersion]:
    """Return an agent's versions, newest first; with `before`, those older than that number."""
    older = AgentVersion.number < before if before is not None else AgentVersion.number > 0
    return session.scalars(
        select(AgentVersion)
        .where(AgentVersion.business_id == business_id, AgentVersion.agent_id == agent_id, older)
        .order_by(AgentVersion.number.desc())
        .limit(limit)
    ).all()


def get_version(session: Session, business_id: UUID, agent_id: UUID, number: int) -> AgentVersion:
    """Return one version of an agent of this business. Raises NotFound."""
    version = session.get(AgentVersion, (business_id, agent_id, number))
    if version is None:
        raise NotFound("There is no such version of this agent.")
    return version


def newest_of(session: Session, business_id: UUID, agents: Iterable[Agent]) -> dict[UUID, tuple[str, Any]]:
    """Return for each agent who saved it last, and when."""
    ids = [agent.id for agent in agents]
    rows = session.execute(
        select(Agent.id, AgentVersion.saved_by, AgentVersion.saved_at)
        .join(
            AgentVersion,
            (AgentVersion.business_id == Agent.business_id)
            & (AgentVersion.agent_id == Agent.id)
            & (AgentVersion.number == Agent.version),
        )
        .where(Agent.business_id == business_id, Agent.id.in_(ids))
    )
    return {row.id: (row.saved_by, row.saved_at) for row in rows}
