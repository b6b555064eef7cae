"""What the stand-in knows: accounts, numbers, people, files, templates, and what was truly accepted.

Nothing on the product's side writes here but by Graph's own API. One entry of `accepted` is one message that
a person got or will get: a reference that is there twice was sent twice.
"""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from trunkline.kit.clock import now

_DAY_S = 24 * 3_600
RECEIPTS = ("sent", "delivered", "read")


class GraphRefuses(Exception):
    """A request that Graph answers with an error; `code` is Graph's, `status` HTTP's."""

    def __init__(
        self, status: int, code: int, message: str, details: str = "", *, subcode: int | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.subcode = subcode
        self.details = details


@dataclass(slots=True)
class Owner:
    """A WhatsApp Business Account, with the app that has its token."""

    id: str
    token: str
    secret: str
    callback_url: str = ""
    templates: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Number:
    """A number of a business's."""

    id: str
    owner: str
    phone: str
    name: str
    per_second: int = 80
    pair_burst: int = 45
    """So many to one person at once; after that one in six seconds."""
    keeps_window: bool = True
    """Free words to whom has not written for 24 hours fail."""
    receipts: tuple[str, ...] = RECEIPTS
    receipt_s: float = 0.0
    """Pause before each receipt."""


@dataclass(slots=True)
class Person:
    """Somebody, as WhatsApp knows them."""

    phone: str
    name: str = ""
    is_there: bool = True
    """Has WhatsApp."""
    stopped_marketing: bool = False
    wrote_at: dict[str, float] = field(default_factory=dict)
    """When last, by the number written to."""


@dataclass(frozen=True, slots=True)
class Media:
    """A file."""

    id: str
    owner: str
    content: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """A message that was taken. `body` is what it was asked with."""

    id: str
    number: str
    to: str
    type: str
    reference: str
    at: str
    body: dict[str, Any]


class Book:
    """Append-only while the stand-in runs."""

    def __init__(self) -> None:
        self.owners: dict[str, Owner] = {}
        self.numbers: dict[str, Number] = {}
        self.people: dict[str, Person] = {}
        self.media: dict[str, Media] = {}
        self.accepted: list[Accepted] = []
        self.refused: Counter[str] = Counter()
        """Requests for a message that were not accepted, by Graph's code or the fault's name."""
        self.webhooks: list[dict[str, Any]] = []
        """Every webhook that was told: its body, and the statuses of its tries (0: no answer)."""
        self.read: list[dict[str, str]] = []
        """What was shown as read."""
        self._ids: set[str] = set()

    def admit(self, phone: str) -> Person:
        """Return a person, who is known from now on."""
        plain = "+" + "".join(letter for letter in phone if letter.isdecimal())
        return self.people.setdefault(plain, Person(plain))

    def accept(self, number: str, to: str, body: dict[str, Any]) -> Accepted:
        """Note a message that was taken."""
        entry = Accepted(
            message_id(), number, to, str(body.get("type", "text")),
            str(body.get("biz_opaque_callback_data", "")), now().isoformat(), body,
        )  # fmt: skip
        self.accepted.append(entry)
        self._ids.add(entry.id)
        return entry

    def number_of(self, number: str) -> Number:
        """Return a number. Raises GraphRefuses."""
        if number not in self.numbers:
            raise unknown_object(number)
        return self.numbers[number]

    def is_within_window(self, number: str, person: Person) -> bool:
        """Return whether the person wrote to the number within 24 hours."""
        wrote = person.wrote_at.get(number)
        return wrote is not None and now().timestamp() - wrote < _DAY_S

    def tally(self) -> dict[str, Any]:
        """Return the numbers of it alone."""
        counts = Counter(entry.reference for entry in self.accepted if entry.reference)
        doubled = sorted(reference for reference, times in counts.items() if times > 1)
        return {"accepted": len(self.accepted), "doubled": doubled, "refused": dict(self.refused)}

    def as_json(self) -> dict[str, Any]:
        """Return what came of everything."""
        return {
            **self.tally(),
            "accepted": [asdict(entry) for entry in self.accepted],
            "webhooks": self.webhooks,
            "read": self.read,
        }


def message_id() -> str:
    """Return a new id of a message, as Graph writes them."""
    return f"wamid.{secrets.token_urlsafe(24)}"


def unknown_object(name: str) -> GraphRefuses:
    """Return the error for an id that is nobody's, or another's."""
    return GraphRefuses(
        400, 100, f"Unsupported request. Object with ID '{name}' does not exist, cannot be loaded due to "
        "missing permissions, or does not support this operation",
        subcode=33,
    )  # fmt: skip
