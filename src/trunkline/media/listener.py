"""The listener: the caller's voice to text, beginning a little before we knew they spoke.

Owns the pre-roll and the one open utterance. A brain with ears of its own is asked before the
recogniser. Refuses to know when a turn begins or ends.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from trunkline.kit.audio import FRAME_MS
from trunkline.providers.ports import Grammar, SpeechFailed, SpeechToText, Transcript, Utterance


class _Unheard:
    """An utterance in a language that the recogniser does not have: its text is empty."""

    def feed(self, pcm: bytes) -> None:
        """Nobody listens."""

    text_so_far = ""

    async def finish(self) -> Transcript:
        return Transcript("", 0.0)

    def cancel(self) -> None:
        """Nothing is held."""


class Listener:
    """One call's use of the recogniser, or of the brain's own ears."""

    def __init__(self, stt: SpeechToText, *, language: str, preroll_ms: int, timeout_s: float) -> None:
        self._stt = stt
        self._language = language
        self._timeout_s = timeout_s
        self._before: deque[bytes] = deque(maxlen=max(1, preroll_ms // FRAME_MS))
        self._open: Utterance | None = None
        self.own_ears: Callable[[], Utterance | None] = lambda: None
        """Opens an utterance at the brain; None where it has no ears."""

    @property
    def text_so_far(self) -> str:
        """What has been made out of the open utterance; empty where there is none."""
        return "" if self._open is None else self._open.text_so_far

    def feed(self, pcm: bytes) -> None:
        """Take a frame: into the open utterance, or into the pre-roll of the next one."""
        if self._open is None:
            self._before.append(pcm)
        else:
            self._open.feed(pcm)

    def begin(self, grammar: Grammar | None) -> None:
        """The caller speaks: open an utterance and give it the pre-roll."""
        self.drop()
        utterance = self.own_ears() or self._recogniser(grammar)
        for pcm in self._before:
            utterance.feed(pcm)
        self._before.clear()
        self._open = utterance

    def _recogniser(self, grammar: Grammar | None) -> Utterance:
        try:
            return self._stt.open(language=self._language, grammar=grammar)
        except ValueError:
            # The call is held all the same: what cannot be understood can be keyed.
            return _Unheard()

    def end(self) -> Utterance | None:
        """The caller has finished: hand the utterance over. Whoever takes it finishes or cancels it."""
        utterance, self._open = self._open, None
        return utterance

    def drop(self) -> None:
        """Forget the open utterance, if there is one."""
        utterance = self.end()
        if utterance is not None:
            utterance.cancel()

    async def text_of(self, utterance: Utterance) -> Transcript:
        """Wait for an utterance's text. Raises SpeechFailed, also when it takes too long."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await utterance.finish()
        except TimeoutError as error:
            raise SpeechFailed(f"no transcript within {self._timeout_s:g} s") from error
        finally:
            utterance.cancel()
