"""People's door to what the agent proposes: drafts of answers, and what it made of closed sessions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from trunkline.core.access import Role
from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.domain.inbox import closing, conversations, drafting
from trunkline.domain.inbox.models import AnalysisState, ChatSession, Conversation
from trunkline.domain.inbox.schemas import MessageOut
from trunkline.domain.leads import service as leads

router = APIRouter(prefix="/api", tags=["inbox"])
LimitQuery = Annotated[int, Query(ge=1, le=200)]
Keys = Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=100)]


class DraftIn(BaseModel):
    """A draft that is to go out."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(min_length=1, max_length=4_096)] | None = None
    """Other words; without them it goes as it stands."""


class FindingOut(BaseModel):
    """One thing that was concluded about the lead."""

    key: str
    """`status`, `name`, `email`, or `field:` and the key of a field of the business's own."""
    label: str
    value: str | float | bool
    before: str | float | bool | None
    """What stood there."""
    contradicts: bool
    """Something else stood there, or the status would go back."""
    state: Literal["applied", "waiting", "accepted", "rejected"]
    by: str | None
    at: datetime | None


class ReadSessionOut(BaseModel):
    """A closed session, and what a model made of it."""

    id: UUID
    conversation_id: UUID
    lead_id: UUID | None
    lead_name: str | None
    opened_at: datetime
    closed_at: datetime | None
    analysed_at: datetime | None
    state: AnalysisState | None
    reason: str | None
    """Why nothing was made of it."""
    summary: str | None
    intent: str
    confidence: float | None
    items: list[FindingOut]


class ReadSessionsOut(BaseModel):
    """A page of sessions of which something waits for a person."""

    sessions: list[ReadSessionOut]
    next_cursor: str | None


class DecisionsIn(BaseModel):
    """Yes or no to what waits, by the findings' keys."""

    model_config = ConfigDict(extra="forbid")

    accept: Keys = []
    reject: Keys = []


@router.get("/conversation-findings")
def read_findings(
    session: SessionDep, who: PrincipalDep, limit: LimitQuery = 50,
    cursor: Annotated[str | None, Query()] = None,
) -> ReadSessionsOut:  # fmt: skip
    """Sessions of which something waits for a person, the longest first."""
    rows, following = closing.list_waiting(session, who.business, limit=limit, after=cursor)
    names = leads.names_of(session, who.business, {row.lead_id for _, row in rows if row.lead_id is not None})
    return ReadSessionsOut(sessions=[_shown(*row, names) for row in rows], next_cursor=following)


@router.get("/conversation-findings/{chat_session_id}")
def read_session_findings(chat_session_id: UUID, session: SessionDep, who: PrincipalDep) -> ReadSessionOut:
    """What a model made of one session, and who decided on it."""
    return _one(session, closing.get_session(session, who.business, chat_session_id))


@router.post("/conversation-findings/{chat_session_id}")
def decide_findings(
    chat_session_id: UUID, body: DecisionsIn, session: SessionDep, who: PrincipalDep
) -> ReadSessionOut:
    """Accept, which puts it on the lead's record, or reject what waits. 409 `decided`: otherwise, before."""
    who.require(Role.AGENT)
    return _one(
        session,
        closing.decide(session, who, chat_session_id, accept=body.accept, reject=body.reject),
    )


def _one(session: Session, there: ChatSession) -> ReadSessionOut:
    row = conversations.get_conversation(session, there.business_id, there.conversation_id)
    names = leads.names_of(session, there.business_id, [row.lead_id] if row.lead_id is not None else [])
    return _shown(there, row, names)


def _shown(there: ChatSession, row: Conversation, names: Mapping[UUID, str]) -> ReadSessionOut:
    made = there.analysis or {}
    return ReadSessionOut(
        id=there.id, conversation_id=row.id, lead_id=row.lead_id,
        lead_name=None if row.lead_id is None else names.get(row.lead_id), opened_at=there.opened_at,
        closed_at=there.closed_at, analysed_at=there.analysed_at, state=there.analysis_state,
        reason=made.get("reason"), summary=there.summary, intent=made.get("intent", ""),
        confidence=made.get("confidence"), items=made.get("items", []),
    )  # fmt: skip


@router.post("/conversations/{conversation_id}/drafts/{message_id}/send", status_code=201)
def send_draft(
    conversation_id: UUID, message_id: UUID, body: DraftIn, session: SessionDep, who: PrincipalDep
) -> MessageOut:
    """Send what the agent proposes, once, in its words or others. 409 `no_draft`: it is none any more."""
    who.require(Role.AGENT)
    return MessageOut.model_validate(drafting.send(session, who, conversation_id, message_id, text=body.text))


@router.post("/conversations/{conversation_id}/drafts/{message_id}/discard")
def discard_draft(
    conversation_id: UUID, message_id: UUID, session: SessionDep, who: PrincipalDep
) -> MessageOut:
    """Let a draft not be sent. 409 `no_draft`: it is none any more."""
    who.require(Role.AGENT)
    return MessageOut.model_validate(drafting.discard(session, who, conversation_id, message_id))
