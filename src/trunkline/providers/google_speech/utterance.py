"""One utterance at Google: a stream of sound out and results in, replaced when it ages or breaks.

Owns the text so far and the sound that no final result covers: a stream that ends at Google's limit, or
breaks, is followed by another that is given that sound again, so no word is lost between two.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from google.api_core import exceptions
from google.cloud.speech_v2 import SpeechAsyncClient, types

from trunkline.kit.audio import pcm_to_ulaw
from trunkline.providers.google_speech.channel import let_go, said
from trunkline.providers.ports import SpeechFailed, Transcript
from trunkline.providers.speech_tape import BYTES_PER_MS, Tape

_LARGEST_REQUEST = 12_000
"""Bytes; Google takes 15 kB."""
_MOST_FAILURES = 3
"""Streams that break or are closed on us, one behind the other and with nothing final said between."""
_WORTH_ANOTHER = (
    exceptions.Aborted,
    exceptions.InternalServerError,
    exceptions.OutOfRange,
    exceptions.ServiceUnavailable,
)
"""What a new stream may not meet: Google says the third when a stream is too old."""
_NEARLY_MS = 120.0
"""So much sound at the end may be left out of the results: less than a syllable."""
_LONGEST_TEXT = 20_000


class _EndedEarly(Exception):
    """The stream was closed, in good order, before all was said on it."""


class GoogleUtterance:
    """The `Utterance` port."""

    def __init__(
        self,
        client: SpeechAsyncClient,
        first: types.StreamingRecognizeRequest,
        *,
        batch: int,
        stream_s: float,
        finish_s: float,
        on_reconnect: Callable[[str], None] | None = None,
    ) -> None:
        self._client = client
        self._first = first
        self._batch_size = batch
        self._stream_s = stream_s
        self._finish_s = finish_s
        self._on_reconnect = on_reconnect
        self._tape = Tape()
        self._batch = bytearray()
        self._sent_ms = 0.0
        self._streams = 0
        self._half_closed = False
        """All was said that was to be said on the present stream."""
        self._known_until_ms = 0.0
        self._finals: list[types.SpeechRecognitionAlternative] = []
        self._interim = ""
        self._wake = asyncio.Event()
        self._ending = False
        self._failure = ""
        self._task = asyncio.create_task(self._run(), name="google-speech")

    def feed(self, pcm: bytes) -> None:
        """Take more audio."""
        if self._ending or self._failure:
            return
        self._batch += pcm_to_ulaw(pcm)
        if len(self._batch) >= self._batch_size:
            self._send_batch()

    @property
    def text_so_far(self) -> str:
        """What is final and, behind it, what may still change."""
        parts = [*(final.transcript for final in self._finals), self._interim]
        return " ".join(part.strip() for part in parts if part.strip())

    @property
    def failure(self) -> str:
        """Why the utterance can no longer be heard; empty while it can."""
        return self._failure

    async def finish(self) -> Transcript:
        """Return the text. Raises SpeechFailed."""
        if self._ending:
            raise SpeechFailed("the utterance has ended")
        self._ending = True
        self._send_batch()
        self._wake.set()
        await asyncio.wait([self._task], timeout=self._finish_s)
        if not self._task.done():
            self._task.cancel()
            if self._tape.ends_ms - self._known_until_ms > _NEARLY_MS:
                raise SpeechFailed(f"Google: no last words within {self._finish_s:g} s")
        if self._failure:
            raise SpeechFailed(self._failure)
        letters = sum(len(final.transcript) for final in self._finals)
        sure = sum(final.confidence * len(final.transcript) for final in self._finals)
        text = self.text_so_far
        # Models that give no confidence say 0, which is no doubt.
        return Transcript(text, (sure / letters if sure else 1.0) if text else 0.0)

    def cancel(self) -> None:
        """Forget the utterance: its stream is cancelled."""
        self._ending = True
        self._task.cancel()
        self._tape.clear()

    async def _run(self) -> None:
        failures = 0
        while True:
            finals = len(self._finals)
            try:
                if await self._stream():
                    return
                continue
            except exceptions.GoogleAPICallError as error:
                why, is_worth_another = str(said(error)), isinstance(error, _WORTH_ANOTHER)
            except _EndedEarly:
                why, is_worth_another = "Google closed a stream that was still spoken on", True
            except SpeechFailed as failure:
                why, is_worth_another = str(failure), False
            # Whoever had something final to say first works: there are never more of those than sound.
            failures = 1 if len(self._finals) > finals else failures + 1
            if not is_worth_another or failures >= _MOST_FAILURES:
                self._failure = why
                return
            if self._on_reconnect is not None:
                self._on_reconnect(why)

    async def _stream(self) -> bool:
        """Hold one stream. Return whether the utterance has ended with it; if not, it was time for another.

        Raises _EndedEarly, SpeechFailed, and what the client raises.
        """
        began_ms = self._sent_ms = self._tape.begins_ms
        self._streams += 1
        self._half_closed = False
        timeout = self._stream_s + self._finish_s
        answers = await self._client.streaming_recognize(
            self._requests(self._streams), retry=None, timeout=timeout
        )
        try:
            async for answer in answers:
                self._take(answer, began_ms)
        finally:
            let_go(answers)
        self._interim = ""
        if not self._half_closed:
            raise _EndedEarly
        # It ended as it should: what was sent on it is text, or was no speech.
        self._tape.cover(self._sent_ms)
        return self._ending and self._sent_ms >= self._tape.ends_ms

    async def _requests(self, stream: int) -> AsyncIterator[types.StreamingRecognizeRequest]:
        until = asyncio.get_running_loop().time() + self._stream_s
        yield self._first
        # A stream that broke may still ask for more: what it took would be missing in the next one.
        while stream == self._streams:
            sound = self._tape.since(self._sent_ms, longest=_LARGEST_REQUEST)
            if sound:
                self._sent_ms += len(sound) / BYTES_PER_MS
                yield types.StreamingRecognizeRequest(audio=sound)
                continue
            if self._ending or asyncio.get_running_loop().time() >= until:
                self._half_closed = True
                return
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(until):
                    await self._wake.wait()

    def _take(self, answer: types.StreamingRecognizeResponse, began_ms: float) -> None:
        interim = []
        for result in answer.results:
            until_ms = began_ms + result.result_end_offset.total_seconds() * 1000
            if not result.alternatives or until_ms <= self._tape.begins_ms:
                continue
            best = result.alternatives[0]
            if len(best.transcript) > _LONGEST_TEXT:
                raise SpeechFailed("Google: a result that is no speech")
            self._known_until_ms = max(self._known_until_ms, until_ms)
            if result.is_final:
                self._tape.cover(until_ms)
                self._finals.append(best)
            else:
                interim.append(best.transcript)
        self._interim = " ".join(interim)

    def _send_batch(self) -> None:
        self._tape.add(bytes(self._batch))
        self._batch.clear()
        self._wake.set()
