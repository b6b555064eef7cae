"""Media messages past Starlette: whole, once and in order, however the bytes come."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import pairwise
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI, WebSocket
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from trunkline.asgi import media_server_options
from trunkline.media import SocketClosed
from trunkline.media.json_stream import LONGEST_MESSAGE, PushingSocket
from trunkline.web.media_protocol import DIRECT, MediaProtocol
from trunkline.web.media_socket import text_socket


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Endpoint:
    """A server whose endpoint listens once it is told to."""

    def __init__(self, *, binary: bool = False) -> None:
        self.binary = binary
        self.heard: list[str | bytes] = []
        self.closed = 0
        self.over = asyncio.Event()
        self.listen = asyncio.Event()
        self.socket: PushingSocket
        self.accepted = asyncio.Event()
        self.waiting: asyncio.Queue[Any]
        self.port = 0

    async def host(self, websocket: WebSocket) -> None:
        await websocket.accept()
        direct = text_socket(websocket)
        assert isinstance(direct, PushingSocket)
        self.socket = direct
        self.direct: MediaProtocol = websocket.scope["extensions"][DIRECT]
        self.waiting = self.direct.queue
        self.accepted.set()
        await self.listen.wait()
        if self.binary:
            self.direct.listen(lambda text: self.heard.append(text.decode()), self._over, self.heard.append)
        else:
            direct.listen(lambda text: self.heard.append(text.decode()), self._over)
        await self.over.wait()

    def _over(self) -> None:
        self.closed += 1
        self.over.set()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/media"

    async def heard_all(self, count: int) -> list[str | bytes]:
        async with asyncio.timeout(30):
            while len(self.heard) < count and not self.over.is_set():
                await asyncio.sleep(0.005)
        return self.heard


async def _answer(websocket: WebSocket) -> None:
    """Another call of the same server, by Starlette's own way."""
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)


@asynccontextmanager
async def serving(*, listening: bool = True, binary: bool = False) -> AsyncIterator[Endpoint]:
    endpoint = Endpoint(binary=binary)
    if listening:
        endpoint.listen.set()
    app = FastAPI()
    app.add_api_websocket_route("/media", endpoint.host)
    app.add_api_websocket_route("/neighbour", _answer)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        endpoint.port = listener.getsockname()[1]
        config = uvicorn.Config(app, log_config=None, lifespan="off", **media_server_options())
        server = _Server(config)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        async with asyncio.timeout(30):
            while not server.started:
                await asyncio.sleep(0.005)
        try:
            yield endpoint
        finally:
            endpoint.listen.set()
            server.should_exit = True
            await asyncio.wait_for(task, 20)


class Bytes:
    """A client that decides itself which bytes go out together."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, endpoint: Endpoint) -> Bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", endpoint.port)
        writer.write(
            b"GET /media HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
        return cls(reader, writer)

    async def send(self, data: bytes, cuts: list[int] | None = None) -> None:
        edges = [0, *(cuts or []), len(data)]
        for begin, end in pairwise(edges):
            self.writer.write(data[begin:end])
            # The server shares this loop: it reads each piece before the next one is written.
            for _ in range(3):
                await asyncio.sleep(0)

    async def close_code(self) -> int:
        """Read until the server closes, and return why it says it does."""
        data = await asyncio.wait_for(self.reader.read(), 30)
        self.writer.close()
        at = data.rindex(b"\x88")
        return int.from_bytes(data[at + 2 : at + 4], "big")


def frame(data: str | bytes, opcode: Opcode = Opcode.TEXT, *, fin: bool = True, mask: bool = True) -> bytes:
    body = data.encode() if isinstance(data, str) else data
    return Frame(opcode, body, fin).serialize(mask=mask)


async def test_messages_before_and_after_listening_are_heard_once_and_in_order() -> None:
    async with serving(listening=False) as endpoint, connect(endpoint.url) as client:
        for number in range(5):
            await client.send(f"early {number}")
        await endpoint.accepted.wait()
        async with asyncio.timeout(30):
            while endpoint.waiting.empty():
                await asyncio.sleep(0.005)
        endpoint.listen.set()
        for number in range(300):
            await client.send(f"late {number} א")
        expected = [*(f"early {n}" for n in range(5)), *(f"late {n} א" for n in range(300))]
        assert await endpoint.heard_all(305) == expected


async def test_what_is_sent_arrives_at_every_length() -> None:
    texts = ["", "a", "b" * 125, "c" * 126, "ד" * 30_000, "e" * 65_535, "f" * 65_536]
    async with serving() as endpoint, connect(endpoint.url, compression=None) as client:
        await endpoint.accepted.wait()
        for text in texts:
            await endpoint.socket.send_text(text)
        assert [await asyncio.wait_for(client.recv(), 30) for _ in texts] == texts


@pytest.mark.parametrize("seed", range(8))
async def test_however_the_bytes_are_cut_the_messages_are_the_same(seed: int) -> None:
    chance = random.Random(seed)
    texts = [chance.choice("xyש") * chance.choice((0, 1, 60, 125, 126, 140, 270, 3_000)) for _ in range(60)]
    data = b""
    for text in texts:
        if chance.random() < 0.2:
            data += frame(b"are you there", Opcode.PING)
        if len(text) > 2 and chance.random() < 0.3:
            half = text.encode()
            cut = chance.randrange(len(half))
            data += frame(half[:cut], fin=False) + frame(b"", Opcode.PING) + frame(half[cut:], Opcode.CONT)
        else:
            data += frame(text)
    cuts = sorted(chance.randrange(len(data)) for _ in range(chance.choice((3, 40, 400))))
    async with serving() as endpoint:
        client = await Bytes.connect(endpoint)
        await client.send(data, cuts)
        assert await endpoint.heard_all(len(texts)) == texts
        client.writer.close()


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (frame(b"\x00\x01", Opcode.BINARY), 1003),
        (frame("not masked", mask=False), 1002),
        (frame("x" * (LONGEST_MESSAGE + 1))[:100], 1009),
        (b"\x81\xff" + (2**62).to_bytes(8, "big") + b"mask", 1009),
        (b"\xc1" + frame("reserved")[1:], 1002),
        (frame("one", fin=False) + frame("two, though one goes on"), 1002),
        (
            frame(b"\xff\xfe", fin=False)
            + frame(b"", Opcode.CONT, fin=False)
            + frame(b"\x03", Opcode.BINARY),
            1002,
        ),
    ],
    # Frames are masked at random: named by them, each process would have tests of its own.
    ids=["binary", "not masked", "long", "endless", "reserved", "interleaved", "binary inside"],
)
async def test_what_no_client_may_send_closes_the_socket_with_its_reason(wrong: bytes, code: int) -> None:
    async with serving() as endpoint, connect(endpoint.url.replace("media", "neighbour")) as neighbour:
        client = await Bytes.connect(endpoint)
        await client.send(frame("before") + wrong + frame("behind"))
        assert await client.close_code() == code
        await asyncio.wait_for(endpoint.over.wait(), 30)
        assert endpoint.heard == ["before"]
        assert endpoint.closed == 1
        await neighbour.send("undisturbed")
        assert await asyncio.wait_for(neighbour.recv(), 30) == "undisturbed"


@pytest.mark.parametrize("seed", range(4))
async def test_bytes_are_heard_where_they_are_wanted_in_order_with_the_texts(seed: int) -> None:
    chance = random.Random(seed)
    said: list[str | bytes] = [
        chance.choice(("x", b"\x00\xff")) * chance.choice((0, 1, 125, 126, 324, 3_000)) for _ in range(60)
    ]
    data = b""
    for message in said:
        opcode = Opcode.TEXT if isinstance(message, str) else Opcode.BINARY
        if len(message) > 2 and chance.random() < 0.3:
            half = message.encode() if isinstance(message, str) else message
            data += frame(half[:2], opcode, fin=False) + frame(half[2:], Opcode.CONT)
        else:
            data += frame(message, opcode)
    cuts = sorted(chance.randrange(len(data)) for _ in range(40))
    async with serving(listening=False, binary=True) as endpoint:
        client = await Bytes.connect(endpoint)
        await client.send(data[: cuts[0]])
        await endpoint.accepted.wait()
        endpoint.listen.set()
        await client.send(data[cuts[0] :], [cut - cuts[0] for cut in cuts])
        assert await endpoint.heard_all(len(said)) == said
        await endpoint.direct.send_message(b"\x00" * 400, text=False)
        await endpoint.direct.send_message(b"text")
        expected = frame(b"\x00" * 400, Opcode.BINARY, mask=False) + frame("text", mask=False)
        assert await asyncio.wait_for(client.reader.readexactly(len(expected)), 30) == expected
        client.writer.close()


async def test_both_sides_may_close_and_the_other_one_hears_of_it_once() -> None:
    async with serving() as endpoint:
        async with connect(endpoint.url) as client:
            await client.send("hello")
            assert await endpoint.heard_all(1) == ["hello"]
        await asyncio.wait_for(endpoint.over.wait(), 30)
        with pytest.raises(SocketClosed):
            await endpoint.socket.send_text("too late")
        assert endpoint.closed == 1
    async with serving() as endpoint:
        async with connect(endpoint.url) as client:
            await endpoint.accepted.wait()
            await endpoint.socket.close()
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(client.recv(), 30)
            assert client.close_code == 1000
        await asyncio.wait_for(endpoint.over.wait(), 30)
        assert endpoint.closed == 1


async def test_a_socket_that_vanishes_is_told_once() -> None:
    async with serving() as endpoint:
        client = await Bytes.connect(endpoint)
        await client.send(frame("one") + frame("half of a message")[:9])
        assert await endpoint.heard_all(1) == ["one"]
        client.writer.transport.abort()
        await asyncio.wait_for(endpoint.over.wait(), 30)
        assert (endpoint.heard, endpoint.closed) == (["one"], 1)


async def test_sending_waits_while_the_other_side_does_not_read() -> None:
    async with serving() as endpoint, connect(endpoint.url, max_queue=1, compression=None) as client:
        await endpoint.accepted.wait()
        sent = await _sent_until_it_waits(endpoint)
        waiting = asyncio.create_task(endpoint.socket.send_text("the last"))
        await _read(client, sent)
        await asyncio.wait_for(waiting, 30)
        assert await asyncio.wait_for(client.recv(), 30) == "the last"


async def _sent_until_it_waits(endpoint: Endpoint) -> int:
    """Send until a message has to wait; that one is on its way all the same."""
    for number in range(10_000):
        try:
            await asyncio.wait_for(endpoint.socket.send_text("x" * 60_000), 0.2)
        except TimeoutError:
            return number
    raise AssertionError("sending never waited")


async def _read(client: ClientConnection, count: int) -> None:
    for _ in range(count):
        message: Any = await asyncio.wait_for(client.recv(), 30)
        assert len(message) == 60_000
