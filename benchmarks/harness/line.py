"""One of our calls on a line of its own, in the caller's audio time: the clock jumps, nothing waits.

The far end speaks the carrier's real messages: 20 ms of mu-law at a time in both directions, marks echoed
when they are played. It plays a clip as the caller, adds the agent's echo, and notes when `clear` arrives.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from sounds.corpus import Clip, echoed
from sounds.noises import Samples

from trunkline.kit.audio import pcm_to_ulaw, ulaw_to_pcm
from trunkline.media import CallEvent, Session, SessionOptions, SocketClosed, TwilioStream
from trunkline.providers.local_speech import SileroVoiceActivity
from trunkline.providers.ports import (
    Act,
    CallBrief,
    Heard,
    Listen,
    Say,
    ToolResult,
    ToolRunner,
    Voice,
)
from trunkline.simulators.callers.caller import NoWords

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "media"))
from virtual_time import run

_FRAME = 160
_FRAME_S = 0.02


class Tape:
    """A voice that always says the same, at once."""

    def __init__(self, samples: Samples) -> None:
        self._pcm = samples.astype("<i2").tobytes()

    async def speak(self, _text: str, _voice: Voice) -> AsyncIterator[bytes]:
        for begin in range(0, len(self._pcm), 3_200):
            yield self._pcm[begin : begin + 3_200]

    async def close(self) -> None:
        """Nothing is held."""


class Announcer:
    """A brain that says one thing."""

    def open(self, _brief: CallBrief, _tools: ToolRunner) -> Announcer:
        return self

    async def begin(self) -> AsyncIterator[Act]:
        yield Say("tape")
        yield Listen(None)

    async def hear(self, _heard: Heard) -> AsyncIterator[Act]:
        yield Listen(None)

    def interrupted(self, said: str, *, played_ms: int) -> None:
        """It does not mind."""

    def listen(self) -> None:
        """A recogniser hears the caller."""

    async def close(self) -> None:
        """Nothing is held."""


class Line:
    """The carrier's end of one call; implements the socket of `TwilioStream`."""

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        self._inbox: asyncio.Queue[str | None] = asyncio.Queue()
        self._agent = np.zeros(len(clip.samples) + 80_000)
        self._plays_until = 0.0
        self.started_at = 0.0
        """When the caller first heard the agent; the clip's time begins here."""
        self.cleared_ms: list[float] = []
        self._caller: asyncio.Task[None] | None = None
        self._started = asyncio.Event()
        self._put("connected", protocol="Call", version="1.0.0")
        media = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
        self._put("start", start={"streamSid": "MZ1", "callSid": "CA1", "tracks": ["inbound"],
                                  "mediaFormat": media, "customParameters": {}})  # fmt: skip

    async def receive_text(self) -> str:
        text = await self._inbox.get()
        if text is None:
            self._inbox.put_nowait(None)
            raise SocketClosed
        return text

    async def send_text(self, text: str) -> None:
        now = asyncio.get_running_loop().time()
        message = json.loads(text)
        if message["event"] == "clear":
            self.cleared_ms.append((now - self.started_at) * 1000)
            self._agent[round((now - self.started_at) * 8000) :] = 0.0
            self._plays_until = now
        elif message["event"] == "media":
            pcm = ulaw_to_pcm(base64.b64decode(message["media"]["payload"]))
            if self._caller is None:
                self.started_at = now
                self._caller = asyncio.get_running_loop().create_task(self._call())
            self._plays_until = max(self._plays_until, now)
            at = round((self._plays_until - self.started_at) * 8000)
            samples = np.frombuffer(pcm, "<i2")
            room = self._agent[at : at + len(samples)]
            room[:] = samples[: len(room)]
            self._plays_until += len(samples) / 8000
        else:
            asyncio.get_running_loop().call_at(self._plays_until, self._put, "mark", message["mark"]["name"])

    async def close(self) -> None:
        self.hang_up()

    def hang_up(self) -> None:
        self._inbox.put_nowait(None)
        if self._caller is not None:
            self._caller.cancel()

    def _put(self, event: str, mark: str = "", **body: Any) -> None:
        if event == "mark":
            body = {"mark": {"name": mark}}
        self._inbox.put_nowait(json.dumps({"event": event, "streamSid": "MZ1", **body}))

    async def _call(self) -> None:
        loop = asyncio.get_running_loop()
        frames = len(self._clip.samples) // _FRAME
        for number in range(frames):
            # A frame is sent when the last of its samples has been spoken.
            await asyncio.sleep(max(0.0, self.started_at + (number + 1) * _FRAME_S - loop.time()))
            payload = base64.b64encode(pcm_to_ulaw(self._frame(number))).decode()
            self._put("media", media={"track": "inbound", "chunk": str(number + 1),
                                      "timestamp": str(number * 20), "payload": payload})  # fmt: skip
        await asyncio.sleep(_FRAME_S)
        self._inbox.put_nowait(None)

    def _frame(self, number: int) -> bytes:
        begin = number * _FRAME
        samples = self._clip.samples[begin : begin + _FRAME].copy()
        echo = self._clip.echo
        if echo is not None:
            end = begin + _FRAME - echo.delay_ms * 8
            if end > 0:
                past = self._agent[max(0, end - 1_600) : end]
                returned = echoed(past, echo)[-_FRAME:]
                samples[-len(returned) :] += returned
        return np.clip(np.rint(samples), -32768, 32767).astype("<i2").tobytes()


def cleared_by_ours(clip: Clip, voice: Tape, options: SessionOptions) -> float | None:
    """Hold the clip's call and return when the agent was silenced first, in ms of the clip; None: never."""

    async def hold() -> float | None:
        line = Line(clip)
        edge = TwilioStream(line)
        await edge.start()
        events: list[CallEvent] = []
        session = Session(
            options=options, wire=edge, brief=_BRIEF, brain=Announcer(), tools=_no_tools, stt=NoWords(),
            tts=voice, vad=SileroVoiceActivity(), sink=events.append,
        )  # fmt: skip
        await session.run()
        line.hang_up()
        await asyncio.sleep(0.1)
        trouble = [dict(event.data) for event in events if event.kind.value == "trouble"]
        assert not trouble, trouble
        return line.cleared_ms[0] if line.cleared_ms else None

    return run(hold())


async def _no_tools(_name: str, _arguments: Mapping[str, Any]) -> ToolResult:
    return ToolResult(ok=False, data={})


_BRIEF = CallBrief(
    call_id="1", direction="inbound", language="en", business_name="Oak Dental", greeting="", instructions="",
    script=None, tools=(), local_now=datetime(2026, 3, 2, 10, 0, tzinfo=UTC),
)  # fmt: skip
