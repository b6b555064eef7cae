"""The ear: the caller's frames judged, and made into turns of the caller.

Owns the chain from voice activity over the turn rules to the listener. Refuses to decide what an
answer means; it hands finished turns to the conversation, and every window to who suspects a machine.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from trunkline.media.agent_turn import CallerTurn
from trunkline.media.listener import Listener
from trunkline.media.machine import Machine
from trunkline.media.options import SessionOptions
from trunkline.media.talk import Talk
from trunkline.media.transmitter import Transmitter
from trunkline.media.turns import Change, Evidence, TurnState, cut_short, step
from trunkline.media.vad import VoiceGate, Window
from trunkline.providers.ports import InputKind, VoiceActivity


class Ear:
    """One call's hearing. `on_voice` is told whenever the caller audibly has the turn."""

    def __init__(
        self,
        vad: VoiceActivity,
        *,
        options: SessionOptions,
        listener: Listener,
        talk: Talk,
        machine: Machine,
        transmitter: Transmitter,
        clock: Callable[[], float],
        on_voice: Callable[[], None],
    ) -> None:
        self._options = options
        self._listener = listener
        self._talk = talk
        self._transmitter = transmitter
        self._clock = clock
        self._on_voice = on_voice
        self._gate = VoiceGate(vad, voice=options.turns.voice, on_late=self._judge_late)
        self._windows: deque[Window] = deque()
        """Windows of the detector that wait until an interruption is through."""
        self._interrupting = asyncio.Event()
        self._failure: Exception | None = None
        self._closed = False
        self._turn = TurnState()
        self._machine = machine
        self.audio_at = self._voice_at = clock()

    @property
    def speaking(self) -> bool:
        """True while the caller's turn is open."""
        return self._turn.speaking

    @property
    def windows_judged(self) -> int:
        """Windows that the voice detector was asked about."""
        return self._gate.judged

    def hear(self, pcm: bytes) -> None:
        """Take a frame. Nothing is waited for: what interrupts is left to `run`."""
        self.audio_at = self._clock()
        self._listener.feed(pcm)
        self._judge_all(self._gate.feed(pcm))

    async def run(self) -> None:
        """Interrupt the agent whenever the caller does, for ever; nothing is judged meanwhile."""
        while True:
            await self._interrupting.wait()
            if self._failure is not None:
                raise self._failure
            await self._talk.interrupt()
            self._interrupting.clear()
            self._judge_all([])

    def _judge_late(self) -> None:
        windows = self._gate.take()
        if self._closed or self._talk.closing:
            return
        try:
            self._judge_all(windows)
        except Exception as error:  # noqa: BLE001 - it is this call's alone, and not of those judged with it
            self._failure = error
            self._interrupting.set()

    def _judge_all(self, windows: list[Window]) -> None:
        self._windows.extend(windows)
        while self._windows and not self._interrupting.is_set():
            self._judge(self._windows.popleft())

    def close(self) -> None:
        """The call is over: windows that are still with the detector are nobody's."""
        self._closed = True

    def instead(self, kind: InputKind, text: str) -> None:
        """Something else than speech is the caller's turn; what was being said no longer matters."""
        self.drop()
        now = self._clock()
        self._talk.caller_turn(CallerTurn(kind, now, now, text=text))

    def drop(self) -> None:
        """Forget what is being said."""
        self._listener.drop()
        self._turn = cut_short(self._turn)

    def tick(self, now: float) -> None:
        """Close a turn whose audio has stopped coming."""
        if self.speaking and now - self.audio_at >= self._options.audio_pause_s:
            self._turn = cut_short(self._turn)
            self._end_turn()

    def _judge(self, window: Window) -> None:
        talk = self._talk
        if talk.unattended:
            self._suspect(window)
            return
        seen = Evidence(
            length_ms=window.length_ms,
            probability=window.probability,
            level=window.level,
            floor=window.floor,
            agent_ms=self._transmitter.sounding_ms(),
            greeting=talk.greeting,
            short_answer=talk.grammar is not None,
        )
        was_speaking = self._turn.speaking
        self._turn, change = step(self._turn, seen, self._options.turns)
        if self._turn.speaking and not self._turn.silent_ms:
            self._voice_at = self.audio_at
            self._on_voice()
        if change is Change.BEGAN or (change is Change.INTERRUPTED and not was_speaking):
            self._listener.begin(talk.grammar)
        if change is Change.INTERRUPTED:
            self._interrupting.set()
        elif change is Change.ENDED:
            self._end_turn()
        elif change is Change.DISMISSED:
            self._listener.drop()
        self._suspect(window)

    def _end_turn(self) -> None:
        """The caller has finished: hand the utterance to the conversation."""
        utterance = self._listener.end()
        if utterance is not None:
            turn = CallerTurn(InputKind.SPEECH, self._voice_at, self._clock(), utterance=utterance)
            self._talk.caller_turn(turn)

    def _suspect(self, window: Window) -> None:
        voice = window.probability >= self._options.turns.voice
        if self._machine.hear(window, voice=voice, speaking=self._turn.speaking):
            self.drop()
