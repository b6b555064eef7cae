"""The carrier's end of a media stream: a person's telephone line joined to the product's socket.

Owns the protocol and the pace. Every 20 ms the person's frame goes out and the agent's next frame
is played to the person, whether or not anybody speaks; the play-out buffer, marks and `clear`
behave as Twilio's do. What the party at the telephone does with the audio is none of its business.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import secrets
from collections import deque
from dataclasses import dataclass
from typing import Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from trunkline.providers.twilio.wire import (
    FRAME_BYTES,
    MULAW_SILENCE,
    SIGNATURE_HEADER,
    ConnectedMessage,
    DtmfMessage,
    ErrorCode,
    InboundMarkMessage,
    StartMessage,
    StopMessage,
    sign,
)

SILENT_FRAME = bytes([MULAW_SILENCE]) * FRAME_BYTES
_FRAME_S = 0.02
_OPEN_TIMEOUT_S = 5.0
_CLOSE_TIMEOUT_S = 1.0
_PROTOCOL_ERROR = 1002
_LARGEST_MESSAGE = 1 << 20


class LineDropped(Exception):
    """The party's line is gone: the socket breaks off without a word, as when a carrier loses it."""


class Party(Protocol):
    """Whoever holds the telephone. Called every 20 ms; must return at once."""

    def next_frame(self) -> bytes | None:
        """Return what the party says in these 20 ms, as mu-law; None: these never reach the carrier.

        Raises LineDropped.
        """
        ...

    def next_key(self) -> str | None:
        """Return the key pressed in these 20 ms."""
        ...

    def hear(self, frame: bytes) -> None:
        """Take what the agent says in these 20 ms, as mu-law; silence if nothing."""
        ...


@dataclass(slots=True)
class StreamFigures:
    """What went over one stream. `worst_lag_ms` is how late our own clock ever was: load, not protocol.

    A gap is a hole within what the agent was saying: more of it came before the mark that ends it, and
    the caller had heard all there was. What our own clock was late meanwhile is taken off.
    """

    frames_sent: int = 0
    agent_bytes: int = 0
    agent_bytes_cleared: int = 0
    marks: int = 0
    clears: int = 0
    gaps: int = 0
    worst_gap_ms: float = 0.0
    worst_lag_ms: float = 0.0


class StreamTrouble(Exception):
    """The stream failed; `code` is Twilio's."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class MediaStream:
    """One stream of one call. `run` ends when the product closes the socket, and may be cancelled.

    What is Twilio's own of its messages is in a few methods, in whose place another carrier has its own.
    """

    USER_AGENT = "Twilio.TmeWs/1.0"
    STREAM_FIELD = "streamSid"

    def __init__(
        self, *, account_sid: str, call_sid: str, auth_token: str, url: str, parameters: dict[str, str]
    ) -> None:
        self.sid = f"MZ{secrets.token_hex(16)}"
        self.figures = StreamFigures()
        self._account_sid = account_sid
        self._call_sid = call_sid
        self._auth_token = auth_token
        self._url = url
        self._parameters = parameters
        self._sequence = 0
        self._buffer = bytearray()
        self._received = 0
        self._played = 0
        self._marks: deque[tuple[int, str]] = deque()
        self._plays_until = 0.0
        self._within = False
        self._lag_s = 0.0

    async def run(self, party: Party) -> None:
        """Carry the call's audio until the socket closes. Raises StreamTrouble."""
        try:
            socket = await connect(
                self._url,
                additional_headers=self._headers(),
                user_agent_header=self.USER_AGENT,
                open_timeout=_OPEN_TIMEOUT_S,
                close_timeout=_CLOSE_TIMEOUT_S,
                ping_interval=None,
                compression=None,
                proxy=None,
                max_size=_LARGEST_MESSAGE,
            )
        except (OSError, WebSocketException, TimeoutError) as error:
            raise StreamTrouble(ErrorCode.STREAM_HANDSHAKE, f"handshake failed: {error}") from error
        try:
            await self._carry(socket, party)
        finally:
            await socket.close()

    async def _carry(self, socket: ClientConnection, party: Party) -> None:
        ways = {
            asyncio.create_task(self._send_frames(socket, party), name=f"to product {self.sid}"),
            asyncio.create_task(self._listen(socket), name=f"from product {self.sid}"),
        }
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            # The call is over for another reason: Twilio says so before it closes.
            await _end(ways)
            await self._say_stop(socket)
            raise
        for trouble in await _end(ways):
            if isinstance(trouble, LineDropped):
                socket.transport.abort()
                return
            if isinstance(trouble, StreamTrouble):
                await socket.close(_PROTOCOL_ERROR, "malformed message")
            if not isinstance(trouble, ConnectionClosed):
                raise trouble

    # --- Out: the person's side ----------------------------------------------------------

    async def _send_frames(self, socket: ClientConnection, party: Party) -> None:
        await self._say_hello(socket)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        figures = self.figures
        while True:
            due = begun + figures.frames_sent * _FRAME_S
            early = due - loop.time()
            if early > 0:
                await asyncio.sleep(early)
            else:
                # Behind: the missed frames follow at once, as from a network that had a hiccup.
                figures.worst_lag_ms = max(figures.worst_lag_ms, -early * 1000)
                self._lag_s = max(self._lag_s, -early)
                await asyncio.sleep(0)
            timestamp = figures.frames_sent * 20
            figures.frames_sent += 1
            frame = party.next_frame()
            if frame is not None:
                await socket.send(self._media(frame, timestamp))
            key = party.next_key()
            if key is not None:
                await self._say_key(socket, key)
            party.hear(self._play())
            await self._echo_due(socket)

    def _headers(self) -> dict[str, str]:
        return {SIGNATURE_HEADER: sign(self._auth_token, self._url, {})}

    def _media(self, frame: bytes, timestamp: int) -> str:
        # Written by hand, as Twilio writes it: fifty a second and call, and nothing needs escaping.
        payload = base64.b64encode(frame).decode("ascii")
        return (
            f'{{"event":"media","sequenceNumber":"{self._next()}","media":{{"track":"inbound",'
            f'"chunk":"{self.figures.frames_sent}","timestamp":"{timestamp}","payload":"{payload}"}},'
            f'"streamSid":"{self.sid}"}}'
        )

    async def _say_hello(self, socket: ClientConnection) -> None:
        connected: ConnectedMessage = {"event": "connected", "protocol": "Call", "version": "1.0.0"}
        await socket.send(json.dumps(connected))
        start: StartMessage = {
            "event": "start",
            "sequenceNumber": self._next(),
            "start": {
                "accountSid": self._account_sid,
                "streamSid": self.sid,
                "callSid": self._call_sid,
                "tracks": ["inbound"],
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
                "customParameters": self._parameters,
            },
            "streamSid": self.sid,
        }
        await socket.send(json.dumps(start))

    async def _say_key(self, socket: ClientConnection, key: str) -> None:
        message: DtmfMessage = {
            "event": "dtmf",
            "streamSid": self.sid,
            "sequenceNumber": self._next(),
            "dtmf": {"track": "inbound_track", "digit": key},
        }
        await socket.send(json.dumps(message))

    async def _say_stop(self, socket: ClientConnection) -> None:
        message: StopMessage = {
            "event": "stop",
            "sequenceNumber": self._next(),
            "streamSid": self.sid,
            "stop": {"accountSid": self._account_sid, "callSid": self._call_sid},
        }
        try:
            await socket.send(json.dumps(message))
        except ConnectionClosed:
            return

    def _next(self) -> str:
        self._sequence += 1
        return str(self._sequence)

    # --- In: the agent's side ------------------------------------------------------------

    async def _listen(self, socket: ClientConnection) -> None:
        async for text in socket:
            event, body = self._read(text)
            if event == "media":
                self._take_audio(body)
            elif event == "mark":
                self._within = False
                self._marks.append((self._received, _text(body, "name")))
                self.figures.marks += 1
                await self._echo_due(socket)
            else:
                self._clear()
                await self._echo_due(socket)

    def _read(self, text: str | bytes) -> tuple[str, dict[str, object]]:
        try:
            message = json.loads(text)
        except ValueError as error:
            raise StreamTrouble(ErrorCode.STREAM_BAD_MESSAGE, "a message is not JSON") from error
        if not isinstance(message, dict):
            raise StreamTrouble(ErrorCode.STREAM_BAD_MESSAGE, "a message is no JSON object")
        event = message.get("event")
        if event not in {"media", "mark", "clear"}:
            raise StreamTrouble(ErrorCode.STREAM_BAD_MESSAGE, f"{event!r} is no event that can be sent")
        if message.get(self.STREAM_FIELD) != self.sid:
            raise StreamTrouble(
                ErrorCode.STREAM_BAD_MESSAGE, f"{event} without this stream's {self.STREAM_FIELD}"
            )
        body = message.get(event, {})
        if not isinstance(body, dict):
            raise StreamTrouble(ErrorCode.STREAM_BAD_MESSAGE, f"{event} has no body")
        return event, body

    def _take_audio(self, body: dict[str, object]) -> None:
        try:
            audio = base64.b64decode(_text(body, "payload"), validate=True)
        except binascii.Error as error:
            raise StreamTrouble(ErrorCode.STREAM_BAD_MESSAGE, "a payload is not base64") from error
        self._note_gap(len(audio))
        self._buffer += audio
        self._received += len(audio)
        self.figures.agent_bytes += len(audio)

    def _note_gap(self, length: int) -> None:
        """Hold the arrival of this much audio against the end of what was there to be played."""
        now = asyncio.get_running_loop().time()
        hole_s = now - self._plays_until - self._lag_s
        if self._within and hole_s > 0.001:
            self.figures.gaps += 1
            self.figures.worst_gap_ms = max(self.figures.worst_gap_ms, round(hole_s * 1000, 1))
        self._within = True
        self._lag_s = 0.0
        self._plays_until = max(now, self._plays_until) + length / FRAME_BYTES * _FRAME_S

    def _play(self) -> bytes:
        if not self._buffer:
            return SILENT_FRAME
        frame = bytes(self._buffer[:FRAME_BYTES])
        del self._buffer[:FRAME_BYTES]
        self._played += len(frame)
        return frame if len(frame) == FRAME_BYTES else frame + SILENT_FRAME[len(frame) :]

    def _clear(self) -> None:
        self.figures.clears += 1
        self.figures.agent_bytes_cleared += len(self._buffer)
        self._buffer.clear()
        self._within = False
        self._plays_until = 0.0
        self._played = self._received

    async def _echo_due(self, socket: ClientConnection) -> None:
        while self._marks and self._marks[0][0] <= self._played:
            _, name = self._marks.popleft()
            await self._say_mark(socket, name)

    async def _say_mark(self, socket: ClientConnection, name: str) -> None:
        message: InboundMarkMessage = {
            "event": "mark",
            "sequenceNumber": self._next(),
            "streamSid": self.sid,
            "mark": {"name": name},
        }
        await socket.send(json.dumps(message))


def _text(body: dict[str, object], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise StreamTrouble(ErrorCode.STREAM_BAD_MESSAGE, f"{name} is missing")
    return value


async def _end(tasks: set[asyncio.Task[None]]) -> list[BaseException]:
    """Stop the tasks and return what they failed with."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    return [trouble for task in tasks if not task.cancelled() and (trouble := task.exception())]
