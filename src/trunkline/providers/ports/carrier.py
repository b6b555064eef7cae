"""The carrier's port: placing, finding, answering and ending telephone calls.

Synchronous, because jobs and request threads call it. Knows no carrier by name.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


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
