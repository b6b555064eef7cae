"""The way of a media message from the TCP socket to its call and back, without a task for each.

uvicorn wakes a task for every message, and stops and starts reading around it: 100 times a second and
call that is most of what a call costs. Here whole messages, of text and where they are wanted of
bytes, are unmasked where they arrive and handed to whoever listens; outgoing ones are framed and
written at once. Everything else, the handshake, pings, fragments, closing and whatever is wrong, is
left to uvicorn and the library below it, which always see whole frames. Knows WebSocket framing
(RFC 6455) and no carrier.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.speedups import apply_mask

from trunkline.media import SocketClosed

if TYPE_CHECKING:
    from websockets.http11 import Request

DIRECT = "trunkline.direct"
"""The extension of the ASGI scope by which an endpoint finds its `MediaProtocol`."""

_WHOLE_TEXT, _WHOLE_BYTES = 0x81, 0x82
_FINAL, _MASKED, _OPCODE, _LENGTH = 0x80, 0x80, 0x0F, 0x7F
_LAST_DATA_OPCODE = 2
_TWO_BYTES, _EIGHT_BYTES = 126, 127
_MASK_BYTES = 4


class MediaProtocol(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket, whose messages can be listened to. Until somebody does it is uvicorn's own."""

    _held = b""
    """The beginning of a frame whose rest has not come yet."""
    _fragmented = False
    """A message in several frames is under way."""
    _take: Callable[[bytes], None] | None = None
    _take_bytes: Callable[[bytes], None] | None = None
    _closed: Callable[[], None] | None = None

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.response.status_code == 101:
            cast("dict[str, object]", self.scope["extensions"])[DIRECT] = self

    # --- In -------------------------------------------------------------------------------

    def listen(
        self,
        take: Callable[[bytes], None],
        closed: Callable[[], None],
        take_bytes: Callable[[bytes], None] | None = None,
    ) -> None:
        """Hand every text message to `take`, those that wait first; `closed` once the socket is gone.

        Without `take_bytes` a message of bytes closes the socket.
        """
        waiting = []
        while not self.queue.empty():
            waiting.append(self.queue.get_nowait())
        self._take, self._closed, self._take_bytes = take, closed, take_bytes
        for message in waiting:
            if message["type"] == "websocket.receive":
                self._hand_over(message)
            else:
                self.queue.put_nowait(message)
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        if self.disconnected:
            self._tell_closed()

    def data_received(self, data: bytes) -> None:
        if not self.handshake_initiated:
            super().data_received(data)
            return
        data = self._held + data if self._held else data
        at, end = 0, len(data)
        while end - at >= 2:
            size = data[at + 1] & _LENGTH
            head = at + 2
            if size == _TWO_BYTES:
                head += 2
                size = int.from_bytes(data[at + 2 : head], "big")
            elif size == _EIGHT_BYTES:
                head += 8
                size = int.from_bytes(data[at + 2 : head], "big")
            if not data[at + 1] & _MASKED or size > self.config.ws_max_size:
                # Nothing that a client may send: the library says so and ends it.
                super().data_received(data[at:])
                self._held = b""
                return
            head += _MASK_BYTES
            after = head + size
            if after > end:
                break
            if self.close_sent:
                # What comes behind the end is nobody's, but for the other side's own end.
                super().data_received(data[at:after])
            elif (take := self._taker(data[at])) is not None and not self._fragmented:
                take(apply_mask(data[head:after], data[head - _MASK_BYTES : head]))
            else:
                if data[at] & _OPCODE <= _LAST_DATA_OPCODE:
                    self._fragmented = not data[at] & _FINAL
                super().data_received(data[at:after])
            at = after
        self._held = data[at:]

    def _taker(self, first: int) -> Callable[[bytes], None] | None:
        """Return who takes a frame that begins with this byte; None: the library."""
        if first == _WHOLE_TEXT:
            return self._take
        return self._take_bytes if first == _WHOLE_BYTES else None

    def send_receive_event_to_app(self) -> None:
        if self._take is None or self.close_sent:
            super().send_receive_event_to_app()
            return
        data, self.frames = b"".join(self.frames), []
        if self.curr_msg_data_type == "text":
            self._take(data)
        elif self._take_bytes is not None:
            self._take_bytes(data)
        else:
            self._refuse_binary()

    def _hand_over(self, message: object) -> None:
        text = cast("dict[str, str]", message).get("text")
        data = cast("dict[str, bytes]", message).get("bytes")
        if text is not None and self._take is not None:
            self._take(text.encode())
        elif data is not None and self._take_bytes is not None:
            self._take_bytes(data)
        elif text is None:
            self._refuse_binary()

    def _refuse_binary(self) -> None:
        self.conn.fail(1003, "text only")
        self.handle_parser_exception()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._tell_closed()

    def _tell_closed(self) -> None:
        closed, self._take, self._take_bytes, self._closed = self._closed, None, None, None
        if closed is not None:
            closed()

    # --- Out ------------------------------------------------------------------------------

    async def send_message(self, data: bytes, *, text: bool = True) -> None:
        """Write a message; waits only while the other side does not read. Raises SocketClosed."""
        if not self.writable.is_set():
            await self.writable.wait()
        if self.disconnected or self.close_sent or self.transport.is_closing():
            raise SocketClosed("the socket is closed")
        size, first = len(data), _WHOLE_TEXT if text else _WHOLE_BYTES
        if size < _TWO_BYTES:
            head = bytes((first, size))
        elif size < 65_536:
            head = bytes((first, _TWO_BYTES, size >> 8, size & 255))
        else:
            head = bytes((first, _EIGHT_BYTES)) + size.to_bytes(8, "big")
        self.transport.write(head + data)
