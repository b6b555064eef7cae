"""A proxy that counts who comes: how many connections are opened to a stand-in, and when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass
class Doorman:
    """What came by."""

    address: str = ""
    """`host:port`, to be used in the stand-in's place."""
    opened: int = 0
    live: int = 0

    def before(self, url: str) -> str:
        """Return a URL of the stand-in's as it is by way of here."""
        return urlsplit(url)._replace(netloc=self.address).geturl()


@asynccontextmanager
async def counting(url: str) -> AsyncIterator[Doorman]:
    """Stand before the server of this URL while the block runs."""
    target, doorman, tasks = urlsplit(url), Doorman(), set[asyncio.Task[None]]()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()

    async def admit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        doorman.opened += 1
        doorman.live += 1
        there, back = await asyncio.open_connection(target.hostname, target.port)
        ways = [asyncio.create_task(pump(reader, back)), asyncio.create_task(pump(there, writer))]
        tasks.update(ways)
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            for end in (writer, back):
                end.close()
            doorman.live -= 1

    server = await asyncio.start_server(admit, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    doorman.address = f"{host}:{port}"
    try:
        yield doorman
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
