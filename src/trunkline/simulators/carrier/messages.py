"""Twilio's Messages as far as SMS is sent, told of and received; beside it `/sim/sms`, which a test reads.

Kept apart from the calls: it shares nothing with them but the account.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections import deque
from collections.abc import Coroutine, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from trunkline.providers.twilio.wire import API_VERSION, ErrorCode
from trunkline.simulators.carrier.options import CarrierOptions
from trunkline.simulators.carrier.refusing import Refusal, authenticate, error
from trunkline.simulators.carrier.webhooks import Webhooks

_E164 = re.compile(r"\+[1-9]\d{6,14}")
_LONGEST = 1_600
_STATUSES = ("sent", "delivered")
_OPTED_OUT = 21610
_STOP = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit"})
_START = frozenset({"start", "yes", "unstop"})


class MessagesApi:
    """The handlers of `/2010-04-01/Accounts/{sid}/Messages`, and of the numbers that messages come to."""

    def __init__(self, options: CarrierOptions) -> None:
        self._options = options
        self._account_sid = options.account_sid
        self._webhooks = Webhooks(options.auth_token)
        self._accepted: list[dict[str, str]] = []
        self._numbers: dict[str, str] = {}
        """Our numbers, with where messages to them are told."""
        self._stopped: set[tuple[str, str]] = set()
        """Who wrote STOP to which number: Twilio sends them nothing of it any more."""
        self._faults: deque[dict[str, Any]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    def routes(self) -> list[Route]:
        account = f"/{API_VERSION}/Accounts/{{account}}"
        return [
            Route(f"{account}/Messages.json", self.create, methods=["POST"]),
            Route(f"{account}/IncomingPhoneNumbers.json", self.numbers, methods=["GET"]),
            Route(f"{account}/IncomingPhoneNumbers/{{sid}}.json", self.configure, methods=["POST"]),
            Route("/sim/sms", self.book, methods=["GET"]),
            Route("/sim/sms", self.text_in, methods=["POST"]),
            Route("/sim/sms/numbers", self.admit, methods=["POST"]),
            Route("/sim/sms/faults", self.fault, methods=["POST"]),
        ]

    async def close(self) -> None:
        """End what is still to be told."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._webhooks.close()

    async def create(self, request: Request) -> Response:
        """Take a message."""
        authenticate(self._options, request)
        async with request.form() as form:
            fields = {name: value for name, value in form.items() if isinstance(value, str)}
        fault = self._faults.popleft() if self._faults else {}
        if "status" in fault and not fault.get("after"):
            return Response(status_code=fault["status"], headers={"Retry-After": "3"})
        if "code" in fault and not fault.get("after"):
            raise Refusal(400, fault["code"], "As ordered")
        self._check(fields)
        sid = f"SM{secrets.token_hex(16)}"
        self._accepted.append({"sid": sid, **fields})
        self._begin(self._tell(sid, fields, fault.get("code")))
        if "status" in fault:
            return error(fault["status"], 20500, "Internal Server Error")
        return JSONResponse({"sid": sid, "status": "queued", "to": fields["To"], "error_code": None}, 201)

    async def numbers(self, request: Request) -> Response:
        """List our numbers of this name."""
        authenticate(self._options, request)
        wanted = request.query_params.get("PhoneNumber", "")
        found = [
            {"sid": _sid_of(number), "phone_number": number, "friendly_name": number, "sms_url": url}
            for number, url in self._numbers.items() if number == wanted
        ]  # fmt: skip
        return JSONResponse({"incoming_phone_numbers": found})

    async def configure(self, request: Request) -> Response:
        """Set where messages to a number are told."""
        authenticate(self._options, request)
        number = next((one for one in self._numbers if _sid_of(one) == request.path_params["sid"]), None)
        if number is None:
            raise Refusal(404, ErrorCode.NOT_FOUND, "The requested resource was not found")
        async with request.form() as form:
            self._numbers[number] = str(form.get("SmsUrl", ""))
        return JSONResponse({"sid": _sid_of(number), "sms_url": self._numbers[number]})

    async def book(self, _: Request) -> Response:
        """Tell what was accepted, one entry a message."""
        return JSONResponse({"accepted": self._accepted})

    async def admit(self, request: Request) -> Response:
        """`{number, sms_url?}`: a number of ours."""
        body = await request.json()
        self._numbers[str(body["number"])] = str(body.get("sms_url", ""))
        return JSONResponse({})

    async def text_in(self, request: Request) -> Response:
        """`{from, to, body, media?}`: somebody writes. Answers the statuses of the tries to tell it.

        STOP and START are also Twilio's own: after the one it sends the person nothing until the other.
        """
        body = await request.json()
        from_, to, text = str(body["from"]), str(body["to"]), str(body["body"])
        word = text.strip().lower()
        if word in _STOP:
            self._stopped.add((to, from_))
        elif word in _START:
            self._stopped.discard((to, from_))
        sid = f"SM{secrets.token_hex(16)}"
        form = {
            "MessageSid": sid, "SmsSid": sid, "AccountSid": self._account_sid, "From": from_, "To": to,
            "Body": text, "NumMedia": str(body.get("media", 0)), "SmsStatus": "received",
            "ApiVersion": API_VERSION,
        }  # fmt: skip
        reply = await self._webhooks.post(self._numbers[to], form)
        return JSONResponse({"sid": sid, "statuses": reply.statuses}, 201)

    async def fault(self, request: Request) -> Response:
        """`{code?, status?, after?}`: of the next message. Refused with Twilio's code or HTTP's status;
        `after`: it is taken, its receipt bears the code, and the reply the status."""
        self._faults.append(await request.json())
        return JSONResponse({})

    def _check(self, fields: Mapping[str, str]) -> None:
        to, from_ = fields.get("To", ""), fields.get("From", "")
        if not _E164.fullmatch(to):
            raise Refusal(400, ErrorCode.INVALID_TO, f"The 'To' number {to} is not a valid phone number.")
        if from_ not in self._numbers and "MessagingServiceSid" not in fields:
            raise Refusal(400, 21606, f"The 'From' phone number {from_} is not a valid, SMS-capable number.")
        if not fields.get("Body"):
            raise Refusal(400, 21602, "Message body is required.")
        if len(fields["Body"]) > _LONGEST:
            raise Refusal(400, 21617, "The concatenated message body exceeds the 1600 character limit.")
        if (from_, to) in self._stopped:
            raise Refusal(400, _OPTED_OUT, "Attempt to send to unsubscribed recipient")

    async def _tell(self, sid: str, fields: Mapping[str, str], code: int | None) -> None:
        if not (url := fields.get("StatusCallback")):
            return
        for status in _STATUSES if code is None else ("sent", "undelivered"):
            form = {
                "MessageSid": sid, "SmsSid": sid, "AccountSid": self._account_sid, "To": fields["To"],
                "From": fields.get("From", ""), "MessageStatus": status, "SmsStatus": status,
                "ApiVersion": API_VERSION, **({"ErrorCode": str(code)} if status == "undelivered" else {}),
            }  # fmt: skip
            await self._webhooks.post(url, form)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name="sms")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _sid_of(number: str) -> str:
    return f"PN{number[1:]:0>32}"
