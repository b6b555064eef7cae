"""What a stand-in for a speaking model says, hears and does wrong, written down beforehand.

Shared by the stand-ins of all providers; knows none of their protocols.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

_NOISE = np.random.default_rng(11)
_QUOTED = re.compile("«(.*?)»", re.S)


@dataclass(frozen=True, slots=True)
class Speak:
    """Say this; every word lasts `word_ms`."""

    text: str
    word_ms: int = 300


@dataclass(frozen=True, slots=True)
class Obey:
    """Say word for word what stands between «» in what was told last, as a model does that is asked to."""


@dataclass(frozen=True, slots=True)
class Use:
    """Ask for a tool."""

    name: str
    arguments: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fail:
    """End this answer as failed, with the provider's code."""

    code: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer by an error event."""

    code: str
    message: str = "No."


@dataclass(frozen=True, slots=True)
class Stall:
    """Say and do nothing more on this connection, which stays open."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Cut the connection, without a close."""


@dataclass(frozen=True, slots=True)
class Leave:
    """Announce that the connection will end, where the protocol has a word for it, and close it then."""

    within_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Raw:
    """Send this as it stands, whatever it is."""

    text: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Think for so long."""

    seconds: float


Part = Speak | Obey | Use | Fail | Refuse | Stall | Drop | Leave | Raw | Pause
Answer = Sequence[Part]


@dataclass(slots=True)
class VoiceScript:
    """One stand-in's programme. Answers are taken in order, one for each time that one is asked for."""

    answers: deque[Answer] = field(default_factory=deque)
    caller_says: deque[str | None] = field(default_factory=deque)
    """How the caller's turns are written down; None: that fails. Without one: an empty text."""
    transcript_after_s: float = 0.05
    speed: float = 20.0
    """Sound is made so many times faster than it is spoken."""
    chunk_ms: int = 100

    def next_answer(self) -> Answer:
        """Return what to answer now."""
        return self.answers.popleft() if self.answers else (Speak("I have nothing more to say."),)

    def next_words(self) -> str | None:
        """Return what the caller is taken to have said."""
        return self.caller_says.popleft() if self.caller_says else ""


def wanted_words(told: str) -> str:
    """Return what stands between the last «» of something told."""
    found = _QUOTED.findall(told)
    return found[-1] if found else ""


def voiced(word_ms: int, rate: int) -> bytes:
    """Return a word's sound: noise with a little silence behind it. PCM, 16 bit, mono."""
    pause = rate // 50
    sound = _NOISE.uniform(-6000, 6000, rate * word_ms // 1000 - pause)
    return np.concatenate((sound, np.zeros(pause))).astype("<i2").tobytes()
