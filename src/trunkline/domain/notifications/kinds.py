"""The kinds of things that people are told: each domain registers its own, with words for devices and post.

The inbox of the page has words of its own, from a notification's code and facts. A device and a letter cannot
ask, so what they show is said here, in the language of whom it goes to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from trunkline.core.errors import InvalidInput
from trunkline.domain.notifications.rules import Ways

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Said:
    """A notification in words."""

    title: str
    body: str
    path: str
    """Of the dashboard's page to look at."""


Say = Callable[[str, Facts, str], Said]
"""(language, facts, the business's time zone) -> words. Unknown languages are said in English."""

Holds = Callable[[Session, UUID, Facts], bool]
"""(session, business, facts) -> whether what was to be told is still so."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of thing that people are told."""

    name: str
    usual: Ways
    """How people are told who have chosen nothing else."""
    say: Say
    urgent: bool = False
    """A device on battery is woken for it."""
    holds: Holds | None = None
    """Whether it is still so, asked when a message goes that had to wait; none: what was said stays said."""
    asked_for: bool = False
    """Somebody has just asked for it: it comes in quiet hours too, and there is nothing to choose."""


_kinds: dict[str, Kind] = {}


def register_kind(kind: Kind) -> None:
    """Have a kind; the last word under a name counts."""
    _kinds[kind.name] = kind


def kind_named(name: str) -> Kind:
    """Return the kind of this name. Raises InvalidInput."""
    if name not in _kinds:
        raise InvalidInput(f"There is no kind of notification {name!r}.", reason="no_kind", kind=name)
    return _kinds[name]


def kinds() -> tuple[Kind, ...]:
    """Return every kind that people choose about, by name."""
    return tuple(_kinds[name] for name in sorted(_kinds) if not _kinds[name].asked_for)
