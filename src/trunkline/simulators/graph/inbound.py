"""How somebody writes to a business: the message is made as Graph makes it, and told."""

from __future__ import annotations

import hashlib
import secrets
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from trunkline.kit.clock import now
from trunkline.simulators.graph.book import Book, Media, message_id
from trunkline.simulators.graph.webhooks import Webhooks


class Inbound:
    """The way in."""

    def __init__(self, book: Book, webhooks: Webhooks) -> None:
        self._book = book
        self._webhooks = webhooks

    def keep(self, number: str, content: bytes, content_type: str) -> dict[str, str]:
        """Keep a file that somebody sends, and return how a message names it."""
        media = Media(str(secrets.randbits(50)), self._book.number_of(number).owner, content, content_type)
        self._book.media[media.id] = media
        digest = b64encode(hashlib.sha256(content).digest()).decode()
        return {"id": media.id, "mime_type": content_type, "sha256": digest}

    async def write(
        self, number: str, phone: str, name: str, message: Mapping[str, Any]
    ) -> tuple[str, list[int]]:
        """Have somebody write; return the message's id and how its telling was answered."""
        person = self._book.admit(phone)
        person.name = name or person.name
        at = now().timestamp()
        person.wrote_at[number] = at
        row = {"from": person.phone[1:], "id": message_id(), "timestamp": str(int(at)), **message}
        told = await self._webhooks.tell_message(self._book.number_of(number), row, person.name)
        return str(row["id"]), told
