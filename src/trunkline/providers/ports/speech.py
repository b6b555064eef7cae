"""The ports of speech: recognisers, voices and the detector of human voice.

Asynchronous, because the live call uses them. Audio is always PCM, signed 16 bit little endian,
mono, 8 kHz: 16 bytes are one millisecond.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

SAMPLE_RATE = 8_000
"""Samples a second of every audio buffer that crosses a port."""


@dataclass(frozen=True, slots=True)
class Voice:
    """How the agent sounds. `name` is the speech provider's own name of a voice."""

    language: str
    name: str = ""
    words_per_minute: int = 150
    provider: str = ""
    """Who is to speak, of several voices that there are; empty: the first of them."""
    names: Mapping[str, str] = field(default_factory=dict, hash=False)
    """What the voice is called at other providers, which speak where that one cannot."""


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
    later: Callable[[], Awaitable[Transcript]] | None = None
    """Waits for the text, where it comes later since the sound itself was understood. Raises SpeechFailed."""


class Utterance(Protocol):
    """One stretch of the caller's speech on its way to being text."""

    def feed(self, pcm: bytes) -> None:
        """Take more audio. Never blocks and never fails; trouble surfaces in `finish`."""

    @property
    def text_so_far(self) -> str:
        """What has been made out by now; it may still change. Empty where nothing is known before the end."""
        ...

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


@runtime_checkable
class BatchedVoiceActivity(VoiceActivity, Protocol):
    """A detector that judges the windows of many calls together, a few milliseconds after they came."""

    def judge(self, pcm: bytes, then: Callable[[float], None]) -> None:
        """Have this window judged; `then` is told on the same loop, in the order of the windows."""


class EndOfTurn(Protocol):
    """A model that hears whether somebody has finished speaking, shared by all calls of a process."""

    async def over(self, pcm: bytes) -> float | None:
        """Return how likely the turn that ends with this audio is over, 0 to 1; None where it cannot say.

        Never blocks the loop and never raises.
        """

    async def close(self) -> None: ...


class SpeechFailed(Exception):
    """A speech provider could not do its work; the call goes on without that sentence."""
