"""What the inbox tells in the timelines of leads: sessions, and what was written to them outside of any."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from trunkline.core.timeline import Entry, Wanted, register_source
from trunkline.domain.inbox.models import ChatSession, Conversation, Direction, Message

_CHAT, _MESSAGE = "chat", "message"


def register() -> None:
    """Let conversations tell of the leads they are with."""
    register_source(_CHAT, _sessions)
    register_source(_MESSAGE, _unanswered)


def _sessions(session: Session, wanted: Wanted) -> Sequence[Entry]:
    rows = session.scalars(
        select(ChatSession)
        .join(
            Conversation,
            (Conversation.business_id == ChatSession.business_id)
            & (Conversation.id == ChatSession.conversation_id),
        )
        .where(
            ChatSession.business_id == wanted.business_id, Conversation.business_id == wanted.business_id,
            Conversation.lead_id == wanted.lead_id,
            wanted.is_behind(_CHAT, ChatSession.opened_at, ChatSession.id),
        )
        .order_by(ChatSession.opened_at.desc(), ChatSession.id.desc())
        .limit(wanted.limit)
    )  # fmt: skip
    return [
        Entry(
            row.opened_at, str(row.id), "chat", None,
            {
                "id": str(row.id), "conversation_id": str(row.conversation_id), "summary": row.summary,
                "closed_at": row.closed_at and row.closed_at.isoformat(), "close_reason": row.close_reason,
            },
        )
        for row in rows
    ]  # fmt: skip


def _unanswered(session: Session, wanted: Wanted) -> Sequence[Entry]:
    rows = session.scalars(
        select(Message)
        .join(
            Conversation,
            (Conversation.business_id == Message.business_id) & (Conversation.id == Message.conversation_id),
        )
        .where(
            Message.business_id == wanted.business_id, Conversation.business_id == wanted.business_id,
            Conversation.lead_id == wanted.lead_id, Message.session_id.is_(None),
            Message.direction == Direction.OUT, wanted.is_behind(_MESSAGE, Message.at, Message.id),
        )
        .order_by(Message.at.desc(), Message.id.desc())
        .limit(wanted.limit)
    )  # fmt: skip
    return [
        Entry(
            row.at, str(row.id), "message", row.author,
            {
                "id": str(row.id), "conversation_id": str(row.conversation_id), "text": row.text,
                "message_kind": row.kind, "state": row.state, "source": row.source,
            },
        )
        for row in rows
    ]  # fmt: skip
