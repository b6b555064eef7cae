"""A carrier, a voice, an ear and a brain of cardboard, all in the loop's own time."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from trunkline.kit.audio import audioop, level, pcm_to_ulaw
from trunkline.media import (
    CallEvent,
    Ended,
    EventKind,
    EventSink,
    LiveSessions,
    Session,
    SessionOptions,
    SocketClosed,
    TwilioStream,
)
from trunkline.providers.ports import (
    Act,
    Brain,
    CallBrief,
    Grammar,
    HangUp,
    Heard,
    Listen,
    Say,
    SpeechFailed,
    ToolResult,
    ToolRunner,
    Transcript,
    Voice,
)

_NOISE = np.random.default_rng(7)


def voice(ms: int, amplitude: int = 6000) -> bytes:
    """Return PCM that is taken for speech: noise, for it is no beep, whose colour changes as sounds do."""
    noise = _NOISE.uniform(-amplitude, amplitude, ms * 8)
    for begin in range(0, len(noise), 1_280):
        # A dark sound of 80 ms, then a bright one.
        dark = noise[begin : begin + 640]
        noise[begin : begin + 640] = np.convolve(dark, np.ones(8) / 3, "same")
    return np.clip(noise, -amplitude, amplitude).astype("<i2").tobytes()


def hum(ms: int, amplitude: int = 6000, hertz: float = 180.0) -> bytes:
    """Return PCM of a closed mouth: a low tone with little above it."""
    time = np.arange(ms * 8) / 8000
    made = np.sin(2 * np.pi * hertz * time) + 0.3 * np.sin(4 * np.pi * hertz * time)
    return (made * amplitude / 1.3).astype("<i2").tobytes()


def tone(ms: int, hertz: float = 1000.0, amplitude: int = 8000) -> bytes:
    return (amplitude * np.sin(2 * np.pi * hertz * np.arange(ms * 8) / 8000)).astype("<i2").tobytes()


def silence(ms: int) -> bytes:
    return bytes(ms * 16)


class StubVad:
    """Loud is speech."""

    window_samples = 256

    def probability(self, pcm: bytes) -> float:
        return 0.95 if level(pcm) > 1000 else 0.05


class LateVad(StubVad):
    """Answers later, as one does that judges the windows of many calls together."""

    def __init__(self, late_s: float) -> None:
        self._late_s = late_s

    def judge(self, pcm: bytes, then: Callable[[float], None]) -> None:
        asyncio.get_running_loop().call_later(self._late_s, then, self.probability(pcm))


class StubUtterance:
    def __init__(self, owner: StubStt) -> None:
        self.owner = owner
        self.pcm = bytearray()
        self.open = True

    def feed(self, pcm: bytes) -> None:
        self.pcm += pcm

    text_so_far = ""

    async def finish(self) -> Transcript:
        await asyncio.sleep(self.owner.delay_s)
        answer = self.owner.answers.pop(0) if self.owner.answers else ""
        if answer is None:
            raise SpeechFailed("stub")
        return Transcript(answer, 0.9)

    def cancel(self) -> None:
        if self.open:
            self.open = False
            self.owner.open_count -= 1


class StubStt:
    """Answers with the next of the given texts; None fails."""

    def __init__(self, answers: Sequence[str | None] = (), delay_s: float = 0.1) -> None:
        self.answers = list(answers)
        self.delay_s = delay_s
        self.open_count = 0
        self.utterances: list[StubUtterance] = []
        self.grammars: list[Grammar | None] = []

    def open(self, *, language: str, grammar: Grammar | None) -> StubUtterance:
        self.open_count += 1
        self.grammars.append(grammar)
        self.utterances.append(StubUtterance(self))
        return self.utterances[-1]

    async def close(self) -> None:
        return None


LETTER_MS = 60


class StubTts:
    """Speaks each letter for 60 ms, in chunks of 100 ms, after a short thought."""

    def __init__(
        self, *, delay_s: float = 0.05, fails: Sequence[str] = (), hangs: Sequence[str] = ()
    ) -> None:
        self.delay_s = delay_s
        self.fails = fails
        self.hangs = hangs
        self.running = 0
        self.spoken: list[str] = []

    async def speak(self, text: str, _voice: Voice) -> AsyncIterator[bytes]:
        self.running += 1
        self.spoken.append(text)
        try:
            await asyncio.sleep(self.delay_s)
            if text in self.fails:
                raise SpeechFailed("stub")
            if text in self.hangs:
                await asyncio.Event().wait()
            left_ms = len(text) * LETTER_MS
            while left_ms > 0:
                yield voice(min(100, left_ms))
                left_ms -= 100
                await asyncio.sleep(0.001)
        finally:
            self.running -= 1

    async def close(self) -> None:
        return None


class StubConversation:
    def __init__(self, brain: StubBrain, tools: ToolRunner) -> None:
        self.brain = brain
        self.tools = tools

    async def _play(self, acts: Sequence[Act | str]) -> AsyncIterator[Act]:
        self.brain.thinking += 1
        try:
            await asyncio.sleep(self.brain.delay_s)
            for act in acts:
                if isinstance(act, str):
                    result = await self.tools(act, {"n": 1})
                    yield Say(f"tool {result.ok}")
                else:
                    yield act
        finally:
            self.brain.thinking -= 1

    def begin(self) -> AsyncIterator[Act]:
        return self._play(self.brain.next_acts())

    def hear(self, heard: Heard) -> AsyncIterator[Act]:
        self.brain.heard.append(heard)
        return self._play(self.brain.next_acts())

    def interrupted(self, said: str, *, played_ms: int) -> None:
        self.brain.cut_at.append(said)

    def listen(self) -> None:
        """A recogniser hears the caller."""

    async def close(self) -> None:
        """Nothing is held."""


class StubBrain:
    """Plays the next list of acts at each turn; a plain string is a tool to call."""

    def __init__(self, *turns: Sequence[Act | str], delay_s: float = 0.01) -> None:
        self.turns = list(turns)
        self.delay_s = delay_s
        self.heard: list[Heard] = []
        self.cut_at: list[str] = []
        self.thinking = 0

    def next_acts(self) -> Sequence[Act | str]:
        return self.turns.pop(0) if self.turns else [Say("And now?"), Listen(None)]

    def open(self, brief: CallBrief, tools: ToolRunner) -> StubConversation:
        return StubConversation(self, tools)


class Streaming(StubBrain):
    """Gives its acts one after another, as a model streams them: a number is a pause in seconds."""

    def __init__(self, *turns: Sequence[Any]) -> None:
        super().__init__(*turns)

    def open(self, brief: CallBrief, tools: ToolRunner) -> StubConversation:
        return _Streamed(self, tools)


class _Streamed(StubConversation):
    async def _play(self, acts: Sequence[Any]) -> AsyncIterator[Act]:
        self.brain.thinking += 1
        try:
            for act in acts:
                if isinstance(act, float):
                    await asyncio.sleep(act)
                elif isinstance(act, str):
                    await self.tools(act, {})
                elif isinstance(act, Exception):
                    raise act
                else:
                    yield act
        finally:
            self.brain.thinking -= 1


class FakeCarrier:
    """The carrier's end of the socket: its own message format, its own jitter-free buffer."""

    def __init__(self, *, one_way_s: float = 0.02, echo_marks: bool = True) -> None:
        self.one_way_s = one_way_s
        self.echo_marks = echo_marks
        self.inbox: asyncio.Queue[str | None] = asyncio.Queue()
        self.sent: list[tuple[float, str, Any]] = []
        self.caller_audio = bytearray()
        self.spoken_over = bytearray()
        self.plays_until = 0.0
        self.pending: dict[str, asyncio.TimerHandle] = {}
        self.closed_at: float | None = None
        self.gone = False
        self.chunk = 0
        self._task: asyncio.Task[None] | None = None

    # What the session's edge uses.

    async def receive_text(self) -> str:
        text = await self.inbox.get() if not self.gone else None
        if text is None:
            self.gone = True
            raise SocketClosed
        return text

    async def send_text(self, text: str) -> None:
        if self.gone:
            raise SocketClosed
        now = self.now()
        message = json.loads(text)
        assert message["streamSid"] == "MZ1"
        kind = message["event"]
        if kind == "media":
            ulaw = base64.b64decode(message["media"]["payload"])
            self.sent.append((now, kind, len(ulaw)))
            self.plays_until = max(self.plays_until, now + self.one_way_s) + len(ulaw) / 8000
        elif kind == "mark":
            name = message["mark"]["name"]
            self.sent.append((now, kind, name))
            due = max(self.plays_until, now + self.one_way_s) + self.one_way_s
            self.pending[name] = asyncio.get_running_loop().call_at(due, self._echo, name)
        else:
            assert kind == "clear"
            self.sent.append((now, kind, None))
            self.plays_until = now
            for name, timer in list(self.pending.items()):
                timer.cancel()
                self._echo(name)

    async def close(self) -> None:
        self.closed_at = self.now()
        self.hang_up()

    # What a test does.

    @staticmethod
    def now() -> float:
        return asyncio.get_running_loop().time()

    def _echo(self, name: str) -> None:
        self.pending.pop(name, None)
        if self.echo_marks:
            self.put("mark", mark={"name": name})

    def put(self, event: str, **body: Any) -> None:
        self.inbox.put_nowait(json.dumps({"event": event, "streamSid": "MZ1", **body}))

    def connect(self, **parameters: str) -> None:
        self.put("connected", protocol="Call", version="1.0.0")
        self.put(
            "start",
            start={
                "streamSid": "MZ1",
                "callSid": "CA1",
                "accountSid": "AC1",
                "tracks": ["inbound"],
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
                "customParameters": parameters,
            },
        )
        self._task = asyncio.get_running_loop().create_task(self._caller(), name="caller")

    async def _caller(self) -> None:
        while not self.gone:
            frame = bytes(self.caller_audio[:320]).ljust(320, b"\0")
            del self.caller_audio[:320]
            if self.spoken_over:
                over = bytes(self.spoken_over[:320]).ljust(320, b"\0")
                del self.spoken_over[:320]
                frame = audioop.add(frame, over, 2)
            self.media(frame)
            await asyncio.sleep(0.02)

    def media(self, pcm: bytes) -> None:
        payload = base64.b64encode(pcm_to_ulaw(pcm)).decode()
        body = {"track": "inbound", "chunk": str(self.chunk + 1), "timestamp": str(self.chunk * 20)}
        self.chunk += 1
        self.put("media", media={**body, "payload": payload})

    def say(self, pcm: bytes) -> None:
        self.caller_audio += pcm

    def say_over(self, pcm: bytes) -> None:
        """Speak at the same time as whatever else the line carries from now on."""
        self.spoken_over += pcm

    def hang_up(self) -> None:
        for timer in self.pending.values():
            timer.cancel()
        self.pending.clear()
        self.inbox.put_nowait(None)
        if self._task is not None:
            self._task.cancel()

    def times(self, kind: str) -> list[float]:
        return [at for at, what, _ in self.sent if what == kind]


class Call:
    """One whole call on cardboard. `events` fills while it runs."""

    def __init__(
        self,
        brain: Brain,
        *,
        stt: StubStt | None = None,
        tts: StubTts | None = None,
        carrier: FakeCarrier | None = None,
        options: SessionOptions | None = None,
        direction: str = "inbound",
        call_id: str = "7",
        tool: ToolRunner | None = None,
        vad: StubVad | None = None,
    ) -> None:
        self.brain = brain
        self.stt = stt or StubStt()
        self.tts = tts or StubTts()
        self.carrier = carrier or FakeCarrier()
        self.options = options or SessionOptions()
        self.brief = brief(call_id, direction)
        self.tool = tool or _tool
        self.vad = vad or StubVad()
        self.events: list[CallEvent] = []
        self.sink: EventSink = self.events.append
        self.session: Session

    async def run(self, *script: Any) -> CallEvent:
        """Hold the call; each script step is (seconds from the start, what to do). Return its last event."""
        await self._open()
        loop = asyncio.get_running_loop()
        timers = [loop.call_later(at_s, step) for at_s, step in script]
        try:
            await self.session.run()
        finally:
            for timer in timers:
                timer.cancel()
        self.check_nothing_left()
        return self.events[-1]

    async def run_on(self, live: LiveSessions) -> Ended:
        """Hold the call on a register."""
        await self._open()
        return await live.run(self.session)

    async def _open(self, **parts: Any) -> None:
        self.carrier.connect()
        edge = TwilioStream(self.carrier)
        await edge.start()
        self.session = Session(
            options=self.options,
            wire=edge,
            brief=self.brief,
            brain=self.brain,
            tools=self.tool,
            stt=self.stt,
            tts=self.tts,
            vad=self.vad,
            sink=self.sink,
            **parts,
        )

    def check_nothing_left(self) -> None:
        own = [
            t.get_name()
            for t in asyncio.all_tasks()
            if t.get_name().startswith(f"call-{self.brief.call_id}-")
        ]
        assert own == []
        assert (self.stt.open_count, self.tts.running, getattr(self.brain, "thinking", 0)) == (0, 0, 0)
        assert [event.sequence for event in self.events] == list(range(1, len(self.events) + 1))
        last = self.events[-1]
        assert last.kind is EventKind.ENDED
        frames = last.data["frames_in"]
        assert frames["received"] == frames["forwarded"] + sum(frames["dropped"].values())
        out = last.data["frames_out"]
        assert out["queued"] == out["sent"] + out["cleared"]
        json.dumps([dict(event.data) for event in self.events])

    def told(self, kind: EventKind) -> list[Mapping[str, Any]]:
        return [event.data for event in self.events if event.kind is kind]


async def _tool(_name: str, _arguments: Mapping[str, Any]) -> ToolResult:
    await asyncio.sleep(0.3)
    return ToolResult(ok=True, data={})


def brief(call_id: str = "7", direction: str = "inbound") -> CallBrief:
    return CallBrief(
        call_id=call_id,
        direction=direction,
        language="en",
        business_name="Oak Dental",
        greeting="",
        instructions="",
        script=None,
        tools=(),
        local_now=datetime(2026, 3, 2, 10, 0, tzinfo=UTC),
    )


def ask(text: str, digits: int = 0) -> list[Act]:
    return [Say(text), Listen(Grammar(("yes", "no")), digits)]


def goodbye(text: str = "Goodbye.", reason: str = "done") -> list[Act]:
    return [Say(text), HangUp(reason)]
