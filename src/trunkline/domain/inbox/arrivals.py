"""Who wants to hear of messages that come in: what answers them, and what waits for an answer.

Owns what is told. Whoever hears does so in the transaction that writes the message down, under the lock of
its conversation: it enqueues, and works elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from trunkline.domain.inbox.account_models import ChatAccount
from trunkline.domain.inbox.models import (
    ChatSession,
    Conversation,
    Message,
    Offer,
)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message that came in, with what it belongs to. Reactions are not told."""

    account: ChatAccount
    conversation: Conversation
    session: ChatSession
    message: Message
    opted_out: bool
    """It asks for no more messages: nobody answers it but we ourselves."""
    offer: Offer | None
    """`offered`: they are asked now whether to go on where they stopped, and what they wrote waits for that;
    `continued` or `started_over`: this message is their answer."""


Hear = Callable[[Session, UUID, Arrival], None]
"""Session, business, what came in."""

_listeners: dict[str, Hear] = {}


def register_listener(name: str, hear: Hear) -> None:
    """Let somebody hear of what comes in; the last word of one counts."""
    _listeners[name] = hear


def tell(session: Session, business_id: UUID, arrival: Arrival) -> None:
    """Tell everybody who listens."""
    for hear in _listeners.values():
        hear(session, business_id, arrival)
