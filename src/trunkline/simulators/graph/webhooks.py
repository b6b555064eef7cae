"""What the stand-in tells: messages and receipts, signed with the app's secret, until they are taken.

A message's receipts come one after another, those of different messages side by side. What is not taken (no
answer, no 2xx) is told again for some minutes, as Graph does for days.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

import httpx

from trunkline.kit.clock import now
from trunkline.kit.tls import trusted
from trunkline.providers.whatsapp.wire import OBJECT, SIGNATURE_HEADER, sign
from trunkline.simulators.graph.book import Accepted, Book, Number, Owner
from trunkline.simulators.graph.faults import Faults, GraphFault

_SIDE_BY_SIDE = 4
_WAITS_S = (0.2, 0.5, *(1.0,) * 240)
_WORDS = {
    131026: "Message undeliverable",
    131047: "Re-engagement message",
    131050: "Unable to deliver the message: the recipient stopped marketing messages of this business",
}


class Webhooks:
    """Tells the apps of accounts what happens."""

    def __init__(self, book: Book, faults: Faults) -> None:
        self._book = book
        self._faults = faults
        self._client = httpx.AsyncClient(verify=trusted(), trust_env=False, timeout=10)
        self._gate = asyncio.Semaphore(_SIDE_BY_SIDE)
        self._tasks: set[asyncio.Task[Any]] = set()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.aclose()

    def begin(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Do something in the background, for as long as the stand-in runs."""
        task = asyncio.create_task(work, name="graph")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def ask_for_proof(self, url: str, verify_token: str) -> str:
        """Do the handshake; return in words what is wrong, empty where nothing is."""
        challenge = str(int(now().timestamp() * 1_000))
        query = {"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": verify_token}
        try:
            answer = await self._client.get(url, params=query)
        except (httpx.RequestError, httpx.InvalidURL) as error:
            return f"{type(error).__name__}"
        if answer.status_code != 200:
            return f"HTTP Status Code = {answer.status_code}"
        return "" if answer.text == challenge else "The challenge was not returned"

    async def tell_message(self, number: Number, row: Mapping[str, Any], name: str) -> list[int]:
        """Tell of a message of a person's; return the statuses that its last telling was answered with."""
        contacts = [{"profile": {"name": name}, "wa_id": row["from"]}]
        body = self.body(number, {"contacts": contacts, "messages": [dict(row)]})
        twice = self._faults.of_webhook(GraphFault.DUPLICATES, f"+{row['from']}")
        statuses: list[int] = []
        for _ in range(2 if twice else 1):
            statuses = await self.tell(self._book.owners[number.owner], body)
        return statuses

    async def tell_receipts(self, number: Number, sent: Accepted, *, failure: int | None) -> None:
        """Tell what becomes of a message: that it failed, or each receipt that there is of this number's."""
        states = ["failed"] if failure is not None else list(number.receipts)
        if self._faults.of_webhook(GraphFault.DISORDER, sent.to):
            states.reverse()
        owner = self._book.owners[number.owner]
        for state in states:
            await asyncio.sleep(number.receipt_s)
            row: dict[str, Any] = {
                "id": sent.id, "status": state, "timestamp": _timestamp(), "recipient_id": sent.to[1:],
                **({"biz_opaque_callback_data": sent.reference} if sent.reference else {}),
            }  # fmt: skip
            if state == "failed":
                words = _WORDS.get(failure or 0, "Something went wrong")
                row["errors"] = [
                    {"code": failure, "title": words, "message": words, "error_data": {"details": words}}
                ]
            else:
                row["conversation"] = {"id": f"conversation-{sent.to}", "origin": {"type": "service"}}
                row["pricing"] = {"billable": True, "pricing_model": "PMP", "category": "service"}
            body = self.body(number, {"statuses": [row]})
            twice = self._faults.of_webhook(GraphFault.DUPLICATES, sent.to)
            for _ in range(2 if twice else 1):
                await self.tell(owner, body, to=sent.to)

    async def tell_of_template(self, owner: Owner, row: Mapping[str, Any]) -> None:
        """Tell that a template's status changed."""
        value = {
            "event": row["status"], "message_template_id": 1, "message_template_name": row["name"],
            "message_template_language": row["language"], "reason": "NONE",
        }  # fmt: skip
        await self.tell(owner, _body(owner.id, "message_template_status_update", value))

    async def tell(self, owner: Owner, body: bytes, *, to: str = "") -> list[int]:
        """Tell a body until it is taken, or nobody listens; return the statuses of its tries, 0 for none."""
        wrong = self._faults.of_webhook(GraphFault.WRONG_SIGNATURE, to)
        signature = sign("not the app's secret" if wrong else owner.secret, body)
        entry: dict[str, Any] = {"statuses": [], "wrong": wrong, "body": json.loads(body), "owner": owner.id}
        self._book.webhooks.append(entry)
        for wait in _WAITS_S:
            if not owner.callback_url:
                break
            async with self._gate:
                status = await self.post(owner.callback_url, body, signature)
            entry["statuses"].append(status)
            # One that was signed wrongly is told once: its sender is not Graph.
            if 200 <= status < 300 or wrong:
                break
            await asyncio.sleep(wait)
        return list(entry["statuses"])

    async def replay(self, owner: Owner) -> list[int]:
        """Tell everything that was told of an account once more, the latest first; return the answers."""
        told = [entry for entry in self._book.webhooks if entry["owner"] == owner.id and not entry["wrong"]]
        bodies: Sequence[bytes] = [json.dumps(entry["body"]).encode() for entry in reversed(told)]
        return [await self.post(owner.callback_url, body, sign(owner.secret, body)) for body in bodies]

    async def post(self, url: str, body: bytes, signature: str) -> int:
        """Send a body once and return how it was answered; 0: not at all."""
        headers = {"Content-Type": "application/json", SIGNATURE_HEADER: signature}
        try:
            return (await self._client.post(url, content=body, headers=headers)).status_code
        except (httpx.RequestError, httpx.InvalidURL):
            return 0

    def body(self, number: Number, value: Mapping[str, Any]) -> bytes:
        """Return a body of the field `messages`."""
        metadata = {"display_phone_number": number.phone[1:], "phone_number_id": number.id}
        told = {"messaging_product": "whatsapp", "metadata": metadata, **value}
        return _body(number.owner, "messages", told)


def _body(owner: str, field: str, value: Mapping[str, Any]) -> bytes:
    change = {"value": dict(value), "field": field}
    return json.dumps({"object": OBJECT, "entry": [{"id": owner, "changes": [change]}]}).encode()


def _timestamp() -> str:
    return str(int(now().timestamp()))
