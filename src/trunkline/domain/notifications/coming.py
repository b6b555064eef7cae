"""What is coming, of which people are reminded: each domain that knows of something registers it here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Coming:
    """Something that is coming, and whom to remind of it."""

    id: UUID
    at: datetime
    set_at: datetime
    """Since when it is known to be then."""
    stale_at: datetime
    """From when on no reminder of it is any use."""
    user_ids: Collection[UUID] | None
    """None: everybody who works in the business."""
    ahead: tuple[int, ...] | None
    """How many minutes before; None: as each of them has chosen."""
    data: Mapping[str, Any]


Source = Callable[[Session, UUID, datetime, datetime], Sequence[Coming]]
"""(session, business, now, until) -> what is not stale now and comes before `until`."""

_sources: dict[str, Source] = {}


def register_reminders(kind: str, source: Source) -> None:
    """Have people reminded of what this source names, as notifications of a kind."""
    _sources[kind] = source


def sources() -> tuple[tuple[str, Source], ...]:
    """Return every source with the kind of its notifications."""
    return tuple(_sources.items())
