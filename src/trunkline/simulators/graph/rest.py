"""Graph's API as far as the Cloud API uses it: messages, media, templates, subscriptions, numbers."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from trunkline.providers.ports.chat import MessageKind
from trunkline.providers.whatsapp import wire
from trunkline.providers.whatsapp.wire import ErrorCode
from trunkline.simulators.graph import checks
from trunkline.simulators.graph.book import Accepted, Book, GraphRefuses, Media, Number, Owner, unknown_object
from trunkline.simulators.graph.customers import Customers
from trunkline.simulators.graph.faults import Faults, GraphFault, Ordered
from trunkline.simulators.graph.pace import Pace
from trunkline.simulators.graph.webhooks import Webhooks

_LONGEST_LOSS_S = 120.0
_TYPES = frozenset().union(*wire.CONTENT_TYPES.values())


class GraphApi:
    """The handlers below a version's path."""

    def __init__(self, book: Book, faults: Faults, webhooks: Webhooks, customers: Customers) -> None:
        self._book, self._faults, self._webhooks, self._customers = book, faults, webhooks, customers
        self._pace = Pace()

    def routes(self) -> list[Route]:
        return [
            Route("/{version}/{number}/messages", self.messages, methods=["POST"]),
            Route("/{version}/{number}/media", self.upload, methods=["POST"]),
            Route("/{version}/{owner}/message_templates", self.templates, methods=["GET"]),
            Route("/{version}/{owner}/subscribed_apps", self.subscribe, methods=["POST"]),
            Route("/files/{media}", self.file, methods=["GET"]),
            Route("/{version}/{node}", self.node, methods=["GET"]),
        ]

    async def messages(self, request: Request) -> Response:
        """Take a message, or what was read."""
        number, owner = self._sender(request)
        body: dict[str, Any] = await request.json()
        if body.get("status") == "read":
            self._book.read.append({"number": number.id, "id": str(body.get("message_id"))})
            return JSONResponse({"success": True})
        to = str(body.get("to", ""))
        person = f"+{to.removeprefix('+')}"
        fault = self._faults.next_for(person)
        try:
            refusal = _refused_by(fault)
            if refusal is not None:
                assert fault is not None
                self._book.refused[fault.fault.value] += 1
                return refusal
            if fault is not None and fault.fault is GraphFault.CODE:
                raise GraphRefuses(400, int(fault.code), f"(#{fault.code}) As ordered")
            checks.check(self._book, owner, body)
            self._pace.check(number, person)
        except GraphRefuses as error:
            self._book.refused[str(error.code)] += 1
            raise
        sent = self._book.accept(number.id, person, body)
        self._webhooks.begin(self._deliver(number, owner, sent, fault))
        reply = {
            "messaging_product": "whatsapp",
            "contacts": [{"input": to, "wa_id": person[1:]}],
            "messages": [{"id": sent.id}],
        }
        return await _replied(request, fault, reply)

    async def _deliver(self, number: Number, owner: Owner, sent: Accepted, fault: Ordered | None) -> None:
        if fault is not None and fault.fault is GraphFault.NO_RECEIPTS:
            return
        failure = self._failure(number, owner, sent)
        if fault is not None and fault.fault is GraphFault.FAILS_LATER:
            failure = int(fault.code)
        await self._webhooks.tell_receipts(number, sent, failure=failure)
        if failure is None:
            await self._customers.hears(sent.to, sent.id, sent.body)

    def _failure(self, number: Number, owner: Owner, sent: Accepted) -> int | None:
        """Return for what a message that was taken is not delivered."""
        person = self._book.admit(sent.to)
        if not person.is_there:
            return ErrorCode.UNDELIVERABLE
        if sent.type != "template":
            free = not number.keeps_window or self._book.is_within_window(number.id, person)
            return None if free else ErrorCode.WINDOW
        name = sent.body["template"]["name"]
        row = next(row for row in owner.templates if row["name"] == name)
        is_marketing = str(row.get("category", "")).upper() == "MARKETING"
        return ErrorCode.STOPPED_MARKETING if is_marketing and person.stopped_marketing else None

    async def upload(self, request: Request) -> Response:
        """Keep a file of the business's."""
        _, owner = self._sender(request)
        async with request.form() as form:
            file = form.get("file")
            if form.get("messaging_product") != "whatsapp" or file is None or isinstance(file, str):
                raise GraphRefuses(400, ErrorCode.INVALID_PARAMETER, "(#100) The parameter file is required.")
            content, content_type = await file.read(), str(form.get("type", file.content_type))
        if content_type not in _TYPES:
            kinds = ", ".join(sorted(_TYPES))
            raise GraphRefuses(
                400, 100, f"(#100) Param file must be a file with one of the following types: {kinds}"
            )
        kind = next(kind for kind, types in wire.CONTENT_TYPES.items() if content_type in types)
        most = wire.MOST_BYTES[kind]
        if kind is MessageKind.STICKER and wire.is_still(content):
            most = wire.STILL_STICKER_BYTES
        if len(content) > most:
            raise GraphRefuses(
                400, ErrorCode.MEDIA_UPLOAD, "(#131053) Media upload error", "File size is too large"
            )
        media = Media(str(secrets.randbits(50)), owner.id, content, content_type)
        self._book.media[media.id] = media
        return JSONResponse({"id": media.id})

    async def node(self, request: Request) -> Response:
        """Show a number, or where a file is."""
        owner = self._authenticated(request)
        name = request.path_params["node"]
        number, media = self._book.numbers.get(name), self._book.media.get(name)
        if number is not None and number.owner == owner.id:
            shown = {"display_phone_number": _spaced(number.phone), "verified_name": number.name, "id": name}
            return JSONResponse(shown)
        if media is not None and media.owner == owner.id:
            return JSONResponse(
                {
                    "messaging_product": "whatsapp",
                    "url": f"{request.base_url}files/{media.id}",
                    "mime_type": media.content_type,
                    "sha256": hashlib.sha256(media.content).hexdigest(),
                    "file_size": len(media.content),
                    "id": media.id,
                }
            )
        raise unknown_object(name)

    async def file(self, request: Request) -> Response:
        """Give a file out."""
        owner = self._authenticated(request)
        media = self._book.media.get(request.path_params["media"])
        if media is None or media.owner != owner.id:
            return PlainTextResponse("Not found", 404)
        return Response(media.content, media_type=media.content_type)

    async def templates(self, request: Request) -> Response:
        """List an account's templates by pages."""
        owner = self._authenticated(request)
        if request.path_params["owner"] != owner.id:
            raise unknown_object(request.path_params["owner"])
        after, limit = request.query_params.get("after", "0"), int(request.query_params.get("limit", "25"))
        begin = int(after) if after.isdecimal() else 0
        end = begin + limit
        rows = owner.templates[begin:end]
        paging: dict[str, Any] = {"cursors": {"before": str(begin), "after": str(end)}}
        if end < len(owner.templates):
            paging["next"] = f"{request.url.include_query_params(after=end)}"
        return JSONResponse({"data": rows, **({"paging": paging} if rows else {})})

    async def subscribe(self, request: Request) -> Response:
        """Tell an account's events to an address, once that has proved to be the asker's."""
        owner = self._authenticated(request)
        if request.path_params["owner"] != owner.id:
            raise unknown_object(request.path_params["owner"])
        body = await request.json()
        url, token = str(body.get("override_callback_uri", "")), str(body.get("verify_token", ""))
        if not url or not token:
            raise GraphRefuses(
                400, ErrorCode.INVALID_PARAMETER, "(#100) Both url and verify_token are required"
            )
        if wrong := await self._webhooks.ask_for_proof(url, token):
            raise GraphRefuses(
                400, 2200, f"(#2200) Callback verification failed with the following errors: {wrong}"
            )
        owner.callback_url = url
        return JSONResponse({"success": True})

    def _sender(self, request: Request) -> tuple[Number, Owner]:
        owner = self._authenticated(request)
        number = self._book.number_of(request.path_params["number"])
        if number.owner != owner.id:
            raise unknown_object(number.id)
        return number, owner

    def _authenticated(self, request: Request) -> Owner:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        owner = next(
            (owner for owner in self._book.owners.values() if hmac.compare_digest(owner.token, token)), None
        )
        if scheme != "Bearer" or owner is None:
            raise GraphRefuses(401, ErrorCode.TOKEN, f"Malformed access token {token}")
        proof = request.query_params.get("appsecret_proof")
        if proof is not None and proof != wire.proof(owner.secret, token):
            raise GraphRefuses(400, 100, "Invalid appsecret_proof provided in the API argument")
        return owner


async def refused(_: Request, error: Exception) -> Response:
    """Exception handler that writes an error as Graph does."""
    assert isinstance(error, GraphRefuses)
    data = (
        {"error_data": {"messaging_product": "whatsapp", "details": error.details}} if error.details else {}
    )
    more = {"error_subcode": error.subcode} if error.subcode else {}
    body = {"message": str(error), "type": "OAuthException", "code": error.code, "fbtrace_id": "A0"}
    return JSONResponse({"error": {**body, **data, **more}}, error.status)


def _refused_by(fault: Ordered | None) -> Response | None:
    """Return the answer to a message that is not taken, as ordered."""
    match fault.fault if fault is not None else None:
        case GraphFault.RATE:
            raise GraphRefuses(429, ErrorCode.THROUGHPUT, "(#130429) Rate limit hit")
        case GraphFault.BARE_RATE:
            assert fault is not None
            return Response(status_code=429, headers={"Retry-After": f"{fault.seconds:g}"})
        case GraphFault.ERROR_BEFORE:
            return Response(status_code=500)
        case GraphFault.DROP_BEFORE:
            return _broken()
    return None


async def _replied(request: Request, fault: Ordered | None, reply: dict[str, Any]) -> Response:
    """Return the answer to a message that was taken, or what of it arrives."""
    match fault.fault if fault is not None else None:
        case GraphFault.LOSE_REPLY:
            await _never(request)
        case GraphFault.ERROR_AFTER:
            return Response(status_code=500)
        case GraphFault.DROP_AFTER:
            return _broken()
        case GraphFault.UNREADABLE:
            return PlainTextResponse("<html>")
        case GraphFault.SLOW:
            assert fault is not None
            await asyncio.sleep(fault.seconds)
    return JSONResponse(reply)


def _broken() -> Response:
    """Return an answer that ends before it should: the server has to close the connection."""

    async def begun() -> AsyncIterator[bytes]:
        yield b"{"

    return StreamingResponse(begun(), 200, {"Content-Length": "100", "Content-Type": "application/json"})


async def _never(request: Request) -> None:
    """Return when the client has given up."""
    try:
        async with asyncio.timeout(_LONGEST_LOSS_S):
            while (await request.receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return


def _spaced(phone: str) -> str:
    return f"{phone[:4]} {phone[4:7]}-{phone[7:]}"
