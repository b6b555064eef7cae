"""People who write to a business and answer what it writes: by a written dialogue, in their own time.

A dialogue is data: what they open with, and answers, each for words that match something. Knows nothing of
who writes to them.
"""

from __future__ import annotations

import asyncio
import re
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trunkline.simulators.graph.inbound import Inbound

_MOST_TURNS = 50


@dataclass(slots=True)
class Reply:
    """What somebody does when they read what matches `when` (a pattern, whatever the letters' case)."""

    when: re.Pattern[str]
    says: list[str] = field(default_factory=list)
    """One after another each time; the last one for ever."""
    chooses: str = ""
    """Title, key or place (from 1) of the button or list item that they tap."""
    sends_image: str | None = None
    """The caption of a picture that they send."""
    after_s: float = 0.0
    times: int = 0
    """How often it was done."""


@dataclass(slots=True)
class Customer:
    """One of them, with all that was written."""

    phone: str
    name: str
    number: str
    opens: str
    replies: list[Reply]
    otherwise: str = ""
    """Said to what nothing matches; empty: nothing."""
    said: list[dict[str, str]] = field(default_factory=list)
    """Both sides in order: `{"by": "them" | "us", "text"}`."""


class Customers:
    """Those there are. `hears` is told of each message that is delivered to somebody."""

    def __init__(self, inbound: Inbound) -> None:
        self._inbound = inbound
        self.all: dict[str, Customer] = {}

    def admit(self, body: Mapping[str, Any]) -> Customer:
        """Take `{phone, name?, number, opens?, replies: [{when, says?, chooses?, sends_image?, after_s?}],
        otherwise?}`. Raises ValueError or KeyError on anything else."""
        try:
            replies = [_reply(row) for row in body.get("replies", ())]
        except re.error as error:
            raise ValueError(f"a pattern cannot be read: {error}") from error
        customer = Customer(
            str(body["phone"]), str(body.get("name", "")), str(body["number"]), str(body.get("opens", "")),
            replies, str(body.get("otherwise", "")),
        )  # fmt: skip
        self.all[customer.phone] = customer
        return customer

    async def open(self, customer: Customer) -> None:
        """Have them write first, if that is how they are."""
        if customer.opens:
            await self._say(customer, {"type": "text", "text": {"body": customer.opens}}, customer.opens)

    async def hears(self, phone: str, message_id: str, body: Mapping[str, Any]) -> None:
        """Have somebody read a message and do what they do then."""
        customer = self.all.get(phone)
        if customer is None:
            return
        text, choices = shown(body)
        customer.said.append({"by": "us", "text": text})
        theirs = sum(line["by"] == "them" for line in customer.said)
        reply = next((reply for reply in customer.replies if reply.when.search(text)), None)
        if theirs >= _MOST_TURNS or (reply is None and not customer.otherwise):
            return
        if reply is None:
            await self._say(
                customer, {"type": "text", "text": {"body": customer.otherwise}}, customer.otherwise
            )
            return
        await asyncio.sleep(reply.after_s)
        reply.times += 1
        if reply.chooses:
            chosen = _chosen(choices, reply.chooses)
            if chosen is not None:
                await self._say(customer, {**chosen[1], "context": {"id": message_id}}, chosen[0])
        if reply.sends_image is not None:
            media = self._inbound.keep(customer.number, picture(), "image/png")
            image = {**media, "caption": reply.sends_image}
            await self._say(
                customer, {"type": "image", "image": image}, f"[image] {reply.sends_image}".strip()
            )
        if reply.says:
            text = reply.says[min(reply.times, len(reply.says)) - 1]
            await self._say(customer, {"type": "text", "text": {"body": text}}, text)

    async def _say(self, customer: Customer, message: Mapping[str, Any], words: str) -> None:
        customer.said.append({"by": "them", "text": words})
        await self._inbound.write(customer.number, customer.phone, customer.name, message)


def shown(body: Mapping[str, Any]) -> tuple[str, list[dict[str, str]]]:
    """Return what of a message is read on a telephone, and what can be tapped: `{id, title, kind}`."""
    kind = str(body.get("type", "text"))
    part = body.get(kind, {})
    if kind == "text":
        return str(part["body"]), []
    if kind == "interactive":
        action = part["action"]
        choices = [{**button["reply"], "kind": "button_reply"} for button in action.get("buttons", ())]
        choices += [
            {"id": row["id"], "title": row["title"], "kind": "list_reply"}
            for section in action.get("sections", ()) for row in section["rows"]
        ]  # fmt: skip
        return str(part["body"]["text"]), choices
    if kind == "template":
        values = [
            str(parameter.get("text", "")) for component in part.get("components", ())
            for parameter in component.get("parameters", ())
        ]  # fmt: skip
        return " ".join([f"[{part['name']}]", *values]), []
    return f"[{kind}] {part.get('caption', '')}".strip(), []


def picture(side: int = 96) -> bytes:
    """Return a PNG: a roof before the sky."""
    rows = []
    for y in range(side):
        dots = (
            b"\x9c\x40\x30" if abs(x - side // 2) < y - side // 4 else b"\x8e\xc5\xea" for x in range(side)
        )
        rows.append(b"\0" + b"".join(dots))
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(b"".join(rows))), (b"IEND", b""))
    chunks = (
        struct.pack(">I", len(part)) + kind + part + struct.pack(">I", zlib.crc32(kind + part))
        for kind, part in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _chosen(choices: list[dict[str, str]], wanted: str) -> tuple[str, dict[str, Any]] | None:
    for place, choice in enumerate(choices, start=1):
        if wanted in {choice["id"], choice["title"], str(place)}:
            kind = choice["kind"]
            reply = {"id": choice["id"], "title": choice["title"]}
            return choice["title"], {"type": "interactive", "interactive": {"type": kind, kind: reply}}
    return None


def _reply(row: Mapping[str, Any]) -> Reply:
    return Reply(
        when=re.compile(str(row["when"]), re.IGNORECASE),
        says=[str(line) for line in row.get("says", ())],
        chooses=str(row.get("chooses", "")),
        sends_image=row.get("sends_image"),
        after_s=float(row.get("after_s", 0.0)),
    )
