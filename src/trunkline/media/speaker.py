"""The speaker: the agent's sentences to audio, in order, into the transmitter.

Owns the use of the voice, or of the brain's own: one piece at a time, each with a bounded wait, a
failed one left out. Refuses to know what the caller heard of it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

from trunkline.kit.audio import BYTES_PER_MS, FRAME_BYTES
from trunkline.media.playback import Piece
from trunkline.media.transmitter import Transmitter
from trunkline.providers.ports import Speaking, SpeechFailed, TextToSpeech, Voice

Spawn = Callable[[str, Awaitable[None]], "asyncio.Task[None]"]
"""Starts one of the call's own tasks under a name; the session ends with it."""


async def close_early(iterator: AsyncIterator[Any]) -> None:
    """Close an iterator that may be a generator, so that its clean-up happens now and not some day."""
    aclose = getattr(iterator, "aclose", None)
    if aclose is not None:
        await cast("Callable[[], Awaitable[None]]", aclose)()


async def close_all(unsaid: list[str | Speaking]) -> None:
    """Let go of what will not be said."""
    while unsaid:
        said = unsaid.pop()
        if not isinstance(said, str):
            await close_early(aiter(said))


class Rest:
    """What is left of a sound that was cut off: the frames that were not sent, then what is still made."""

    def __init__(self, piece: Piece, now: float, unput: bytes, more: AsyncIterator[bytes] | None) -> None:
        self._said = piece.said
        self._words_heard = len(piece.heard(now).split())
        self._audio = b"".join(piece.frames) + piece.rest + unput
        self._more = more

    @property
    def text(self) -> str:
        """The words from here on."""
        words = self._said if isinstance(self._said, str) else self._said.text
        return " ".join(words.split()[self._words_heard :])

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        audio, self._audio = self._audio, b""
        if audio:
            return audio
        if self._more is None:
            raise StopAsyncIteration
        return await anext(self._more)

    async def aclose(self) -> None:
        """Nobody will hear the rest."""
        if self._more is not None:
            await close_early(self._more)


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
        self._voicing: tuple[Piece, AsyncIterator[bytes]] | None = None
        self._unput: tuple[bytes, int] = (b"", 0)

    @property
    def busy(self) -> bool:
        """True while something is still to be synthesised or queued."""
        return self._task is not None and not self._task.done()

    def say(self, said: str | Speaking) -> Piece:
        """Put a sentence or a sound in line and return its account."""
        piece = Piece(said)
        self._line.append(piece)
        if not self.busy:
            self._task = self._spawn("speak", self._speak())
        return piece

    def rest_of(self, piece: Piece) -> str | Speaking | None:
        """Return what is to be said again of a piece that is about to be cut; None where nothing is left.

        A sentence goes on from the word at which it was cut, a sound from the very frame; whoever does
        not let a sound go on closes it.
        """
        if isinstance(piece.said, str):
            return piece.unheard(self._clock()) or None
        if piece in self._line:
            return piece.said
        unput, more = b"", None
        if self._voicing is not None and self._voicing[0] is piece:
            (_, more), self._voicing = self._voicing, None
            pcm, at = self._unput
            unput = pcm[at:]
        if not (piece.frames or unput or more):
            return None
        return Rest(piece, self._clock(), unput, more)

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
        said = piece.said
        audio = self._tts.speak(said, self._voice) if isinstance(said, str) else aiter(said)
        self._voicing = voicing = (piece, audio)
        self._unput = (b"", 0)
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
                    # A voice of the brain's own makes its pauses itself.
                    if isinstance(said, str) and self._transmitter.sounding():
                        await self._transmitter.put(piece, self._pause)
                if isinstance(said, str):
                    await self._transmitter.put(piece, pcm)
                else:
                    await self._put_sound(piece, pcm)
        finally:
            if self._voicing is voicing:
                self._voicing = None
                await close_early(audio)

    async def _put_sound(self, piece: Piece, pcm: bytes) -> None:
        """Hand sound over frame by frame, so that at any moment it is known what still waits for room."""
        for at in range(0, len(pcm), FRAME_BYTES):
            self._unput = (pcm, at)
            await self._transmitter.put(piece, pcm[at : at + FRAME_BYTES])
        self._unput = (b"", 0)
