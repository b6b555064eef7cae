"""The caller's turn on its way to a model that hears for itself.

Owns its sound, until its words are known, so that it can be given again to whoever takes over. Refuses
to know how a provider is told.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from trunkline.providers.ports import SpeechFailed, Transcript


class Ears(Protocol):
    """Where utterances go."""

    def more(self, utterance: LiveUtterance, pcm: bytes) -> None: ...

    def finished(self, utterance: LiveUtterance) -> None: ...

    def dropped(self, utterance: LiveUtterance) -> None: ...


class LiveUtterance:
    """One stretch of the caller's speech. Its text comes later, if at all."""

    def __init__(self, ears: Ears) -> None:
        self.pcm = bytearray()
        """All of its sound, until its text is known, or known never to be."""
        self.key = ""
        """The provider's name of it, once that is known."""
        self.text: str | None = None
        self.is_finished = False
        self._partly = ""
        self._ears = ears
        self._why = ""
        self._known = asyncio.Event()

    # --- The port -------------------------------------------------------------------------

    def feed(self, pcm: bytes) -> None:
        if not self.is_finished:
            self.pcm += pcm
            self._ears.more(self, pcm)

    @property
    def text_so_far(self) -> str:
        return self._partly if self.text is None else self.text

    async def finish(self) -> Transcript:
        if not self.is_finished:
            self.is_finished = True
            self._ears.finished(self)
        if self.text is not None:
            return Transcript(self.text, 1.0)
        return Transcript("", 1.0, later=self._later)

    def cancel(self) -> None:
        if not self.is_finished:
            self.is_finished = True
            self._ears.dropped(self)

    # --- What the provider tells ----------------------------------------------------------

    def hear_words(self, words: str) -> None:
        """More of its text has been made out."""
        self._partly += words

    def settle(self, text: str | None = None) -> None:
        """Its text is known: this one, or what has been made out so far."""
        if self.text is None:
            self.text = (self._partly if text is None else text).strip()
            self.pcm.clear()
            self._known.set()

    def fail(self, why: str) -> None:
        """Its text will never be known; its sound is not given a second time."""
        self._why = why
        self.pcm.clear()
        self._known.set()

    async def _later(self) -> Transcript:
        await self._known.wait()
        if self.text is None:
            raise SpeechFailed(self._why)
        return Transcript(self.text, 1.0)
