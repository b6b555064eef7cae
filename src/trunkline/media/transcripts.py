"""Transcripts that come behind the answer: a brain that hears for itself has its words written later.

Owns the wait for them and their place in the record, before the answer to them. Refuses to know
what they mean.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from trunkline.media.scribe import EventKind, Place, Scribe
from trunkline.media.speaker import Spawn
from trunkline.providers.ports import InputKind, SpeechFailed, Transcript


class LateTranscripts:
    """One call's transcripts on their way. Each waits `timeout_s` at most, in a task of the call."""

    def __init__(self, scribe: Scribe, *, spawn: Spawn, timeout_s: float) -> None:
        self._scribe = scribe
        self._spawn = spawn
        self._timeout_s = timeout_s
        self._waiting: set[asyncio.Task[None]] = set()

    def expect(self, later: Callable[[], Awaitable[Transcript]]) -> asyncio.Future[str]:
        """Put the caller's words on record, in their place, as soon as they are known.

        The result is their text: empty where nothing could be made out, or where it never came.
        """
        place = self._scribe.keep(EventKind.CALLER_SAID, text="", confidence=0.0, kind=InputKind.SPEECH.value)
        text: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        task = self._spawn("transcript", self._wait(later, place, text))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)
        return text

    async def settle(self, grace_s: float) -> None:
        """The call is over: wait a little for what is still on its way."""
        if self._waiting:
            await asyncio.wait(self._waiting, timeout=grace_s)

    async def _wait(
        self, later: Callable[[], Awaitable[Transcript]], place: Place, text: asyncio.Future[str]
    ) -> None:
        try:
            async with asyncio.timeout(self._timeout_s):
                transcript = await later()
        except (SpeechFailed, TimeoutError) as failure:
            self._scribe.fill(place)
            detail = str(failure) or f"no transcript within {self._timeout_s:g} s"
            self._scribe.record(EventKind.TROUBLE, what="transcript_failed", detail=detail)
        else:
            self._scribe.fill(place, text=transcript.text, confidence=round(transcript.confidence, 3))
            _settle(text, transcript.text)
        finally:
            _settle(text, "")


def _settle(text: asyncio.Future[str], words: str) -> None:
    if not text.done():
        text.set_result(words)
