"""Reading conversations: pages of them by what came last, how many wait, and their messages."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, any_, func, literal, select, true, tuple_
from sqlalchemy.orm import Session

from trunkline.domain.inbox.models import ChatSession, Conversation, ConversationState, Message
from trunkline.domain.inbox.schemas import ConversationCounts, ConversationsQuery
from trunkline.domain.leads import service as leads
from trunkline.kit import cursors

MOST_COUNTED = 1_000
_WAITING = Conversation.state != ConversationState.RESOLVED


def list_conversations(
    session: Session, business_id: UUID, user_id: UUID, wanted: ConversationsQuery
) -> tuple[Sequence[Conversation], str | None]:
    """Return a page of conversations, where something was written last first, and the next one's cursor.

    Raises InvalidCursor.
    """
    query = select(Conversation).where(
        Conversation.business_id == business_id, *_conditions(session, business_id, user_id, wanted)
    )
    key = tuple_(Conversation.last_at, Conversation.id)
    if wanted.cursor is not None:
        query = query.where(key < cursors.read(wanted.cursor, datetime, UUID))
    found = session.scalars(
        query.order_by(Conversation.last_at.desc(), Conversation.id.desc()).limit(wanted.limit + 1)
    ).all()
    shown = found[: wanted.limit]
    more = len(found) > wanted.limit
    return shown, cursors.write(shown[-1].last_at, shown[-1].id) if more else None


def counts(session: Session, business_id: UUID, user_id: UUID) -> ConversationCounts:
    """Return how many conversations there are to see to, up to MOST_COUNTED each."""

    def counted(*conditions: ColumnElement[bool]) -> int:
        few = (
            select(Conversation.id)
            .where(Conversation.business_id == business_id, *conditions)
            .limit(MOST_COUNTED)
        )
        return session.scalar(select(func.count()).select_from(few.subquery())) or 0

    return ConversationCounts(
        open=counted(Conversation.state == ConversationState.OPEN),
        pending=counted(Conversation.state == ConversationState.PENDING),
        unread=counted(Conversation.unread > 0),
        mine=counted(Conversation.assignee_id == user_id, _WAITING),
        unassigned=counted(Conversation.assignee_id.is_(None), _WAITING),
        needs_person=counted(Conversation.needs_person.is_not(None), _WAITING),
    )


def labels(session: Session, business_id: UUID) -> list[str]:
    """Return the labels that conversations bear, in order; the thousand newest are asked."""
    newest = (
        select(Conversation.labels)
        .where(Conversation.business_id == business_id, func.cardinality(Conversation.labels) > 0)
        .order_by(Conversation.last_at.desc())
        .limit(MOST_COUNTED)
        .subquery()
    )
    return sorted(session.scalars(select(func.unnest(newest.c.labels)).distinct()))


def list_messages(
    session: Session, business_id: UUID, conversation_id: UUID, *, limit: int, after: str | None
) -> tuple[Sequence[Message], str | None]:
    """Return a page of a conversation's messages, newest first, and the cursor of older ones.

    Raises InvalidCursor.
    """
    query = select(Message).where(
        Message.business_id == business_id, Message.conversation_id == conversation_id
    )
    if after is not None:
        query = query.where(tuple_(Message.at, Message.id) < cursors.read(after, datetime, UUID))
    found = session.scalars(query.order_by(Message.at.desc(), Message.id.desc()).limit(limit + 1)).all()
    shown = found[:limit]
    return shown, cursors.write(shown[-1].at, shown[-1].id) if len(found) > limit else None


def sessions_of(session: Session, business_id: UUID, session_ids: Collection[UUID]) -> Sequence[ChatSession]:
    """Return these sessions, the oldest first."""
    return session.scalars(
        select(ChatSession)
        .where(ChatSession.business_id == business_id, ChatSession.id.in_(session_ids))
        .order_by(ChatSession.opened_at)
    ).all()


def _conditions(
    session: Session, business_id: UUID, user_id: UUID, wanted: ConversationsQuery
) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [true()]
    if wanted.state == "waiting":
        conditions.append(_WAITING)
    elif wanted.state is not None:
        conditions.append(Conversation.state == wanted.state)
    if wanted.assignee is not None:
        whose = user_id if wanted.assignee == "me" else wanted.assignee
        conditions.append(
            Conversation.assignee_id.is_(None) if whose == "nobody" else Conversation.assignee_id == whose
        )
    if wanted.unread:
        conditions.append(Conversation.unread > 0)
    if wanted.needs_person:
        conditions.append(Conversation.needs_person.is_not(None))
    if wanted.label is not None:
        conditions.append(literal(wanted.label) == any_(Conversation.labels))
    if wanted.account_id is not None:
        conditions.append(Conversation.chat_account_id == wanted.account_id)
    if wanted.lead_id is not None:
        conditions.append(Conversation.lead_id == wanted.lead_id)
    if wanted.search:
        conditions.append(Conversation.lead_id.in_(leads.bearing(session, business_id, wanted.search)))
    return conditions
