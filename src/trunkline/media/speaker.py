"""The speaker: the agent's sentences to audio, in order, into the transmitter.

Owns the use of the voice: one sentence at a time, each with a bounded wait, a failed one left
out. Refuses to know what the caller heard of it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

from trunkline.kit.audio import BYTES_PER_MS
from trunkline.media.playback import Piece
from trunkline.media.transmitter import Transmitter
from trunkline.providers.ports import SpeechFailed, TextToSpeech, Voice

Spawn = Callable[[str, Awaitable[None]], "asyncio.Task[None]"]
"""Starts one of the call's own tasks under a name; the session ends with it."""


async def close_early(iterator: AsyncIterator[Any]) -> None:
    """Close an iterator that may be a generator, so that its clean-up happens now and not some day."""
    aclose = getattr(iterator, "aclose", None)
    if aclose is not None:
        await cast("Callable[[], Awaitable[None]]", aclose)()


class Speaker:
    """One call's use of the voice. A task runs only while there is something to say."""

    def __init__(
        self,
        tts: TextToSpeech,
        voice: Voice,
        transmitter: Transmitter,
        *,
        timeout_s: float,
        pause_ms: int,
        clock: Callable[[], float],
        spawn: Spawn,
        on_failure: Callable[[Piece, str], None],
    ) -> None:
        self._tts = tts
        self._voice = voice
        self._transmitter = transmitter
        self._timeout_s = timeout_s
        self._pause = bytes(pause_ms * BYTES_PER_MS)
        self._clock = clock
        self._spawn = spawn
        self._on_failure = on_failure
        self._line: deque[Piece] = deque()
        self._task: asyncio.Task[None] | None = None

    @property
    def busy(self) -> bool:
        """True while something is still to be synthesised or queued."""
        return self._task is not None and not self._task.done()

    def say(self, text: str) -> Piece:
        """Put a sentence in line and return its account."""
        piece = Piece(text)
        self._line.append(piece)
        if not self.busy:
            self._task = self._spawn("speak", self._speak())
        return piece

    def cancel(self) -> None:
        """Stop at once: the sentence being made and all behind it."""
        for piece in self._line:
            piece.cut = True
        self._line.clear()
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def finished(self) -> None:
        """Wait until everything in line has been handed to the transmitter."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _speak(self) -> None:
        while self._line:
            piece = self._line.popleft()
            self._transmitter.add(piece)
            try:
                await self._voice_out(piece)
                if not piece.made:
                    raise SpeechFailed("the voice made no sound")
            except SpeechFailed as failure:
                piece.failed = True
                self._on_failure(piece, str(failure))
            finally:
                self._transmitter.finish(piece)

    async def _voice_out(self, piece: Piece) -> None:
        audio = self._tts.speak(piece.text, self._voice)
        try:
            while True:
                try:
                    async with asyncio.timeout(self._timeout_s):
                        pcm = await anext(audio)
                except StopAsyncIteration:
                    return
                except TimeoutError as error:
                    raise SpeechFailed(f"no audio for {self._timeout_s:g} s") from error
                if piece.first_audio_at is None:
                    piece.first_audio_at = self._clock()
                    if self._transmitter.sounding():
                        await self._transmitter.put(piece, self._pause)
                await self._transmitter.put(piece, pcm)
        finally:
            await close_early(audio)
