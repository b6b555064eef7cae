"""The port of push: one message to one browser, which its maker's service passes on."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Protocol


class Urgency(enum.StrEnum):
    """Whether a device on battery is woken for it (RFC 8030, 5.3)."""

    NORMAL = "normal"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class PushMessage:
    """What goes to one browser."""

    endpoint: str
    """The address that its push service gave it."""
    p256dh: bytes
    """Its public key: 65 bytes, an uncompressed point of P-256."""
    auth: bytes
    """Its secret: 16 bytes."""
    payload: bytes
    """Read by nobody but the browser; 3000 bytes at most."""
    ttl_s: int
    """For how long the service keeps it for a browser that is away."""
    urgency: Urgency
    topic: str
    """A message that waits is replaced by a later one of its topic: up to 32 URL-safe characters."""


class PushGone(Exception):
    """There is no such subscription any more: it is to be forgotten."""


class PushRefused(Exception):
    """The service does not take this message, however often sent; the message says why."""


class PushFailed(Exception):
    """It could not be sent now, or nobody knows whether it was."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        """When the service wants to be asked again, if it says so."""


class PushSender(Protocol):
    """Sends messages to browsers."""

    def new_key(self) -> str:
        """Return a fresh key of an installation, as PEM."""
        ...

    def public_key(self, private_key: str) -> str:
        """Return what a browser is given of it, to subscribe with: base64url."""
        ...

    def check(self, endpoint: str) -> None:
        """Refuse what can be no push service's address. Raises PushRefused."""
        ...

    def send(self, message: PushMessage, *, private_key: str) -> None:
        """Hand a message to its service in the name of this installation. `private_key` is PEM.

        Raises PushGone, PushRefused and PushFailed.
        """
        ...
