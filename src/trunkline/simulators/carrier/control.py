"""The carrier's control endpoints under `/sim`: what Twilio does not have and a test needs.

`GET /sim/book`, `POST /sim/calls`, `POST /sim/numbers`, `POST /sim/people`, `POST /sim/faults`.
They have no password: the carrier listens on this machine only, unless its owner says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from trunkline.simulators.carrier.exchange import Exchange, NoSuchNumber
from trunkline.simulators.carrier.options import Number
from trunkline.simulators.carrier.people.population import Population


class ControlApi:
    """The handlers of `/sim`. A body that misses something is answered with 400 and the reason."""

    def __init__(self, exchange: Exchange, population: Population) -> None:
        self._exchange = exchange
        self._population = population

    def routes(self) -> list[Route]:
        return [
            Route("/sim/book", self.book, methods=["GET"]),
            Route("/sim/calls", self.phone_in, methods=["POST"]),
            Route("/sim/numbers", self.configure, methods=["POST"]),
            Route("/sim/people", self.admit, methods=["POST"]),
            Route("/sim/faults", self.faults, methods=["POST"]),
        ]

    async def book(self, _: Request) -> Response:
        return JSONResponse(self._exchange.book.as_json())

    async def phone_in(self, request: Request) -> Response:
        """`{from, to, persona}`: that person phones our number now. Answers `{sid}`."""
        body = await _object(request)
        try:
            call = self._exchange.phone_in(
                _string(body, "from"), _string(body, "to"), _string(body, "persona")
            )
        except NoSuchNumber as error:
            raise ValueError(f"no voice webhook is configured for {error}") from error
        return JSONResponse({"sid": call.sid}, 201)

    async def configure(self, request: Request) -> Response:
        """`{number, voice_url, status_url?}`: where our number is answered; `*` stands for all others."""
        body = await _object(request)
        self._exchange.configure(
            Number(_string(body, "number"), _string(body, "voice_url"), str(body.get("status_url", "")))
        )
        return JSONResponse({})

    async def admit(self, request: Request) -> Response:
        """`{number, persona}`: that person can be rung from now on."""
        body = await _object(request)
        self._population.admit(_string(body, "number"), _string(body, "persona"))
        return JSONResponse({})

    async def faults(self, request: Request) -> Response:
        """See `Faults.order`."""
        self._exchange.faults.order(await _object(request))
        return JSONResponse({})


async def malformed(_: Request, error: Exception) -> Response:
    """Exception handler for ValueErrors of the control endpoints."""
    return JSONResponse({"error": str(error)}, 400)


async def _object(request: Request) -> Mapping[str, object]:
    body = await request.json()
    if not isinstance(body, dict):
        raise ValueError("the body is a JSON object")
    return body


def _string(body: Mapping[str, object], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} is missing")
    return value
