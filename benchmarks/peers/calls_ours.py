"""Our media sessions behind a bare FastAPI route, with ears, voice and brain that answer at once.

    python -m peers.calls_ours PORT REPLY_MS
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime

import uvicorn
from fastapi import FastAPI, WebSocket
from peers.tone import tone

from trunkline.asgi import media_server_options
from trunkline.media import CallEvent, LiveSessions, Session, SessionOptions, TwilioStream
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
from trunkline.media.watchdog import WatchRules
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

    def open(self, *, language: str, grammar: Grammar | None) -> InstantUtterance:  # noqa: ARG002
        return InstantUtterance()

    async def speak(self, text: str, voice: Voice) -> AsyncIterator[bytes]:  # noqa: ARG002
        yield self._sound

    async def close(self) -> None:
        """Holds nothing."""


class InstantBrain:
    """Answers everything with the same sentence."""

    def open(self, brief: CallBrief, tools: ToolRunner) -> InstantBrain:  # noqa: ARG002
        return self

    async def begin(self) -> AsyncIterator[Act]:
        yield Listen(None)

    async def hear(self, heard: Heard) -> AsyncIterator[Act]:  # noqa: ARG002
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


class Stage:
    """What all calls of the process share, and what they told."""

    def __init__(self, reply_ms: int) -> None:
        self._speech = InstantSpeech(tone(reply_ms))
        self._live = LiveSessions()
        self._options = SessionOptions(machine=None, watch=WatchRules(greeting_s=60))
        self.clear_ms: list[float] = []
        self.ends: dict[str, int] = {}
        self.judged = 0

    def _sink(self, event: CallEvent) -> None:
        if "clear_ms" in event.data:
            self.clear_ms.append(event.data["clear_ms"])
        if event.kind.value == "ended":
            self.ends[event.data["reason"]] = self.ends.get(event.data["reason"], 0) + 1
            self.judged += event.data["windows_judged"]

    async def host(self, socket: WebSocket) -> None:
        await socket.accept()
        edge = TwilioStream(text_socket(socket))
        start = await edge.start()
        session = Session(
            options=self._options,
            wire=edge,
            brief=_brief(start.call_sid),
            brain=InstantBrain(),
            tools=no_tool,
            stt=self._speech,
            tts=self._speech,
            vad=SileroVoiceActivity(),
            sink=self._sink,
        )
        await self._live.run(session)


def _brief(call_id: str) -> CallBrief:
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
    port, reply_ms = (int(argument) for argument in sys.argv[1:])
    stage = Stage(reply_ms)
    app = FastAPI()
    app.add_api_websocket_route(PATH, stage.host)
    SileroVoiceActivity().probability(bytes(512))
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", **media_server_options())
    )
    with suppress(KeyboardInterrupt):
        server.run()
    print(json.dumps({"clear_ms": stage.clear_ms, "ends": stage.ends, "judged": stage.judged}), flush=True)


if __name__ == "__main__":
    main()
