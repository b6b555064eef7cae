"""Our media socket and session with local speech and a fixed dialogue, behind a bare FastAPI route.

    python -m peers.calls_spoken PORT LINES

LINES is JSON: a list of `{"say": [sentences], "expect": [phrases]}`; after the last one it hangs up. At
its end it prints one line of JSON: every event of every call.
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import uvicorn
from fastapi import FastAPI, WebSocket

from peers.calls_ours import brief_of, no_tool
from trunkline.asgi import media_server_options
from trunkline.media import CallEvent, LiveSessions, Session, SessionOptions, TwilioStream
from trunkline.providers.local_speech import EspeakTextToSpeech, SileroVoiceActivity, SphinxSpeechToText
from trunkline.providers.ports import Act, CallBrief, Grammar, HangUp, Heard, Listen, Say, ToolRunner
from trunkline.web.media_socket import text_socket


class Dialogue:
    """Says its lines one after another, whatever it is answered."""

    def __init__(self, lines: list[dict[str, Any]]) -> None:
        self._lines = lines
        self._next = 0

    def open(self, brief: CallBrief, tools: ToolRunner) -> Dialogue:
        return Dialogue(self._lines)

    async def _line(self) -> AsyncIterator[Act]:
        line = self._lines[self._next]
        self._next += 1
        for sentence in line["say"]:
            yield Say(sentence)
        if self._next == len(self._lines):
            yield HangUp("done")
        else:
            yield Listen(Grammar(tuple(line["expect"])))

    def begin(self) -> AsyncIterator[Act]:
        return self._line()

    def hear(self, heard: Heard) -> AsyncIterator[Act]:
        return self._line()

    def interrupted(self, said: str, *, played_ms: int) -> None:
        """Goes on with the next line."""

    def listen(self) -> None:
        """A recogniser hears the caller."""

    async def close(self) -> None:
        """Holds nothing."""


def main() -> None:
    port, lines = sys.argv[1:]
    events: list[dict[str, Any]] = []
    stt, tts, live = SphinxSpeechToText(), EspeakTextToSpeech(), LiveSessions()
    brain = Dialogue(json.loads(lines))

    def sink(event: CallEvent) -> None:
        events.append({**event.data, "event": event.kind.value})

    async def host(socket: WebSocket) -> None:
        await socket.accept()
        edge = TwilioStream(text_socket(socket))
        start = await edge.start()
        session = Session(
            options=SessionOptions(), wire=edge, brief=brief_of(start.call_sid), brain=brain, tools=no_tool,
            stt=stt, tts=tts, vad=SileroVoiceActivity(), sink=sink,
        )  # fmt: skip
        await live.run(session)

    app = FastAPI()
    app.add_api_websocket_route("/media", host)
    app.router.add_event_handler("shutdown", stt.close)
    app.router.add_event_handler("shutdown", tts.close)
    config = uvicorn.Config(
        app, host="127.0.0.1", port=int(port), log_level="warning", **media_server_options()
    )
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run()
    print(json.dumps({"events": events}), flush=True)


if __name__ == "__main__":
    main()
