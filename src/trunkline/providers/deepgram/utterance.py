"""One utterance at Deepgram: sound out, results in, and what to do when the connection is lost on the way.

Owns the text so far and the sound that no final result covers, which a new connection is given again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from trunkline.kit.audio import pcm_to_ulaw
from trunkline.providers.deepgram import wire
from trunkline.providers.deepgram.line import Holder, Line
from trunkline.providers.ports import SpeechFailed, Transcript
from trunkline.providers.speech_tape import BYTES_PER_MS, Tape

_BATCH = 40 * BYTES_PER_MS
"""Bytes a message: two telephone frames."""
_PIECE = 500 * BYTES_PER_MS
"""Bytes a message when sound is given again."""
_NEARLY_MS = 120.0
"""So much sound at the end may be left out of the results: less than a syllable."""
_SETTLED_S = 0.3
"""How long the answer to `Finalize` is waited for where everything is final: Deepgram may not give any
then."""


class Lines(Protocol):
    """Where connections come from and go to."""

    def take_line(self, holder: Holder, *, language: str, hints: tuple[str, ...]) -> Line: ...

    def give_back(self, line: Line) -> None: ...

    def clear(self, line: Line) -> None: ...


class DeepgramUtterance:
    """The `Utterance` port. One new connection is tried where the first is lost."""

    def __init__(
        self,
        lines: Lines,
        *,
        language: str,
        hints: tuple[str, ...],
        finish_s: float,
        on_reconnect: Callable[[str], None] | None = None,
    ) -> None:
        self._lines = lines
        self._language = language
        self._hints = hints
        self._finish_s = finish_s
        self._on_reconnect = on_reconnect
        self._tape = Tape()
        self._batch = bytearray()
        self._finals: list[wire.Result] = []
        self._interim: wire.Result | None = None
        self._known_until_ms = 0.0
        self._over = asyncio.Event()
        self._failure = ""
        self._ending = False
        self._clean = False
        """Nothing of the utterance is outstanding on its connection."""
        self._may_reconnect = True
        self._line: Line | None = None
        self._begin_on_a_line()

    def feed(self, pcm: bytes) -> None:
        """Take more audio."""
        if self._ending or self._failure:
            return
        self._batch += pcm_to_ulaw(pcm)
        if len(self._batch) >= _BATCH:
            self._send_batch()

    @property
    def text_so_far(self) -> str:
        """What is final and, behind it, what may still change."""
        return " ".join(result.text for result in self._results() if result.text)

    @property
    def failure(self) -> str:
        """Why the utterance can no longer be heard; empty while it can."""
        return self._failure

    async def finish(self) -> Transcript:
        """Return the text. Raises SpeechFailed."""
        if self._ending:
            raise SpeechFailed("the utterance has ended")
        self._send_batch()
        self._ending = True
        if self._line is not None:
            self._line.send(wire.FINALIZE)
        self._settle()
        try:
            async with asyncio.timeout(self._finish_s):
                await self._over.wait()
        except TimeoutError:
            if self._tape.ends_ms - self._known_until_ms > _NEARLY_MS:
                self._hang_up()
                raise SpeechFailed(f"Deepgram: no last words within {self._finish_s:g} s") from None
        if self._failure:
            raise SpeechFailed(self._failure)
        if self._clean and self._line is not None:
            line, self._line = self._line, None
            self._lines.give_back(line)
        self._hang_up()
        return self._transcript()

    def cancel(self) -> None:
        """Forget the utterance; its connection is used again once it is clean."""
        self._ending = True
        self._tape.clear()
        line, self._line = self._line, None
        if line is not None:
            self._lines.clear(line)

    # For the line.

    def told(self, result: wire.Result) -> None:
        """Take a result. What lies before our first sound belongs to an utterance before us."""
        until_ms = result.until_ms - self._offset_ms
        if until_ms > self._tape.begins_ms:
            self._known_until_ms = max(self._known_until_ms, until_ms)
            if result.final:
                self._tape.cover(until_ms)
                self._interim = None
                self._finals.append(result)
            else:
                self._interim = result
        if result.from_finalize and self._ending:
            self._clean = True
            self._over.set()
        self._settle()

    def lost(self, reason: str, *, refused: bool) -> None:
        """The connection is gone: begin on another, once, with what is not yet text."""
        self._line = None
        if refused or not self._may_reconnect:
            self._failure = reason
            self._over.set()
            return
        self._may_reconnect = False
        if self._on_reconnect is not None:
            self._on_reconnect(reason)
        self._begin_on_a_line()

    def _begin_on_a_line(self) -> None:
        self._line = line = self._lines.take_line(self, language=self._language, hints=self._hints)
        self._offset_ms = line.sent_ms - self._tape.begins_ms
        again = self._tape.rest()
        for start in range(0, len(again), _PIECE):
            line.send_sound(again[start : start + _PIECE])
        if self._ending:
            line.send(wire.FINALIZE)

    def _send_batch(self) -> None:
        if self._batch and self._line is not None:
            ulaw = bytes(self._batch)
            self._batch.clear()
            self._tape.add(ulaw)
            self._line.send_sound(ulaw)

    def _settle(self) -> None:
        """Where all is final, wait little for the answer to `Finalize`: there may be none."""
        if (
            self._ending
            and self._line is not None
            and self._tape.ends_ms - self._tape.begins_ms <= _NEARLY_MS
        ):
            asyncio.get_running_loop().call_later(_SETTLED_S, self._over.set)

    def _hang_up(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.hang_up()

    def _results(self) -> list[wire.Result]:
        return [*self._finals, *([self._interim] if self._interim else [])]

    def _transcript(self) -> Transcript:
        said = [result for result in self._results() if result.text]
        letters = sum(len(result.text) for result in said)
        sure = sum(result.confidence * len(result.text) for result in said)
        return Transcript(self.text_so_far, sure / letters if letters else 0.0)
