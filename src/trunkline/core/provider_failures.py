"""What providers have failed at in this process: counted, logged, and told to the call that it happened in.

Owns the count since the process began and the names of the reasons. Refuses to know providers, and what is
done about a failure: that is for the chains, which tell of it here.
"""

from __future__ import annotations

import enum
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial

from trunkline.core.telemetry import get_logger
from trunkline.providers.ports import TellFailure

log = get_logger(__name__)


class Part(enum.StrEnum):
    """What a provider was there for."""

    SPEECH_TO_TEXT = "speech_to_text"
    TEXT_TO_SPEECH = "text_to_speech"
    MODEL = "model"
    BRAIN = "brain"
    """One with a voice of its own, or any that could not go on."""


class Kind(enum.StrEnum):
    """Why it failed, as far as one would do something else about it."""

    REFUSED = "refused"
    """The key, the account, the model or the request: it will be refused again."""
    LIMITED = "limited"
    """Too much was asked at a time, or more than was paid for."""
    SILENT = "silent"
    """Nothing came in time."""
    BROKEN = "broken"
    """It could not be reached, broke off, or had a fault of its own."""
    UNREADABLE = "unreadable"
    """What came was nothing that can be used."""
    OTHER = "other"


class Then(enum.StrEnum):
    """What became of the work."""

    HANDED_OVER = "handed_over"
    """The next provider went on with it."""
    RECONNECTED = "reconnected"
    """The same provider went on with it on another connection, or was asked once more."""
    GAVE_UP = "gave_up"
    """Nobody went on with it."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One failure."""

    part: Part
    provider: str
    kind: Kind
    then: Then
    reason: str
    taken_over_by: str = ""


Listener = Callable[[Failure], None]

_counted: Counter[tuple[Part, str, Kind, Then]] = Counter()
_listener: ContextVar[Listener | None] = ContextVar("provider_failures", default=None)

_STATUS = re.compile(r"\b([45]\d\d)\b")
_WORDS: tuple[tuple[Kind, tuple[str, ...]], ...] = (
    (Kind.LIMITED, ("rate.?limit", "quota", "resource.?exhausted", "overloaded", "too many")),
    (Kind.BROKEN, ("connection refused", "connect call failed")),
    (Kind.SILENT, (
        "silen[tc]", r"no (sound|text|audio|transcript|last words) (for|within)", "time.?out", "timed out",
        "in time", "deadline",
    )),
    (Kind.UNREADABLE, (
        "cannot be read", "unreadable", "that is no s", "not with sound", "not what it was", "valueerror",
        "validation", "decode", "does not stop", "was asked for as",
    )),
    (Kind.REFUSED, (
        "refused", "authenti", "permission", "not.?found", "bad.?request", "invalid.?argument", "withheld",
        "blocked", "forbidden", "no voice to speak",
    )),
    (Kind.BROKEN, (
        "broke", "reached", "connect", "closed", "hung up", "unavailable", "internal", "died",
        "could not start", "no answer", "takes no", "expired", "protocol", "readerror", "reset",
        "server_error", "ended with", "at once",
    )),
)  # fmt: skip
_CLASSES = tuple((kind, re.compile("|".join(words), re.IGNORECASE)) for kind, words in _WORDS)


def kind_of(reason: str) -> Kind:
    """Return the class of a provider's reason: by the status of HTTP in it, else by its words."""
    if status := _STATUS.search(reason):
        return _kind_of_status(int(status[1]))
    return next((kind for kind, words in _CLASSES if words.search(reason)), Kind.OTHER)


def _kind_of_status(status: int) -> Kind:
    if status in {429, 529}:
        return Kind.LIMITED
    if status in {408, 504}:
        return Kind.SILENT
    return Kind.BROKEN if status >= 500 else Kind.REFUSED


def teller(part: Part) -> TellFailure:
    """Return what a chain of this part tells its failures to."""
    return partial(_told, part)


def _told(part: Part, provider: str, reason: str, taken_over_by: str) -> None:
    note(part, provider, reason, Then.HANDED_OVER if taken_over_by else Then.GAVE_UP, taken_over_by)


def note(part: Part, provider: str, reason: str, then: Then, taken_over_by: str = "") -> None:
    """Count a failure, log it, and tell the call in whose course it happened, if that listens."""
    failure = Failure(part, provider, kind_of(reason), then, reason, taken_over_by)
    _counted[part, provider, failure.kind, then] += 1
    log.warning(
        f"{part}_failed", provider=provider, kind=failure.kind, then=then, reason=reason, next=taken_over_by
    )
    if (listener := _listener.get()) is not None:
        listener(failure)


def counted() -> Mapping[tuple[Part, str, Kind, Then], int]:
    """Return how often what has happened since the process began."""
    return dict(_counted)


@contextmanager
def told_to(listener: Listener) -> Iterator[None]:
    """While the block runs, and in the tasks that begin in it, tell of each failure as well."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
