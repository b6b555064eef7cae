"""The knowledge of agents: texts that people write, for one agent or for all of the business."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from trunkline.core.errors import InvalidInput, NotFound, Outdated
from trunkline.core.events import announce
from trunkline.domain.agents import chunks, prompts
from trunkline.domain.agents.models import Agent, KnowledgeText
from trunkline.kit import clock

MOST_TEXTS = 200
"""Of one business."""


def characters_of(session: Session, business_id: UUID) -> defaultdict[UUID | None, int]:
    """Return how many characters of texts there are for each agent, and for all agents under None."""
    characters = func.sum(func.char_length(KnowledgeText.title) + func.char_length(KnowledgeText.text))
    rows = session.execute(
        select(KnowledgeText.agent_id, characters)
        .where(KnowledgeText.business_id == business_id)
        .group_by(KnowledgeText.agent_id)
    )
    return defaultdict(int, {agent_id: int(count) for agent_id, count in rows})


def list_texts(session: Session, business_id: UUID) -> Sequence[KnowledgeText]:
    """Return every text of the business, by title."""
    return session.scalars(
        select(KnowledgeText)
        .where(KnowledgeText.business_id == business_id)
        .order_by(KnowledgeText.title, KnowledgeText.id)
    ).all()


def get_text(session: Session, business_id: UUID, text_id: UUID) -> KnowledgeText:
    """Return a text of this business. Raises NotFound."""
    found = session.scalar(
        select(KnowledgeText).where(KnowledgeText.business_id == business_id, KnowledgeText.id == text_id)
    )
    if found is None:
        raise NotFound("There is no such text.")
    return found


def add_text(
    session: Session, business_id: UUID, *, title: str, text: str, agent_id: UUID | None, actor: str
) -> KnowledgeText:
    """Write something down. Raises NotFound for an agent that is not there, InvalidInput for too many."""
    _check_owner(session, business_id, agent_id)
    there = select(func.count()).where(KnowledgeText.business_id == business_id)
    if (session.scalar(there) or 0) >= MOST_TEXTS:
        raise InvalidInput(
            f"A business has {MOST_TEXTS} texts at most; put some together.",
            most=MOST_TEXTS,
            reason="most_texts",
        )
    known = KnowledgeText(
        business_id=business_id, agent_id=agent_id, title=title, text=text, version=1, saved_by=actor,
        saved_at=clock.now(),
    )  # fmt: skip
    session.add(known)
    session.flush()
    chunks.index(session, known)
    prompts.ask_for_all()
    announce("knowledge.changed", subject_id=known.id, actor=actor, agent_id=_shown(agent_id))
    return known


def change_text(
    session: Session, business_id: UUID, text_id: UUID, changes: dict[str, Any], *, version: int, actor: str
) -> KnowledgeText:
    """Change a text that stood at `version` when it was read. Raises NotFound, Outdated, InvalidInput."""
    known = session.scalar(
        select(KnowledgeText)
        .where(KnowledgeText.business_id == business_id, KnowledgeText.id == text_id)
        .with_for_update()
    )
    if known is None:
        raise NotFound("There is no such text.")
    if known.version != version:
        raise Outdated(version=known.version, by=known.saved_by)
    if "agent_id" in changes:
        _check_owner(session, business_id, changes["agent_id"])
    for field, value in changes.items():
        if value is None and field != "agent_id":
            raise InvalidInput(f"{field} cannot be empty.", reason="empty", field=field)
        setattr(known, field, value)
    known.version += 1
    known.saved_by, known.saved_at = actor, clock.now()
    session.flush()
    chunks.index(session, known)
    prompts.ask_for_all()
    announce("knowledge.changed", subject_id=known.id, actor=actor, agent_id=_shown(known.agent_id))
    return known


def remove_text(session: Session, business_id: UUID, text_id: UUID, *, actor: str) -> None:
    """Delete a text. Raises NotFound."""
    known = get_text(session, business_id, text_id)
    session.execute(
        delete(KnowledgeText).where(KnowledgeText.business_id == business_id, KnowledgeText.id == text_id)
    )
    prompts.ask_for_all()
    announce(
        "knowledge.removed", subject_id=text_id, actor=actor, agent_id=_shown(known.agent_id),
        title=known.title,
    )  # fmt: skip


def _check_owner(session: Session, business_id: UUID, agent_id: UUID | None) -> None:
    mine = select(Agent.id).where(Agent.business_id == business_id, Agent.id == agent_id)
    if agent_id is not None and session.scalar(mine) is None:
        raise NotFound("There is no such agent.")


def _shown(agent_id: UUID | None) -> str | None:
    return None if agent_id is None else str(agent_id)
