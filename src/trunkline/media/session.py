"""One live call: the parts bound together, from the first frame to the last event.

Owns the call's tasks, its wiring and its end. `run` returns when the call is over, and then
nothing of it is left: no task, no open utterance, no voice at work. Refuses to know where the
call came from and where its events go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine
from dataclasses import dataclass
from typing import Any, cast

from trunkline.kit.tones import keys
from trunkline.media.agent_turn import CallerTurn, elapsed_ms
from trunkline.media.comfort import ComfortNoise
from trunkline.media.ear import Ear
from trunkline.media.frames import SocketClosed, Wire
from trunkline.media.keypad import Keypad
from trunkline.media.listener import Listener
from trunkline.media.machine import Machine
from trunkline.media.options import SessionOptions
from trunkline.media.playback import Piece
from trunkline.media.reader import Reader
from trunkline.media.recording import Recorder
from trunkline.media.scribe import EventKind, EventSink, Scribe
from trunkline.media.speaker import Speaker
from trunkline.media.talk import Talk
from trunkline.media.taps import Taps
from trunkline.media.transmitter import Transmitter
from trunkline.media.watchdog import Alarm, Signs, Watchdog
from trunkline.providers.ports import (
    AnsweredBy,
    Brain,
    CallBrief,
    InputKind,
    NoiseSuppression,
    SpeechToText,
    TextToSpeech,
    ToolRunner,
    VoiceActivity,
)

_TICK_S = 0.2
"""How often the watchdog looks."""
_CLOSE_S = 2.0
"""Longest wait for the socket's close."""
_TASKS_S = 5.0
"""Longest wait for the call's own tasks after they were cancelled."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a call ended. The same is told in its last event."""

    reason: str
    duration_ms: float
    frames_in: dict[str, Any]
    frames_out: dict[str, Any]


class Session:
    """One call's media session. Build it when the call is known to be ours, then `await run()`.

    Raises ValueError when the brain cannot use the brief. All parameters but `wire`, `vad`, `sink`,
    `suppression` and `recorder` may be shared by many calls.
    """

    def __init__(
        self,
        *,
        options: SessionOptions,
        wire: Wire,
        brief: CallBrief,
        brain: Brain,
        tools: ToolRunner,
        stt: SpeechToText,
        tts: TextToSpeech,
        vad: VoiceActivity,
        sink: EventSink,
        suppression: NoiseSuppression | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        self.call_id = brief.call_id
        # Asked several times a frame, so it is looked up once.
        self._now = asyncio.get_running_loop().time
        self.started_at = self._now()
        self.wire_ended_at: float | None = None
        """When the carrier went away; the reaper goes by it."""
        self._options = options
        self._apologised = False
        self._brief = brief
        self._wire = wire
        self._tasks: set[asyncio.Task[None]] = set()
        self._over = asyncio.Event()
        self._reason = ""
        self._scribe = Scribe(brief.call_id, sink)
        self._keypad = Keypad(pause_s=options.keypad_pause_s)
        self._listener = Listener(
            stt,
            language=brief.language,
            preroll_ms=options.preroll_ms,
            timeout_s=options.transcript_timeout_s,
        )
        self._talk = Talk(
            brain=brain,
            brief=brief,
            tools=tools,
            options=options,
            listener=self._listener,
            keypad=self._keypad,
            scribe=self._scribe,
            clock=self._now,
            spawn=self._spawn,
            end=self.stop,
        )
        self._transmitter = Transmitter(
            wire,
            lead_s=options.lead_s,
            limit_frames=options.queue_frames,
            mark_grace_s=options.mark_grace_s,
            clock=self._now,
            on_first_frame=self._talk.delivery.first_frame,
            on_played=self._talk.delivery.played,
        )
        self._speaker = Speaker(
            tts,
            options.voice,
            self._transmitter,
            timeout_s=options.voice_timeout_s,
            pause_ms=options.sentence_pause_ms,
            clock=self._now,
            spawn=self._spawn,
            on_failure=self._talk.delivery.voice_failed,
        )
        self._talk.delivery.bind(self._speaker, self._transmitter)
        self._reader = Reader(
            wire, on_audio=self._audio, on_digit=self._digit, on_mark=self._transmitter.mark_echoed
        )
        self._watchdog = Watchdog(options.watch, started_at=self.started_at)
        self._machine = Machine(
            options=options,
            brief=brief,
            talk=self._talk,
            scribe=self._scribe,
            clock=self._now,
        )
        self._ear = Ear(
            vad,
            options=options,
            machine=self._machine,
            listener=self._listener,
            talk=self._talk,
            transmitter=self._transmitter,
            clock=self._now,
            spawn=self._spawn,
            on_voice=self._watchdog.caller_active,
            suppression=suppression,
        )
        self._transmitter.on_frame = self._ear.echo.sent
        if options.comfort_noise:
            self._transmitter.comfort = ComfortNoise(lambda: self._ear.noise_floor).frame
        self.taps = Taps(self._reader, self._transmitter, self._scribe, recorder, clock=self._now)
        self._talk.floor.caller_speaks = lambda: self._ear.speaking

    @property
    def outdated(self) -> bool:
        """True while the agent is at work on an answer that nobody waits for any more."""
        return self._talk.outdated

    def stop(self, reason: str) -> None:
        """End the call now, whatever it is doing. The first reason given is the call's."""
        if not self._over.is_set():
            self._reason = reason
            self._over.set()

    def leave(self, reason: str) -> None:
        """End the agent's part with its present turn, heard out; the call itself may go on elsewhere."""
        self._talk.leave(reason)

    def part(self, reason: str) -> None:
        """End the call politely: the farewell of the options, then the end."""
        self._talk.part(reason, self._options.farewell)

    def trouble(self, what: str, detail: str) -> None:
        """Put on record what went wrong for this call outside of it; not after its end."""
        if not self._over.is_set():
            self._scribe.record(EventKind.TROUBLE, what=what, detail=detail)

    async def press(self, digits: str) -> None:
        """Send keys as tones, behind what the agent is saying. Raises ValueError on what is no key.

        Nothing said meanwhile keeps them from going out: a menu talks over its own keys.
        """
        piece, tones = Piece("", protected=True), keys(digits)
        await self._speaker.finished()
        self._transmitter.add(piece)
        await self._transmitter.put(piece, tones)
        self._transmitter.finish(piece)

    def answered_by(self, who: AnsweredBy) -> None:
        """Take the carrier's word on who has answered; it may come at any time, also twice."""
        if not self._over.is_set() and self._machine.told(who):
            self._ear.drop()

    async def run(self) -> Ended:
        """Hold the call until it is over and return how it ended.

        Cancelling it ends the call as well, with everything closed and recorded first.
        """
        self._scribe.record(EventKind.STARTED, direction=self._brief.direction, language=self._brief.language)
        self._spawn("rx", self._receive())
        self._spawn("tx", self._transmitter.run())
        self._spawn("ear", self._ear.run())
        self._spawn("talk", self._talk.run())
        try:
            await self._watch()
        except asyncio.CancelledError:
            self.stop("cancelled")
            raise
        except Exception as error:  # noqa: BLE001 - the call's outermost loop; it is put on record
            self._scribe.record(EventKind.TROUBLE, what="internal_error", detail=repr(error))
            self.stop("internal_error")
        finally:
            ended = await self._finish()
        return ended

    # --- Tasks ----------------------------------------------------------------------------

    def _spawn(self, name: str, work: Awaitable[None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(
            cast("Coroutine[Any, Any, None]", work), name=f"call-{self.call_id}-{name}"
        )
        self._tasks.add(task)
        task.add_done_callback(self._task_done)
        return task

    def _task_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if isinstance(error, SocketClosed):
            self.wire_ended_at = self.wire_ended_at or self._now()
            self.stop("disconnect")
        elif error is not None:
            self._scribe.record(
                EventKind.TROUBLE, what="internal_error", detail=repr(error), task=task.get_name()
            )
            self.stop("internal_error")

    async def _receive(self) -> None:
        reason = await self._reader.run()
        self.wire_ended_at = self._now()
        self.stop(reason)

    # --- The caller -----------------------------------------------------------------------

    def _audio(self, pcm: bytes) -> str | None:
        if self._over.is_set():
            return "ended"
        if not self._talk.listening:
            self._ear.audio_at = self._now()
            return "goodbye"
        self._ear.hear(pcm)
        return None

    async def _digit(self, key: str) -> None:
        if self._talk.closing or not self._keypad.offered:
            self._scribe.record(EventKind.TROUBLE, what="key_not_offered", detail=key)
            return
        self._watchdog.caller_active()
        was_open = self._keypad.open
        entry = self._keypad.press(key, self._now())
        if entry is not None or self._keypad.open:
            # A key is no echo and no cough: it silences the agent without further evidence.
            await self._talk.interrupt()
        elif was_open:
            self._talk.taken_back()
        if entry is not None:
            self._ear.instead(InputKind.DIGITS, entry)

    # --- The clock ------------------------------------------------------------------------

    async def _watch(self) -> None:
        while not self._over.is_set():
            try:
                async with asyncio.timeout(_TICK_S):
                    await self._over.wait()
            except TimeoutError:
                self._tick(self._now())

    def _tick(self, now: float) -> None:
        talk = self._talk
        talk.delivery.tick()
        self.taps.tick()
        entry = self._keypad.tick(now)
        if entry is not None:
            self._ear.instead(InputKind.DIGITS, entry)
        self._ear.tick(now)
        signs = Signs(
            audio_in_at=self._ear.audio_at,
            agent_spoke=self._transmitter.frames.sent > 0,
            reply_due_since=talk.reply_due_since,
            brain_due_since=talk.brain_due_since,
            sending_since=self._transmitter.sending_since,
            quiet=talk.quiet and not self._ear.speaking and not self._keypad.open,
        )
        alarm = self._watchdog.check(now, signs)
        if alarm is not None:
            self._act_on(alarm, now)

    def _act_on(self, alarm: Alarm, now: float) -> None:
        self._scribe.record(
            EventKind.TROUBLE, what=alarm.value, detail=f"{now - self.started_at:.1f} s into the call"
        )
        if alarm in (Alarm.SILENCE, Alarm.LONG_SILENCE):
            self._talk.caller_turn(CallerTurn(InputKind.SILENCE, now, now, last=alarm is Alarm.LONG_SILENCE))
        elif alarm is Alarm.TOO_LONG:
            self._talk.part(alarm.value, self._options.farewell)
        elif alarm is Alarm.STUCK_REPLY and self._options.apology and not self._apologised:
            self._apologised = True
            self._talk.part(alarm.value, self._options.apology)
        elif alarm is not Alarm.LATE_REPLY:
            self.stop(alarm.value)

    # --- The end --------------------------------------------------------------------------

    async def _finish(self) -> Ended:
        try:
            self._ear.end()
            await self._talk.settle()
        finally:
            # The reaper may cancel even the wait for a tool; the call is closed all the same.
            ended = await self._through(self._close())
        return ended

    async def _through(self, closing: Coroutine[Any, Any, Ended]) -> Ended:
        """Close to the end, which is bounded, however often the call is cancelled meanwhile."""
        task = asyncio.get_running_loop().create_task(closing, name=f"call-{self.call_id}-close")
        cancelled: asyncio.CancelledError | None = None
        while not task.done():
            try:
                await asyncio.wait([task])
            except asyncio.CancelledError as error:
                cancelled = error
        ended = task.result()
        if cancelled is not None:
            raise cancelled
        return ended

    async def _closed(self, work: Awaitable[None], otherwise: str) -> None:
        try:
            async with asyncio.timeout(_CLOSE_S):
                await work
        except TimeoutError:
            self._scribe.record(EventKind.TROUBLE, what="close_hung", detail=otherwise)

    async def _close(self) -> Ended:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_TASKS_S)
        self._ear.close()
        self._talk.discard()
        self._listener.drop()
        try:
            await self._closed(self._wire.close(), "the socket did not close")
            await self._closed(self._talk.close(), "the brain did not let go")
        finally:
            # Whatever the two did: a call without its last event would never be finalised.
            self.taps.close()
            ended = self._told_end()
        return ended

    def _told_end(self) -> Ended:
        self._scribe.fill_all()
        ended = Ended(
            reason=self._reason,
            duration_ms=elapsed_ms(self.started_at, self._now()),
            frames_in=self._reader.frames.as_data(),
            frames_out=self._transmitter.frames.as_data(),
        )
        self._scribe.record(
            EventKind.ENDED,
            reason=ended.reason,
            duration_ms=ended.duration_ms,
            frames_in=ended.frames_in,
            frames_out=ended.frames_out,
            turns=self._talk.turns,
            interruptions=self._talk.interruptions,
            windows_judged=self._ear.windows_judged,
        )
        return ended
