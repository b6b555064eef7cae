"""Recognisers in a chain: where one fails, the next is given the utterance from its beginning.

Owns the sound of an utterance for as long as somebody might have to hear it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

from trunkline.kit.audio import BYTES_PER_MS
from trunkline.providers.ports import (
    Grammar,
    SpeechFailed,
    SpeechToText,
    TellFailure,
    Transcript,
    Utterance,
)
from trunkline.providers.speech_chain.cooling import Cooling

_LONGEST = 60_000 * BYTES_PER_MS
"""Bytes kept; of a longer utterance the next recogniser hears the last minute."""


@runtime_checkable
class TellsFailure(Protocol):
    """An utterance that says before its end that it can no longer be heard."""

    @property
    def failure(self) -> str: ...


class FallbackSpeechToText:
    """The `SpeechToText` port over others, in their order. One that fails or stalls is left alone for
    `cool_s`.

    `patience_s` bounds each one's wait for the text after an utterance's end, `within_s` those of all
    together: whoever wants the text must have more patience than that.
    """

    def __init__(
        self,
        ears: Mapping[str, SpeechToText],
        *,
        patience_s: float = 2.7,
        within_s: float = 5.4,
        cool_s: float = 30.0,
        on_failure: TellFailure | None = None,
    ) -> None:
        self._ears = dict(ears)
        self._cooling = Cooling(tuple(ears), seconds=cool_s)
        self._patience_s = min(patience_s, within_s / len(ears))
        self._on_failure = on_failure

    def open(self, *, language: str, grammar: Grammar | None) -> Utterance:
        """Begin an utterance. Raises ValueError where nobody has the language."""

        def begin(name: str) -> Utterance:
            return self._ears[name].open(language=language, grammar=grammar)

        order = self._cooling.order(asyncio.get_running_loop().time())
        return _Utterance(order, begin, self._patience_s, failed=self._failed, worked=self._cooling.worked)

    async def close(self) -> None:
        for ear in self._ears.values():
            await ear.close()

    def _failed(self, name: str, reason: str, taken_over_by: str) -> None:
        self._cooling.failed(name, asyncio.get_running_loop().time())
        if self._on_failure is not None:
            self._on_failure(name, reason, taken_over_by)


class _Utterance:
    def __init__(
        self,
        order: list[str],
        begin: Callable[[str], Utterance],
        patience_s: float,
        *,
        failed: TellFailure,
        worked: Callable[[str], None],
    ) -> None:
        self._order = order
        self._begin = begin
        self._patience_s = patience_s
        self._tell_failed = failed
        self._tell_worked = worked
        self._pcm = bytearray()
        self._reason = ""
        self._text_before = ""
        self._name = ""
        self._current: Utterance | None = None
        unknown = self._take_next()
        if self._current is None:
            raise unknown or ValueError("no recogniser")

    def feed(self, pcm: bytes) -> None:
        """Take more audio."""
        self._pcm += pcm
        del self._pcm[: max(0, len(self._pcm) - _LONGEST)]
        if self._current is not None:
            self._current.feed(pcm)
            if isinstance(self._current, TellsFailure) and self._current.failure:
                self._fail(self._current.failure)

    @property
    def text_so_far(self) -> str:
        """What is known by now; of who is asked now, once they know something."""
        text = self._current.text_so_far if self._current is not None else ""
        return text or self._text_before

    async def finish(self) -> Transcript:
        """Return the text of the first that has one. Raises SpeechFailed where all have failed."""
        while self._current is not None:
            try:
                async with asyncio.timeout(self._patience_s):
                    transcript = await self._current.finish()
            except SpeechFailed as failure:
                self._fail(str(failure))
            except TimeoutError:
                self._fail(f"no text within {self._patience_s:g} s")
            else:
                self._current.cancel()
                self._current = None
                self._tell_worked(self._name)
                return transcript
        raise SpeechFailed(self._reason or "the utterance has ended")

    def cancel(self) -> None:
        """Forget the utterance."""
        current, self._current = self._current, None
        self._order.clear()
        self._pcm.clear()
        if current is not None:
            current.cancel()

    def _fail(self, reason: str) -> None:
        self._text_before = self.text_so_far
        name, self._reason = self._name, f"{self._name}: {reason}"
        current, self._current = self._current, None
        if current is not None:
            current.cancel()
        self._take_next()
        self._tell_failed(name, reason, self._name if self._current is not None else "")

    def _take_next(self) -> ValueError | None:
        """Begin at the next that has the language; return what the last one without it said."""
        unknown = None
        while self._order and self._current is None:
            self._name = self._order.pop(0)
            try:
                self._current = self._begin(self._name)
            except ValueError as error:
                unknown = error
            else:
                if self._pcm:
                    self._current.feed(bytes(self._pcm))
        return unknown
