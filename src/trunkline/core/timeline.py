"""One timeline of a lead out of what many domains know: each names a source, and pages merge them by time.

Owns the order, the cursor and the merging. What happened, and where it is written, is for the sources.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, select, true, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from trunkline.core.db import Base
from trunkline.kit import cursors

T = TypeVar("T", bound=Base)


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened."""

    at: datetime
    key: str
    """Tells it from others of its source and moment; in the order in which the source sorts them."""
    kind: str
    actor: str | None
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ended: its last entry."""

    at: datetime
    source: str
    key: str

    def uuid(self) -> UUID:
        """Return the key of a source whose keys are ids. Raises InvalidCursor."""
        try:
            return UUID(self.key)
        except ValueError as error:
            raise cursors.InvalidCursor("no id") from error

    def number(self) -> int:
        """Return the key of a source whose keys are numbers. Raises InvalidCursor."""
        if not (self.key.isascii() and self.key.isdigit() and len(self.key) <= _DIGITS):
            raise cursors.InvalidCursor("no number")
        return int(self.key)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a source is asked for: at most so many entries about a lead, the newest first, behind a place."""

    business_id: UUID
    lead_id: UUID
    phone: str
    behind: Place | None
    limit: int

    def rows_of(self, source: str, entity: type[T], at: InstrumentedAttribute[datetime]) -> Select[T]:
        """Return the query for a source that tells rows of a table with `business_id`, `lead_id` and `id`."""
        columns = entity.__table__.c
        return (
            select(entity)
            .where(
                columns.business_id == self.business_id, columns.lead_id == self.lead_id,
                self.is_behind(source, at, columns.id),
            )
            .order_by(at.desc(), columns.id.desc())
            .limit(self.limit)
        )  # fmt: skip

    def is_behind(
        self, source: str, at: InstrumentedAttribute[datetime], key: SQLColumnExpression[UUID]
    ) -> ColumnElement[bool]:
        """Return the condition for rows behind the place, of a source whose keys are ids."""
        if self.behind is None:
            return true()
        if source == self.behind.source:
            return tuple_(at, key) < (self.behind.at, self.behind.uuid())
        return at <= self.behind.at if source < self.behind.source else at < self.behind.at

    def has_yet(self, source: str, at: datetime) -> bool:
        """Return whether the one entry of a source, from this moment, lies behind the place."""
        if self.behind is None:
            return True
        return (at, source) < (self.behind.at, self.behind.source)


Source = Callable[[Session, Wanted], Sequence[Entry]]

_DIGITS = 18
_sources: dict[str, Source] = {}


def register_source(name: str, source: Source) -> None:
    """Let a domain tell of leads; the last word under a name counts."""
    _sources[name] = source


def numbered(number: int) -> str:
    """Return a number as the key of an entry: texts that sort as the numbers do."""
    return f"{number:0{_DIGITS}}"


def read(
    session: Session, business_id: UUID, *, lead_id: UUID, phone: str, limit: int, after: str | None
) -> tuple[list[Entry], str | None]:
    """Return a page of a lead's timeline, newest first, and the cursor of the next; none: it was the last.

    Each source is asked for a page of its own: however long the timeline is, no more is read. Raises
    InvalidCursor.
    """
    behind = None
    if after is not None:
        at, name = cursors.read(after, datetime, str)
        source, _, key = name.partition(":")
        behind = Place(at, source, key)
    wanted = Wanted(business_id, lead_id, phone, behind, limit + 1)
    told = [
        [(entry.at, name, entry) for entry in source(session, wanted)] for name, source in _sources.items()
    ]
    merged = heapq.merge(*told, key=lambda row: (row[0], row[1], row[2].key), reverse=True)
    page = list(islice(merged, limit + 1))
    more = len(page) > limit
    shown = page[:limit]
    last = shown[-1] if more else None
    return [entry for _, _, entry in shown], last and cursors.write(last[0], f"{last[1]}:{last[2].key}")
