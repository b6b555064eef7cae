"""The tape of an utterance: its sound as far as no final result covers it, to be played again elsewhere.

mu-law at 8 kHz: eight bytes are a millisecond. Times are the utterance's own, in milliseconds from its
beginning.
"""

from __future__ import annotations

BYTES_PER_MS = 8
_LONGEST_MS = 60_000


class Tape:
    """At most a minute of sound; beyond that the oldest is lost, and with it words."""

    def __init__(self) -> None:
        self._ulaw = bytearray()
        self.begins_ms = 0.0
        """Where the sound that is kept begins."""

    @property
    def ends_ms(self) -> float:
        """How much sound the utterance has had."""
        return self.begins_ms + len(self._ulaw) / BYTES_PER_MS

    def add(self, ulaw: bytes) -> None:
        """Keep more sound."""
        self._ulaw += ulaw
        self._drop(len(self._ulaw) - _LONGEST_MS * BYTES_PER_MS)

    def cover(self, until_ms: float) -> None:
        """A final result covers everything until then: it need not be played again."""
        self._drop(int((until_ms - self.begins_ms) * BYTES_PER_MS))

    def rest(self) -> bytes:
        """Return what is not covered."""
        return bytes(self._ulaw)

    def since(self, from_ms: float, *, longest: int) -> bytes:
        """Return at most so many bytes from there on; what is no longer kept is left out."""
        start = max(0, round((from_ms - self.begins_ms) * BYTES_PER_MS))
        return bytes(self._ulaw[start : start + longest])

    def clear(self) -> None:
        self._drop(len(self._ulaw))

    def _drop(self, count: int) -> None:
        count = min(count, len(self._ulaw))
        if count > 0:
            del self._ulaw[:count]
            self.begins_ms += count / BYTES_PER_MS
