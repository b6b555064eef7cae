"""Telnyx's end of a media stream: the pace and the buffer of the carrier's, in Telnyx's messages."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from trunkline.providers.telnyx.wire import (
    STREAM_TOKEN_HEADER,
    ConnectedMessage,
    DtmfMessage,
    MarkMessage,
    StartMessage,
    StopMessage,
)
from trunkline.simulators.carrier.stream import MediaStream

USER_ID = "3e6f995f-85f7-4705-9741-53b116d28237"


class TelnyxMedia(MediaStream):
    """One stream of one leg, as `streaming_start` ordered it."""

    USER_AGENT = "telnyx"
    STREAM_FIELD = "stream_id"

    def __init__(self, leg: Mapping[str, str], order: Mapping[str, Any]) -> None:
        parameters = {str(pair["name"]): str(pair["value"]) for pair in order.get("custom_parameters", ())}
        super().__init__(
            account_sid=USER_ID, call_sid=leg["call_control_id"], auth_token="", url=str(order["stream_url"]),
            parameters=parameters,
        )  # fmt: skip
        self.sid = str(uuid4())
        self._leg = leg
        self._token = str(order.get("stream_auth_token", ""))
        self._state = str(order.get("client_state", ""))

    def _headers(self) -> dict[str, str]:
        return {STREAM_TOKEN_HEADER: self._token} if self._token else {}

    async def _say_hello(self, socket: ClientConnection) -> None:
        connected: ConnectedMessage = {"event": "connected", "version": "1.0.0"}
        await socket.send(json.dumps(connected))
        start: StartMessage = {
            "event": "start",
            "sequence_number": self._next(),
            "stream_id": self.sid,
            "start": {
                "user_id": USER_ID,
                "call_control_id": self._leg["call_control_id"],
                "call_session_id": self._leg["call_session_id"],
                "from": self._leg["from"],
                "to": self._leg["to"],
                "client_state": self._state,
                "custom_parameters": self._parameters,
                "media_format": {"encoding": "PCMU", "sample_rate": 8000, "channels": 1},
            },
        }
        await socket.send(json.dumps(start))

    def _media(self, frame: bytes, timestamp: int) -> str:
        payload = base64.b64encode(frame).decode("ascii")
        return (
            f'{{"event":"media","sequence_number":"{self._next()}","media":{{"track":"inbound",'
            f'"chunk":"{self.figures.frames_sent}","timestamp":"{timestamp}","payload":"{payload}"}},'
            f'"stream_id":"{self.sid}"}}'
        )

    async def _say_key(self, socket: ClientConnection, key: str) -> None:
        message: DtmfMessage = {
            "event": "dtmf",
            "stream_id": self.sid,
            "occurred_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
            "sequence_number": self._next(),
            "dtmf": {"digit": key},
        }
        await socket.send(json.dumps(message))

    async def _say_mark(self, socket: ClientConnection, name: str) -> None:
        message: MarkMessage = {
            "event": "mark",
            "sequence_number": self._next(),
            "stream_id": self.sid,
            "mark": {"name": name},
        }
        await socket.send(json.dumps(message))

    async def _say_stop(self, socket: ClientConnection) -> None:
        message: StopMessage = {
            "event": "stop",
            "sequence_number": self._next(),
            "stream_id": self.sid,
            "stop": {"user_id": USER_ID, "call_control_id": self._leg["call_control_id"]},
        }
        try:
            await socket.send(json.dumps(message))
        except ConnectionClosed:
            return
