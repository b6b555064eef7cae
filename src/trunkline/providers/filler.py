"""The filler: a short phrase where the caller would otherwise hear nothing for too long.

Owns when, how often and which. Refuses to know what is waited for; that no phrase is spoken over the caller
is seen to by whoever performs it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

FILLERS: Mapping[str, tuple[str, ...]] = {
    "en": ("One moment, please.", "Just a second.", "Still looking, one moment."),
    "he": ("רגע אחד בבקשה.", "עוד שנייה.", "אני עדיין בודקת, רגע אחד."),
}


def fillers_of(language: str) -> tuple[str, ...]:
    """Return the phrases of a language; English where it has none of its own."""
    return FILLERS.get(language.partition("-")[0].lower(), FILLERS["en"])


class Filler:
    """One call's fillers, said in turn. `after_s` counts from a turn's beginning, `again_s` from what was
    said last in it; `limit` is for each turn."""

    def __init__(self, phrases: Sequence[str], *, after_s: float, again_s: float, limit: int) -> None:
        self._phrases = phrases
        self._after_s = after_s
        self._again_s = again_s
        self._limit = limit
        self._left = 0
        self._next = 0
        self._speaks_at = 0.0
        """When silence will have lasted too long, in the loop's time."""

    def turn_begins(self) -> None:
        """The agent's turn begins, and nothing is said yet."""
        self._left = self._limit
        self._speaks_at = _now() + self._after_s

    def spoke(self) -> None:
        """Something was said; silence is counted from here."""
        self._speaks_at = _now() + self._again_s

    async def while_waiting(self, work: asyncio.Future[Any]) -> AsyncGenerator[str, None]:
        """Wait until the work is done, whatever comes of it; yield what is to be said meanwhile."""
        while not work.done():
            left_s = max(0.0, self._speaks_at - _now()) if self._left else None
            await asyncio.wait([work], timeout=left_s)
            if not work.done() and self._left and _now() >= self._speaks_at:
                phrase = self._phrases[self._next % len(self._phrases)]
                self._next += 1
                self._left -= 1
                self.spoke()
                yield phrase


def _now() -> float:
    return asyncio.get_running_loop().time()
