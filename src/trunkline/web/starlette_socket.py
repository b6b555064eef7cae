"""What every media socket is while Starlette stands between: how it writes and closes.

How messages are read is for each socket to say: a carrier's are text, a browser's are both.
"""

from __future__ import annotations

from fastapi import WebSocket, WebSocketDisconnect
from starlette.websockets import WebSocketState

from trunkline.media import SocketClosed


class StarletteSocket:
    """The writing half of media's small protocols: raises SocketClosed once the other side is gone."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket

    async def send_text(self, text: str) -> None:
        try:
            await self._socket.send_text(text)
        except (WebSocketDisconnect, RuntimeError) as error:
            raise SocketClosed(str(error)) from error

    async def close(self) -> None:
        if self._socket.application_state is WebSocketState.CONNECTED:
            try:
                await self._socket.close()
            except (WebSocketDisconnect, RuntimeError) as error:
                raise SocketClosed(str(error)) from error
