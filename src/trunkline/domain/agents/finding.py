"""What search finds of agents: they themselves by name, and the texts that they know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from trunkline.core.finding import Described, Place, Source, register_source
from trunkline.domain.agents.models import Agent, KnowledgeText


def register() -> None:
    """Let agents and what they know be found."""
    register_source(Source("agent", _agents))
    register_source(Source("knowledge", _texts))


def _agents(session: Session, business_id: UUID, places: Sequence[Place]) -> Mapping[Place, Described]:
    rows = session.execute(
        select(Agent.id, Agent.name, Agent.archived_at).where(
            Agent.business_id == business_id, Agent.id.in_([place.id for place in places])
        )
    )
    there = {row.id: row for row in rows}
    return {
        place: Described(row.name, (), {"archived": row.archived_at is not None})
        for place in places
        if (row := there.get(place.id)) is not None
    }


def _texts(session: Session, business_id: UUID, places: Sequence[Place]) -> Mapping[Place, Described]:
    rows = session.scalars(
        select(KnowledgeText).where(
            KnowledgeText.business_id == business_id, KnowledgeText.id.in_([place.id for place in places])
        )
    )
    there = {known.id: known for known in rows}
    return {
        place: Described(
            known.title, [known.text], {"agent_id": str(known.agent_id) if known.agent_id else None}
        )
        for place in places
        if (known := there.get(place.id)) is not None
    }
