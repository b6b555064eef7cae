"""What people of the business write: messages, files, notes, another try, and the first words to somebody."""

from __future__ import annotations

from typing import IO
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from trunkline.core import registry
from trunkline.core.access import Principal
from trunkline.core.db import unit_of_work
from trunkline.core.errors import Conflict, InvalidInput, NotFound
from trunkline.core.events import announce
from trunkline.domain.inbox import (
    accounts,
    contents,
    conversations,
    files,
    rules,
    sending,
    sessions,
    templates,
)
from trunkline.domain.inbox.account_models import AiMode
from trunkline.domain.inbox.contents import Button, Content, FilledTemplate
from trunkline.domain.inbox.models import (
    Conversation,
    Direction,
    Message,
    MessageFile,
    MessageState,
    SourceKind,
)
from trunkline.domain.leads import service as leads
from trunkline.kit import barriers, clock, content_types
from trunkline.kit.ids import new_id
from trunkline.providers.ports import MessageKind


def send(
    session: Session, who: Principal, conversation_id: UUID, content: Content, *, key: str,
    file: files.Prepared | None = None,
) -> Message:  # fmt: skip
    """Have somebody's message go out, once for its key. Raises as `sending.queue_message`.

    Whoever writes has seen what came in, and takes the conversation from the agent.
    """
    conversation = conversations.get_conversation(session, who.business, conversation_id, lock=True)
    message = sending.queue_message(
        session, who.business, conversation_id, content, key=_key(conversation, key),
        source=SourceKind.PERSON, author=who.email, file=file,
    )  # fmt: skip
    _take_over(session, conversation, actor=who.email)
    return message


def send_template(
    session: Session, who: Principal, conversation_id: UUID, use: FilledTemplate, *, key: str
) -> Message:
    """Have a template go out. Raises as `send` and `templates.filled`."""
    conversation = conversations.get_conversation(session, who.business, conversation_id)
    content = templates.filled(session, who.business, conversation.chat_account_id, use)
    return send(session, who, conversation_id, content, key=key)


def send_file(
    who: Principal, conversation_id: UUID, file: IO[bytes], *, name: str, caption: str, key: str
) -> Message:
    """Have a file go out: as a picture, a film, a voice or a document, by what is in it.

    In two transactions, and none is open while the bytes are stored. Raises as `send`, TooLarge, OSError.
    """
    size = file.seek(0, 2)
    if size == 0:
        raise InvalidInput("The file is empty.", reason="file_empty")
    kind_of = content_types.content_type_of(file)
    with unit_of_work(who.scope) as session:
        conversation = conversations.get_conversation(session, who.business, conversation_id)
        account = accounts.get_account(session, who.business, conversation.chat_account_id)
        kind = contents.kind_of_file(kind_of, size, registry.chat(account.provider).traits)
        contents.check(Content(kind=kind, text=caption), registry.chat(account.provider).traits)
        storage_key = files.new_key(who.business)
    kept = files.store(storage_key, file, content_type=kind_of, name=content_types.safe_name(name))
    barriers.reached("message_file.stored")
    with unit_of_work(who.scope) as session:
        message = send(session, who, conversation_id, Content(kind=kind, text=caption), key=key, file=kept)
        session.refresh(message)
        session.expunge(message)
    return message


def write_note(session: Session, who: Principal, conversation_id: UUID, text: str, *, key: str) -> Message:
    """Write something for the business's people alone, once for its key. Raises NotFound, InvalidInput."""
    conversation = conversations.get_conversation(session, who.business, conversation_id, lock=True)
    if not text.strip() or "\0" in text:
        raise InvalidInput("A note says something.", reason="empty", field="text")
    there = sessions.open_one(session, conversation)
    now = clock.now()
    written = session.scalar(
        insert(Message)
        .values(
            id=new_id(), business_id=who.business, conversation_id=conversation.id,
            chat_account_id=conversation.chat_account_id, session_id=None if there is None else there.id,
            direction=Direction.NOTE, kind=MessageKind.TEXT, text=text, content={},
            state=MessageState.RECEIVED, key=_key(conversation, key), author=who.email,
            at=now, due_at=now, created_at=now,
        )
        .on_conflict_do_nothing()
        .returning(Message.id)
    )  # fmt: skip
    note = session.scalars(
        select(Message).where(Message.business_id == who.business, Message.key == _key(conversation, key))
    ).one()
    if written is not None:
        announce("message.noted", subject_id=note.id, actor=who.email, conversation_id=str(conversation.id))
    return note


def send_again(
    session: Session, who: Principal, conversation_id: UUID, message_id: UUID, *, confirmed: bool
) -> Message:
    """Have a message go out anew that failed, or of which nobody knows: under a key of its own, once.

    Raises NotFound, and Conflict for another one, or where it may reach somebody twice and nobody has said
    that it shall.
    """
    conversation = conversations.get_conversation(session, who.business, conversation_id, lock=True)
    message = get_message(session, who.business, conversation_id, message_id)
    if message.state not in {MessageState.FAILED, MessageState.UNCERTAIN}:
        raise Conflict(
            f"The message is {message.state}; only one that failed is sent again.",
            state=message.state, reason="not_failed",
        )  # fmt: skip
    if message.state == MessageState.UNCERTAIN and not confirmed:
        raise Conflict("It may have arrived; say that it may arrive twice.", reason="confirm_again")
    held = message.content
    template = held.get("template")
    content = Content(
        kind=MessageKind(message.kind), text=message.text, menu=held.get("menu", ""),
        choices=tuple(Button.model_validate(choice) for choice in held.get("choices", ())),
        template=None if template is None else FilledTemplate.model_validate(template),
        reply_to=message.reply_to,
    )  # fmt: skip
    row = session.get(MessageFile, (who.business, message.id))
    file = None
    if row is not None and row.storage_key is not None:
        file = files.Prepared(row.storage_key, row.content_type, row.name, row.size or 0, row.sha256 or "")
    return sending.queue_message(
        session, who.business, conversation.id, content, key=f"again:{message.id}",
        source=SourceKind.PERSON, author=who.email, file=file,
    )  # fmt: skip


def take_back(session: Session, who: Principal, conversation_id: UUID, message_id: UUID) -> Message:
    """Let a message that still waits not go out. Raises NotFound, and Conflict where it is too late."""
    get_message(session, who.business, conversation_id, message_id)
    if not sending.take_back(session, who.business, message_id, reason="taken_back"):
        raise Conflict("It is too late to take this message back.", reason="too_late")
    return get_message(session, who.business, conversation_id, message_id)


def begin(
    session: Session, who: Principal, *, account_id: UUID, lead_id: UUID, address: str | None
) -> Conversation:
    """Return the conversation with a lead from one of the business's numbers; begun where there was none.

    At the lead's main number, or another one of theirs. Raises NotFound, InvalidInput.
    """
    account = accounts.get_account(session, who.business, account_id)
    lead = leads.get_lead(session, who.business, lead_id)
    chosen = address or lead.phone
    if chosen != lead.phone and leads.lead_at(session, who.business, "whatsapp", chosen) != lead_id:
        raise InvalidInput("This is not a number of theirs.", reason="not_theirs", field="address")
    return conversations.conversation_with(session, account, chosen, lead_id=lead_id)


def get_message(session: Session, business_id: UUID, conversation_id: UUID, message_id: UUID) -> Message:
    """Return a message of a conversation. Raises NotFound."""
    row = session.scalar(
        select(Message)
        .where(
            Message.business_id == business_id, Message.conversation_id == conversation_id,
            Message.id == message_id,
        )
        .execution_options(populate_existing=True)
    )  # fmt: skip
    if row is None:
        raise NotFound("There is no such message.")
    return row


def _take_over(session: Session, conversation: Conversation, *, actor: str) -> None:
    changes: dict[str, object] = {"unread": 0, "needs_person": None}
    if conversation.ai_mode == AiMode.ON:
        changes["ai_mode"] = AiMode.OFF
    changed = [name for name, value in changes.items() if getattr(conversation, name) != value]
    for name in changed:
        setattr(conversation, name, changes[name])
    if changed:
        session.flush()
        announce("conversation.changed", subject_id=conversation.id, actor=actor)


def _key(conversation: Conversation, key: str) -> str:
    """Two pages may choose the same key, in two conversations."""
    return f"person:{conversation.id}:{rules.cleaned(key)}"
