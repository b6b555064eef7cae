"""The browser's media socket: who is let in with it, and how its messages come to a call.

The token of the call travels beside the protocol's name, where addresses and their logs do not have it,
and is checked before the socket is accepted. What it opens is the call room's to say.
"""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from trunkline.core.telemetry import get_logger
from trunkline.domain.calls.tickets import MediaTicket, read_browser_token
from trunkline.kit import tokens
from trunkline.media import BrowserSocket, SocketClosed
from trunkline.web.media_protocol import DIRECT, MediaProtocol
from trunkline.web.parts import PartsDep, RoomDep
from trunkline.web.starlette_socket import StarletteSocket

PATH = "/media/browser"
PROTOCOL = "trunkline.call.v1"
"""What both sides speak: media/browser_stream.py."""

_POLICY_VIOLATION = 1008

log = get_logger(__name__)

router = APIRouter()


@router.websocket(PATH)
async def browser_media(socket: WebSocket, parts: PartsDep, room: RoomDep) -> None:
    """A browser's audio. Its upgrade bears the call's token, which a page of the business was given."""
    try:
        ticket = _ticket(socket.scope.get("subprotocols", ()), parts.token_key)
    except tokens.InvalidToken as error:
        log.warning("media_unsigned", reason=str(error))
        await socket.close(_POLICY_VIOLATION)
        return
    await socket.accept(subprotocol=PROTOCOL)
    await room.host_browser(_browser_socket(socket), ticket)


def _ticket(offered: list[str], key: bytes) -> MediaTicket:
    """Read the token that is offered behind the protocol's name. Raises InvalidToken."""
    if len(offered) != 2 or offered[0] != PROTOCOL:
        raise tokens.InvalidToken(f"the socket does not offer {PROTOCOL} and a token")
    return read_browser_token(offered[1], key=key)


def _browser_socket(socket: WebSocket) -> BrowserSocket:
    direct = socket.scope.get("extensions", {}).get(DIRECT)
    return _Socket(socket) if direct is None else _DirectSocket(socket, direct)


class _Socket(StarletteSocket):
    """Starlette's WebSocket as media's small protocol."""

    async def receive(self) -> str | bytes:
        try:
            message = await self._socket.receive()
        except RuntimeError as error:  # Starlette's word for a socket that is closed
            raise SocketClosed(str(error)) from error
        if message["type"] == "websocket.disconnect":
            raise SocketClosed("the browser is gone")
        text: str | None = message.get("text")
        return bytes(message["bytes"]) if text is None else text

    async def send_bytes(self, data: bytes) -> None:
        try:
            await self._socket.send_bytes(data)
        except (WebSocketDisconnect, RuntimeError) as error:
            raise SocketClosed(str(error)) from error


class _DirectSocket(_Socket):
    """The same without Starlette between: messages are brought, and written at once."""

    def __init__(self, socket: WebSocket, protocol: MediaProtocol) -> None:
        super().__init__(socket)
        self._protocol = protocol

    def listen(
        self,
        take_text: Callable[[bytes], None],
        take_bytes: Callable[[bytes], None],
        closed: Callable[[], None],
    ) -> None:
        self._protocol.listen(take_text, closed, take_bytes)

    async def send_text(self, text: str) -> None:
        await self._protocol.send_message(text.encode())

    async def send_bytes(self, data: bytes) -> None:
        await self._protocol.send_message(data, text=False)
