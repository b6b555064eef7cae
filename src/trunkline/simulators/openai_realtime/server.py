"""The stand-in's socket: the address and the key that OpenAI Realtime has, on loopback."""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus
from types import TracebackType
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from trunkline.simulators.openai_realtime.session import Session
from trunkline.simulators.voice_script import VoiceScript


class OpenAIRealtimeStandIn:
    """A server. `async with` it; `base_url` is then what the SDK wants to know."""

    def __init__(self, *, api_key: str, script: VoiceScript | None = None, port: int = 0) -> None:
        self.script = script or VoiceScript()
        self.sessions: list[Session] = []
        self.refuses_with: HTTPStatus | None = None
        """Answers every handshake like this."""
        self.is_deaf = False
        """Accepts connections and then says nothing."""
        self._api_key = api_key
        self._port = port
        self._server: Server | None = None
        self._connections: set[ServerConnection] = set()

    @property
    def base_url(self) -> str:
        """Where it listens, as the SDK's base URL."""
        assert self._server is not None
        port = next(iter(self._server.sockets)).getsockname()[1]
        return f"http://127.0.0.1:{port}/v1"

    @property
    def open_connections(self) -> int:
        """How many clients are connected now."""
        return len(self._connections)

    async def __aenter__(self) -> OpenAIRealtimeStandIn:
        self._server = await serve(
            self._hold, "127.0.0.1", self._port, process_request=self._admit,
            compression=None, close_timeout=1,
        )  # fmt: skip
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        if self.refuses_with is not None:
            return connection.respond(self.refuses_with, "refused\n")
        address = urlsplit(request.path)
        if address.path != "/v1/realtime" or not parse_qs(address.query).get("model"):
            return connection.respond(HTTPStatus.NOT_FOUND, "no such model\n")
        if request.headers.get("Authorization") != f"Bearer {self._api_key}":
            return connection.respond(HTTPStatus.UNAUTHORIZED, "Incorrect API key provided\n")
        return None

    async def _hold(self, connection: ServerConnection) -> None:
        self._connections.add(connection)

        async def send(text: str) -> None:
            # Whoever has hung up hears no more.
            with suppress(ConnectionClosed):
                await connection.send(text)

        session = Session(self.script, send, connection.transport.abort)
        self.sessions.append(session)
        try:
            if self.is_deaf:
                await connection.wait_closed()
                return
            await session.begin()
            with suppress(ConnectionClosed):
                async for message in connection:
                    await session.take(message if isinstance(message, str) else message.decode())
        finally:
            await session.end()
            self._connections.discard(connection)
