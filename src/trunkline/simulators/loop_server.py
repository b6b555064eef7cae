"""A stand-in's HTTP server on the loop that runs: no thread, no signal handlers, nothing left at the end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.applications import Starlette


class LoopServer(uvicorn.Server):
    """uvicorn without its signal handlers, which are the process's, and with an event for being up."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def drop_requests(self) -> None:
        """End what is still being answered, such as requests whose reply is to be lost."""
        for task in list(self.server_state.tasks):
            task.cancel()
        await asyncio.gather(*self.server_state.tasks, return_exceptions=True)


@asynccontextmanager
async def serving_app(app: Starlette, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve an application while the block runs; yields `host:port`. Raises OSError if the port is taken."""
    with socket.create_server((host, port)) as listener:
        server = LoopServer(
            uvicorn.Config(
                app,
                log_level="critical",
                lifespan="off",
                access_log=False,
                ws="websockets-sansio",
                ws_per_message_deflate=False,
            )
        )
        serve = asyncio.create_task(server.serve(sockets=[listener]), name="stand-in")
        try:
            await server.up.wait()
            at, chosen = listener.getsockname()[:2]
            yield f"{at}:{chosen}"
        finally:
            server.should_exit = server.force_exit = True
            await serve
            await server.drop_requests()
