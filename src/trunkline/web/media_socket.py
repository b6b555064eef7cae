"""The media sockets: where a carrier's audio comes in. Accepts the socket and hands it to the call room.

Where the server is ours, a call's messages go past Starlette once it has been accepted: see
`media_protocol`. Under any other server, such as a test client, they go through it.
"""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from trunkline.core import registry
from trunkline.core.telemetry import get_logger
from trunkline.domain.calls.tickets import read_media_token
from trunkline.domain.control import places
from trunkline.kit import tokens
from trunkline.media import Socket, SocketClosed, TelnyxStream, TwilioStream
from trunkline.web.media_protocol import DIRECT, MediaProtocol
from trunkline.web.parts import PartsDep, RoomDep
from trunkline.web.starlette_socket import StarletteSocket
from trunkline.web.telnyx_hooks import stream_closed

MEDIA_PATH, TELNYX_PATH = "/media/carrier", "/media/telnyx"
_TELNYX_TOKEN = "x-telnyx-streaming-auth-token"  # noqa: S105 - a header's name

_POLICY_VIOLATION = 1008

log = get_logger(__name__)


router = APIRouter()


@router.websocket(MEDIA_PATH)
async def carrier_media(socket: WebSocket, parts: PartsDep, room: RoomDep) -> None:
    """A carrier's Media Stream. Its upgrade is signed; its start message carries the call's token."""
    signed = registry.asking_carrier(places.TWILIO).verify_signature(
        url=f"{parts.media_url}{MEDIA_PATH}", form={}, signature=socket.headers.get("x-twilio-signature", "")
    )
    if not signed:
        log.warning("media_unsigned")
        await socket.close(_POLICY_VIOLATION)
        return
    await socket.accept()
    await room.host(TwilioStream(text_socket(socket)))


@router.websocket(TELNYX_PATH)
async def telnyx_media(socket: WebSocket, parts: PartsDep, room: RoomDep) -> None:
    """A stream of Telnyx's, where there is Telnyx. Its upgrade and its start message carry the call's token.

    When the call has left its agent, what is next is decided here, without waiting to be told.
    """
    try:
        ticket = read_media_token(socket.headers.get(_TELNYX_TOKEN, ""), key=parts.token_key)
        if places.TELNYX not in registry.carrier_names():
            raise tokens.InvalidToken("nobody here could have been given it")
    except tokens.InvalidToken:
        log.warning("media_unsigned")
        await socket.close(_POLICY_VIOLATION)
        return
    await socket.accept()
    edge = TelnyxStream(text_socket(socket))
    if await room.host(edge, carrier=places.TELNYX, let_in=ticket) and edge.begun is not None:
        await stream_closed(edge.begun.state, ticket.call_id, parts)


def text_socket(socket: WebSocket) -> Socket:
    """Return an accepted WebSocket as media's small protocol."""
    direct = socket.scope.get("extensions", {}).get(DIRECT)
    return _TextSocket(socket) if direct is None else DirectSocket(socket, direct)


class _TextSocket(StarletteSocket):
    """Starlette's WebSocket as media's small protocol."""

    async def receive_text(self) -> str:
        try:
            return await self._socket.receive_text()
        except (WebSocketDisconnect, RuntimeError, KeyError) as error:
            # Starlette says RuntimeError for a socket closed by us, KeyError for a binary message.
            raise SocketClosed(str(error)) from error


class DirectSocket(_TextSocket):
    """The same without Starlette between: messages are brought, and written at once."""

    def __init__(self, socket: WebSocket, protocol: MediaProtocol) -> None:
        super().__init__(socket)
        self._protocol = protocol

    def listen(self, take: Callable[[bytes], None], closed: Callable[[], None]) -> None:
        self._protocol.listen(take, closed)

    async def send_text(self, text: str) -> None:
        await self._protocol.send_message(text.encode())
