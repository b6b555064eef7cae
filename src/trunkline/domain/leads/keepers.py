"""Who has a say when leads are deleted: domains that do something with leads register here.

A domain above this one cannot be imported from here; what it has in hand it says by these functions.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

LockBusiness = Callable[[Session, UUID], None]
LeadsHeld = Callable[[Session, UUID, Collection[UUID]], Mapping[UUID, str]]
LetGo = Callable[[Session, UUID, Collection[UUID]], None]


@dataclass(frozen=True, slots=True)
class Keeper:
    """One domain's say. Everything is asked in the transaction that deletes, and in this order."""

    held: LeadsHeld
    """Which of these leads must stay, and the reason under which they are counted."""
    lock: LockBusiness | None = None
    """Called before any lead is locked: see to it that what `held` answers stays true."""
    let_go: LetGo | None = None
    """These leads are deleted next: begin nothing more with them."""


_keepers: dict[str, Keeper] = {}


def register_keeper(domain: str, keeper: Keeper) -> None:
    """Give a domain its say; the last word of one domain counts."""
    _keepers[domain] = keeper


def lock(session: Session, business_id: UUID) -> None:
    """Let every keeper hold still what it answers from."""
    for keeper in _keepers.values():
        if keeper.lock is not None:
            keeper.lock(session, business_id)


def held(session: Session, business_id: UUID, lead_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the leads that must stay, each with the first reason that is given for it."""
    reasons: dict[UUID, str] = {}
    for keeper in _keepers.values():
        reasons = {**keeper.held(session, business_id, lead_ids), **reasons}
    return reasons


def let_go(session: Session, business_id: UUID, lead_ids: Collection[UUID]) -> None:
    """Tell every keeper that these leads are deleted next."""
    for keeper in _keepers.values():
        if keeper.let_go is not None:
            keeper.let_go(session, business_id, lead_ids)
