"""Deepgram's live transcription as it is on the wire: settings in the query, sound in, JSON results out.

It counts the sound and tells the words that its plan has. A turn ends with `Finalize` or `CloseStream`.
Faults: refuse, error, stall, close, nonsense, huge, reordered, silent (no answer to `Finalize` once all is
final).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from trunkline.simulators.deepgram.talk import Talk
from trunkline.simulators.loop_server import serving_app
from trunkline.simulators.speech_plans import Fault, Hearing

_NO_DATA_S = 10.0
"""Without sound or `KeepAlive` for so long, the server closes with 1011 NET-0001."""


@dataclass(frozen=True, slots=True)
class RunningDeepgram:
    """A service that takes connections at `base_url`."""

    base_url: str
    hearing: Hearing


@asynccontextmanager
async def serving(
    hearing: Hearing | None = None, *, host: str = "127.0.0.1", port: int = 0, no_data_s: float = _NO_DATA_S
) -> AsyncIterator[RunningDeepgram]:
    """Serve on the running loop while the block runs. Raises OSError if the port is taken."""
    plan = hearing or Hearing()

    async def listen(socket: WebSocket) -> None:
        await _Listening(socket, plan, no_data_s).run()

    app = Starlette(routes=[WebSocketRoute("/v1/listen", listen)])
    async with serving_app(app, host=host, port=port) as address:
        yield RunningDeepgram(f"ws://{address}", plan)


class _Listening:
    """One connection."""

    def __init__(self, socket: WebSocket, plan: Hearing, no_data_s: float) -> None:
        self._socket = socket
        self._plan = plan
        self._no_data_s = no_data_s
        self._talk = Talk(plan)

    async def run(self) -> None:
        plan = self._plan
        query = self._socket.query_params
        refused = plan.turns and plan.turns[0].fault is Fault.REFUSE
        if refused:
            plan.next_turn()
        if refused or self._socket.headers.get("authorization") != f"Token {plan.api_key}":
            body = {"err_code": "INVALID_AUTH", "err_msg": "Invalid credentials."}
            await self._socket.send_denial_response(JSONResponse(body, 401))
            return
        if query.get("encoding") != "mulaw" or query.get("sample_rate") != "8000":
            body = {"err_code": "Bad Request", "err_msg": "this stand-in hears mulaw at 8000"}
            await self._socket.send_denial_response(JSONResponse(body, 400))
            return
        await self._socket.accept()
        plan.asked.append(
            {**query, "keyterm": query.getlist("keyterm"), "keywords": query.getlist("keywords")}
        )
        plan.connections += 1
        plan.live += 1
        try:
            await self._listen()
        except WebSocketDisconnect:
            return
        finally:
            plan.live -= 1

    async def _listen(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._no_data_s):
                    message = await self._socket.receive()
            except TimeoutError:
                await self._socket.close(1011, "NET-0001")
                return
            if message["type"] == "websocket.disconnect":
                return
            sound = message.get("bytes")
            if sound is not None:
                answers, fault = self._talk.hear(len(sound))
            else:
                answers, fault = self._control(json.loads(message["text"]))
            for answer in answers:
                await self._socket.send_text(json.dumps(answer))
            if fault is not None and await self._fail(fault):
                return
            if sound is None and json.loads(message["text"]).get("type") == "CloseStream":
                await self._socket.close(1000)
                return

    def _control(self, message: dict[str, Any]) -> tuple[list[dict[str, Any]], Fault | None]:
        kind = message.get("type")
        if kind == "KeepAlive":
            self._plan.kept_alive += 1
            return [], None
        if kind in {"Finalize", "CloseStream"}:
            answers, fault = self._talk.end(finalize=kind == "Finalize")
            return answers + ([self._talk.metadata()] if kind == "CloseStream" else []), fault
        if kind == "Configure":
            self._plan.asked.append({"configured": message.get("keyterms")})
            return [self._talk.configured(message.get("keyterms"))], None
        trouble = {
            "type": "Error",
            "variant": "SchemaError",
            "description": "Could not deserialize the message",
        }
        return [{**trouble, "message": json.dumps(message)}], None

    async def _fail(self, fault: Fault) -> bool:
        """Do what goes wrong; True where the connection is over with that."""
        if fault is Fault.ERROR:
            trouble = {"type": "Error", "variant": "Internal", "description": "The service cannot go on"}
            await self._socket.send_text(json.dumps(trouble))
            await self._socket.close(1011, "NET-0000")
            return True
        if fault is Fault.CLOSE:
            await self._socket.close(1011, "NET-0000")
            return True
        if fault is Fault.NONSENSE:
            await self._socket.send_text("{ this is not what you think")
        if fault is Fault.HUGE:
            await self._socket.send_text(json.dumps({"type": "Results", "filler": "x" * 2_000_000}))
        if fault is Fault.STALL:
            while (await self._socket.receive())["type"] != "websocket.disconnect":
                pass
            return True
        return False
