"""Drafts: what the agent proposes and a person sends, in other words or as it stands, or discards.

A draft is a row of its conversation that goes nowhere by itself. The newest takes the place of older ones.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from trunkline.core.access import Principal
from trunkline.core.errors import Conflict
from trunkline.core.events import announce
from trunkline.domain.inbox import conversations, writing
from trunkline.domain.inbox.contents import Content
from trunkline.domain.inbox.models import (
    ChatSession,
    Conversation,
    Direction,
    Message,
    MessageState,
    SourceKind,
)
from trunkline.kit import clock
from trunkline.kit.ids import new_id
from trunkline.providers.ports import MessageKind, Reply

SUPERSEDED, DISCARDED, USED = "superseded", "discarded", "used"
"""Why a draft is none any more."""


def write(
    session: Session, conversation: Conversation, session_id: UUID, proposed: Reply, *, key: str, actor: str
) -> None:
    """Leave a draft in a locked conversation, once for its key, in place of those before it."""
    now = clock.now()
    held = {"progress": proposed.progress} if proposed.progress else {}
    written = session.scalar(
        insert(Message)
        .values(
            id=new_id(), business_id=conversation.business_id, conversation_id=conversation.id,
            chat_account_id=conversation.chat_account_id, session_id=session_id, direction=Direction.OUT,
            kind=MessageKind.TEXT, text=proposed.text, content=held,
            key=key, state=MessageState.DRAFT,
            source=SourceKind.AGENT, author=actor, due_at=now, at=now, created_at=now,
        )
        .on_conflict_do_nothing()
        .returning(Message.id)
    )  # fmt: skip
    if written is None:
        return
    session.execute(
        update(Message)
        .where(
            Message.business_id == conversation.business_id, Message.conversation_id == conversation.id,
            Message.state == MessageState.DRAFT, Message.id != written,
        )
        .values(state=MessageState.CANCELLED, reason=SUPERSEDED)
    )  # fmt: skip
    announce("message.drafted", subject_id=written, actor=actor, conversation_id=str(conversation.id))


def send(
    session: Session, who: Principal, conversation_id: UUID, draft_id: UUID, *, text: str | None
) -> Message:
    """Have a draft go out once, as it stands or in a person's words. Raises NotFound, Conflict, InvalidInput.

    Unlike words of their own it leaves the agent proposing.
    """
    conversations.get_conversation(session, who.business, conversation_id, lock=True)
    draft = writing.get_message(session, who.business, conversation_id, draft_id)
    if draft.state != MessageState.DRAFT and draft.reason != USED:
        raise _no_draft(draft)
    message = writing.send(
        session,
        who,
        conversation_id,
        Content(text=draft.text if text is None else text),
        key=f"draft:{draft.id}",
    )
    if draft.state == MessageState.DRAFT:
        draft.state, draft.reason = MessageState.CANCELLED, USED
        if draft.session_id is not None and "progress" in draft.content:
            # A dialogue goes on from what was sent: what is discarded is no step of it.
            session.get_one(ChatSession, draft.session_id).script_progress = draft.content["progress"]
        announce(
            "message.draft_used", subject_id=draft.id, actor=who.email, conversation_id=str(conversation_id),
            edited=text is not None and text != draft.text,
        )  # fmt: skip
    return message


def discard(session: Session, who: Principal, conversation_id: UUID, draft_id: UUID) -> Message:
    """Let a draft not be sent. Raises NotFound, and Conflict for what is no draft any more."""
    conversations.get_conversation(session, who.business, conversation_id, lock=True)
    draft = writing.get_message(session, who.business, conversation_id, draft_id)
    if draft.state == MessageState.DRAFT:
        draft.state, draft.reason = MessageState.CANCELLED, DISCARDED
        announce(
            "message.draft_discarded", subject_id=draft.id, actor=who.email,
            conversation_id=str(conversation_id),
        )  # fmt: skip
    elif draft.reason != DISCARDED:
        raise _no_draft(draft)
    return draft


def _no_draft(message: Message) -> Conflict:
    return Conflict("This is no draft any more.", state=message.state, reason="no_draft")
