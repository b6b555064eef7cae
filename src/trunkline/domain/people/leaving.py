"""Who hears that somebody leaves a business: domains in which people have something in hand register here."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from sqlalchemy.orm import Session

Leaves = Callable[[Session, UUID, UUID, str], object]
"""Session, business, the person who leaves, and who has done it; in the transaction that removes them."""

_listeners: dict[str, Leaves] = {}


def register_listener(domain: str, listener: Leaves) -> None:
    """Let a domain hear of it; the last word of one domain counts."""
    _listeners[domain] = listener


def tell(session: Session, business_id: UUID, user_id: UUID, actor: str) -> None:
    """Tell every domain that this person is removed next."""
    for listener in _listeners.values():
        listener(session, business_id, user_id, actor)
