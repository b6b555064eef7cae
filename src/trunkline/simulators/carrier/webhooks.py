"""What the carrier asks and tells the product over HTTP: voice webhooks and status callbacks.

Every request is signed over the exact URL and form. A request that fails is tried once more, as
Twilio does by default. Callbacks of one call go out one after the other, in the order of its
statuses, unless a fault says otherwise.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import format_datetime

import httpx

from trunkline.kit.clock import now
from trunkline.kit.tls import trusted
from trunkline.providers.ports import CallStatus
from trunkline.providers.twilio.wire import SIGNATURE_HEADER, ErrorCode, Field, sign
from trunkline.simulators.carrier.book import Book
from trunkline.simulators.carrier.calls import Call, status_event
from trunkline.simulators.carrier.faults import CallbackFault, Faults

_TIMEOUT = httpx.Timeout(15.0, connect=5.0)
_TRIES = 2
_SIP_CODES = {
    CallStatus.COMPLETED: "200",
    CallStatus.BUSY: "486",
    CallStatus.NO_ANSWER: "487",
    CallStatus.CANCELED: "487",
    CallStatus.FAILED: "404",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a webhook: the HTTP status of each try (0 for none) and the last body."""

    statuses: list[int]
    text: str

    @property
    def ok(self) -> bool:
        return 200 <= self.statuses[-1] < 300


class Webhooks:
    """Posts signed forms."""

    def __init__(self, auth_token: str) -> None:
        self._auth_token = auth_token
        # The product is on this machine or beside it: a proxy of the environment would only hide it.
        self._client = httpx.AsyncClient(verify=trusted(), timeout=_TIMEOUT, trust_env=False)
        self._later: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        for task in self._later:
            task.cancel()
        await asyncio.gather(*self._later, return_exceptions=True)
        await self._client.aclose()

    def post_later(self, url: str, form: Mapping[str, str]) -> None:
        """Post in the background, whatever becomes of whoever asks for it."""
        task = asyncio.create_task(self._post_and_forget(url, form), name="webhook")
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def _post_and_forget(self, url: str, form: Mapping[str, str]) -> None:
        await self.post(url, form)

    async def get(self, url: str) -> bytes:
        """Fetch a file to be played. Raises httpx.HTTPError."""
        reply = await self._client.get(url)
        return reply.raise_for_status().content

    async def post(self, url: str, form: Mapping[str, str]) -> Reply:
        """Post, once more if there was no reply or a 5xx. Never raises for what the other side does."""
        headers = {
            SIGNATURE_HEADER: sign(self._auth_token, url, form),
            "I-Twilio-Idempotency-Token": str(uuid.uuid4()),
            "User-Agent": "TwilioProxy/1.1",
        }
        statuses: list[int] = []
        text = ""
        while len(statuses) < _TRIES:
            try:
                reply = await self._client.post(url, data=dict(form), headers=headers)
            except (httpx.RequestError, httpx.InvalidURL) as error:
                statuses.append(0)
                text = f"{type(error).__name__}: {error}"
                continue
            statuses.append(reply.status_code)
            text = reply.text
            if reply.status_code < 500:
                break
        return Reply(statuses, text)


class StatusCallbacks:
    """The callbacks of one call: `tell` at each change of status, `close` when the call is over."""

    def __init__(self, call: Call, webhooks: Webhooks, book: Book, faults: Faults) -> None:
        self._call = call
        self._webhooks = webhooks
        self._book = book
        self._faults = faults
        self._sequence = 0
        self._held: dict[str, str] | None = None
        self._outbox: asyncio.Queue[dict[str, str] | None] = asyncio.Queue()
        self._sender = asyncio.create_task(self._send_all(), name=f"callbacks {call.sid}")

    def tell(self) -> None:
        """Queue a callback with the call's present status, if it is subscribed to."""
        call = self._call
        event = status_event(call.status)
        if not call.status_url or event not in call.status_events:
            return
        form = call.webhook_form() | {
            Field.TIMESTAMP: format_datetime(now()),
            Field.CALLBACK_SOURCE: "call-progress-events",
            Field.SEQUENCE_NUMBER: str(self._sequence),
        }
        self._sequence += 1
        if call.status.is_final:
            form[Field.CALL_DURATION] = str(call.talked_s)
            form[Field.DURATION] = str(-(-call.talked_s // 60))
            form[Field.SIP_RESPONSE_CODE] = _SIP_CODES[call.status]
        self._outbox.put_nowait(form)

    async def close(self) -> None:
        """Wait until everything told has been sent."""
        self._outbox.put_nowait(None)
        await self._sender

    def abandon(self) -> None:
        """Stop at once; for a carrier that is going down."""
        self._sender.cancel()

    async def _send_all(self) -> None:
        while (form := await self._outbox.get()) is not None:
            fault = self._faults.next_callback()
            if fault is CallbackFault.DROP:
                self._note(form, [], fault)
            elif fault is CallbackFault.REORDER and self._held is None:
                self._held = form
            else:
                if fault is CallbackFault.DELAY:
                    await asyncio.sleep(self._faults.callback_seconds)
                await self._send(form, fault)
                if fault is CallbackFault.DUPLICATE:
                    await self._send(form, fault)
                await self._release()
        await self._release()

    async def _release(self) -> None:
        if self._held is not None:
            held, self._held = self._held, None
            await self._send(held, CallbackFault.REORDER)

    async def _send(self, form: dict[str, str], fault: CallbackFault | None) -> None:
        reply = await self._webhooks.post(self._call.status_url, form)
        self._note(form, reply.statuses, fault)
        if not reply.ok:
            self._book.error(
                self._call.sid,
                ErrorCode.WEBHOOK_UNREACHABLE,
                f"status callback {form[Field.CALL_STATUS]}: {reply.text[:200]}",
            )

    def _note(self, form: dict[str, str], replies: list[int], fault: CallbackFault | None) -> None:
        self._book.callback(
            self._call.sid,
            status=form[Field.CALL_STATUS],
            sequence=int(form[Field.SEQUENCE_NUMBER]),
            replies=replies,
            fault=fault,
        )
