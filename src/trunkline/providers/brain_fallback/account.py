"""What was said in a call so far, for whoever takes it over: what was heard of it, in order.

Pure; knows no brain.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, cast

from trunkline.kit.audio import BYTES_PER_MS
from trunkline.providers.heard_words import heard_of
from trunkline.providers.ports import Line, Speaking, ToolResult

_WORD_MS = 350
"""How long a word of a sentence lasts that another voice speaks: nobody tells us."""


class Tapped:
    """A brain's sound on its way to the speaker, with an account of how much of it went by."""

    def __init__(self, speaking: Speaking) -> None:
        self._speaking = speaking
        self._sound = aiter(speaking)
        self.ms = 0.0

    @property
    def text(self) -> str:
        """The words known by now."""
        return self._speaking.text

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        pcm = await anext(self._sound)
        self.ms += len(pcm) / BYTES_PER_MS
        return pcm

    async def aclose(self) -> None:
        """Nobody listens any more."""
        aclose = getattr(self._sound, "aclose", None)
        if aclose is not None:
            await cast("Callable[[], Awaitable[None]]", aclose)()


class Account:
    """One call's lines. A turn of the agent may be by several brains."""

    def __init__(self, past: tuple[Line, ...]) -> None:
        self._lines: list[Line] = list(past)
        self._turn: list[str | Tapped | Line] = []
        """What was said in it, with the tools used in between."""
        self._kept = 0
        """How much of the turn is by brains that have failed since."""
        self._answers: Callable[[], str] | None = None
        self._began_at = len(self._lines)

    def lines(self) -> tuple[Line, ...]:
        """Return everything so far but what the caller said last, which is being answered."""
        lines, said = list(self._lines), ""
        for piece in self._turn:
            if not isinstance(piece, Line):
                said = f"{said} {_text(piece)}".strip()
                continue
            if said:
                lines.append(Line("agent", said))
            lines.append(piece)
            said = ""
        return (*lines, Line("agent", said)) if said else tuple(lines)

    def said(self, piece: str | Tapped) -> None:
        """The agent says this."""
        self._turn.append(piece)

    def replaced(self) -> None:
        """What follows in this turn is another brain's."""
        self._kept = len(self._turn)

    def used(self, name: str, arguments: Mapping[str, Any], result: ToolResult) -> None:
        """A tool was used. What was said before it stands before it."""
        known = {"name": name, "arguments": dict(arguments), "ok": result.ok, "answer": dict(result.data)}
        self._turn.append(Line("tool", json.dumps(known, ensure_ascii=False, default=str)))

    def next_turn(self, answers: Callable[[], str] | None) -> None:
        """The agent's turn is over; in its next one it answers this. Its words may be known later."""
        text = self._answers() if self._answers is not None else ""
        self._lines = list(self.lines())
        if text:
            self._lines.insert(self._began_at, Line("caller", text))
        self._turn, self._kept = [], 0
        self._answers, self._began_at = answers, len(self._lines)

    def heard(self, said: str, played_ms: int) -> tuple[str, int]:
        """Keep of the turn what was heard of it; return how much of that is by the brain now at work."""
        counts = iter(heard_of([_text(piece) for piece in self._turn if not isinstance(piece, Line)], said))
        its_words: list[str] = []
        earlier_ms = 0.0
        for at, piece in enumerate(self._turn):
            if isinstance(piece, Line):
                continue
            heard = " ".join(_text(piece).split()[: next(counts)])
            if at >= self._kept:
                its_words.append(heard)
            elif heard:
                earlier_ms += _ms(piece)
            self._turn[at] = heard
        return " ".join(filter(None, its_words)), max(0, played_ms - int(earlier_ms))


def _text(piece: str | Tapped) -> str:
    return piece if isinstance(piece, str) else piece.text


def _ms(piece: str | Tapped) -> float:
    return len(piece.split()) * _WORD_MS if isinstance(piece, str) else piece.ms
