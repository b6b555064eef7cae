"""What providers tell: messages of people, receipts, news of templates. Told again, it changes nothing.

All of one request is one transaction. Whoever merges leads meanwhile locks the business's lines, then leads,
then conversations: in the same order, suppressions and leads come first here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from trunkline.core import registry
from trunkline.core.errors import Conflict
from trunkline.core.events import announce
from trunkline.core.jobs import enqueue_job, enqueue_unique
from trunkline.core.telemetry import get_logger
from trunkline.domain.inbox import (
    accounts,
    arrivals,
    conversations,
    fetching,
    receipts,
    returning,
    rules,
    sending,
    sessions,
    templates,
)
from trunkline.domain.inbox.account_models import ChatAccount
from trunkline.domain.inbox.arrivals import Arrival
from trunkline.domain.inbox.contents import Content
from trunkline.domain.inbox.models import (
    ChatSession,
    Conversation,
    ConversationState,
    Direction,
    FileState,
    Message,
    MessageFile,
    MessageState,
    Offer,
    SourceKind,
)
from trunkline.domain.leads import service as leads
from trunkline.domain.outbound import service as outbound
from trunkline.domain.tenants import service as tenants
from trunkline.kit import clock, content_types
from trunkline.kit.ids import new_id
from trunkline.kit.phone import is_e164
from trunkline.providers.ports import ChatEvent, InMessage, MessageKind, Receipt, TemplateNews

_LONGEST_ID, _LONGEST_NAME, _LONGEST_HANDLE = 400, 200, 2_000

_STOPPED = {
    "en": "You will get no more messages from us. If that was a mistake, just write to us.",
    "he": "לא נשלח אליך יותר הודעות. אם זו טעות, אפשר פשוט לכתוב לנו.",
}

log = get_logger(__name__)


def take(session: Session, account: ChatAccount, events: Sequence[ChatEvent]) -> None:
    """Take what a provider has told to the address of one number, whose signature was right.

    What is about a number that is not the business's is left out.
    """
    told = accounts.told_at(session, account)
    ours: list[tuple[ChatAccount, InMessage]] = []
    heard: list[tuple[ChatAccount, Receipt]] = []
    for event in events:
        if isinstance(event, TemplateNews):
            for other in {row.id: row for row in told.values() if row.owner == event.owner}.values():
                enqueue_unique("default", templates.JOB, f"templates:{other.id}", str(other.id))
        elif (to := told.get(event.account)) is None or not _is_taken(to, event):
            log.warning("chat_event_left_out", account_id=str(account.id), about=event.account)
        elif isinstance(event, InMessage):
            ours.append((to, event))
        else:
            heard.append((to, event))
    # In one order, whoever else does this at the same time.
    ours.sort(key=lambda one: (one[1].from_, one[1].at))
    stopped = {event.id for to, event in ours if _stops(session, to, event)}
    whose = {event.from_: _lead_of(session, to, event) for to, event in ours}
    for to, event in ours:
        _take_message(session, to, event, lead_id=whose[event.from_], stopped=event.id in stopped)
    for to, receipt in sorted(heard, key=lambda one: (one[1].to, one[1].at)):
        if not receipts.hear(session, to, receipt):
            receipts.wait_for(to, receipt)


def _is_taken(account: ChatAccount, event: InMessage | Receipt) -> bool:
    """Return whether an event has the form of one: what has not could not be kept."""
    person = event.from_ if isinstance(event, InMessage) else event.to
    return is_e164(person) and person != account.address and 0 < len(event.id) <= _LONGEST_ID


def _stops(session: Session, account: ChatAccount, event: InMessage) -> bool:
    """Put who asks for no more messages on the suppression list. True: they were not on it."""
    if not _asks_to_stop(event) or _is_known(session, account, event):
        return False
    return outbound.suppress(
        session, account.business_id, event.from_, reason=sending.OPTED_OUT,
        source=_source(account), actor="inbox",
    )  # fmt: skip


def _asks_to_stop(event: InMessage) -> bool:
    if event.kind is MessageKind.CHOICE:
        return rules.stops(event.text)
    return event.kind is MessageKind.TEXT and outbound.is_opt_out(event.text)


def _lead_of(session: Session, account: ChatAccount, event: InMessage) -> UUID:
    return leads.lead_of_caller(
        session, account.business_id, event.from_, name=_name(event), source=_source(account)
    )


def _source(account: ChatAccount) -> str:
    return "whatsapp" if account.provider == registry.WHATSAPP else "sms"


def _name(event: InMessage) -> str:
    return " ".join(rules.cleaned(event.name, _LONGEST_NAME).split())


def _is_known(session: Session, account: ChatAccount, event: InMessage) -> bool:
    there = select(Message.id).where(
        Message.business_id == account.business_id, Message.chat_account_id == account.id,
        Message.provider_id == event.id,
    )  # fmt: skip
    return session.scalar(there) is not None


def _take_message(
    session: Session, account: ChatAccount, event: InMessage, *, lead_id: UUID, stopped: bool
) -> None:
    conversation = conversations.conversation_with(
        session, account, event.from_, name=_name(event), lead_id=lead_id
    )
    # Looked up under the conversation's lock: told twice at once, one of the two finds it here.
    if _is_known(session, account, event):
        return
    now = clock.now()
    at = min(event.at, now)
    if event.kind is MessageKind.REACTION:
        there, opens = sessions.open_one(session, conversation), False
        _write(session, account, conversation, there, event, at=at)
        return
    there, opens = sessions.of_incoming(session, account, conversation, now=now)
    offer: Offer | None = None
    if not opens:
        there, offer = returning.hear(
            session, account, conversation, there, text=event.text, choice=event.choice, now=now
        )
    message = _write(session, account, conversation, there, event, at=at)
    _note(conversation, message, at=at)
    if stopped:
        _say_stopped(session, account, conversation, message)
    asks_to_stop = _asks_to_stop(event)
    if opens and not asks_to_stop:
        offer = returning.offer(session, account, conversation, there, now=now)
    arrivals.tell(
        session, account.business_id,
        Arrival(
            account, conversation, there, message, opted_out=asks_to_stop, offer=offer
        ),
    )  # fmt: skip


def _write(
    session: Session, account: ChatAccount, conversation: Conversation, there: ChatSession | None,
    event: InMessage, *, at: datetime,
) -> Message:  # fmt: skip
    message = Message(
        id=new_id(), business_id=account.business_id, conversation_id=conversation.id,
        chat_account_id=account.id, session_id=None if there is None else there.id, direction=Direction.IN,
        kind=event.kind, text=rules.cleaned(event.text), content=_content(event),
        reply_to=None if event.reply_to is None else rules.cleaned(event.reply_to, _LONGEST_ID),
        provider_id=event.id, state=MessageState.RECEIVED, author=event.from_, at=at,
    )  # fmt: skip
    session.add(message)
    session.flush()
    if event.file is not None:
        name = rules.cleaned(event.file.name, _LONGEST_NAME)
        session.add(
            MessageFile(
                business_id=account.business_id, message_id=message.id,
                handle=rules.cleaned(event.file.handle, _LONGEST_HANDLE),
                content_type=rules.cleaned(event.file.content_type, _LONGEST_NAME),
                name=content_types.safe_name(name, otherwise=str(event.kind)), sha256=event.file.sha256,
                state=FileState.WAITING,
            )
        )  # fmt: skip
        session.flush()
        enqueue_job("default", fetching.JOB, str(message.id))
    announce(
        "message.received", subject_id=message.id, actor="inbox", conversation_id=str(conversation.id),
        message_kind=event.kind,
    )  # fmt: skip
    return message


def _content(event: InMessage) -> Mapping[str, Any]:
    content: dict[str, Any] = {}
    if event.choice is not None:
        content["choice"] = rules.cleaned(event.choice, _LONGEST_ID)
    if event.location is not None:
        content["location"] = list(event.location)
    return content


def _note(conversation: Conversation, message: Message, *, at: datetime) -> None:
    """Let the conversation show that somebody wrote, and wait for people again."""
    conversation.unread += 1
    if conversation.last_in_at is None or at > conversation.last_in_at:
        conversation.last_in_at = at
    conversations.note_last(conversation, message, at=at)
    conversation.state = ConversationState.OPEN
    announce("conversation.changed", subject_id=conversation.id, actor="inbox")


def _say_stopped(
    session: Session, account: ChatAccount, conversation: Conversation, message: Message
) -> None:
    """Say once that nothing more will come. By SMS the carrier says so itself, and lets nobody else."""
    if not registry.chat(account.provider).traits.has_window:
        return
    language = tenants.get_business(session, account.business_id).language
    try:
        sending.queue_message(
            session, account.business_id, conversation.id, Content(text=_STOPPED[language]),
            key=f"stopped:{message.id}", source=SourceKind.SYSTEM, author="trunkline",
        )  # fmt: skip
    except Conflict as error:  # its provider lets nothing go out, or the message is days old
        log.info("opt_out_not_confirmed", reason=error.data.get("reason"))
