"""What the caller said, made out and put on record; their words, also where those come behind the sound.

Owns a turn's way from sound to text. Refuses to know what the agent does about it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from trunkline.media.agent_turn import CallerTurn
from trunkline.media.listener import Listener
from trunkline.media.options import SessionOptions
from trunkline.media.scribe import EventKind, Scribe
from trunkline.media.speaker import Spawn
from trunkline.media.transcripts import LateTranscripts
from trunkline.media.wording import ends_the_goodbye, telling
from trunkline.providers.ports import Heard, InputKind, SpeechFailed


class Understanding:
    """One call's understanding of the caller."""

    def __init__(
        self,
        listener: Listener,
        scribe: Scribe,
        *,
        options: SessionOptions,
        clock: Callable[[], float],
        spawn: Spawn,
    ) -> None:
        self._listener = listener
        self._scribe = scribe
        self._options = options
        self._clock = clock
        self._late = LateTranscripts(scribe, spawn=spawn, timeout_s=options.transcript_timeout_s)

    async def hear(self, turn: CallerTurn) -> Heard:
        """Return what the brain is told of a turn. Trouble is put on record and heard as nothing."""
        text, confidence = turn.text, 1.0
        if turn.utterance is not None:
            try:
                transcript = await self._listener.text_of(turn.utterance)
                text, confidence = transcript.text, transcript.confidence
                if transcript.later is not None:
                    turn.late_text = self._late.expect(transcript.later)
            except SpeechFailed as failure:
                self._scribe.record(EventKind.TROUBLE, what="transcript_failed", detail=str(failure))
        turn.text_at = self._clock()
        if turn.kind is InputKind.DIGITS:
            self._scribe.record(EventKind.DIGITS, digits=text)
        elif turn.late_text is None:
            self._scribe.record(
                EventKind.CALLER_SAID, text=text, confidence=round(confidence, 3), kind=turn.kind.value
            )
        return Heard(turn.kind, text, confidence)

    async def is_nothing(self, turn: CallerTurn, heard: Heard, *, over_agent: bool) -> bool:
        """Judge by the words whether the caller did not mean to take the turn."""
        if turn.kind is not InputKind.SPEECH or (turn.late_text is not None and not over_agent):
            return False
        # The agent was spoken over: worth a moment to know by which words. Unknown, they count.
        words = await self._words(turn, heard)
        return words is not None and not telling(words)

    async def is_more_than_goodbye(self, turn: CallerTurn, heard: Heard) -> bool:
        """Judge what was said during the agent's goodbye. Unknown words are taken for one."""
        words = await self._words(turn, heard)
        return words is not None and bool(telling(words)) and not ends_the_goodbye(words)

    async def settle(self) -> None:
        """The call is over: wait a little for words that are still on their way."""
        await self._late.settle(self._options.transcript_grace_s)

    async def _words(self, turn: CallerTurn, heard: Heard) -> str | None:
        if turn.late_text is None:
            return heard.text
        await asyncio.wait([turn.late_text], timeout=self._options.late_transcript_s)
        return turn.late_text.result() if turn.late_text.done() else None
