"""Conversations: finding or beginning the one with a person, and what people change about it.

A conversation is locked before its messages are written, so that two at once are in one order. Whose it is,
is found out before: whoever merges leads locks them first.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from trunkline.core.errors import InvalidInput, NotFound
from trunkline.core.events import announce
from trunkline.core.jobs import enqueue_unique
from trunkline.domain.inbox.account_models import AiMode, ChatAccount
from trunkline.domain.inbox.contents import shown
from trunkline.domain.inbox.models import (
    Conversation,
    ConversationState,
    Direction,
    Message,
)
from trunkline.domain.people import service as people
from trunkline.kit.ids import new_id

MARK_READ_JOB = "mark_message_read"


def get_conversation(
    session: Session, business_id: UUID, conversation_id: UUID, *, lock: bool = False
) -> Conversation:
    """Return a conversation of this business, with `lock` held to the transaction's end. Raises NotFound."""
    query = select(Conversation).where(
        Conversation.business_id == business_id, Conversation.id == conversation_id
    )
    if lock:
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    row = session.scalar(query)
    if row is None:
        raise NotFound("There is no such conversation.")
    return row


def conversation_with(
    session: Session, account: ChatAccount, address: str, *, lead_id: UUID, name: str = ""
) -> Conversation:
    """Return the conversation with this person from this number, locked; begun where there was none.

    `lead_id` is whose address it is now; `name` what they call themselves.
    """
    query = (
        select(Conversation)
        .where(
            Conversation.business_id == account.business_id, Conversation.chat_account_id == account.id,
            Conversation.address == address,
        )
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )  # fmt: skip
    row = session.scalar(query)
    if row is None:
        begun = session.scalar(
            insert(Conversation)
            .values(
                id=new_id(), business_id=account.business_id, chat_account_id=account.id, address=address,
                name=name, lead_id=lead_id, ai_mode=account.ai_mode,
            )
            .on_conflict_do_nothing()
            .returning(Conversation.id)
        )  # fmt: skip
        row = session.scalars(query).one()
        if begun is not None:
            announce("conversation.begun", subject_id=row.id, actor="inbox", lead_id=str(lead_id))
    if name and row.name != name:
        row.name = name
    if row.lead_id != lead_id:
        row.lead_id = lead_id
    return row


def note_last(conversation: Conversation, message: Message, *, at: datetime) -> None:
    """Let lists show this message as the conversation's last, unless a later one is there."""
    if conversation.last_direction is None or at >= conversation.last_at:
        conversation.last_at = at
        conversation.last_text = shown(message.kind, message.text)
        conversation.last_direction = message.direction


def edit(
    session: Session, business_id: UUID, conversation_id: UUID, changes: Mapping[str, Any], *, actor: str
) -> Conversation:
    """Change who sees to a conversation, its state, its labels, or what the agent does. Raises NotFound."""
    assignee = changes.get("assignee_id")
    if assignee is not None and not people.belongs(session, business_id, assignee):
        raise NotFound("There is no such person here.")
    conversation = get_conversation(session, business_id, conversation_id, lock=True)
    wanted = dict(changes)
    if "labels" in wanted:
        wanted["labels"] = labels_of(wanted["labels"])
    if wanted.get("state") == ConversationState.RESOLVED or wanted.get("ai_mode") == AiMode.ON:
        # Nobody waits for a person any more.
        wanted["needs_person"] = None
    changed = [name for name, value in wanted.items() if getattr(conversation, name) != value]
    for name in changed:
        setattr(conversation, name, wanted[name])
    if changed:
        session.flush()
        announce(
            "conversation.changed", subject_id=conversation.id, actor=actor,
            **{name: str(wanted[name]) for name in changed if name in {"assignee_id", "state", "ai_mode"}},
        )  # fmt: skip
    return conversation


def labels_of(given: list[str]) -> list[str]:
    """Return labels as they are kept: each once, in order, without spaces around. Raises InvalidInput."""
    labels = sorted({" ".join(label.split()) for label in given} - {""})
    if any("\0" in label for label in labels):
        raise InvalidInput("A label cannot hold the character of number zero.", reason="label")
    return labels


def mark_read(session: Session, business_id: UUID, conversation_id: UUID, *, actor: str) -> Conversation:
    """Note that somebody of the business's has seen what came in, and show the person so. Raises NotFound."""
    conversation = get_conversation(session, business_id, conversation_id, lock=True)
    if conversation.unread:
        conversation.unread = 0
        newest = session.scalar(
            select(Message.id)
            .where(
                Message.business_id == business_id, Message.conversation_id == conversation_id,
                Message.direction == Direction.IN,
            )
            .order_by(Message.at.desc(), Message.id.desc())
            .limit(1)
        )  # fmt: skip
        if newest is not None:
            enqueue_unique("default", MARK_READ_JOB, f"read:{newest}", str(newest))
        announce("conversation.changed", subject_id=conversation.id, actor=actor)
    return conversation


def mark_unread(session: Session, business_id: UUID, conversation_id: UUID, *, actor: str) -> Conversation:
    """Have a conversation looked at again. Raises NotFound."""
    conversation = get_conversation(session, business_id, conversation_id, lock=True)
    if not conversation.unread:
        conversation.unread = 1
        announce("conversation.changed", subject_id=conversation.id, actor=actor)
    return conversation
