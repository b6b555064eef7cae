"""Our media sessions behind a bare FastAPI route, with ears, voice and brain that answer at once.

python -m peers.calls_ours PORT REPLY_MS [probe]
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime

import uvicorn
from fastapi import FastAPI, WebSocket

from peers.probe import Probe
from peers.tone import tone
from trunkline.asgi import media_server_options
from trunkline.media import CallEvent, LiveSessions, Session, SessionOptions, TwilioStream
from trunkline.media.watchdog import WatchRules
from trunkline.providers.local_speech import SileroVoiceActivity
from trunkline.providers.ports import (
    Act,
    CallBrief,
    Grammar,
    Heard,
    Listen,
    Say,
    ToolResult,
    ToolRunner,
    Transcript,
    Voice,
)
from trunkline.web.garbage import Garbage
from trunkline.web.media_socket import text_socket

PATH = "/media"


class InstantUtterance:
    """Knows at once what was said."""

    text_so_far = ""

    def feed(self, pcm: bytes) -> None:
        """Listens to nothing."""

    async def finish(self) -> Transcript:
        return Transcript("hello there", 1.0)

    def cancel(self) -> None:
        """Holds nothing."""


class InstantSpeech:
    """Both speech ports."""

    def __init__(self, sound: bytes) -> None:
        self._sound = sound

    def open(self, *, language: str, grammar: Grammar | None) -> InstantUtterance:
        return InstantUtterance()

    async def speak(self, text: str, voice: Voice) -> AsyncIterator[bytes]:
        yield self._sound

    async def close(self) -> None:
        """Holds nothing."""


class InstantBrain:
    """Answers everything with the same sentence."""

    def open(self, brief: CallBrief, tools: ToolRunner) -> InstantBrain:
        return self

    async def begin(self) -> AsyncIterator[Act]:
        yield Listen(None)

    async def hear(self, heard: Heard) -> AsyncIterator[Act]:
        yield Say("This is what I have to say to that.")
        yield Listen(None)

    def interrupted(self, said: str, *, played_ms: int) -> None:
        """Remembers nothing."""

    def listen(self) -> None:
        """A recogniser hears the caller."""

    async def close(self) -> None:
        """Holds nothing."""


async def no_tool(_name: str, _arguments: object) -> ToolResult:
    return ToolResult(ok=False, data={})


class Decided(asyncio.Event):
    """The ear's decision to interrupt, with its time."""

    at = worked = 0.0

    def set(self) -> None:
        self.at, self.worked = time.perf_counter(), time.thread_time()
        super().set()

    def noting(
        self, clear: Callable[[], Awaitable[None]], into: list[float], work: list[float]
    ) -> Callable[[], Awaitable[None]]:
        """Return `clear`, which notes how long after the decision it is on the wire, and the work of it."""

        async def noted() -> None:
            await clear()
            # Where a turn is answered while an answer sounds, it is cleared without the ear's decision.
            if self.at:
                into.append((time.perf_counter() - self.at) * 1000)
                work.append((time.thread_time() - self.worked) * 1000)
                self.at = 0.0

        return noted


class Stage:
    """What all calls of the process share, and what they told."""

    def __init__(self, reply_ms: int, probe: Probe | None) -> None:
        self._speech = InstantSpeech(tone(reply_ms))
        self._live = LiveSessions()
        self._options = SessionOptions(machine=None, watch=WatchRules(greeting_s=60))
        self._garbage = Garbage(lambda: self._live.count)
        self._garbage.settle()
        self._tending: asyncio.Task[None] | None = None
        self.probe = probe
        self.clear_ms: list[float] = []
        self.clear_work_ms: list[float] = []
        self.ends: dict[str, int] = {}
        self.judged = 0

    def _start_once(self) -> None:
        if self._tending is None:
            self._tending = asyncio.get_running_loop().create_task(self._garbage.tend())
            if self.probe is not None:
                self.probe.start()

    def _sink(self, event: CallEvent) -> None:
        if event.kind.value == "ended":
            self.ends[event.data["reason"]] = self.ends.get(event.data["reason"], 0) + 1
            self.judged += event.data["windows_judged"]

    async def host(self, socket: WebSocket) -> None:
        self._start_once()
        await socket.accept()
        edge = TwilioStream(text_socket(socket))
        start = await edge.start()
        session = Session(
            options=self._options,
            wire=edge,
            brief=brief_of(start.call_sid),
            brain=InstantBrain(),
            tools=no_tool,
            stt=self._speech,
            tts=self._speech,
            vad=SileroVoiceActivity(),
            sink=self._sink,
        )
        # From the decision to the socket, with the hop of a task between: what the call itself cannot see.
        session._ear._interrupting = decided = Decided()
        edge.send_clear = decided.noting(edge.send_clear, self.clear_ms, self.clear_work_ms)  # type: ignore[method-assign]
        await self._live.run(session)


def brief_of(call_id: str) -> CallBrief:
    return CallBrief(
        call_id=call_id,
        direction="inbound",
        language="en",
        business_name="Bench",
        greeting="",
        instructions="",
        script=None,
        tools=(),
        local_now=datetime(2026, 1, 5, 10, 0, tzinfo=UTC),
    )


def main() -> None:
    port, reply_ms, *more = sys.argv[1:]
    SileroVoiceActivity().probability(bytes(512))
    probe = Probe() if "probe" in more else None
    stage = Stage(int(reply_ms), probe)
    app = FastAPI()
    app.add_api_websocket_route(PATH, stage.host)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host="127.0.0.1",
            port=int(port),
            log_level="warning",
            loop="peers.slow:loop",
            **media_server_options(),
        )
    )
    with suppress(KeyboardInterrupt):
        server.run()
    told = {
        "decision_to_clear_ms": stage.clear_ms,
        "decision_to_clear_work_ms": stage.clear_work_ms,
        "ends": stage.ends,
        "judged": stage.judged,
    }
    print(json.dumps({**told, "blocked_ms": probe.longest(20) if probe else []}), flush=True)


if __name__ == "__main__":
    main()
