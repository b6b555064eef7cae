"""Sessions: a conversation is divided where it rests, and whoever waits for its end is told, once.

A session opens with the first message that comes in, lives on with each that is written, and is closed after
a silence, by people, or by whoever wants to begin anew. All this happens under the conversation's lock.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from trunkline.core.events import announce
from trunkline.domain.inbox.account_models import ChatAccount
from trunkline.domain.inbox.models import (
    ChatSession,
    CloseReason,
    Conversation,
)
from trunkline.kit import barriers

Closing = Callable[[Session, UUID, ChatSession], None]
"""Session, business, and the session of a conversation that was closed; in the transaction that closes it."""

_listeners: dict[str, Closing] = {}


def register_listener(name: str, hear: Closing) -> None:
    """Let whoever has something to do about closed sessions hear of each; the last word of one counts."""
    _listeners[name] = hear


def open_one(session: Session, conversation: Conversation) -> ChatSession | None:
    """Return the session of a conversation that goes on, if one does."""
    return session.scalar(
        select(ChatSession)
        .where(
            ChatSession.business_id == conversation.business_id,
            ChatSession.conversation_id == conversation.id, ChatSession.closed_at.is_(None),
        )
        .execution_options(populate_existing=True)
    )  # fmt: skip


def last_closed(session: Session, conversation: Conversation) -> ChatSession | None:
    """Return the session of a conversation that was closed last, if one was."""
    return session.scalar(
        select(ChatSession)
        .where(
            ChatSession.business_id == conversation.business_id,
            ChatSession.conversation_id == conversation.id, ChatSession.closed_at.is_not(None),
        )
        .order_by(ChatSession.opened_at.desc())
        .limit(1)
    )  # fmt: skip


def of_incoming(
    session: Session, account: ChatAccount, conversation: Conversation, *, now: datetime
) -> tuple[ChatSession, bool]:
    """Return the session that a message which comes in belongs to, and whether it opens with it."""
    there = open_one(session, conversation)
    if there is not None:
        there.closes_at = _rests_at(account, now)
        return there, False
    begun = ChatSession(
        business_id=account.business_id, conversation_id=conversation.id, opened_at=now,
        closes_at=_rests_at(account, now),
    )  # fmt: skip
    session.add(begun)
    session.flush()
    announce(
        "conversation.session_opened", subject_id=conversation.id, actor="inbox", session_id=str(begun.id)
    )
    return begun, True


def of_answer(
    session: Session, account: ChatAccount, conversation: Conversation, *, now: datetime
) -> UUID | None:
    """Return the session that a message of ours belongs to; none goes on: it belongs to none."""
    there = open_one(session, conversation)
    if there is None:
        return None
    there.closes_at = _rests_at(account, now)
    return there.id


def close(
    session: Session, conversation: Conversation, *, reason: CloseReason, now: datetime, actor: str
) -> ChatSession | None:
    """Close the session of a locked conversation. None: none goes on."""
    there = open_one(session, conversation)
    return None if there is None else _close(session, there.id, conversation, reason, now, actor=actor)


def close_due(session: Session, business_id: UUID, *, now: datetime, most: int) -> int:
    """Close what has rested for long enough, and return how many were: fewer than `most`, that was all.

    A conversation that somebody is busy with is left for the next time.
    """
    due = session.execute(
        select(ChatSession.id, ChatSession.conversation_id)
        .where(
            ChatSession.business_id == business_id, ChatSession.closed_at.is_(None),
            ChatSession.closes_at <= now,
        )
        .order_by(ChatSession.closes_at)
        .limit(most)
    ).all()  # fmt: skip
    closed = 0
    for session_id, conversation_id in due:
        conversation = session.scalar(
            select(Conversation)
            .where(Conversation.business_id == business_id, Conversation.id == conversation_id)
            .with_for_update(key_share=True, skip_locked=True)
            .execution_options(populate_existing=True)
        )
        if conversation is not None:
            one = _close(session, session_id, conversation, CloseReason.SILENCE, now, actor="inbox")
            closed += one is not None
    return closed


def _close(
    session: Session, session_id: UUID, conversation: Conversation, reason: CloseReason, now: datetime, *,
    actor: str,
) -> ChatSession | None:  # fmt: skip
    """Close a session that nobody has closed; one that is to rest, only if it does."""
    wanted = (
        update(ChatSession)
        .where(
            ChatSession.business_id == conversation.business_id, ChatSession.id == session_id,
            ChatSession.closed_at.is_(None),
        )
        .values(closed_at=now, close_reason=reason)
        .returning(ChatSession)
    )  # fmt: skip
    if reason is CloseReason.SILENCE:
        wanted = wanted.where(ChatSession.closes_at <= now)
    closed = session.scalars(wanted, execution_options={"populate_existing": True}).one_or_none()
    if closed is None:
        return None
    barriers.reached("session.closed")
    announce(
        "conversation.session_closed", subject_id=conversation.id, actor=actor, session_id=str(closed.id),
        reason=reason, lead_id=str(conversation.lead_id) if conversation.lead_id else None,
    )  # fmt: skip
    for hear in _listeners.values():
        hear(session, conversation.business_id, closed)
    return closed


def _rests_at(account: ChatAccount, now: datetime) -> datetime:
    return now + timedelta(minutes=account.session_minutes)
