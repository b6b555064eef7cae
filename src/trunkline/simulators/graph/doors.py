"""The stand-in's own doors below `/sim`: what Graph does not have and a test or the demo needs.

They have no password: the stand-in listens on this machine only, unless its owner says otherwise.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from trunkline.simulators.graph.book import RECEIPTS, Book, Number, Owner
from trunkline.simulators.graph.customers import Customers
from trunkline.simulators.graph.faults import Faults
from trunkline.simulators.graph.inbound import Inbound
from trunkline.simulators.graph.webhooks import Webhooks

_OF_A_NUMBER = ("per_second", "pair_burst", "keeps_window", "receipt_s")


class Doors:
    """The handlers. A body that misses something is answered with 400 and the reason."""

    def __init__(
        self, book: Book, faults: Faults, webhooks: Webhooks, inbound: Inbound, customers: Customers
    ) -> None:
        self._book, self._faults, self._webhooks = book, faults, webhooks
        self._inbound, self._customers = inbound, customers

    def routes(self) -> list[Route]:
        return [
            Route("/sim/book", self.book, methods=["GET"]),
            Route("/sim/tally", self.tally, methods=["GET"]),
            Route("/sim/numbers", self.numbers, methods=["POST"]),
            Route("/sim/people", self.people, methods=["POST"]),
            Route("/sim/templates", self.templates, methods=["POST"]),
            Route("/sim/messages", self.messages, methods=["POST"]),
            Route("/sim/replay", self.replay, methods=["POST"]),
            Route("/sim/faults", self.faults, methods=["POST"]),
            Route("/sim/customers", self.customers, methods=["POST"]),
            Route("/sim/customers/{phone}", self.customer, methods=["GET"]),
        ]

    async def book(self, _: Request) -> Response:
        """Tell what was accepted, refused, told and read; `doubled` names references accepted twice."""
        return JSONResponse(self._book.as_json())

    async def tally(self, _: Request) -> Response:
        """Tell how many were accepted, `doubled` and refused: the book without its entries."""
        return JSONResponse(self._book.tally())

    async def numbers(self, request: Request) -> Response:
        """`{phone, name?, id?, owner?, token?, secret?, callback_url?, per_second?, pair_burst?,
        keeps_window?, receipts?, receipt_s?}`: a number from now on, or one changed. Answers it whole."""
        body = await _object(request)
        given = str(body.get("id", "")) or str(secrets.randbits(50))
        number = self._book.numbers.get(given) or Number(
            given, str(body.get("owner", "")) or str(secrets.randbits(50)), str(body["phone"]), "A business"
        )
        owner = self._book.owners.setdefault(
            number.owner, Owner(number.owner, f"EAAG{secrets.token_hex(24)}", secrets.token_hex(16))
        )
        for name in ("token", "secret", "callback_url"):
            setattr(owner, name, str(body.get(name, getattr(owner, name))))
        number.name = str(body.get("name", number.name))
        for name in _OF_A_NUMBER:
            setattr(number, name, body.get(name, getattr(number, name)))
        number.receipts = tuple(body.get("receipts", number.receipts))
        if not set(number.receipts) <= set(RECEIPTS):
            raise ValueError(f"receipts are of {', '.join(RECEIPTS)}")
        self._book.numbers[number.id] = number
        return JSONResponse({**asdict(owner), **asdict(number), "owner": owner.id})

    async def people(self, request: Request) -> Response:
        """`{phone, is_there?, stopped_marketing?}`: somebody who has no WhatsApp, or wants no marketing."""
        body = await _object(request)
        person = self._book.admit(str(body["phone"]))
        person.is_there = bool(body.get("is_there", person.is_there))
        person.stopped_marketing = bool(body.get("stopped_marketing", person.stopped_marketing))
        return JSONResponse({})

    async def templates(self, request: Request) -> Response:
        """`{owner, name, language, status?, category?, components, parameter_format?}`: a template is there,
        or changed; its account is told."""
        body = dict(await _object(request))
        owner = self._owner(body.pop("owner"))
        row = {
            "id": str(secrets.randbits(50)), "status": "APPROVED", "category": "UTILITY",
            "parameter_format": "POSITIONAL", **body,
        }  # fmt: skip
        key = (row["name"], row["language"])
        owner.templates[:] = [old for old in owner.templates if (old["name"], old["language"]) != key]
        owner.templates.append(row)
        await self._webhooks.tell_of_template(owner, row)
        return JSONResponse(row, 201)

    async def messages(self, request: Request) -> Response:
        """`{number, from, name?, message, file?: {content (base64), content_type, filename?}}`: somebody
        writes; `message` as Graph tells it, without who and when. Answers `{id, statuses}` once taken."""
        body = await _object(request)
        message = dict(body["message"])
        if (file := body.get("file")) is not None:
            content = base64.b64decode(file["content"])
            kept = self._inbound.keep(str(body["number"]), content, str(file["content_type"]))
            named = {"filename": file["filename"]} if "filename" in file else {}
            message[message["type"]] = {**message.get(message["type"], {}), **kept, **named}
        sent, statuses = await self._inbound.write(
            str(body["number"]), str(body["from"]), str(body.get("name", "")), message
        )
        return JSONResponse({"id": sent, "statuses": statuses}, 201)

    async def replay(self, request: Request) -> Response:
        """`{owner}`: everything told of an account is told again, backwards. Answers the answers."""
        body = await _object(request)
        return JSONResponse({"statuses": await self._webhooks.replay(self._owner(body["owner"]))})

    async def faults(self, request: Request) -> Response:
        """See `Faults.order`."""
        self._faults.order(await _object(request))
        return JSONResponse({})

    async def customers(self, request: Request) -> Response:
        """See `Customers.admit`. They write at once if they open."""
        customer = self._customers.admit(await _object(request))
        self._book.admit(customer.phone).name = customer.name
        self._webhooks.begin(self._customers.open(customer))
        return JSONResponse({}, 201)

    async def customer(self, request: Request) -> Response:
        """Tell what was written by and to a customer."""
        customer = self._customers.all[request.path_params["phone"]]
        return JSONResponse({"phone": customer.phone, "name": customer.name, "said": customer.said})

    def _owner(self, name: object) -> Owner:
        return self._book.owners[str(name)]


async def malformed(_: Request, error: Exception) -> Response:
    """Exception handler for bodies that miss something."""
    return JSONResponse({"error": f"{type(error).__name__}: {error}"}, 400)


async def _object(request: Request) -> Mapping[str, Any]:
    body = await request.json()
    if not isinstance(body, dict):
        raise ValueError("the body is a JSON object")
    return body
