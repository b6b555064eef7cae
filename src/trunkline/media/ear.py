"""The ear: the caller's frames judged, and made into turns of the caller.

Owns the chain from voice activity over the turn rules to the listener, and which evidence is gathered when:
echo and articulation only for what may be voice over the agent, words over the agent only for a voice that
does not articulate. Refuses to decide what an answer means; it hands finished turns to the conversation,
and every window to who suspects a machine.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from trunkline.kit.audio import BYTES_PER_MS
from trunkline.media.agent_turn import CallerTurn
from trunkline.media.echo import EchoGuard
from trunkline.media.evidence import Articulation, Evidence
from trunkline.media.hiss import Hiss
from trunkline.media.listener import Listener
from trunkline.media.machine import Machine
from trunkline.media.options import SessionOptions
from trunkline.media.speaker import Spawn
from trunkline.media.talk import Talk
from trunkline.media.transmitter import Transmitter
from trunkline.media.turn_end import TurnEnd
from trunkline.media.turns import Change, TurnState, cut_short, is_voice, step
from trunkline.media.vad import VoiceGate, Window
from trunkline.providers.ports import InputKind, NoiseSuppression, VoiceActivity


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
        spawn: Spawn,
        on_voice: Callable[[], None],
        suppression: NoiseSuppression | None = None,
    ) -> None:
        self._options = options
        self._suppression = suppression
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
        self._articulation = Articulation(window=vad.window_samples)
        self._hiss = Hiss(window=vad.window_samples)
        self._turn_end = TurnEnd(options.end_of_turn, ask_ms=options.turns.ask_model_ms, spawn=spawn)
        self._overhears = False
        """The recogniser listens to a voice over the agent that has not interrupted it."""
        self._unjudged_ms = 0
        """Audio that has come in and is not judged yet."""
        self.echo = EchoGuard()
        self.audio_at = self._voice_at = clock()

    @property
    def speaking(self) -> bool:
        """True while the caller's turn is open."""
        return self._turn.speaking

    @property
    def windows_judged(self) -> int:
        """Windows that the voice detector was asked about."""
        return self._gate.judged

    @property
    def noise_floor(self) -> float:
        """The noise of the caller's line, as the root mean square of samples."""
        return self._gate.floor

    def hear(self, pcm: bytes) -> None:
        """Take a frame. Nothing is waited for: what interrupts is left to `run`."""
        self.audio_at = self._clock()
        self.echo.heard(pcm, self.audio_at)
        if self._suppression is not None:
            pcm = self._suppression.clean(pcm)
        self._unjudged_ms += len(pcm) // BYTES_PER_MS
        self._turn_end.feed(pcm)
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

    def end(self) -> None:
        """The call is over: what was being said was the caller's last turn."""
        if self.speaking and not self._talk.unattended:
            self._turn = cut_short(self._turn)
            self._end_turn()

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
        self._overhears = False
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
        seen = self._evidence(window)
        was_speaking = self._turn.speaking
        options = self._options
        self._turn, change = step(self._turn, seen, options.turns, options.endpointing, options.barge_in)
        if self._turn.speaking and not self._turn.silent_ms:
            self._voice_at = self.audio_at
            self._on_voice()
        if change is None:
            self._overhear(seen)
        elif change is Change.BEGAN or (change is Change.INTERRUPTED and not was_speaking):
            self._turn_end.begin()
            if not self._overhears:
                self._listener.begin(talk.grammar)
            self._overhears = False
        if change is Change.INTERRUPTED:
            self._interrupting.set()
        elif change is Change.ENDED:
            self._end_turn()
        elif change is Change.DISMISSED:
            self._listener.drop()
        self._suspect(window)

    def _evidence(self, window: Window) -> Evidence:
        """Gather what the rules want to know, and no more: most windows of a call are silence."""
        self._unjudged_ms -= window.length_ms
        turn, rules = self._turn, self._options.turns
        agent_ms = self._transmitter.sounding_ms()
        echo = 0.0
        if window.probability >= rules.still_voice and self.echo.listening(self.audio_at):
            echo = self.echo.share(window.pcm, self._unjudged_ms)
        articulation, hissed = None, False
        if agent_ms is not None and not turn.speaking and echo < rules.echo:
            if not turn.voiced_ms:
                self._articulation.forget()
                self._hiss.forget()
            if turn.voiced_ms or window.probability >= rules.voice:
                articulation = self._articulation.take(window.pcm)
                hissed = self._hiss.take(window.pcm)
            else:
                self._articulation.wait(window.pcm)
                self._hiss.wait(window.pcm)
        elif agent_ms is None or turn.speaking:
            self._hiss.rest()
        in_turn = turn.speaking or self._overhears
        return Evidence(
            length_ms=window.length_ms,
            probability=window.probability,
            level=window.level,
            floor=window.floor,
            agent_ms=agent_ms,
            greeting=self._talk.greeting,
            short_answer=self._talk.grammar is not None,
            digits=self._talk.digits,
            echo=echo,
            articulation=articulation,
            hissed=hissed,
            text=self._listener.text_so_far if in_turn else "",
            turn_over=self._turn_end.hear(silent_ms=turn.silent_ms) if turn.speaking else None,
        )

    def _overhear(self, seen: Evidence) -> None:
        """Let the recogniser hear a voice over the agent that sound alone does not tell from a listener's."""
        turn, rules = self._turn, self._options.turns
        if turn.speaking:
            return
        if self._overhears and not turn.voiced_ms:
            self._overhears = False
            self._listener.drop()
        elif not self._overhears and seen.agent_ms is not None and turn.loud_ms >= rules.barge_in_ms:
            self._overhears = is_voice(turn, seen, rules)
            if self._overhears:
                self._listener.begin(self._talk.grammar)

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
