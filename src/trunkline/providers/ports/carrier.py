"""The carrier's port: placing, finding, answering and ending telephone calls.

There are two kinds. One asks what to do with a call and does what the reply says, a document; the other
tells what has happened and is sent commands. An `Answer` is either, and whoever decides over a call need
not know which: what a carrier's door receives is read by `AskingCarrier` or `TellingCarrier`.

Synchronous, because jobs and request threads call it. Knows no carrier by name.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID


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
    events_url: str = ""
    """Where a carrier that tells what happens is to tell it, in place of the other addresses."""
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
class Command:
    """One thing that a carrier is told to do with a call: in its own words, made by its provider."""

    name: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is to be done with a call: a document that its carrier reads, or commands that it is sent."""

    body: str = ""
    content_type: str = ""
    commands: tuple[Command, ...] = ()


@dataclass(frozen=True, slots=True)
class DialReport:
    """How the leg that an answer dialled ended: the colleague's, not the caller's."""

    sid: str
    """Of the caller's call."""
    status: CallStatus
    duration_s: int | None = None
    call_is_over: bool = False
    """The caller is gone as well: nothing that is answered will be done."""


@dataclass(frozen=True, slots=True)
class RecordingReport:
    """A recording that the carrier has made and keeps."""

    sid: str
    """Of the call."""
    recording_sid: str
    url: str
    duration_s: int
    is_complete: bool
    """False: nothing was recorded, or it has only just begun."""


@dataclass(frozen=True, slots=True)
class CarrierEvent:
    """One thing that a carrier tells of a call. What it does not tell of is None."""

    sid: str
    is_offered: bool = False
    """Somebody calls us, and waits for what we do."""
    report: CallReport | None = None
    answered_by: AnswerReport | None = None
    then_url: str | None = None
    """An answer has been carried out, and this is the `then_url` that it was given. Empty: the call ends."""
    dial: DialReport | None = None
    """How the leg that the answer dialled ended. `sid` is that leg's."""
    trouble: str = ""
    """What went wrong with a stream."""


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
    transfers: bool = False
    """A live call can be given another answer: dialled onwards, held, played digits, spoken to."""
    conferences: bool = False
    """Several calls can be joined in one conference."""
    records: bool = False
    """It records: a message after a tone, and a live call on two channels."""
    replies: bool = True
    """What to do with a call is the reply to its question; otherwise it is told by `Carrier.redirect`."""


class Carrier(Protocol):
    """A telephone company. Every method blocks and is called from jobs or request threads.

    What a carrier's capabilities exclude raises CarrierRefused.
    """

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

    def redirect(self, sid: str, answer: Answer, *, key: UUID | None = None) -> None:
        """Give a live call another answer in place of what it is doing; a stream it has is ended.

        A carrier that knows commands again by their key carries out those of one key once.
        Raises CarrierRefused or CarrierUncertain. A call that is over is refused.
        """

    def start_recording(self, sid: str, *, status_url: str) -> str:
        """Record a live call, each side on a channel of its own; return the recording's id.

        Raises CarrierRefused or CarrierUncertain.
        """

    def stop_recording(self, sid: str, recording_sid: str) -> None:
        """End a recording. One that is over is no error. Raises CarrierRefused or CarrierUncertain."""

    def stream_answer(
        self,
        *,
        url: str,
        parameters: Mapping[str, str],
        then_url: str = "",
        status_url: str = "",
        resumes: bool = False,
    ) -> Answer:
        """Connect the call's audio to our media socket, handing it these parameters.

        `resumes`: the call was at something else meanwhile, such as music, which ends.

        When we close the socket, `then_url` is asked what is next; empty: the call ends. `status_url`
        is told when the stream begins, stops or fails.
        """

    def dial_answer(
        self, *, to: str, from_: str, ring_timeout_s: int, longest_s: int, then_url: str
    ) -> Answer:
        """Call somebody and join the two; `then_url` is told how that ended and asked what is next."""

    def digits_answer(self, *, digits: str, then_url: str) -> Answer:
        """Send keys down the line (`w` waits half a second), then ask `then_url`."""

    def hold_answer(self, *, music_url: str, then_url: str, times: int = 0) -> Answer:
        """Play music, `times` over or until the call is redirected (0), then ask `then_url`."""

    def record_answer(
        self, *, text: str, language: str, longest_s: int, then_url: str, recording_url: str
    ) -> Answer:
        """Say this, then record a message after a tone; `recording_url` is told when the carrier has it."""

    def conference_answer(
        self, *, name: str, begins: bool, ends: bool, music_url: str, then_url: str
    ) -> Answer:
        """Put the call into a conference: whether it begins with this party, and ends when it leaves.

        Who waits for it to begin hears the music. `then_url` is asked when the party has left.
        """

    def ask_answer(self, *, text: str, language: str, digits: int, then_url: str) -> Answer:
        """Say this and wait for keys; `then_url` is told which, and asked too when none came."""

    def say_answer(self, *, text: str, language: str) -> Answer:
        """Speak one sentence with the carrier's own voice, then hang up."""

    def reject_answer(self) -> Answer:
        """Refuse the call without answering it."""

    def hang_up_answer(self) -> Answer:
        """Answer and end the call at once."""


class AskingCarrier(Carrier, Protocol):
    """A carrier that asks what to do: its requests are signed forms, and our replies are documents."""

    def verify_signature(self, *, url: str, form: Mapping[str, str], signature: str) -> bool:
        """Check a request's signature over the exact public URL and its form fields.

        A media socket's request has a `wss://` URL and an empty form.
        """

    def read_report(self, form: Mapping[str, str]) -> CallReport:
        """Read a voice or status callback. Raises ValueError, naming the field, if it is malformed."""

    def read_dial_report(self, form: Mapping[str, str]) -> DialReport:
        """Read what came to `then_url` of a `dial_answer`. Raises ValueError, naming the field."""

    def read_digits(self, form: Mapping[str, str]) -> str:
        """Read which keys came to `then_url` of an `ask_answer`; empty: none."""

    def read_recording(self, form: Mapping[str, str]) -> RecordingReport:
        """Read what came to a recording's address. Raises ValueError, naming the field."""

    def read_answered_by(self, form: Mapping[str, str]) -> AnswerReport:
        """Read what came to `CallOrder.machine_url`. Raises ValueError, naming the field, if malformed."""


class TellingCarrier(Carrier, Protocol):
    """A carrier that tells what has happened, in signed events, and is sent commands."""

    def verify_event(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Check an event's signature, which must be fresh, over exactly these bytes."""

    def read_event(self, body: bytes) -> CarrierEvent | None:
        """Read an event; None: it is about nothing that concerns us. Raises ValueError, naming the field."""

    def read_state(self, state: str) -> str:
        """Return the `then_url` of the stream that began with this state; empty: none."""

    def pick_up_answer(self) -> Answer:
        """Answer a call that is offered; that it is answered is told."""
