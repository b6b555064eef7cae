"""Twilio's REST API for calls, as far as the product uses it: create, list, fetch, update and record."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from urllib.parse import urlencode, urlsplit

from starlette.datastructures import FormData, QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from trunkline.providers.ports import CallStatus
from trunkline.providers.twilio.wire import (
    API_VERSION,
    DETECT_MESSAGE_END,
    DIRECTION_OUTBOUND,
    ErrorCode,
    Field,
    RecordingStatus,
)
from trunkline.simulators.carrier.calls import Call, Recording
from trunkline.simulators.carrier.exchange import Exchange
from trunkline.simulators.carrier.faults import CreateFault
from trunkline.simulators.carrier.options import CarrierOptions
from trunkline.simulators.carrier.refusing import Refusal, authenticate, error

_E164 = re.compile(r"\+[1-9]\d{6,14}")
_DEFAULT_PAGE_SIZE = 50
_LARGEST_PAGE = 1000
_LONGEST_LOSS_S = 120.0
"""How long a lost reply keeps its connection if the client never gives up."""


class CallsApi:
    """The handlers of `/2010-04-01/Accounts/{sid}/Calls`."""

    def __init__(self, options: CarrierOptions, exchange: Exchange) -> None:
        self._options = options
        self._exchange = exchange

    def routes(self) -> list[Route]:
        calls = f"/{API_VERSION}/Accounts/{{account}}/Calls"
        return [
            Route(f"{calls}.json", self.create, methods=["POST"]),
            Route(f"{calls}.json", self.index, methods=["GET"]),
            Route(f"{calls}/{{sid}}.json", self.fetch, methods=["GET"]),
            Route(f"{calls}/{{sid}}.json", self.update, methods=["POST"]),
            Route(f"{calls}/{{sid}}/Recordings.json", self.record, methods=["POST"]),
            Route(f"{calls}/{{sid}}/Recordings/{{recording}}.json", self.update_recording, methods=["POST"]),
        ]

    async def create(self, request: Request) -> Response:
        authenticate(self._options, request)
        async with request.form() as form:
            fields = _fields(form)
            events = [str(event) for event in form.getlist(Field.STATUS_CALLBACK_EVENT)]
        book = self._exchange.book
        fault = self._exchange.faults.next_create()
        if fault is CreateFault.ERROR_BEFORE:
            book.create(fields, sid=None, reply=500, fault=fault)
            return error(500, 20500, "Internal Server Error")
        if fault is CreateFault.TOO_MANY:
            book.create(fields, sid=None, reply=429, fault=fault)
            refused = error(429, ErrorCode.TOO_MANY_REQUESTS, "Too Many Requests")
            refused.headers["Retry-After"] = f"{self._exchange.faults.seconds:g}"
            return refused
        try:
            call = self._ordered(fields, events)
        except Refusal as refusal:
            book.create(fields, sid=None, reply=refusal.status, fault=fault)
            raise
        self._exchange.place(call)
        body = call.resource()
        if fault is CreateFault.ERROR_AFTER_PLACING:
            book.create(fields, sid=call.sid, reply=500, fault=fault)
            return error(500, 20500, "Internal Server Error")
        lost = fault is CreateFault.LOSE_REPLY
        book.create(fields, sid=call.sid, reply=0 if lost else 201, fault=fault)
        match fault:
            case CreateFault.LOSE_REPLY:
                await _never(request)
            case CreateFault.UNREADABLE:
                return PlainTextResponse("<html>", 201)
            case CreateFault.SLOW:
                await asyncio.sleep(self._exchange.faults.seconds)
        return JSONResponse(body, 201)

    async def index(self, request: Request) -> Response:
        authenticate(self._options, request)
        query = request.query_params
        matching = [call for call in reversed(self._exchange.calls.values()) if _matches(call, query)]
        page, size = _whole(query, Field.PAGE, 0), _whole(query, Field.PAGE_SIZE, _DEFAULT_PAGE_SIZE)
        size = min(max(size, 1), _LARGEST_PAGE)
        shown = matching[page * size : (page + 1) * size]

        def uri(number: int) -> str:
            others = [(name, value) for name, value in query.multi_items() if name != Field.PAGE]
            return f"{request.url.path}?{urlencode([*others, (Field.PAGE, number)])}"

        return JSONResponse(
            {
                "calls": [call.resource() for call in shown],
                "page": page,
                "page_size": size,
                "start": page * size,
                "end": page * size + max(len(shown) - 1, 0),
                "uri": uri(page),
                "first_page_uri": uri(0),
                "previous_page_uri": uri(page - 1) if page else None,
                "next_page_uri": uri(page + 1) if len(matching) > (page + 1) * size else None,
            }
        )

    async def fetch(self, request: Request) -> Response:
        authenticate(self._options, request)
        return JSONResponse(self._find(request).resource())

    async def update(self, request: Request) -> Response:
        """End a call (`completed` any that is not over, `canceled` one that is not answered), or give a
        live one another document, as `Twiml` or by `Url`."""
        authenticate(self._options, request)
        call = self._find(request)
        async with request.form() as form:
            fields = _fields(form)
        document, url = fields.get(Field.TWIML, ""), fields.get(Field.URL, "")
        if document or url:
            if call.status is not CallStatus.IN_PROGRESS:
                raise Refusal(400, ErrorCode.CALL_OVER, "Call is not in-progress. Cannot redirect.")
            call.redirects.put_nowait((document, url))
            return JSONResponse(call.resource())
        wanted = fields.get(Field.STATUS, "")
        if wanted not in {CallStatus.COMPLETED, CallStatus.CANCELED}:
            raise Refusal(400, ErrorCode.INVALID_STATUS, f"Invalid Status: {wanted!r}")
        if call.status.is_final:
            raise Refusal(400, ErrorCode.CALL_OVER, "Call is not in-progress. Cannot redirect.")
        if wanted == CallStatus.COMPLETED or call.status is not CallStatus.IN_PROGRESS:
            call.hang_up("api")
        return JSONResponse(call.resource())

    async def record(self, request: Request) -> Response:
        """Begin to record a live call; mono, as Twilio does, where nothing else is asked for."""
        authenticate(self._options, request)
        call = self._find(request)
        async with request.form() as form:
            fields = _fields(form)
        if call.status is not CallStatus.IN_PROGRESS:
            raise Refusal(400, ErrorCode.NOT_RECORDING, "The call is not in-progress.")
        channels = 2 if fields.get(Field.RECORDING_CHANNELS) == "dual" else 1
        status_url = fields.get(Field.RECORDING_STATUS_CALLBACK, "")
        recording = self._exchange.begin_recording(call, channels=channels, status_url=status_url)
        return JSONResponse(_recording(call, recording), 201)

    async def update_recording(self, request: Request) -> Response:
        """Stop a recording."""
        authenticate(self._options, request)
        call = self._find(request)
        recording = call.recordings.get(request.path_params["recording"])
        if recording is None:
            raise Refusal(
                404, ErrorCode.NOT_FOUND, f"The requested resource {request.url.path} was not found"
            )
        async with request.form() as form:
            if _fields(form).get(Field.STATUS) != RecordingStatus.STOPPED:
                raise Refusal(400, ErrorCode.INVALID_PARAMETER, "Only stopping is offered here")
        if recording.ended_at is not None:
            raise Refusal(400, ErrorCode.NOT_RECORDING, "The recording is not in-progress.")
        self._exchange.end_recording(call, recording)
        return JSONResponse(_recording(call, recording))

    def _find(self, request: Request) -> Call:
        call = self._exchange.calls.get(request.path_params["sid"])
        if call is None:
            raise Refusal(
                404, ErrorCode.NOT_FOUND, f"The requested resource {request.url.path} was not found"
            )
        return call

    def _ordered(self, fields: Mapping[str, str], events: Sequence[str]) -> Call:
        to, from_, url = fields.get(Field.TO), fields.get(Field.FROM), fields.get(Field.URL)
        if not to:
            raise Refusal(400, ErrorCode.NO_TO, "No 'To' number is specified")
        if not from_:
            raise Refusal(400, ErrorCode.NO_FROM, "No 'From' number is specified")
        if not _E164.fullmatch(to):
            raise Refusal(400, ErrorCode.INVALID_TO, f"Invalid 'To' Phone Number: {to}")
        if not _E164.fullmatch(from_):
            raise Refusal(400, ErrorCode.INVALID_FROM, f"Invalid 'From' Phone Number: {from_}")
        if not url or urlsplit(url).scheme not in {"http", "https"}:
            raise Refusal(400, ErrorCode.NO_URL, "Url parameter is required")
        return Call(
            account_sid=self._options.account_sid,
            to=to,
            from_=from_,
            direction=DIRECTION_OUTBOUND,
            answer_url=url,
            status_url=fields.get(Field.STATUS_CALLBACK, ""),
            machine_url=_machine_url(fields),
            status_events=frozenset(events or ["completed"]),
            ring_timeout_s=float(_whole(fields, Field.TIMEOUT, 60)),
        )


def _recording(call: Call, recording: Recording) -> dict[str, object]:
    status = RecordingStatus.IN_PROGRESS if recording.ended_at is None else RecordingStatus.STOPPED
    return {
        "sid": recording.sid, "call_sid": call.sid, "account_sid": call.account_sid,
        "status": status.value, "channels": recording.channels, "source": "StartCallRecordingAPI",
    }  # fmt: skip


def _machine_url(fields: Mapping[str, str]) -> str:
    """Return where to tell who has answered. The kind that holds the call up meanwhile is not offered."""
    kind, in_background = fields.get(Field.MACHINE_DETECTION, ""), fields.get(Field.ASYNC_AMD) == "true"
    if not kind:
        return ""
    if kind != DETECT_MESSAGE_END or not in_background:
        raise Refusal(400, ErrorCode.INVALID_PARAMETER, f"MachineDetection {kind!r} is not offered here")
    return fields.get(Field.ASYNC_AMD_STATUS_CALLBACK, "")


def _fields(form: FormData) -> dict[str, str]:
    return {name: value for name, value in form.items() if isinstance(value, str)}


def _whole(values: Mapping[str, str], name: str, default: int) -> int:
    text = values.get(name, "")
    return int(text) if text.isdecimal() else default


def _matches(call: Call, query: QueryParams) -> bool:
    since = query.get(Field.START_TIME_FROM)
    return (
        query.get(Field.TO, call.to) == call.to
        and query.get(Field.FROM, call.from_) == call.from_
        and query.get(Field.STATUS, call.status.value) == call.status.value
        and (since is None or _begun_since(call, since))
    )


def _begun_since(call: Call, day: str) -> bool:
    # Whole days, and never true of a call that is still queued: as Twilio's filter behaves.
    try:
        first = date.fromisoformat(day)
    except ValueError as error:
        raise Refusal(400, ErrorCode.INVALID_PARAMETER, f"StartTime is no date: {day}") from error
    return call.begun_at is not None and call.begun_at >= datetime(
        first.year, first.month, first.day, tzinfo=UTC
    )


async def _never(request: Request) -> None:
    """Return when the client has given up."""
    try:
        async with asyncio.timeout(_LONGEST_LOSS_S):
            while (await request.receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return
