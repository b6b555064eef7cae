"""What search finds of each domain: a source for every kind of row, and how a found row is told.

Which texts are looked through is kept by triggers of the tables (see `migrations/finding.py`); a source here
says who may find such rows and what of them is shown. Knows no row itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from trunkline.core.access import Role


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was found: a row, of it one part, and the moment that it is ordered by."""

    at: datetime
    id: UUID
    part: int = 0


@dataclass(frozen=True, slots=True)
class Described:
    """What is shown of a row that was found."""

    title: str
    """A name, or what stands for one; may be empty."""
    texts: Sequence[str] = ()
    """Where words of the search may stand, the most telling first."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """Facts for pages, as JSON: ids to lead to, numbers, states."""


Describe = Callable[[Session, UUID, Sequence[Place]], Mapping[Place, Described]]
"""Session, business and places -> what is shown of each that is still there."""
ByNumber = Callable[[Session, UUID, str, Place | None, int], Sequence[Place]]
"""Session, business, digits, behind which place and how many -> rows with such a number, newest first."""
ByAddress = Callable[[Session, UUID, str], Place | None]
"""Session, business and what was typed -> the row whose whole number or e-mail address that is."""
OfLeads = Callable[[Session, UUID, Collection[UUID], Place | None, int], Sequence[Place]]
"""Session, business, leads, behind which place and how many -> rows that are about them, newest first."""


@dataclass(frozen=True, slots=True)
class Source:
    """One kind of row that is found."""

    kind: str
    describe: Describe
    least: Role = Role.VIEWER
    """Who may find such rows: as who may read them."""
    by_number: ByNumber | None = None
    by_address: ByAddress | None = None
    of_leads: OfLeads | None = None
    """Also found are rows about people who are found by their name."""
    holds_leads: bool = False
    """Whether its rows are the leads that `of_leads` of others is asked about."""


_sources: dict[str, Source] = {}


def register_source(source: Source) -> None:
    """Let rows of a kind be found; in the order of registration they are shown."""
    _sources[source.kind] = source


def sources() -> list[Source]:
    """Return what is found, in the order in which it is shown."""
    return list(_sources.values())
