"""A page that talks to an agent, without the page: its socket, its microphone and its loudspeaker.

Owns what a page of ours does on the wire, in real time. Speaks the protocol as the reference writes it
down, by constants of its own.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from trunkline.kit.audio import audioop

FRAME_MS, FRAME_BYTES = 20, 320
START = {"event": "start", "encoding": "pcm16", "rate": 8000}


def frame(at_ms: int, pcm: bytes = bytes(FRAME_BYTES)) -> bytes:
    """Return a frame as it travels."""
    return at_ms.to_bytes(4, "little") + pcm


def knock(url: str, *offered: str) -> connect:
    """Come to the door of the socket, offering these subprotocols."""
    return connect(
        url.replace("http", "ws", 1) + "/media/browser",
        subprotocols=[Subprotocol(one) for one in offered] or None,
        compression=None, proxy=None, max_size=None, open_timeout=20,
    )  # fmt: skip


@dataclass
class BrowserLine:
    """One open call. What it is told and hears fills while it runs."""

    socket: ClientConnection
    mulaw: bool = False
    echoes_marks: bool = True
    told: list[dict[str, Any]] = field(default_factory=list)
    heard: bytearray = field(default_factory=bytearray)
    """PCM that came, whether or not a `clear` threw it away."""
    over: asyncio.Event = field(default_factory=asyncio.Event)
    at_ms: int = 0
    _mouth: bytearray = field(default_factory=bytearray)
    _plays_until: float = 0.0
    _pending: dict[str, asyncio.TimerHandle] = field(default_factory=dict)
    _sending: set[asyncio.Task[None]] = field(default_factory=set)

    def say(self, pcm: bytes) -> None:
        """Speak this, behind what is being said."""
        self._mouth += pcm

    def of(self, event: str) -> list[dict[str, Any]]:
        return [message for message in self.told if message["event"] == event]

    def voiced_ms(self) -> int:
        """Return for how long something was heard that is not silence."""
        frames = [self.heard[at : at + FRAME_BYTES] for at in range(0, len(self.heard), FRAME_BYTES)]
        return FRAME_MS * sum(audioop.rms(bytes(one), 2) > 100 for one in frames)

    async def send(self, message: Mapping[str, Any]) -> None:
        with suppress(ConnectionClosed):
            await self.socket.send(json.dumps(message))

    async def talk(self) -> None:
        """Send what the microphone hears, until the line is gone."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        with suppress(ConnectionClosed):
            while not self.over.is_set():
                pcm = bytes(self._mouth[:FRAME_BYTES]).ljust(FRAME_BYTES, b"\0")
                del self._mouth[:FRAME_BYTES]
                await self.socket.send(frame(self.at_ms, audioop.lin2ulaw(pcm, 2) if self.mulaw else pcm))
                self.at_ms += FRAME_MS
                due += FRAME_MS / 1000
                await asyncio.sleep(max(0.0, due - loop.time()))

    async def listen(self) -> None:
        """Play what comes, and tell of marks when they are due."""
        loop = asyncio.get_running_loop()
        with suppress(ConnectionClosed):
            async for message in self.socket:
                if isinstance(message, bytes):
                    pcm = audioop.ulaw2lin(message, 2) if self.mulaw else message
                    self.heard += pcm
                    self._plays_until = max(self._plays_until, loop.time()) + len(pcm) / 16_000
                    continue
                event = json.loads(message)
                self.told.append(event)
                if event["event"] == "mark":
                    self._pending[event["name"]] = loop.call_at(self._plays_until, self._echo, event["name"])
                elif event["event"] == "clear":
                    self._plays_until = loop.time()
                    for name, timer in list(self._pending.items()):
                        timer.cancel()
                        self._echo(name)
        self.over.set()

    def _echo(self, name: str) -> None:
        del self._pending[name]
        if self.echoes_marks:
            task = asyncio.get_running_loop().create_task(self.send({"event": "mark", "name": name}))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    def hang_up_loudspeaker(self) -> None:
        for timer in self._pending.values():
            timer.cancel()


@asynccontextmanager
async def on_line(
    url: str, call: Mapping[str, Any], *, mulaw: bool = False, echoes_marks: bool = True
) -> AsyncIterator[BrowserLine]:
    """Hold the call that the API's answer is about; `over` is set when the other side has ended it."""
    async with knock(url, call["protocol"], call["token"]) as socket:
        line = BrowserLine(socket, mulaw=mulaw, echoes_marks=echoes_marks)
        await line.send(START | {"encoding": "mulaw" if mulaw else "pcm16"})
        tasks = [asyncio.create_task(work) for work in (line.talk(), line.listen())]
        try:
            yield line
        finally:
            line.over.set()
            line.hang_up_loudspeaker()
            await socket.close()
            await asyncio.gather(*tasks)
