"""What the stand-ins for speech providers do next: what they have heard, how they sound, and what goes wrong.

Plain data that a test, or a file given to a stand-in's process, fills. Knows no provider's protocol.
"""

from __future__ import annotations

import enum
import json
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np


class Fault(enum.StrEnum):
    """What goes wrong with one utterance or one sentence. Each stand-in says which of them it has."""

    REFUSE = "refuse"
    """The key is not taken: 401, or what the protocol has for it."""
    ERROR = "error"
    """The provider's own message that it cannot go on."""
    STALL = "stall"
    """Nothing comes any more, and nothing is closed."""
    CLOSE = "close"
    """The connection is dropped without a word."""
    END = "end"
    """The connection is ended in good order before all has come; with `after_ms`, what has come is told."""
    NONSENSE = "nonsense"
    """What comes cannot be read, or is something else than was asked for."""
    HUGE = "huge"
    """What comes is far larger than it has any right to be."""
    REORDERED = "reordered"
    """What belongs to the audio of before comes late, in between."""
    SILENT = "silent"
    """Everything is final before the end, and nothing answers that it is, where the protocol lets it."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What becomes of one utterance. `{ms}` in a text stands for the milliseconds of audio that came."""

    text: str = "{ms}"
    interim: tuple[str, ...] = ()
    """Told one after the other while audio comes."""
    confidence: float = 0.9
    fault: Fault | None = None
    after_ms: int = 0
    """So much audio comes before the fault."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """What becomes of one text that is to be spoken."""

    fault: Fault | None = None
    after_ms: int = 0
    """So much of it is spoken before the fault."""


@dataclass(slots=True)
class Hearing:
    """A recogniser's plan: the turns in order, then an ordinary one each; and what it was asked."""

    turns: deque[Turn] = field(default_factory=deque)
    api_key: str = "key"
    every_ms: int = 100
    """An interim result, and a piece of what is final, at each so much audio."""
    asked: list[dict[str, Any]] = field(default_factory=list)
    """The settings of each utterance, or of each connection, as they came."""
    heard_ms: list[int] = field(default_factory=list)
    """How much audio each finished utterance had."""
    pieces_ms: list[float] = field(default_factory=list)
    """How much audio each message had, where the stand-in tells."""
    connections: int = 0
    """Opened since the beginning."""
    live: int = 0
    """Open now."""
    kept_alive: int = 0

    def plan(self, *turns: Turn) -> None:
        """Put these in line."""
        self.turns.extend(turns)

    def next_turn(self) -> Turn:
        return self.turns.popleft() if self.turns else Turn()


@dataclass(slots=True)
class Voicing:
    """A voice's plan: the sentences in order, then ordinary ones; and what it was asked."""

    sentences: deque[Sentence] = field(default_factory=deque)
    api_key: str = "key"
    ms_per_letter: int = 60
    amplitude: int = 6_000
    piece_ms: int = 40
    pace: float = 0.0
    """Seconds of waiting for each second of sound; 0 sends as fast as it is taken."""
    asked: list[dict[str, Any]] = field(default_factory=list)
    whole: int = 0
    """Sentences that were spoken to their end."""
    cut: int = 0
    """Those that the other side did not wait for."""

    def plan(self, *sentences: Sentence) -> None:
        """Put these in line."""
        self.sentences.extend(sentences)

    def next_sentence(self) -> Sentence:
        return self.sentences.popleft() if self.sentences else Sentence()

    def sound(self, text: str, rate_hz: int) -> np.ndarray[Any, np.dtype[np.int16]]:
        """Return a text's sound: a tone of its length, of which each stretch tells where it is from."""
        seconds = np.arange(rate_hz * len(text) * self.ms_per_letter // 1000) / rate_hz
        made: np.ndarray[Any, np.dtype[np.int16]] = (
            self.amplitude * np.sin(2 * np.pi * 300 * seconds)
        ).astype("<i2")
        return made


def read_turns(file: Path) -> Iterable[Turn]:
    """Read `[{"text", "interim"?, "confidence"?, "fault"?, "after_ms"?}]`. Raises ValueError, TypeError."""
    for row in json.loads(file.read_text(encoding="utf-8")):
        fault = row.pop("fault", None)
        yield Turn(**{**row, "interim": tuple(row.get("interim", ()))}, fault=Fault(fault) if fault else None)
