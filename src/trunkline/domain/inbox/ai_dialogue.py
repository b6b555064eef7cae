"""What an agent is given of a written conversation: its lines, what is unanswered, what is known of them.

Reads; decides nothing and writes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from trunkline.domain.inbox.models import (
    ChatSession,
    Conversation,
    Direction,
    Message,
    MessageState,
    Offer,
    SourceKind,
)
from trunkline.providers.ports import MessageKind, WrittenLine

ANSWER = "answer:"
"""Before the id of the message that is answered: the key of an answer, or of its draft."""
HANDED = "handover:"
"""The same of a sentence by which it was handed over."""

MOST_LINES = 40
"""Messages of a session that an agent is given, the last ones."""
_OF_BEFORE = 10
"""Messages of an earlier session, where nobody has made a summary of it."""
_WORDS = {MessageKind.TEXT, MessageKind.CHOICE, MessageKind.BUTTONS, MessageKind.TEMPLATE}
_CALLED = {
    MessageKind.IMAGE: "an image", MessageKind.VIDEO: "a video", MessageKind.AUDIO: "a voice message",
    MessageKind.DOCUMENT: "a file", MessageKind.STICKER: "a sticker", MessageKind.LOCATION: "a place",
    MessageKind.CONTACTS: "a contact",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Waiting:
    """What somebody has written that nobody has answered."""

    session: ChatSession
    messages: Sequence[Message]
    """As they came in, never none."""
    age_s: float
    """Since the last of them."""
    waits_s: float
    """Since the first of them."""

    @property
    def newest(self) -> UUID:
        """The last of them, by which an answer is known."""
        return self.messages[-1].id


def waiting(session: Session, conversation: Conversation) -> Waiting | None:
    """Return what is unanswered in a conversation; None: nothing, or it waits for a choice of theirs.

    Ids tell what came first: they are made under the conversation's lock, and a provider's clock may lie.
    """
    rows = _newest(session, conversation.business_id, Message.conversation_id == conversation.id)
    came_in = sorted(
        (row for row in rows if row.direction == Direction.IN and row.kind != MessageKind.REACTION),
        key=lambda row: row.id,
    )
    answered = max((one for row in rows if (one := _answers(row)) is not None), default=UUID(int=0))
    open_ = [row for row in came_in if row.id > answered]
    if not open_ or open_[-1].session_id is None:
        return None
    there = session.scalars(
        select(ChatSession)
        .where(
            ChatSession.business_id == conversation.business_id, ChatSession.id == open_[-1].session_id
        )
        .execution_options(populate_existing=True)
    ).one()  # fmt: skip
    if there.offer == Offer.OFFERED:
        return None
    now: datetime = session.scalars(select(func.clock_timestamp())).one()
    return Waiting(
        there,
        open_,
        (now - open_[-1].created_at).total_seconds(),
        (now - open_[0].created_at).total_seconds(),
    )


def _answers(row: Message) -> UUID | None:
    """Return up to which message this one answers; None: it answers none."""
    if row.direction != Direction.OUT:
        return None
    if row.source == SourceKind.PERSON:
        return row.id
    for prefix in (ANSWER, HANDED):
        if row.key is not None and row.key.startswith(prefix):
            return UUID(row.key.removeprefix(prefix))
    return None


def lines_of(
    session: Session, business_id: UUID, session_id: UUID, *, most: int = MOST_LINES
) -> list[WrittenLine]:
    """Return the last messages of a session, oldest first."""
    rows = _newest(session, business_id, Message.session_id == session_id, most=most)
    return [line for row in reversed(rows) if (line := _line(row)) is not None]


def before(session: Session, there: ChatSession) -> str:
    """Return what the session came to with which somebody wants to go on; empty: they began anew."""
    if there.continues_id is None:
        return ""
    earlier = session.scalars(
        select(ChatSession).where(
            ChatSession.business_id == there.business_id, ChatSession.id == there.continues_id
        )
    ).one()
    if earlier.summary:
        return earlier.summary
    lines = lines_of(session, there.business_id, earlier.id, most=_OF_BEFORE)
    return "\n".join(f"{line.who}: {line.sent or line.text}" for line in lines)


def _newest(
    session: Session, business_id: UUID, which: ColumnElement[bool], *, most: int = MOST_LINES
) -> Sequence[Message]:
    return session.scalars(
        select(Message)
        .where(Message.business_id == business_id, which)
        .order_by(Message.at.desc(), Message.id.desc())
        .limit(most)
        .execution_options(populate_existing=True)
    ).all()


def _line(row: Message) -> WrittenLine | None:
    if row.kind == MessageKind.REACTION or row.direction == Direction.NOTE:
        return None
    kind = MessageKind(row.kind)
    sent = "" if kind in _WORDS else _CALLED.get(kind, "something that cannot be shown here")
    if row.direction == Direction.IN:
        return WrittenLine("person", row.text, sent)
    if row.state in {MessageState.DRAFT, MessageState.CANCELLED, MessageState.FAILED}:
        return None
    return WrittenLine("colleague" if row.source == SourceKind.PERSON else "agent", row.text, sent)
