"""The ports: everything Trunkline asks of the outside world, in our own words.

Owns the protocols and the plain data that cross them. Knows no provider: a module that
speaks Twilio, espeak or OpenAI implements these and is built by a factory that a process
registers at start. Carriers are synchronous, because jobs call them; speech and brains are
asynchronous, because the live call does.

Audio is always PCM, signed 16 bit little endian, mono, 8 kHz: 16 bytes are one millisecond.
"""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

SAMPLE_RATE = 8_000
"""Samples a second of every audio buffer that crosses a port."""


# --- Carrier: telephone calls ------------------------------------------------------------


class CallStatus(enum.StrEnum):
    """Where a call stands at the carrier. The values are Twilio's, which others map onto."""

    QUEUED = "queued"
    INITIATED = "initiated"
    RINGING = "ringing"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    BUSY = "busy"
    FAILED = "failed"
    NO_ANSWER = "no-answer"
    CANCELED = "canceled"

    @property
    def is_final(self) -> bool:
        """True when the carrier will say nothing more about the call."""
        return self in _FINAL_STATUSES


_FINAL_STATUSES = frozenset(
    {CallStatus.COMPLETED, CallStatus.BUSY, CallStatus.FAILED, CallStatus.NO_ANSWER, CallStatus.CANCELED}
)


@dataclass(frozen=True, slots=True)
class CallOrder:
    """One call to be placed.

    `answer_url` is fetched when the callee answers, `status_url` receives each change of
    status. Both carry the attempt's signed token in their query.
    """

    to: str
    from_: str
    answer_url: str
    status_url: str
    ring_timeout_s: int = 60
    key: str = ""
    """The attempt's own; a carrier that knows idempotency keys is given it."""
    machine_url: str = ""
    """Where the carrier tells, while the call goes on, who has answered; empty: it is not to find out."""


@dataclass(frozen=True, slots=True)
class CarrierCall:
    """A call as the carrier's own listing shows it."""

    sid: str
    to: str
    from_: str
    status: CallStatus
    created_at: datetime | None
    """None while the carrier has the call queued."""


@dataclass(frozen=True, slots=True)
class CallReport:
    """What one status callback said. `sequence` orders reports of one call, if given."""

    sid: str
    status: CallStatus
    to: str
    from_: str
    direction: str
    duration_s: int | None = None
    sequence: int | None = None


class AnsweredBy(enum.StrEnum):
    """Who has answered a call, as far as the carrier could tell."""

    HUMAN, MACHINE, FAX, UNKNOWN = "human", "machine", "fax", "unknown"


@dataclass(frozen=True, slots=True)
class AnswerReport:
    """Who has answered a call, and how long after the answer the carrier knew."""

    sid: str
    answered_by: AnsweredBy
    took_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The body of our reply to a carrier that asks what to do with a call."""

    body: str
    content_type: str


class CarrierRefused(Exception):
    """The carrier said a definite no: the call was not placed and will not ring.

    `retry_after_s` is set when the refusal is not about this call but about pace, the account or the
    way to the carrier: the same call may go through later.
    """

    def __init__(self, message: str, *, code: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after_s = retry_after_s


class CarrierUncertain(Exception):
    """Nobody knows whether the call was placed: a timeout, a 5xx, an unreadable reply."""


@dataclass(frozen=True, slots=True)
class CarrierCapabilities:
    """What a carrier can promise; dialling rules read these and never a provider's name."""

    idempotency_key: bool
    """An order that is repeated with the same key is placed once, so doubt is ended by asking again."""
    lists_calls: bool
    """It tells which calls it has placed, so that one in doubt can be found."""
    hangs_up: bool
    """A call can be ended, ringing or live."""
    detects_machines: bool = False
    """It finds out who has answered while the call goes on, and tells `CallOrder.machine_url`."""


class Carrier(Protocol):
    """A telephone company. Every method blocks and is called from jobs or request threads."""

    @property
    def capabilities(self) -> CarrierCapabilities: ...

    def place_call(self, order: CallOrder) -> str:
        """Place the call with exactly one request and return the carrier's call id.

        Raises CarrierRefused or CarrierUncertain; never retries by itself.
        """

    def find_calls(self, *, to: str, from_: str, since: datetime) -> Sequence[CarrierCall]:
        """List calls of this pair of numbers begun or queued since then (with slack for date-granular
        filters and for queued calls that have no start yet). Raises CarrierUncertain."""

    def fetch_call(self, sid: str) -> CarrierCall | None:
        """Return the call as it stands, or None if the carrier does not know it."""

    def hang_up(self, sid: str) -> None:
        """End a call, ringing or live. A call that is over already is no error."""

    def stream_answer(self, *, url: str, parameters: Mapping[str, str]) -> Answer:
        """Connect the call's audio to our media socket, handing it these parameters."""

    def say_answer(self, *, text: str, language: str) -> Answer:
        """Speak one sentence with the carrier's own voice, then hang up."""

    def reject_answer(self) -> Answer:
        """Refuse the call without answering it."""

    def hang_up_answer(self) -> Answer:
        """Answer and end the call at once."""

    def verify_signature(self, *, url: str, form: Mapping[str, str], signature: str) -> bool:
        """Check a request's signature over the exact public URL and its form fields.

        A media socket's request has a `wss://` URL and an empty form.
        """

    def read_report(self, form: Mapping[str, str]) -> CallReport:
        """Read a voice or status callback. Raises ValueError, naming the field, if it is malformed."""

    def read_answered_by(self, form: Mapping[str, str]) -> AnswerReport:
        """Read what came to `CallOrder.machine_url`. Raises ValueError, naming the field, if malformed."""


# --- Speech ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Voice:
    """How the agent sounds. `name` is the speech provider's own name of a voice."""

    language: str
    name: str = ""
    words_per_minute: int = 150


@dataclass(frozen=True, slots=True)
class Grammar:
    """What the agent expects to hear next: every phrase, in lower case, without punctuation.

    A recogniser bound to grammars hears one of them or nothing; others take them as hints.
    """

    phrases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a recogniser made of an utterance. Empty text means: nothing it could make out."""

    text: str
    confidence: float
    """0 to 1; 1 where the recogniser gives none."""


class Utterance(Protocol):
    """One stretch of the caller's speech on its way to being text."""

    def feed(self, pcm: bytes) -> None:
        """Take more audio. Never blocks and never fails; trouble surfaces in `finish`."""

    async def finish(self) -> Transcript:
        """The speech has ended: return its text. Raises SpeechFailed."""

    def cancel(self) -> None:
        """Forget the utterance and free what it holds. Safe to call at any time, also twice."""


class SpeechToText(Protocol):
    """A recogniser, shared by all calls of a process."""

    def open(self, *, language: str, grammar: Grammar | None) -> Utterance:
        """Begin an utterance. Never blocks. Raises ValueError for a language it does not have."""

    async def close(self) -> None: ...


class TextToSpeech(Protocol):
    """A voice, shared by all calls of a process."""

    def speak(self, text: str, voice: Voice) -> AsyncIterator[bytes]:
        """Yield PCM as it is made, in pieces of any even length. Raises SpeechFailed.

        Closing the iterator early stops the work.
        """

    async def close(self) -> None: ...


class VoiceActivity(Protocol):
    """One call's detector of human voice; keeps state between windows."""

    window_samples: int
    """Samples that one call of `probability` takes."""

    def probability(self, pcm: bytes) -> float:
        """Return how likely this window holds speech, 0 to 1. Takes well under a millisecond."""


class SpeechFailed(Exception):
    """A speech provider could not do its work; the call goes on without that sentence."""


# --- Brain -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool answered. A tool that fails says so in `data["error"]` with `ok` False."""

    ok: bool
    data: Mapping[str, Any]


ToolRunner = Callable[[str, Mapping[str, Any]], Awaitable[ToolResult]]
"""Runs one of the agent's tools by name. Never raises: trouble is a ToolResult that is not ok."""


@dataclass(frozen=True, slots=True)
class CallBrief:
    """Everything a brain may know about the call it holds; built before the call connects."""

    call_id: str
    direction: str
    """`inbound` or `outbound`."""
    language: str
    business_name: str
    greeting: str
    instructions: str
    """The prompt of a model-driven brain; unused by the scripted one."""
    script: Mapping[str, Any] | None
    """The dialogue of the scripted brain (see `kit.dialogue`)."""
    tools: tuple[str, ...]
    local_now: datetime
    """Now, in the business's time zone."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Names that greetings and prompts may mention, such as `lead_name`."""
    disclosure: str = ""
    """What the law or the business wants said before all else: that an AI speaks, for instance."""

    def filled(self, text: str) -> str:
        """Fill in a text's names. A brace of its own that names nothing is spoken as it stands."""
        for name, value in {**self.variables, "business_name": self.business_name}.items():
            text = text.replace(f"{{{name}}}", value)
        return text


@dataclass(frozen=True, slots=True)
class Say:
    """Speak this. Consecutive Says form one turn of the agent."""

    text: str


@dataclass(frozen=True, slots=True)
class Listen:
    """The agent has said its piece and expects an answer, spoken or keyed."""

    grammar: Grammar | None
    digits: int = 0
    """How many keypad digits make an answer; 0 where the keypad is not offered."""


@dataclass(frozen=True, slots=True)
class Note:
    """A fact of the call that belongs in its record, such as its disposition."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class HangUp:
    """The conversation is over: end the call once everything said has been heard."""

    reason: str


Act = Say | Listen | Note | HangUp


class InputKind(enum.StrEnum):
    """By which way an answer came."""

    SPEECH = "speech"
    DIGITS = "digits"
    SILENCE = "silence"
    """The caller said nothing for as long as the watchdog waits."""
    MACHINE = "machine"
    """What answered is no person: a `beep` or a `greeting` too long for one, named by the text."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The caller's turn as the brain receives it. Empty text: something was said, unintelligible."""

    kind: InputKind
    text: str
    confidence: float = 1.0


class Conversation(Protocol):
    """One call's train of thought. Its iterators are closed early when the caller interrupts."""

    def begin(self) -> AsyncIterator[Act]:
        """Open the call: greeting, first question."""

    def hear(self, heard: Heard) -> AsyncIterator[Act]:
        """Answer the caller's turn."""

    def interrupted(self, said: str) -> None:
        """The caller cut the agent short; `said` is what they did hear of the last turn."""


class Brain(Protocol):
    """A way to hold conversations: scripted, or driven by a language model."""

    def open(self, brief: CallBrief, tools: ToolRunner) -> Conversation:
        """Begin a conversation. Never blocks. Raises ValueError on a brief it cannot use."""
