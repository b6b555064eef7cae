"""Listening in: somebody of the business hears a live call, both sides, in their browser.

Owns the way of the sound to them, and what becomes of sound that their line is too slow for: it is dropped
and counted. Who may, and for how long, is in `listeners`. The call knows nothing of it. Heard where the call
is held: another process of the installation has no sound of it.
"""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from contextlib import suppress
from uuid import UUID

from fastapi import APIRouter, Request, WebSocket, WebSocketDisconnect
from pydantic import BaseModel

from trunkline.core.access import Role
from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.core.errors import Conflict, NotSignedIn
from trunkline.core.telemetry import get_logger
from trunkline.domain.calls import service as calls
from trunkline.domain.calls.models import CallState
from trunkline.domain.calls.tickets import ListenTicket, listen_token, read_listen_token
from trunkline.domain.people.routes import cookie_name
from trunkline.kit import tokens
from trunkline.kit.audio import BYTES_PER_MS
from trunkline.kit.ids import new_id
from trunkline.web.parts import ListenersDep, PartsDep, RoomDep

PATH = "/media/listen"
PROTOCOL = "trunkline.listen.v1"
"""Binary messages: a byte that says whose sound it is (0 the caller's, 1 the agent's), seven of nothing, the
moment at which it was heard in seconds as a double, and PCM at 8 kHz, all of it little endian."""

_HEAD = struct.Struct("<B7xd")
_GATHER_S = 0.1
_MOST_WAITING = 500
"""Frames that wait for a listener's line: five seconds of both sides."""
_MOST_AT_ONCE = 5
_SEAM_S = 0.005
_OVER, _POLICY_VIOLATION, _NOT_HERE, _TOO_MANY = 1000, 1008, 4404, 4429

log = get_logger(__name__)

router = APIRouter(prefix="/api/calls", tags=["calls"])
sockets = APIRouter()


class NotHeard(Conflict):
    """The call is not live, its agent is away from it, or another process holds it."""

    code = "not_heard"


class ListenOut(BaseModel):
    """Where a call is heard."""

    socket: str
    protocol: str
    """The WebSocket's first subprotocol; the token is the second."""
    token: str
    """Opens the socket within a minute, once."""


class Ear:
    """A `Recorder` that keeps nothing: what comes waits a little for the listener's line."""

    def __init__(self) -> None:
        self.dropped = 0
        self.failure = ""
        self._waiting: deque[tuple[int, float, bytes]] = deque()
        self._news = asyncio.Event()
        self._over = False

    def on_caller(self, pcm: bytes, at: float) -> None:
        self._put(0, pcm, at)

    def on_agent(self, pcm: bytes, at: float) -> None:
        self._put(1, pcm, at)

    def close(self) -> None:
        self._over = True
        self._news.set()

    def _put(self, side: int, pcm: bytes, at: float) -> None:
        if len(self._waiting) >= _MOST_WAITING:
            self.dropped += 1
            return
        self._waiting.append((side, at, pcm))
        self._news.set()

    async def messages(self) -> list[bytes] | None:
        """Wait for sound and return it, a tenth of a second at a time; None: the call is over."""
        await self._news.wait()
        if not self._over:
            await asyncio.sleep(_GATHER_S)
        self._news.clear()
        if self._over and not self._waiting:
            return None
        if self._over:
            self._news.set()
        return self._taken()

    def _taken(self) -> list[bytes]:
        """Return what waits, of each side as few pieces as it has gaps."""
        pieces: list[tuple[int, float, bytearray]] = []
        newest: dict[int, tuple[int, float, bytearray]] = {}
        while self._waiting:
            side, at, pcm = self._waiting.popleft()
            last = newest.get(side)
            if last is not None and abs(last[1] + len(last[2]) / BYTES_PER_MS / 1000 - at) < _SEAM_S:
                last[2].extend(pcm)
                continue
            newest[side] = piece = (side, at, bytearray(pcm))
            pieces.append(piece)
        return [_HEAD.pack(side, at) + bytes(pcm) for side, at, pcm in pieces]


@router.post("/{call_id}/listen")
def listen_in(
    call_id: UUID, *, request: Request, session: SessionDep, who: PrincipalDep, parts: PartsDep, room: RoomDep
) -> ListenOut:
    """Hear a live call; that somebody does is on its record."""
    who.require(Role.AGENT)
    secret = request.cookies.get(cookie_name(request))
    if secret is None:
        raise NotSignedIn("Sign in first.")
    call = calls.get_call(session, who.business, call_id)
    if call.state != CallState.LIVE or room.live.of_call(str(call_id)) is None:
        raise NotHeard("This call cannot be heard: it is over, or its agent is not on it here.")
    ticket = ListenTicket(
        new_id(), who.business, call_id, who.email, tokens.fingerprint(secret), who.is_system_admin
    )
    token = listen_token(ticket, key=parts.token_key)
    return ListenOut(socket=PATH, protocol=PROTOCOL, token=token)


@sockets.websocket(PATH)
async def listen(socket: WebSocket, parts: PartsDep, room: RoomDep, listeners: ListenersDep) -> None:
    """A listener's line. Its upgrade bears the token that a person of the business was given."""
    offered = socket.scope.get("subprotocols", ())
    try:
        if len(offered) != 2 or offered[0] != PROTOCOL:
            raise tokens.InvalidToken(f"the socket does not offer {PROTOCOL} and a token")
        ticket = read_listen_token(offered[1], key=parts.token_key)
        listeners.spend(ticket)
    except tokens.InvalidToken as error:
        log.warning("listener_unsigned", reason=str(error))
        await socket.close(_POLICY_VIOLATION)
        return
    await socket.accept(subprotocol=PROTOCOL)
    held = room.live.of_call(str(ticket.call_id))
    if held is None or held.taps.listeners >= _MOST_AT_ONCE:
        await socket.close(_NOT_HERE if held is None else _TOO_MANY)
        return
    ear = Ear()
    stop = held.taps.overhear(ear)
    gone = asyncio.create_task(_gone(socket), name="listener")
    barred = asyncio.create_task(listeners.until_over(ticket), name="listener-session")
    try:
        # Nothing is sent before it is on record.
        heard_out = await listeners.begin(ticket) and await _send(socket, ear, gone, barred)
        if not gone.done():
            with suppress(WebSocketDisconnect, RuntimeError):  # a socket that is closed
                await socket.close(_OVER if heard_out else _POLICY_VIOLATION)
    finally:
        stop()
        gone.cancel()
        barred.cancel()
        if ear.dropped:
            log.warning("listener_slow", call_id=str(ticket.call_id), dropped=ear.dropped)


async def _send(socket: WebSocket, ear: Ear, gone: asyncio.Task[None], barred: asyncio.Task[None]) -> bool:
    """Send what is heard until the call is over; False: nobody listens any more, or they may no longer."""
    while True:
        hearing = asyncio.create_task(ear.messages(), name="listener-sound")
        try:
            await asyncio.wait({hearing, gone, barred}, return_when=asyncio.FIRST_COMPLETED)
            if gone.done() or barred.done():
                return False
        finally:
            hearing.cancel()
        messages = hearing.result()
        if messages is None:
            return True
        for message in messages:
            try:
                await socket.send_bytes(message)
            except (WebSocketDisconnect, RuntimeError):  # a socket that is closed
                return False


async def _gone(socket: WebSocket) -> None:
    """Wait until the listener hangs up; what they send meanwhile means nothing."""
    with suppress(WebSocketDisconnect, RuntimeError):
        while (await socket.receive())["type"] != "websocket.disconnect":
            pass
