"""The signed tokens of a live call: what opens its media socket, and what its callbacks bear.

Owns their purposes, claims and lifetimes. A token hides nothing and names the business, so that nobody
has to look for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from trunkline.kit import tokens

MEDIA_TOKEN, BROWSER_TOKEN, CALL_TOKEN, LISTEN_TOKEN = "media", "browser", "call", "listen"
MEDIA_TOKEN_LIFETIME_S = 60.0
_CALL_TOKEN_LIFETIME_S = 24 * 3600.0
"""Longer than any call: its callbacks must be heard to the end."""


@dataclass(frozen=True, slots=True)
class MediaTicket:
    """Whose audio a socket brings, and in which stretch with the agent."""

    business_id: UUID
    call_id: UUID
    leg: int


@dataclass(frozen=True, slots=True)
class ListenTicket:
    """Who hears a call along, and by which session."""

    id: UUID
    """By it a token is known to have been used."""
    business_id: UUID
    call_id: UUID
    email: str
    session_hash: str
    by_system_admin: bool


@dataclass(frozen=True, slots=True)
class CallTicket:
    """Which call a callback is about, which act of control, if one, and at which step of the call."""

    business_id: UUID
    call_id: UUID
    control_id: UUID | None = None
    step: int = 0


def media_token(ticket: MediaTicket, *, key: bytes) -> str:
    """Return the single-use, short-lived token that lets one media socket in."""
    return _ticket_token(ticket, key, MEDIA_TOKEN)


def read_media_token(token: str, *, key: bytes) -> MediaTicket:
    """Raises InvalidToken."""
    return _read_ticket(token, key, MEDIA_TOKEN)


def browser_token(ticket: MediaTicket, *, key: bytes) -> str:
    """Return the same for a browser's socket; neither opens the other's."""
    return _ticket_token(ticket, key, BROWSER_TOKEN)


def read_browser_token(token: str, *, key: bytes) -> MediaTicket:
    """Raises InvalidToken."""
    return _read_ticket(token, key, BROWSER_TOKEN)


def listen_token(ticket: ListenTicket, *, key: bytes) -> str:
    """Return the single-use, short-lived token that lets somebody hear a live call."""
    claims = {
        "id": str(ticket.id), "business_id": str(ticket.business_id), "call_id": str(ticket.call_id),
        "email": ticket.email, "session": ticket.session_hash, "admin": "1" if ticket.by_system_admin else "",
    }  # fmt: skip
    return tokens.sign(claims, key=key, purpose=LISTEN_TOKEN, lifetime_s=MEDIA_TOKEN_LIFETIME_S)


def read_listen_token(token: str, *, key: bytes) -> ListenTicket:
    """Raises InvalidToken."""
    claims = tokens.verify(token, key=key, purpose=LISTEN_TOKEN)
    return ListenTicket(
        UUID(claims["id"]), UUID(claims["business_id"]), UUID(claims["call_id"]), claims["email"],
        claims["session"], claims["admin"] == "1",
    )  # fmt: skip


def _ticket_token(ticket: MediaTicket, key: bytes, purpose: str) -> str:
    claims = {
        "business_id": str(ticket.business_id), "call_id": str(ticket.call_id), "leg": str(ticket.leg)
    }  # fmt: skip
    return tokens.sign(claims, key=key, purpose=purpose, lifetime_s=MEDIA_TOKEN_LIFETIME_S)


def _read_ticket(token: str, key: bytes, purpose: str) -> MediaTicket:
    claims = tokens.verify(token, key=key, purpose=purpose)
    return MediaTicket(UUID(claims["business_id"]), UUID(claims["call_id"]), int(claims["leg"]))


def call_token(ticket: CallTicket, *, key: bytes) -> str:
    """Return the token of a call's callbacks."""
    claims = {
        "business_id": str(ticket.business_id), "call_id": str(ticket.call_id), "step": str(ticket.step)
    }  # fmt: skip
    if ticket.control_id is not None:
        claims["control_id"] = str(ticket.control_id)
    return tokens.sign(claims, key=key, purpose=CALL_TOKEN, lifetime_s=_CALL_TOKEN_LIFETIME_S)


def read_call_token(token: str, *, key: bytes) -> CallTicket:
    """Raises InvalidToken."""
    claims = tokens.verify(token, key=key, purpose=CALL_TOKEN)
    control = claims.get("control_id")
    return CallTicket(
        UUID(claims["business_id"]),
        UUID(claims["call_id"]),
        UUID(control) if control else None,
        int(claims["step"]),
    )
