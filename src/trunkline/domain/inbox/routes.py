"""People's door to conversations and their messages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, File, Form, Query, Response, UploadFile
from fastapi.responses import FileResponse
from sqlalchemy.orm import Session

from trunkline.core import registry
from trunkline.core.access import Role
from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.core.errors import Conflict
from trunkline.domain.inbox import (
    accounts,
    answering,
    conversations,
    files,
    listing,
    rules,
    sessions,
    writing,
)
from trunkline.domain.inbox.account_models import AiMode
from trunkline.domain.inbox.contents import Content
from trunkline.domain.inbox.models import CloseReason, Conversation, Message
from trunkline.domain.inbox.schemas import (
    AgainIn,
    BegunOut,
    ChatMessageIn,
    ChatNoteIn,
    ChatSessionOut,
    ConversationCounts,
    ConversationEdit,
    ConversationIn,
    ConversationOut,
    ConversationsOut,
    ConversationsQuery,
    FileOut,
    Key,
    MessageOut,
    MessagesOut,
    OpenConversationOut,
)
from trunkline.domain.leads import service as leads
from trunkline.domain.outbound import service as outbound
from trunkline.domain.people import service as people
from trunkline.kit import clock
from trunkline.providers.ports import MessageKind

router = APIRouter(prefix="/api/conversations", tags=["inbox"])

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; media-src 'self'; sandbox"
LimitQuery = Annotated[int, Query(ge=1, le=200)]


@router.get("")
def read_conversations(
    query: Annotated[ConversationsQuery, Query()], session: SessionDep, who: PrincipalDep
) -> ConversationsOut:
    """Conversations, where something was written last first; a page at a time."""
    if query.lead_id is not None:
        leads.get_lead(session, who.business, query.lead_id)
    if query.account_id is not None:
        accounts.get_account(session, who.business, query.account_id)
    rows, following = listing.list_conversations(session, who.business, who.user_id, query)
    return ConversationsOut(conversations=_shown(session, who.business, rows), next_cursor=following)


@router.get("/counts")
def count_conversations(session: SessionDep, who: PrincipalDep) -> ConversationCounts:
    """How many conversations there are to see to."""
    return listing.counts(session, who.business, who.user_id)


@router.get("/labels")
def read_labels(session: SessionDep, who: PrincipalDep) -> list[str]:
    """The labels that conversations bear."""
    return listing.labels(session, who.business)


@router.post("", status_code=201)
def begin_conversation(body: ConversationIn, session: SessionDep, who: PrincipalDep) -> BegunOut:
    """Write to a lead, also one who has not written; then by a template, where the number wants one."""
    who.require(Role.AGENT)
    conversation = writing.begin(
        session, who, account_id=body.account_id, lead_id=body.lead_id, address=body.address
    )
    message = _send(session, who, conversation.id, body.message)
    return BegunOut(
        conversation=_shown(session, who.business, [conversation])[0],
        message=_told(session, who.business, [message])[0],
    )


@router.get("/{conversation_id}")
def read_conversation(conversation_id: UUID, session: SessionDep, who: PrincipalDep) -> OpenConversationOut:
    """One conversation, and what may be written in it now."""
    return _open(session, conversations.get_conversation(session, who.business, conversation_id))


@router.patch("/{conversation_id}")
def edit_conversation(
    conversation_id: UUID, body: ConversationEdit, session: SessionDep, who: PrincipalDep
) -> OpenConversationOut:
    """Change who sees to a conversation, its state and labels, or what the agent does in it."""
    who.require(Role.AGENT)
    changes = body.model_dump(exclude_unset=True)
    edited = conversations.edit(session, who.business, conversation_id, changes, actor=who.email)
    if changes.get("ai_mode", AiMode.OFF) != AiMode.OFF:
        # What came in while it was silent is the agent's to answer now.
        answering.ask_for(conversation_id)
    return _open(session, edited)


@router.post("/{conversation_id}/read")
def mark_read(conversation_id: UUID, session: SessionDep, who: PrincipalDep) -> OpenConversationOut:
    """Say that what came in was seen; the person is shown so."""
    who.require(Role.AGENT)
    return _open(session, conversations.mark_read(session, who.business, conversation_id, actor=who.email))


@router.post("/{conversation_id}/unread")
def mark_unread(conversation_id: UUID, session: SessionDep, who: PrincipalDep) -> OpenConversationOut:
    """Have a conversation looked at again."""
    who.require(Role.AGENT)
    return _open(session, conversations.mark_unread(session, who.business, conversation_id, actor=who.email))


@router.post("/{conversation_id}/close-session")
def close_session(conversation_id: UUID, session: SessionDep, who: PrincipalDep) -> ChatSessionOut:
    """Close the session that goes on, without waiting for a silence. 409 `no_session`: none does."""
    who.require(Role.AGENT)
    conversation = conversations.get_conversation(session, who.business, conversation_id, lock=True)
    closed = sessions.close(
        session, conversation, reason=CloseReason.PERSON, now=clock.now(), actor=who.email
    )
    if closed is None:
        raise Conflict("No session goes on.", reason="no_session")
    return ChatSessionOut.model_validate(closed)


@router.get("/{conversation_id}/messages")
def read_messages(
    conversation_id: UUID, session: SessionDep, who: PrincipalDep, limit: LimitQuery = 50,
    cursor: Annotated[str | None, Query()] = None,
) -> MessagesOut:  # fmt: skip
    """Messages of a conversation, newest first, a page at a time."""
    conversations.get_conversation(session, who.business, conversation_id)
    rows, following = listing.list_messages(session, who.business, conversation_id, limit=limit, after=cursor)
    there = listing.sessions_of(session, who.business, {row.session_id for row in rows if row.session_id})
    return MessagesOut(
        messages=_told(session, who.business, rows),
        sessions=[ChatSessionOut.model_validate(one) for one in there], next_cursor=following,
    )  # fmt: skip


@router.post("/{conversation_id}/messages", status_code=201)
def send_message(
    conversation_id: UUID, body: ChatMessageIn, session: SessionDep, who: PrincipalDep
) -> MessageOut:
    """Send words, buttons or a template. The same key again returns the message that is there."""
    who.require(Role.AGENT)
    return _told(session, who.business, [_send(session, who, conversation_id, body)])[0]


@router.post("/{conversation_id}/files", status_code=201)
def send_file(
    conversation_id: UUID, who: PrincipalDep, file: Annotated[UploadFile, File()],
    key: Annotated[Key, Form()], caption: Annotated[str, Form(max_length=1_024)] = "",
) -> MessageOut:  # fmt: skip
    """Send a file: as a picture, film, voice or document, by what is in it. 413: it is too large."""
    who.require(Role.AGENT)
    message = writing.send_file(
        who, conversation_id, file.file, name=file.filename or "", caption=caption, key=key
    )
    return MessageOut.model_validate(message)


@router.post("/{conversation_id}/notes", status_code=201)
def write_note(conversation_id: UUID, body: ChatNoteIn, session: SessionDep, who: PrincipalDep) -> MessageOut:
    """Write a note that only the business's people see."""
    who.require(Role.AGENT)
    note = writing.write_note(session, who, conversation_id, body.text, key=body.key)
    return _told(session, who.business, [note])[0]


@router.post("/{conversation_id}/messages/{message_id}/again", status_code=201)
def send_again(
    conversation_id: UUID, message_id: UUID, body: AgainIn, session: SessionDep, who: PrincipalDep
) -> MessageOut:
    """Send a message anew that failed. 409 `confirm_again`: of this one nobody knows, it may arrive twice."""
    who.require(Role.AGENT)
    again = writing.send_again(session, who, conversation_id, message_id, confirmed=body.confirmed)
    return _told(session, who.business, [again])[0]


@router.post("/{conversation_id}/messages/{message_id}/take-back")
def take_back(conversation_id: UUID, message_id: UUID, session: SessionDep, who: PrincipalDep) -> MessageOut:
    """Let a message that still waits not go out. 409 `too_late`: it goes, or is gone."""
    who.require(Role.AGENT)
    message = writing.take_back(session, who, conversation_id, message_id)
    return _told(session, who.business, [message])[0]


@router.get("/{conversation_id}/messages/{message_id}/file", response_class=FileResponse)
def read_file(conversation_id: UUID, message_id: UUID, session: SessionDep, who: PrincipalDep) -> Response:
    """The bytes of a message's file: shown by the page if it can be, else to be saved."""
    writing.get_message(session, who.business, conversation_id, message_id)
    row, path = files.find(session, who.business, message_id)
    how = "inline" if files.is_shown(row.content_type) else "attachment"
    headers = {
        "content-disposition": f"{how}; filename*=UTF-8''{quote(row.name, safe='')}",
        "content-security-policy": _POLICY,
        "cache-control": "private, no-cache",
    }
    return FileResponse(path, media_type=row.content_type, headers=headers)


def _send(session: Session, who: PrincipalDep, conversation_id: UUID, body: ChatMessageIn) -> Message:
    if body.template is not None:
        return writing.send_template(session, who, conversation_id, body.template, key=body.key)
    content = Content(
        kind=MessageKind.BUTTONS if body.buttons else MessageKind.TEXT, text=body.text,
        choices=tuple(body.buttons), menu=body.menu, reply_to=body.reply_to,
    )  # fmt: skip
    return writing.send(session, who, conversation_id, content, key=body.key)


def _shown(session: Session, business_id: UUID, rows: Sequence[Conversation]) -> list[ConversationOut]:
    names = leads.names_of(session, business_id, {row.lead_id for row in rows if row.lead_id is not None})
    members = people.users_named(
        session, business_id, {row.assignee_id for row in rows if row.assignee_id is not None}
    )
    providers = {row.id: row.provider for row in accounts.list_accounts(session, business_id)}
    return [
        ConversationOut.model_validate(row).model_copy(
            update={
                "provider": providers[row.chat_account_id],
                "lead_name": None if row.lead_id is None else names.get(row.lead_id),
                "assignee_name": None if row.assignee_id is None else members[row.assignee_id].name,
            }
        )
        for row in rows
    ]


def _open(session: Session, row: Conversation) -> OpenConversationOut:
    (shown,) = _shown(session, row.business_id, [row])
    there = sessions.open_one(session, row)
    window_until: datetime | None = None
    if registry.chat(shown.provider).traits.has_window:
        window_until = (row.last_in_at or row.created_at - rules.WINDOW) + rules.WINDOW
    return OpenConversationOut(
        **shown.model_dump(), session=None if there is None else ChatSessionOut.model_validate(there),
        window_until=window_until, opted_out=outbound.is_suppressed(session, row.business_id, row.address),
    )  # fmt: skip


def _told(session: Session, business_id: UUID, rows: Sequence[Message]) -> list[MessageOut]:
    held = files.of_messages(session, business_id, [row.id for row in rows])
    told = []
    for row in rows:
        file = held.get(row.id)
        shown = None
        if file is not None:
            shown = FileOut.model_validate(file).model_copy(
                update={"is_shown": files.is_shown(file.content_type)}
            )
        told.append(MessageOut.model_validate(row).model_copy(update={"file": shown}))
    return told
