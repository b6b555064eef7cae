"""Sending: a message goes out once at most, whoever dies meanwhile.

Its row is written with whatever asks for it, under a key of its own. The job commits `sending`, hands the
message over once with no transaction open, and notes what came of it. Found as `sending` later, nobody knows
whether it went: it is `uncertain`, and sent again only if a person says so, under another key.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from trunkline.core import registry
from trunkline.core.db import current_unit
from trunkline.core.errors import Conflict, NotFound
from trunkline.core.events import announce
from trunkline.core.jobs import enqueue_unique
from trunkline.core.vault import VaultClosed
from trunkline.domain.inbox import accounts, contents, conversations, files, rules, sessions
from trunkline.domain.inbox.account_models import AccountState, ChatAccount
from trunkline.domain.inbox.contents import Content
from trunkline.domain.inbox.models import (
    Conversation,
    Direction,
    Message,
    MessageState,
    SourceKind,
)
from trunkline.domain.outbound import service as outbound
from trunkline.kit import clock
from trunkline.kit.ids import new_id
from trunkline.providers import ports
from trunkline.providers.ports import ChatRefused, MessageKind, OutMessage, Refusal

JOB = "send_whatsapp_message"
OPTED_OUT = "asked in writing"
"""The reason on the suppression list."""
_BEHIND_S = 0.5
"""How long a message waits for one that was written before it in its conversation."""

Allows = Callable[[Session, UUID, UUID], str | None]
"""Session, business and message: why it must not go after all; None: it may."""

Changed = Callable[[Session, Message], None]
"""Session and message: it stands somewhere else now."""


@dataclass(frozen=True, slots=True)
class Source:
    """What whoever asks for messages has to say, and wants to hear, of each."""

    allows: Allows
    """Asked once more, in the transaction before a message goes."""
    changed: Changed
    """Told of each change of a message's state, in the transaction in which it changes."""


_sources: dict[SourceKind, Source] = {}


def register_source(kind: SourceKind, source: Source) -> None:
    """Let whoever asks for messages of a kind have its say."""
    _sources[kind] = source


def tell_source(message: Message) -> None:
    """Tell whoever asked for a message that it stands somewhere else now."""
    if message.source in _sources:
        _sources[SourceKind(message.source)].changed(current_unit().session, message)


@dataclass(frozen=True, slots=True)
class Ready:
    """A message that is committed to go, with what it takes to send it."""

    provider: str
    account: ports.ChatAccount
    message: OutMessage


@dataclass(frozen=True, slots=True)
class Wait:
    """Not yet: look again after so long."""

    seconds: float


def queue_message(
    session: Session, business_id: UUID, conversation_id: UUID, content: Content, *, key: str,
    source: SourceKind, author: str, due_at: datetime | None = None,
    file: files.Prepared | None = None,
) -> Message:  # fmt: skip
    """Have a message go out, once for its key; the key of one that is there returns that one.

    Raises NotFound, InvalidInput for what the provider does not take, and Conflict with a reason where
    nothing may go to this person now (`window`, `opted_out`, `disconnected`).
    """
    conversation = conversations.get_conversation(session, business_id, conversation_id, lock=True)
    there = session.scalar(select(Message).where(Message.business_id == business_id, Message.key == key))
    if there is not None:
        return there
    account = accounts.get_account(session, business_id, conversation.chat_account_id)
    contents.check(content, registry.chat(account.provider).traits)
    now = clock.now()
    why = _why_not(session, account, conversation, kind=content.kind, source=source, now=now)
    if why is not None:
        raise Conflict("This message cannot go out now.", reason=why)
    written = session.scalar(
        insert(Message)
        .values(
            id=new_id(), business_id=business_id, conversation_id=conversation.id,
            chat_account_id=account.id,
            session_id=sessions.of_answer(session, account, conversation, now=now),
            direction=Direction.OUT, kind=content.kind, text=content.text, content=content.as_json(),
            reply_to=content.reply_to, key=key, state=MessageState.QUEUED, source=source, author=author,
            due_at=due_at or now, at=now, created_at=now,
        )
        .on_conflict_do_nothing()
        .returning(Message.id)
    )  # fmt: skip
    message = session.scalars(
        select(Message).where(Message.business_id == business_id, Message.key == key)
    ).one()
    if written is None:
        return message
    if file is not None:
        files.attach(session, message, file)
    conversations.note_last(conversation, message, at=now)
    announce(
        "message.queued", subject_id=message.id, actor=author, conversation_id=str(conversation.id),
        source=source,
    )  # fmt: skip
    enqueue_send(message, run_in=max(0.0, (message.due_at - now).total_seconds()))
    return message


def enqueue_send(message: Message, *, run_in: float = 0.0) -> None:
    """Let a worker send a message, unless one is about to."""
    queue = "broadcasts" if message.source == SourceKind.BROADCAST else "high"
    enqueue_unique(queue, JOB, f"send:{message.id}", str(message.id), run_in=run_in)


def begin(session: Session, business_id: UUID, message_id: UUID) -> Ready | Wait | None:
    """Commit a message to be handed over; what is returned is to be sent once, behind this transaction.

    None: there is nothing to be done any more.
    """
    # In the order in which others lock them: the conversation, then its message.
    row = _locked(session, business_id, message_id)
    if row is None:
        return None
    conversation, message = row
    if not _is_waiting(message):
        return None
    now = clock.now()
    account = accounts.get_account(session, business_id, message.chat_account_id)
    later = max(message.due_at, account.closed_until or message.due_at)
    if later > now:
        return Wait((later - now).total_seconds())
    if _is_stopped(session, account, conversation, message, now=now):
        return None
    return (
        Wait(_BEHIND_S) if _is_behind(session, message) else _ready(session, account, conversation, message)
    )


def _is_waiting(message: Message) -> bool:
    if message.state == MessageState.SENDING:
        leave_uncertain(message, detail="Whoever was sending it did not live to say.")
    return message.state == MessageState.QUEUED


def _is_stopped(
    session: Session, account: ChatAccount, conversation: Conversation, message: Message, *, now: datetime
) -> bool:
    """End a message that must not go any more. False: it may."""
    source = SourceKind(message.source or "")
    why = _why_not(session, account, conversation, kind=MessageKind(message.kind), source=source, now=now)
    if why is not None:
        _end(message, MessageState.FAILED, reason=why)
        return True
    asked = _sources.get(source)
    unwanted = asked.allows(session, message.business_id, message.id) if asked is not None else None
    if unwanted is not None:
        _end(message, MessageState.CANCELLED, reason=unwanted)
    return unwanted is not None


def _ready(
    session: Session, account: ChatAccount, conversation: Conversation, message: Message
) -> Ready | None:
    try:
        file, opened = files.outgoing(session, message), accounts.opened(account)
    except (NotFound, VaultClosed) as error:
        # It would be the same the next time, and nothing has gone.
        reason = str(error.data.get("reason", error.code))
        _end(message, MessageState.FAILED, reason=reason, detail=str(error))
        return None
    out = contents.out_message(
        to=conversation.address, kind=message.kind, text=message.text, content=message.content,
        reply_to=message.reply_to, reference=str(message.id), file=file,
        status_url=accounts.status_url(account, message.id),
    )  # fmt: skip
    message.state, message.tries = MessageState.SENDING, message.tries + 1
    return Ready(account.provider, opened, out)


def note_sent(session: Session, business_id: UUID, message_id: UUID, *, provider_id: str) -> None:
    """The provider took it. A receipt may have come first, and a sweeper may have given it up: both yield."""
    row = _locked(session, business_id, message_id)
    if row is None:
        return
    _conversation, message = row
    message.provider_id = message.provider_id or provider_id
    if message.state in {MessageState.SENDING, MessageState.UNCERTAIN}:
        message.sent_at = clock.now()
        _end(message, MessageState.SENT)


def note_refused(session: Session, business_id: UUID, message_id: UUID, refused: ChatRefused) -> Wait | None:
    """The provider said a definite no. What is worth another try waits for it, as long as is returned."""
    if refused.refusal is Refusal.OPTED_OUT:
        note_opt_out(session, business_id, message_id)
    row = _locked(session, business_id, message_id)
    if row is None:
        return None
    _conversation, message = row
    if message.state not in {MessageState.SENDING, MessageState.UNCERTAIN}:
        return None
    if (
        refused.refusal in {Refusal.RATE, Refusal.LATER}
        and message.state == MessageState.SENDING
        and message.tries < rules.MOST_TRIES
    ):
        seconds = rules.wait_s(message.tries, asked_s=refused.retry_after_s)
        message.state = MessageState.QUEUED
        message.due_at = clock.now() + timedelta(seconds=seconds)
        message.reason, message.code = refused.refusal, refused.code
        if refused.refusal is Refusal.RATE:
            accounts.close_until(session, business_id, message.chat_account_id, message.due_at)
        return Wait(seconds)
    _end(message, MessageState.FAILED, reason=refused.refusal, code=refused.code, detail=str(refused))
    if refused.refusal is Refusal.ACCOUNT:
        account = accounts.get_account(session, business_id, message.chat_account_id, lock=True)
        accounts.disconnect(account, trouble=str(refused), actor="inbox")
    return None


def note_opt_out(session: Session, business_id: UUID, message_id: UUID) -> None:
    """Put on the suppression list whom the provider lets nobody write to.

    Before the conversation is locked: who merges leads locks the list's business first.
    """
    address = session.scalar(
        select(Conversation.address)
        .join(
            Message,
            (Message.business_id == Conversation.business_id) & (Message.conversation_id == Conversation.id),
        )
        .where(Message.business_id == business_id, Message.id == message_id)
    )
    if address is not None:
        outbound.suppress(session, business_id, address, reason=OPTED_OUT, source="whatsapp", actor="inbox")


def note_uncertain(session: Session, business_id: UUID, message_id: UUID, *, detail: str) -> None:
    """Nobody knows whether it went."""
    row = _locked(session, business_id, message_id)
    if row is not None and row[1].state == MessageState.SENDING:
        leave_uncertain(row[1], detail=detail)


def leave_uncertain(message: Message, *, detail: str) -> None:
    """Mark a message of which nobody knows, for people to see and to decide on."""
    _end(message, MessageState.UNCERTAIN, reason="uncertain", detail=detail)


def take_back(session: Session, business_id: UUID, message_id: UUID, *, reason: str) -> bool:
    """Let a message that still waits not go out. False: it is too late, or over."""
    row = _locked(session, business_id, message_id)
    if row is None or row[1].state != MessageState.QUEUED:
        return False
    _end(row[1], MessageState.CANCELLED, reason=reason)
    return True


def _why_not(
    session: Session, account: ChatAccount, conversation: Conversation, *,
    kind: MessageKind, source: SourceKind, now: datetime,
) -> str | None:  # fmt: skip
    standing = rules.Standing(
        now=now,
        connected=account.state == AccountState.CONNECTED,
        opted_out=outbound.is_suppressed(session, account.business_id, conversation.address),
        has_window=registry.chat(account.provider).traits.has_window,
        last_in_at=conversation.last_in_at,
    )
    return rules.forbids(standing, kind=kind, source=source)


def _is_behind(session: Session, message: Message) -> bool:
    """Return whether another message of the conversation, written before this one, is still to go."""
    return bool(
        session.scalar(
            select(
                exists().where(
                    Message.business_id == message.business_id,
                    Message.conversation_id == message.conversation_id,
                    Message.state.in_((MessageState.QUEUED, MessageState.SENDING)),
                    # What is to go at a later time holds nothing up, and what was refused for a moment does.
                    (Message.due_at <= clock.now()) | (Message.tries > 0),
                    (Message.at < message.at) | ((Message.at == message.at) & (Message.id < message.id)),
                )
            )
        )
    )


def _locked(session: Session, business_id: UUID, message_id: UUID) -> tuple[Conversation, Message] | None:
    conversation_id = session.scalar(
        select(Message.conversation_id).where(Message.business_id == business_id, Message.id == message_id)
    )
    if conversation_id is None:
        return None
    conversation = conversations.get_conversation(session, business_id, conversation_id, lock=True)
    message = session.scalars(
        select(Message)
        .where(Message.business_id == business_id, Message.id == message_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    return conversation, message


def _end(
    message: Message, state: MessageState, *, reason: str | None = None, code: str | None = None,
    detail: str | None = None,
) -> None:  # fmt: skip
    message.state, message.reason, message.code, message.detail = state, reason, code, detail
    announce(
        f"message.{state}", subject_id=message.id, actor="inbox",
        conversation_id=str(message.conversation_id), source=message.source,
        **({} if reason is None else {"reason": reason}),
    )  # fmt: skip
    tell_source(message)
