"""People's door to what agents know."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from trunkline.core.access import Role
from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.domain.agents import knowledge, prompts, service
from trunkline.domain.agents.rules import TOLD_AT_MOST, told_of
from trunkline.domain.agents.schemas import (
    KnowledgeChange,
    KnowledgeIn,
    KnowledgeListOut,
    KnowledgeOut,
    KnowledgeRow,
)

router = APIRouter(prefix="/api/knowledge", tags=["agents"])


@router.get("")
def read_knowledge(
    session: SessionDep, who: PrincipalDep, agent_id: Annotated[UUID | None, Query()] = None
) -> KnowledgeListOut:
    """The texts of the business, or those that one agent knows and how much of each it is told."""
    told: list[int] | list[None]
    if agent_id is None:
        texts = knowledge.list_texts(session, who.business)
        told = [None] * len(texts)
    else:
        service.get_agent(session, who.business, agent_id)
        texts = prompts.known_to(session, who.business, agent_id)
        told = told_of((known.title, known.text) for known in texts)[1]
    return KnowledgeListOut(
        texts=[
            KnowledgeRow(
                id=known.id, title=known.title, agent_id=known.agent_id, characters=len(known.text),
                told=characters, version=known.version, saved_by=known.saved_by, saved_at=known.saved_at,
            )
            for known, characters in zip(texts, told, strict=True)
        ],
        told_at_most=TOLD_AT_MOST,
    )  # fmt: skip


@router.post("", status_code=201)
def add_knowledge(body: KnowledgeIn, session: SessionDep, who: PrincipalDep) -> KnowledgeOut:
    """Write something down that agents are to know, from their next call on."""
    who.require(Role.ADMIN)
    return KnowledgeOut.model_validate(
        knowledge.add_text(session, who.business, actor=who.email, **body.model_dump())
    )


@router.get("/{text_id}")
def read_text(text_id: UUID, session: SessionDep, who: PrincipalDep) -> KnowledgeOut:
    """One text."""
    return KnowledgeOut.model_validate(knowledge.get_text(session, who.business, text_id))


@router.patch("/{text_id}")
def change_text(text_id: UUID, body: KnowledgeChange, session: SessionDep, who: PrincipalDep) -> KnowledgeOut:
    """Change a text; `agent_id` null gives it to all agents."""
    who.require(Role.ADMIN)
    changes = body.model_dump(exclude_unset=True, exclude={"version"})
    return KnowledgeOut.model_validate(
        knowledge.change_text(session, who.business, text_id, changes, version=body.version, actor=who.email)
    )


@router.delete("/{text_id}", status_code=204)
def remove_text(text_id: UUID, session: SessionDep, who: PrincipalDep) -> None:
    """Delete a text."""
    who.require(Role.ADMIN)
    knowledge.remove_text(session, who.business, text_id, actor=who.email)
