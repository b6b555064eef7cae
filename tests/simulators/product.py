"""A stand-in for the product, in tests only: checks every signature and records what the carrier did."""

from __future__ import annotations

import asyncio
import base64
import json
import math
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from twilio.request_validator import RequestValidator

from trunkline.providers.ports import CallOrder, Grammar, Transcript, Voice
from trunkline.providers.twilio import TwilioCarrier
from trunkline.simulators.carrier import Persona, RunningCarrier
from trunkline.simulators.carrier.book import CallEntry

SID = "AC" + "a" * 32
TOKEN = "f" * 32
OURS = "+12025550199"


class FakeVoice:
    """Speaks a tone of 10 ms per letter."""

    async def speak(self, text: str, voice: Voice) -> AsyncIterator[bytes]:
        samples = len(text) * 80
        yield struct.pack(f"<{samples}h", *(int(9000 * math.sin(i / 3)) for i in range(samples)))

    async def close(self) -> None: ...


class FakeHearing:
    """Recognises nothing, and counts how much it was given."""

    def __init__(self, text: str = "") -> None:
        self.text = text
        self.fed = 0

    def open(self, *, language: str, grammar: Grammar | None) -> FakeHearing:
        return self

    def feed(self, pcm: bytes) -> None:
        self.fed += len(pcm)

    async def finish(self) -> Transcript:
        return Transcript(self.text, 1.0 if self.text else 0.0)

    def cancel(self) -> None: ...

    async def close(self) -> None: ...


Agent = Callable[["Socket"], Awaitable[None]]


@dataclass
class Socket:
    """The product's end of one media stream."""

    ws: WebSocket
    messages: list[dict[str, Any]] = field(default_factory=list)
    stream_sid: str = ""

    async def next(self, *events: str) -> dict[str, Any]:
        """Return the next message of one of these kinds. Raises WebSocketDisconnect at the end."""
        while True:
            message = json.loads(await self.ws.receive_text())
            self.messages.append(message)
            if message["event"] == "start":
                self.stream_sid = message["start"]["streamSid"]
            if message["event"] in events:
                return message

    async def send(self, event: str, **body: str) -> None:
        message: dict[str, Any] = {"event": event, "streamSid": self.stream_sid}
        await self.ws.send_text(json.dumps(message | ({event: body} if body else {})))

    async def play(self, audio: bytes) -> None:
        await self.send("media", payload=base64.b64encode(audio).decode())

    def heard(self) -> bytes:
        return b"".join(
            base64.b64decode(message["media"]["payload"])
            for message in self.messages
            if message["event"] == "media"
        )


@dataclass
class Product:
    """What was asked of it. `agent` speaks on each socket; `twiml` answers calls instead, if set."""

    base_url: str = ""
    agent: Agent | None = None
    twiml: str = ""
    voice_status: int = 200
    failing_callbacks: int = 0
    unsigned: list[str] = field(default_factory=list)
    voice: list[dict[str, str]] = field(default_factory=list)
    callbacks: list[dict[str, str]] = field(default_factory=list)
    sockets: list[Socket] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    _carrier: TwilioCarrier = field(default_factory=lambda: TwilioCarrier(SID, TOKEN, "http://127.0.0.1:1"))

    @property
    def voice_url(self) -> str:
        return f"{self.base_url}/voice?token=one%2Fa"

    @property
    def status_url(self) -> str:
        return f"{self.base_url}/status?token=one%2Fa"

    def statuses(self) -> list[str]:
        return [form["CallStatus"] for form in self.callbacks]

    async def on_voice(self, request: Request) -> Response:
        form = await self._signed_form(request)
        self.voice.append(form)
        if self.twiml:
            return Response(self.twiml, self.voice_status, media_type="text/xml")
        url = self.base_url.replace("http", "ws") + "/media"
        answer = self._carrier.stream_answer(url=url, parameters={"token": "a<b", "lead": "Zoë"})
        return Response(answer.body, self.voice_status, media_type=answer.content_type)

    async def on_status(self, request: Request) -> Response:
        form = await self._signed_form(request)
        if self.failing_callbacks:
            self.failing_callbacks -= 1
            return Response(status_code=503)
        self.callbacks.append(form)
        if form["CallStatus"] in {"completed", "busy", "failed", "no-answer", "canceled"}:
            self.over.set()
        return Response()

    async def on_media(self, ws: WebSocket) -> None:
        url = f"{self.base_url.replace('http', 'ws')}/media"
        if not RequestValidator(TOKEN).validate(url, {}, ws.headers.get("x-twilio-signature", "")):
            self.unsigned.append(url)
        await ws.accept()
        socket = Socket(ws)
        self.sockets.append(socket)
        try:
            if self.agent is not None:
                await socket.next("start")
                await self.agent(socket)
                await ws.close()
        except WebSocketDisconnect:
            pass

    async def _signed_form(self, request: Request) -> dict[str, str]:
        form = {name: str(value) for name, value in (await request.form()).items()}
        url = f"{self.base_url}{request.url.path}?{request.url.query}"
        signature = request.headers.get("x-twilio-signature", "")
        if not RequestValidator(TOKEN).validate(url, form, signature):
            self.unsigned.append(url)
        return form


@asynccontextmanager
async def serving_product() -> AsyncIterator[Product]:
    product = Product()
    app = Starlette(
        routes=[
            Route("/voice", product.on_voice, methods=["POST"]),
            Route("/status", product.on_status, methods=["POST"]),
            WebSocketRoute("/media", product.on_media),
        ]
    )
    config = uvicorn.Config(
        app, port=0, log_level="warning", lifespan="off", ws="websockets-sansio", ws_ping_interval=None
    )
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    port = server.servers[0].sockets[0].getsockname()[1]
    product.base_url = f"http://127.0.0.1:{port}"
    try:
        yield product
    finally:
        server.force_exit = True
        await server.shutdown()


async def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for something that becomes true on this loop."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


@dataclass
class Town:
    """Carrier and product, and the telephone book of who lives where."""

    sim: RunningCarrier
    product: Product
    carrier: TwilioCarrier
    numbers: dict[Persona, str]

    async def dial(self, to: Persona | str, carrier: TwilioCarrier | None = None) -> str:
        number = self.numbers[to] if isinstance(to, Persona) else to
        order = CallOrder(number, OURS, self.product.voice_url, self.product.status_url)
        return await asyncio.to_thread((carrier or self.carrier).place_call, order)

    async def whole_call(self, to: Persona | str, seconds: float = 60) -> CallEntry:
        """Dial and wait until the last callback has come."""
        sid = await self.dial(to)
        await until(self.product.over.is_set, seconds)
        return self.sim.book.calls[sid]
