"""Telnyx's Messaging as far as SMS is sent, told of and received. A test reads and moves it here."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from trunkline.providers.telnyx.wire import ErrorCode
from trunkline.simulators.telnyx.legs import CommandRefused
from trunkline.simulators.telnyx.webhooks import Webhooks

_MOST_PARTS_TEXT = 1_530
_STOPPED = "40300"
_STOP, _START = (
    frozenset({"stop", "unsubscribe", "end", "quit", "cancel"}),
    frozenset({"start", "unstop", "yes"}),
)


class Messaging:
    """Numbers with SMS, and what was sent from them."""

    def __init__(self, webhooks: Webhooks) -> None:
        self._webhooks = webhooks
        self.numbers: dict[str, str] = {}
        """Our numbers, with the messaging profile of each."""
        self.profiles: dict[str, str] = {}
        """The messaging profiles, with where messages to their numbers are told."""
        self.accepted: list[dict[str, Any]] = []
        """What was truly taken, one entry a message."""
        self.refuse: deque[str] = deque()
        """Codes for which the next messages are refused."""
        self.fail: deque[str] = deque()
        """Codes for which the next messages fail after they were taken."""
        self._stopped: set[tuple[str, str]] = set()

    def send(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Take a message. Raises CommandRefused."""
        if self.refuse:
            raise CommandRefused(400, self.refuse.popleft(), "As ordered")
        to, from_, text = (str(body.get(name, "")) for name in ("to", "from", "text"))
        if not to.startswith("+"):
            raise CommandRefused(422, ErrorCode.INVALID_NUMBER, "Phone number must be in +E.164 format")
        if from_ not in self.numbers:
            raise CommandRefused(400, "40305", "Invalid 'from' address")
        if not text:
            raise CommandRefused(422, ErrorCode.MISSING_PARAMETER, "Missing required parameter text")
        if len(text) > _MOST_PARTS_TEXT:
            raise CommandRefused(400, "40302", "Message too large")
        if (from_, to) in self._stopped:
            raise CommandRefused(403, _STOPPED, "Blocked due to STOP message")
        sent = {"id": str(uuid4()), **body}
        self.accepted.append(sent)
        url = str(body.get("webhook_url") or self.profiles.get(self.numbers[from_], ""))
        code = self.fail.popleft() if self.fail else ""
        if url:
            self._tell(sent, url, "message.sent", "sent", "")
            self._tell(sent, url, "message.finalized", "delivery_failed" if code else "delivered", code)
        return _shown(sent, "queued", "")

    def text_in(self, from_: str, to: str, text: str, *, media: int = 0) -> dict[str, Any]:
        """Have somebody write to a number of ours; STOP and START are Telnyx's own too. Returns the event."""
        word = text.strip().lower()
        if word in _STOP:
            self._stopped.add((to, from_))
        elif word in _START:
            self._stopped.discard((to, from_))
        payload = {
            "record_type": "message", "direction": "inbound", "id": str(uuid4()), "type": "SMS",
            "from": {"phone_number": from_}, "to": [{"phone_number": to, "status": "webhook_delivered"}],
            "cc": [], "text": text, "media": [{"url": "https://media.invalid"}] * media, "errors": [],
            "tags": [], "received_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
        }  # fmt: skip
        return self._webhooks.tell(from_, self.profiles[self.numbers[to]], "message.received", payload)

    def find(self, number: str) -> list[dict[str, Any]]:
        """List our numbers of this name."""
        return [
            {"id": f"id-{one[1:]}", "phone_number": one, "messaging_profile_id": profile}
            for one, profile in self.numbers.items()
            if one == number
        ]

    def within(self, profile: str) -> list[dict[str, Any]]:
        """List the numbers of a profile."""
        return [{"phone_number": one} for one, its in self.numbers.items() if its == profile]

    def make(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Make a profile. Raises CommandRefused."""
        for name in ("name", "whitelisted_destinations"):
            if not body.get(name):
                raise CommandRefused(422, ErrorCode.MISSING_PARAMETER, f"Missing required parameter {name}")
        profile = str(uuid4())
        self.profiles[profile] = str(body.get("webhook_url", ""))
        return {"id": profile, "name": body["name"], "webhook_url": self.profiles[profile]}

    def move(self, number_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Move a number to a profile. Raises CommandRefused."""
        number = f"+{number_id.removeprefix('id-')}"
        profile = str(body.get("messaging_profile_id", ""))
        if number not in self.numbers or profile not in self.profiles:
            raise CommandRefused(404, ErrorCode.NOT_FOUND, "Resource not found")
        self.numbers[number] = profile
        return {"id": number_id, "messaging_profile_id": profile}

    def point(self, profile: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Set where messages to a profile's numbers are told. Raises CommandRefused."""
        if profile not in self.profiles:
            raise CommandRefused(404, ErrorCode.NOT_FOUND, "Resource not found")
        self.profiles[profile] = str(body.get("webhook_url", ""))
        return {"id": profile, "webhook_url": self.profiles[profile]}

    def _tell(self, sent: Mapping[str, Any], url: str, event: str, status: str, code: str) -> None:
        self._webhooks.tell(str(sent["id"]), url, event, _shown(sent, status, code))


def _shown(sent: Mapping[str, Any], status: str, code: str) -> dict[str, Any]:
    return {
        "record_type": "message", "direction": "outbound", "id": sent["id"], "type": "SMS",
        "from": {"phone_number": sent["from"]}, "to": [{"phone_number": sent["to"], "status": status}],
        "text": sent["text"], "tags": [],
        "errors": [{"code": code, "title": "As ordered", "detail": "It failed."}] if code else [],
    }  # fmt: skip
