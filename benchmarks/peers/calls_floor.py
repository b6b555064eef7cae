"""The floor: the same wire with nothing around it. Each frame that comes in sends one out.

    python -m peers.calls_floor PORT REPLY_MS starlette|direct|judged|one-by-one

`starlette` waits for every message as any FastAPI endpoint does; `direct` takes them by our protocol;
`judged` has every window of every call judged by Silero as well, together, without a gate before it;
`one-by-one` the same, each window in a run of its own.
"""

from __future__ import annotations

import asyncio
import binascii
import json
import sys
from collections.abc import Callable
from contextlib import suppress

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from peers.tone import tone
from trunkline.asgi import media_server_options
from trunkline.kit.audio import pcm_to_ulaw, ulaw_to_pcm
from trunkline.providers.local_speech import SileroVoiceActivity
from trunkline.web.media_protocol import DIRECT, MediaProtocol

PATH = "/media"
_WINDOW = 512


class Echo:
    """One call that answers each frame with a frame."""

    def __init__(self, kind: str, sound: bytes) -> None:
        self._sound = sound
        self._detector = SileroVoiceActivity() if kind in ("judged", "one-by-one") else None
        self._late = kind == "judged"
        self._rest = b""

    def answer(self, text: str | bytes) -> str | None:
        """Judge what came, and return what goes out."""
        message = json.loads(text)
        if message["event"] != "media":
            return None
        pcm = ulaw_to_pcm(binascii.a2b_base64(message["media"]["payload"]))
        if self._detector is not None:
            self._judge(self._detector, pcm)
        payload = binascii.b2a_base64(pcm_to_ulaw(self._sound), newline=False).decode()
        return f'{{"event":"media","streamSid":"MZ","media":{{"payload":"{payload}"}}}}'

    def _judge(self, detector: SileroVoiceActivity, pcm: bytes) -> None:
        self._rest += pcm
        if len(self._rest) >= _WINDOW:
            window, self._rest = self._rest[:_WINDOW], self._rest[_WINDOW:]
            if self._late:
                detector.judge(window, _forget)
            else:
                detector.probability(window)


def _forget(_probability: float) -> None:
    """The floor knows no turns."""


async def by_starlette(socket: WebSocket, call: Echo) -> None:
    with suppress(WebSocketDisconnect):
        while True:
            answer = call.answer(await socket.receive_text())
            if answer is not None:
                await socket.send_text(answer)


async def direct(protocol: MediaProtocol, call: Echo) -> None:
    over = asyncio.Event()

    def take(text: bytes) -> None:
        answer = call.answer(text)
        if answer is not None:
            _at_once(protocol.send_message(answer.encode()))

    protocol.listen(take, over.set)
    await over.wait()


def _at_once(sending: object) -> None:
    """Send without a task: it never waits while the other side reads."""
    send: Callable[[None], object] = sending.send  # type: ignore[attr-defined]
    with suppress(StopIteration):
        send(None)


def main() -> None:
    port, _, kind = sys.argv[1:]
    sound = tone(20)
    app = FastAPI()

    async def host(socket: WebSocket) -> None:
        await socket.accept()
        call = Echo(kind, sound)
        if kind == "starlette":
            await by_starlette(socket, call)
        else:
            await direct(socket.scope["extensions"][DIRECT], call)

    app.add_api_websocket_route(PATH, host)
    options = {"ws_per_message_deflate": False} if kind == "starlette" else media_server_options()
    SileroVoiceActivity().probability(bytes(_WINDOW))
    with suppress(KeyboardInterrupt):
        uvicorn.Server(
            uvicorn.Config(
                app, host="127.0.0.1", port=int(port), log_level="warning", loop="peers.slow:loop", **options
            )
        ).run()
    print(json.dumps({}), flush=True)


if __name__ == "__main__":
    main()
