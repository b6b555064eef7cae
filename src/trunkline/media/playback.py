"""What the caller has heard: a said piece's way from frames to the ear, and its words on the way.

Owns `Piece`, the account of one sentence, and the word-accurate estimate of how much of it was
heard. Pure: it is told what time it is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from trunkline.kit.audio import FRAME_MS
from trunkline.providers.ports import Speaking

_FRAME_S = FRAME_MS / 1000
_LETTERS_A_SECOND = 14.0
"""How fast a voice speaks, where the sentence's length is not known yet."""
_PAUSE = {",": 3.0, ";": 3.0, ":": 3.0, ".": 6.0, "?": 6.0, "!": 6.0}
"""A pause at punctuation, in letters."""
_LEAST_PAUSE = 2
"""Silent frames at a punctuation mark that make it a pause one can count on."""


@dataclass(slots=True, eq=False)
class Piece:
    """What the agent says at a stretch, to the caller's ear. Times are the loop's, in seconds."""

    said: str | Speaking
    """A sentence for the voice, or sound with words that may come behind it."""
    frames: deque[bytes] = field(default_factory=deque)
    """Audio that waits for its turn on the wire."""
    rest: bytes = b""
    """Audio short of a whole frame."""
    made: int = 0
    """Frames that the voice has produced."""
    sent: int = 0
    """Frames that went out."""
    first_voiced: int = -1
    last_voiced: int = -1
    voiced: bytearray = field(default_factory=bytearray)
    """One for every frame made: 1 where the voice sounds, 0 where it pauses."""
    complete: bool = False
    """The voice has said all of it."""
    failed: bool = False
    """The voice could not say it, or not all of it."""
    cut: bool = False
    """Thrown away by an interruption or the end of the call."""
    protected: bool = False
    """It goes out whole: keys that were half sent are other keys."""
    played: bool = False
    """The carrier has confirmed that all of it was played."""
    first_audio_at: float | None = None
    first_sent_at: float | None = None
    plays_until: float = 0.0
    """When the last frame sent so far will have been played."""

    @property
    def text(self) -> str:
        """The words of the piece, as far as they are known."""
        return self.said if isinstance(self.said, str) else self.said.text

    @property
    def length_s(self) -> float:
        """Seconds of audio that went out."""
        return self.sent * _FRAME_S

    def played_s(self, now: float) -> float:
        """Return how much of the piece has reached the caller, in seconds of its audio."""
        return max(0.0, self.sent * _FRAME_S - max(0.0, self.plays_until - now))

    def heard(self, now: float) -> str:
        """Return the words of the piece that the caller has heard by now."""
        if self.failed and not self.made:
            return ""
        if self.played and self.complete and not self.failed:
            return self.text
        if self.complete and not self.failed and self._pauses():
            # The pauses are in the sound: what is left is words.
            played = round(self.played_s(now) / _FRAME_S)
            return words_within(self.text, self.voiced[:played].count(1), self.voiced.count(1), pause=0.0)
        begin_s = max(0, self.first_voiced) * _FRAME_S
        if self.complete and not self.failed:
            voiced_s = (self.last_voiced + 1) * _FRAME_S - begin_s if self.last_voiced >= 0 else 0.0
        else:
            voiced_s = max(len(self.text) / _LETTERS_A_SECOND, self.made * _FRAME_S - begin_s)
        return words_within(self.text, self.played_s(now) - begin_s, voiced_s)

    def _pauses(self) -> bool:
        """True if the sound has as many silent frames inside as its punctuation makes one expect at least."""
        inside = self.voiced[self.first_voiced : self.last_voiced + 1]
        pauses = sum(word[-1] in _PAUSE for word in self.text.split()[:-1])
        return inside.count(0) >= _LEAST_PAUSE * pauses

    def unheard(self, now: float) -> str:
        """Return the words of the piece that the caller has not heard by now."""
        return " ".join(self.text.split()[len(self.heard(now).split()) :])


def words_within(text: str, played_s: float, voiced_s: float, *, pause: float = 1.0) -> str:
    """Return the leading words of a text spoken in `voiced_s` that lie within its first `played_s`.

    Words last as long as they have letters, and pauses at punctuation count, `pause` times as long as
    usual; a word of which half was heard counts as heard.
    """
    words = text.split()
    weights = [len(word) + 1.0 for word in words]
    pauses = [_PAUSE.get(word[-1], 0.0) * pause for word in words]
    if pauses:
        pauses[-1] = 0.0
    whole = sum(weights) + sum(pauses)
    if not words or voiced_s <= 0:
        return text if words and played_s > 0 else ""
    reached = played_s / voiced_s * whole
    passed = 0.0
    for count, (weight, rest) in enumerate(zip(weights, pauses, strict=True)):
        if passed + weight / 2 > reached:
            return " ".join(words[:count])
        passed += weight + rest
    return " ".join(words)


def text_heard(pieces: Sequence[Piece], now: float) -> str:
    """Return what the caller has heard of a turn made of these pieces."""
    return " ".join(filter(None, (piece.heard(now) for piece in pieces)))


def text_meant(pieces: Sequence[Piece]) -> str:
    """Return what the agent set out to say."""
    return " ".join(piece.text for piece in pieces)
