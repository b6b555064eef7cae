"""What of the inbox goes over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from trunkline.domain.inbox.account_models import AccountState, AiMode
from trunkline.domain.inbox.contents import Button, FilledTemplate
from trunkline.domain.inbox.models import (
    AnalysisState,
    CloseReason,
    ConversationState,
    Direction,
    FileState,
    MessageState,
    Offer,
    SourceKind,
)

Key = Annotated[str, Field(min_length=8, max_length=100)]
"""Chosen by the page: what is sent twice with one key goes out once."""
Label = Annotated[str, Field(min_length=1, max_length=50)]
_Words = Annotated[str, Field(max_length=10_000)]


class ConversationsQuery(BaseModel):
    """Which conversations are wanted."""

    model_config = ConfigDict(extra="forbid")

    state: Literal["waiting"] | ConversationState | None = None
    """`waiting`: all that are not resolved."""
    assignee: Literal["me", "nobody"] | UUID | None = None
    unread: bool = False
    """Only those in which something came in that nobody has seen."""
    needs_person: bool = False
    """Only those in which a person is wanted."""
    label: Label | None = None
    account_id: UUID | None = None
    lead_id: UUID | None = None
    search: str | None = Field(None, min_length=1, max_length=100)
    """A part of the person's name, or digits of their number."""
    cursor: str | None = None
    limit: int = Field(50, ge=1, le=200)


class ConversationCounts(BaseModel):
    """How many conversations there are to see to; more than a thousand are not counted."""

    open: int
    pending: int
    unread: int
    mine: int
    unassigned: int
    needs_person: int


class ChatSessionOut(BaseModel):
    """A stretch of a conversation between two silences."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    opened_at: datetime
    closes_at: datetime
    closed_at: datetime | None
    close_reason: CloseReason | None
    offer: Offer | None
    continues_id: UUID | None
    summary: str | None
    analysis_state: AnalysisState | None
    """`waiting`: a person is to decide; `no_model`, `failed`: nothing was made of it. Null: not yet."""


class ConversationOut(BaseModel):
    """A conversation as lists show it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    chat_account_id: UUID
    provider: str = ""
    address: str
    name: str
    """What the person calls themselves there."""
    lead_id: UUID | None
    lead_name: str | None = None
    """Null where there is no lead; empty where the lead has no name."""
    state: ConversationState
    assignee_id: UUID | None
    assignee_name: str | None = None
    ai_mode: AiMode
    needs_person: str | None
    """Why a person is wanted; null: nobody is."""
    labels: list[str]
    unread: int
    last_at: datetime
    last_in_at: datetime | None
    last_text: str
    last_direction: Direction | None
    created_at: datetime


class OpenConversationOut(ConversationOut):
    """A conversation with what one needs to write in it."""

    session: ChatSessionOut | None
    """The one that goes on."""
    window_until: datetime | None
    """Until when free words may go; null: always."""
    opted_out: bool
    """They want no messages: only what answers them may go."""


class ConversationsOut(BaseModel):
    """A page of conversations."""

    conversations: list[ConversationOut]
    next_cursor: str | None


class ConversationEdit(BaseModel):
    """What changes of a conversation; what is not named stays."""

    model_config = ConfigDict(extra="forbid")

    state: ConversationState = ConversationState.OPEN
    assignee_id: UUID | None = None
    ai_mode: AiMode = AiMode.OFF
    labels: list[Label] = Field(default_factory=list, max_length=20)


class FileOut(BaseModel):
    """The file of a message."""

    model_config = ConfigDict(from_attributes=True)

    state: FileState
    name: str
    content_type: str
    size: int | None
    reason: str | None
    """Why it cannot be had."""
    is_shown: bool = False
    """A page may show or play it itself."""


class MessageOut(BaseModel):
    """A message; instants are UTC."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    conversation_id: UUID
    session_id: UUID | None
    direction: Direction
    kind: str
    text: str
    content: dict[str, object]
    """What the words do not hold: `choices`, `template`, `choice`, `location`."""
    reply_to: str | None
    provider_id: str | None
    state: MessageState
    source: SourceKind | None
    author: str
    reason: str | None
    code: str | None
    detail: str | None
    tries: int
    at: datetime
    due_at: datetime
    sent_at: datetime | None
    delivered_at: datetime | None
    read_at: datetime | None
    file: FileOut | None = None


class MessagesOut(BaseModel):
    """A page of messages, newest first, and the sessions that they belong to."""

    messages: list[MessageOut]
    sessions: list[ChatSessionOut]
    next_cursor: str | None


class ChatMessageIn(BaseModel):
    """A message to be sent: words, words with buttons, or a template."""

    model_config = ConfigDict(extra="forbid")

    key: Key
    text: _Words = ""
    buttons: list[Button] = Field(default_factory=list, max_length=10)
    menu: str = Field("", max_length=20)
    """What stands on the button that opens a list of more than three."""
    template: FilledTemplate | None = None
    reply_to: str | None = Field(None, max_length=400)
    """The provider's id of the message that it answers."""


class ChatNoteIn(BaseModel):
    """A private note."""

    model_config = ConfigDict(extra="forbid")

    key: Key
    text: _Words = Field(min_length=1)


class AgainIn(BaseModel):
    """Another try with a message that did not go, or of which nobody knows."""

    model_config = ConfigDict(extra="forbid")

    confirmed: bool = False
    """It may arrive twice, and that is wanted."""


class ConversationIn(BaseModel):
    """A first message to a lead."""

    model_config = ConfigDict(extra="forbid")

    account_id: UUID
    lead_id: UUID
    address: str | None = Field(None, max_length=30)
    """One of the lead's numbers; null: their main one."""
    message: ChatMessageIn


class BegunOut(BaseModel):
    """A conversation, and the message that was written in it."""

    conversation: ConversationOut
    message: MessageOut


class CannedReplyIn(BaseModel):
    """Words that people of the business send often."""

    model_config = ConfigDict(extra="forbid")

    shortcut: str = Field(min_length=1, max_length=50, pattern=r"^[^\s/\x00]+$")
    text: str = Field(min_length=1, max_length=4_000)


class CannedReplyOut(BaseModel):
    """The same, kept."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    shortcut: str
    text: str
    created_by: str
    created_at: datetime


class AccountIn(BaseModel):
    """A number to write from."""

    model_config = ConfigDict(extra="forbid")

    provider: str = Field(max_length=50)
    address: str = Field(min_length=3, max_length=30)
    """The number."""
    account: str = Field("", max_length=64)
    """WhatsApp: the id of the phone number at Graph."""
    owner: str = Field("", max_length=64)
    """WhatsApp: the id of the WhatsApp Business Account."""
    key: SecretStr = SecretStr("")
    """WhatsApp: the access token."""
    secret: SecretStr = SecretStr("")
    """WhatsApp: the app's secret, by which events are signed."""
    name: str = Field("", max_length=100)


class KeysIn(BaseModel):
    """Other keys of a number."""

    model_config = ConfigDict(extra="forbid")

    key: SecretStr
    secret: SecretStr


class AccountEdit(BaseModel):
    """What changes of a number; what is not named stays."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field("", min_length=1, max_length=100)
    agent_id: UUID | None = None
    ai_mode: AiMode = AiMode.OFF
    session_minutes: int = Field(15, ge=1, le=24 * 60)
    return_days: int = Field(7, ge=0, le=365)


class AccountOut(BaseModel):
    """A number that the business writes from. Its keys are told to nobody."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    provider: str
    name: str
    address: str
    account: str
    owner: str
    key_last_four: str | None
    state: AccountState
    trouble: str | None
    subscribed_at: datetime | None
    closed_until: datetime | None
    agent_id: UUID | None
    ai_mode: AiMode
    session_minutes: int
    return_days: int
    created_by: str
    created_at: datetime


class HookOut(BaseModel):
    """Where a number's provider is to tell its events, for who enters it there by hand."""

    url: str
    verify_token: str


class TemplateOut(BaseModel):
    """A template as its provider last listed it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    language: str
    status: str
    category: str
    header: str
    body: str
    footer: str
    buttons: list[str]
    parameters: dict[str, object]
    """How many variables there are, `names` of them, and `variable_buttons`."""
    listed_at: datetime
