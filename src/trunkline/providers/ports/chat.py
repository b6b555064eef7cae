"""The port of chat: written messages to and from one person, by WhatsApp or SMS.

What goes out is taken, refused for a reason that says what to do, or nobody knows; what comes in is read from
the provider's signed bytes. Synchronous, because jobs and request threads call it. Knows no provider by name,
no business and no conversation.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol


class MessageKind(enum.StrEnum):
    """What a message is made of."""

    TEXT = "text"
    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    DOCUMENT = "document"
    STICKER = "sticker"
    LOCATION = "location"
    CONTACTS = "contacts"
    BUTTONS = "buttons"
    """Out: text with up to three buttons, or a list to choose from."""
    CHOICE = "choice"
    """In: which button or list item was chosen."""
    REACTION = "reaction"
    TEMPLATE = "template"
    """Out: text that the provider approved, with its variables."""
    UNSUPPORTED = "unsupported"
    """In: something the provider does not hand over."""


class Refusal(enum.StrEnum):
    """Why a provider does not take a message; each asks for something else."""

    RATE = "rate"
    """Too much at once: the same again later. Nothing was sent."""
    LATER = "later"
    """Its trouble of the moment: the same again later. Nothing was sent."""
    WINDOW = "window"
    """The person has not written for 24 hours: only a template goes."""
    OPTED_OUT = "opted_out"
    """The person does not want messages."""
    NO_SUCH_PERSON = "no_such_person"
    """Nobody can be reached at this address."""
    MESSAGE = "message"
    """It is at fault itself: too long, a template that does not fit, a file that is not taken."""
    ACCOUNT = "account"
    """Whoever sends may not: an expired key, a blocked number, a bill. The next would fail too."""


class ChatRefused(Exception):
    """A definite no: nothing was sent. `code` is the provider's own, for people who look it up."""

    def __init__(
        self, message: str, *, refusal: Refusal, code: str, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.refusal = refusal
        self.code = code
        self.retry_after_s = retry_after_s
        """When the provider wants to be asked again, if it says so."""


class ChatUncertain(Exception):
    """Nobody knows whether it was taken: no answer, or one that says neither. It is not to be sent again."""


@dataclass(frozen=True, slots=True)
class ChatAccount:
    """A number that a business writes from, and what proves that it may. Opened from the vault, not kept."""

    address: str
    """The number, E.164."""
    account: str
    """WhatsApp: the id of the phone number at Graph. SMS: the account (Twilio) or messaging profile (Telnyx);
    empty, like the keys: the installation's own."""
    owner: str
    """WhatsApp: the id of the WhatsApp Business Account, which has the templates. SMS by Twilio: the
    messaging service that chooses among numbers, or empty."""
    key: str
    """The access token, or the carrier's own secret."""
    secret: str
    """What the provider signs its events with (WhatsApp: the app's secret)."""


@dataclass(frozen=True, slots=True)
class OutFile:
    """A file that goes out: where it lies here, and as what."""

    path: Path
    content_type: str
    name: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A button, or an item of a list, by which a person answers."""

    key: str
    title: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class TemplateUse:
    """An approved template, filled in: body, header and buttons have their own variables, in order."""

    name: str
    language: str
    body: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    header_file: OutFile | None = None
    buttons: tuple[str, ...] = ()
    """For each button, in their order, what stands in its variable part; empty where it has none."""
    names: tuple[str, ...] = ()
    """Of a template whose variables have names (`Template.names`): those, the header's first."""


@dataclass(frozen=True, slots=True)
class OutMessage:
    """One message to one person."""

    to: str
    """E.164."""
    kind: MessageKind
    reference: str
    """Our own id of it; a provider that can gives it back with each receipt."""
    text: str = ""
    """The words; of a file its caption."""
    file: OutFile | None = None
    choices: tuple[Choice, ...] = ()
    """Shown as buttons; as a list if they are more than fit, or one has a description."""
    menu: str = ""
    """What stands on the button that opens the list of choices."""
    template: TemplateUse | None = None
    reply_to: str | None = None
    """The provider's id of the message that it answers."""
    status_url: str = ""
    """Where a carrier is to tell what became of it; a provider with one address for all ignores it."""


@dataclass(frozen=True, slots=True)
class InFile:
    """A file that came in and still lies at the provider."""

    handle: str
    """By which the provider gives it out: an id, or an address of its own."""
    content_type: str
    name: str
    sha256: str | None
    """Hexadecimal, where the provider says it."""


@dataclass(frozen=True, slots=True)
class InMessage:
    """A message from a person, in our words."""

    id: str
    """The provider's: the same for the same message told again."""
    account: str
    """Which of the business's numbers it went to: of WhatsApp its id, of SMS the number itself."""
    from_: str
    """E.164."""
    name: str
    """What the person calls themselves there; empty: not known."""
    at: datetime
    kind: MessageKind
    text: str
    """Words, caption, the title of a choice, or the emoji of a reaction (empty: it was taken back)."""
    choice: str | None = None
    """The key of what was chosen."""
    file: InFile | None = None
    reply_to: str | None = None
    location: tuple[float, float] | None = None
    """Latitude and longitude."""


class ReceiptState(enum.StrEnum):
    """How far a message got, in this order; `failed` ends it wherever it is."""

    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a message that went out."""

    id: str
    """The provider's id of the message."""
    account: str
    """Which of the business's numbers it went from, as in `InMessage.account`."""
    to: str
    state: ReceiptState
    at: datetime
    reference: str | None
    """Our own id, where the provider gives it back."""
    refusal: Refusal | None = None
    code: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class TemplateNews:
    """A template was approved, refused, paused or changed: the list is to be read again."""

    owner: str


ChatEvent = InMessage | Receipt | TemplateNews


@dataclass(frozen=True, slots=True)
class Template:
    """A template as the provider lists it."""

    name: str
    language: str
    status: str
    """The provider's word in small letters; only `approved` can be sent."""
    category: str
    header: str
    """Text of the header, or the kind of file that stands there in brackets: `[image]`."""
    body: str
    """With its variables as `{{1}}`."""
    footer: str
    buttons: tuple[str, ...]
    parameters: Mapping[str, int]
    """How many variables there are: `header`, `body`, `buttons`."""
    variable_buttons: tuple[int, ...] = ()
    """Which buttons have a variable part, by their places, from 0."""
    names: tuple[str, ...] = ()
    """What the variables are called, the header's first; none: they have numbers."""


@dataclass(frozen=True, slots=True)
class ChatTraits:
    """What a provider can and takes."""

    files: Mapping[MessageKind, int]
    """Kinds of file that it takes, with the most bytes of one."""
    content_types: Mapping[MessageKind, frozenset[str]]
    """What of each kind of file it takes."""
    has_templates: bool
    has_window: bool
    """Free words only go within 24 hours of the person's last message."""
    has_choices: bool
    longest_text: int
    echoes_reference: bool
    """Receipts bear our own id: a message of which nobody knew is known by it later."""


class Chat(Protocol):
    """Sends, and reads what comes in, for any account of one provider."""

    @property
    def traits(self) -> ChatTraits: ...

    def send(self, account: ChatAccount, message: OutMessage) -> str:
        """Hand a message over once and return the provider's id. Raises ChatRefused and ChatUncertain.

        Files are uploaded first; only the last request sends, and it is never repeated here.
        """
        ...

    def download(self, account: ChatAccount, file: InFile, into: Path, *, most_bytes: int) -> str:
        """Fetch a file that came in, and return its content type. Raises ChatRefused and ChatUncertain."""
        ...

    def mark_read(self, account: ChatAccount, message_id: str) -> None:
        """Show the person that theirs was read, where there is such a thing. Raises as `send`."""
        ...

    def templates(self, account: ChatAccount) -> Sequence[Template]:
        """Return the account's templates; none where there are none. Raises ChatRefused and ChatUncertain."""
        ...

    def check(self, account: ChatAccount) -> str:
        """Return what the provider calls this number. Raises ChatRefused and ChatUncertain."""
        ...

    def subscribe(self, account: ChatAccount, *, url: str, verify_token: str) -> None:
        """Have the provider tell events of this account to an address of ours, where it can be told so."""
        ...

    def handshake(self, query: Mapping[str, str], *, verify_token: str) -> str | None:
        """Return what proves to the provider that the address is ours; None: it is not to be proved."""
        ...

    def is_signed(self, account: ChatAccount, body: bytes, headers: Mapping[str, str], *, url: str) -> bool:
        """Return whether these raw bytes are the provider's own, by their signature."""
        ...

    def read(self, body: bytes) -> Sequence[ChatEvent]:
        """Return what happened, in the order told; groups and what is not for us are left out.

        Raises ValueError for bytes that are no event of this provider's.
        """
        ...
