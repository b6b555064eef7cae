"""The stand-in's REST API, and its start and end. Faults: what becomes of the next orders and commands."""

from __future__ import annotations

import asyncio
import base64
import enum
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from trunkline.providers.telnyx.wire import ErrorCode
from trunkline.simulators.loop_server import serving_app
from trunkline.simulators.telnyx.exchange import Exchange
from trunkline.simulators.telnyx.legs import CommandRefused, Leg
from trunkline.simulators.telnyx.messages import Messaging
from trunkline.simulators.telnyx.webhooks import Webhooks


class Fault(enum.StrEnum):
    """What becomes of a request."""

    LOSE_REPLY = "lose_reply"
    """It is carried out; no reply ever comes."""
    ERROR_AFTER = "500_after"
    ERROR_BEFORE = "500_before"
    TOO_MANY = "429"


@dataclass(frozen=True, slots=True)
class TelnyxOptions:
    """What the stand-in is told. `bare_repeats`: a repeated order's reply names no call."""

    api_key: str
    webhook_url: str
    no_answer_s: float = 0.3
    bare_repeats: bool = False


@dataclass(slots=True)
class RunningTelnyx:
    """A stand-in that takes requests at `base_url`."""

    base_url: str
    public_key: str
    """Checks its signatures; base64."""
    exchange: Exchange
    messaging: Messaging
    webhooks: Webhooks
    faults: deque[Fault]
    """What goes wrong with the next requests, one each."""


@asynccontextmanager
async def serving(
    options: TelnyxOptions, *, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[RunningTelnyx]:
    """Serve on the running loop while the block runs. Raises OSError if the port is taken."""
    key = Ed25519PrivateKey.generate()
    webhooks = Webhooks(key)
    exchange = Exchange(webhooks, webhook_url=options.webhook_url, no_answer_s=options.no_answer_s)
    messaging = Messaging(webhooks)
    api = _Api(options, exchange, messaging)
    async with serving_app(api.app, host=host, port=port) as address:
        public = base64.b64encode(key.public_key().public_bytes_raw()).decode("ascii")
        try:
            yield RunningTelnyx(f"http://{address}", public, exchange, messaging, webhooks, api.faults)
        finally:
            await exchange.close()
            await webhooks.close()


@dataclass(slots=True)
class _Api:
    options: TelnyxOptions
    exchange: Exchange
    messaging: Messaging
    faults: deque[Fault] = field(default_factory=deque)

    @property
    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/v2/calls", self.dial, methods=["POST"]),
                Route("/v2/calls/{sid}", self.show),
                Route("/v2/calls/{sid}/actions/{action}", self.command, methods=["POST"]),
                Route("/v2/messages", self.message, methods=["POST"]),
                Route("/v2/phone_numbers", self.numbers, methods=["GET"]),
                Route("/v2/phone_numbers/{number}/messaging", self.move, methods=["PATCH"]),
                Route("/v2/messaging_profiles", self.make, methods=["POST"]),
                Route("/v2/messaging_profiles/{profile}", self.profile, methods=["PATCH"]),
                Route("/v2/messaging_profiles/{profile}/phone_numbers", self.within, methods=["GET"]),
            ]
        )

    async def dial(self, request: Request) -> Response:
        """POST /v2/calls."""

        async def work() -> dict[str, Any]:
            leg, is_known = self.exchange.dial(await request.json())
            return {"result": "ok"} if is_known and self.options.bare_repeats else _shown(leg)

        return await self._answer(request, work)

    async def show(self, request: Request) -> Response:
        """GET /v2/calls/{call_control_id}."""

        async def work() -> dict[str, Any]:
            return _shown(self.exchange.leg_of(request.path_params["sid"]))

        return await self._answer(request, work)

    async def command(self, request: Request) -> Response:
        """POST /v2/calls/{call_control_id}/actions/{action}."""

        async def work() -> dict[str, Any]:
            path = request.path_params
            await self.exchange.command(path["sid"], path["action"], await request.json())
            return {"result": "ok"}

        return await self._answer(request, work)

    async def message(self, request: Request) -> Response:
        """POST /v2/messages."""

        async def work() -> dict[str, Any]:
            return self.messaging.send(await request.json())

        return await self._answer(request, work)

    async def numbers(self, request: Request) -> Response:
        """GET /v2/phone_numbers?filter[phone_number]=..."""

        async def work() -> list[dict[str, Any]]:
            return self.messaging.find(request.query_params.get("filter[phone_number]", ""))

        return await self._answer(request, work)

    async def move(self, request: Request) -> Response:
        """PATCH /v2/phone_numbers/{id}/messaging."""

        async def work() -> dict[str, Any]:
            return self.messaging.move(request.path_params["number"], await request.json())

        return await self._answer(request, work)

    async def make(self, request: Request) -> Response:
        """POST /v2/messaging_profiles."""

        async def work() -> dict[str, Any]:
            return self.messaging.make(await request.json())

        return await self._answer(request, work)

    async def within(self, request: Request) -> Response:
        """GET /v2/messaging_profiles/{id}/phone_numbers."""

        async def work() -> list[dict[str, Any]]:
            return self.messaging.within(request.path_params["profile"])

        return await self._answer(request, work)

    async def profile(self, request: Request) -> Response:
        """PATCH /v2/messaging_profiles/{id}."""

        async def work() -> dict[str, Any]:
            return self.messaging.point(request.path_params["profile"], await request.json())

        return await self._answer(request, work)

    async def _answer(self, request: Request, work: Any) -> Response:
        if request.headers.get("authorization") != f"Bearer {self.options.api_key}":
            return _refused(401, ErrorCode.AUTHENTICATION, "Authentication failed")
        fault = self.faults.popleft() if self.faults else None
        if fault is Fault.TOO_MANY:
            return _refused(429, ErrorCode.TOO_MANY_REQUESTS, "Too many requests", {"Retry-After": "2"})
        if fault is Fault.ERROR_BEFORE:
            return Response(status_code=500)
        try:
            data = await work()
        except CommandRefused as refusal:
            return _refused(refusal.status, refusal.code, refusal.title)
        if fault is Fault.LOSE_REPLY:
            await asyncio.Event().wait()
        return Response(status_code=500) if fault is Fault.ERROR_AFTER else JSONResponse({"data": data})


def _shown(leg: Leg) -> dict[str, Any]:
    over: dict[str, Any] = {}
    if leg.ended_at is not None:
        lasted = (leg.ended_at - leg.started_at).total_seconds() if leg.answered else 0
        over = {"end_time": f"{leg.ended_at:%Y-%m-%dT%H:%M:%S.%fZ}", "call_duration": round(lasted)}
    return {
        "record_type": "call",
        "call_control_id": leg.sid,
        "call_leg_id": leg.leg_id,
        "call_session_id": leg.session_id,
        "client_state": leg.client_state,
        "is_alive": leg.answered and leg.ended is None,
        "start_time": f"{leg.started_at:%Y-%m-%dT%H:%M:%S.%fZ}",
        **over,
    }


def _refused(status: int, code: str, title: str, headers: dict[str, str] | None = None) -> Response:
    body = {"errors": [{"code": code, "title": title, "detail": f"{title}."}]}
    return JSONResponse(body, status, headers)
