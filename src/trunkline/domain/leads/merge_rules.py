"""Pure decisions about two leads that are one person: what stands afterwards, and what stands no more."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from trunkline.domain.leads.rules import OWN, Said

CHOSEN = ("phone", "name", "email", "notes", "status_id", "owner_id")
"""Of what can only stand once; each can be taken from the lead that goes."""

_DIGITS_ALIKE = 7

_STRICTEST_FIRST = ("withdrawn", "express", "written", "none")
"""A no stands whatever else was said; of two kinds of yes the weaker one; silence against nothing."""


@dataclass(frozen=True, slots=True)
class Side:
    """What of a lead can stand only once."""

    values: Mapping[str, Any]
    """By the names of `CHOSEN`."""
    own: Mapping[str, Any]
    tags: Collection[str]
    said: Said


@dataclass(frozen=True, slots=True)
class United:
    """What stands afterwards, and what stands no more."""

    values: dict[str, Any]
    own: dict[str, Any]
    tags: list[str]
    said: Said
    left: dict[str, Any] = field(default_factory=dict)
    """Name -> what one of the two had, and the other's stands."""


def differing(kept: Side, gone: Side) -> list[str]:
    """Return of what both have something, and not the same: what there is to choose."""
    names = [name for name in CHOSEN if _both(kept.values.get(name), gone.values.get(name), name)]
    own = sorted(set(kept.own) & set(gone.own))
    return names + [OWN + key for key in own if kept.own[key] != gone.own[key]]


def unite(kept: Side, gone: Side, take: Collection[str]) -> United:
    """Return what stands when one lead takes the other in; `take` names what of that one's is to stand.

    Blanks are filled by whoever has something. `take` names what `differing` does, or nothing happens.
    """
    left: dict[str, Any] = {}
    values = {name: kept.values.get(name) for name in CHOSEN}
    own = {**gone.own, **kept.own}
    choices = differing(kept, gone)
    for name in CHOSEN:
        if name != "status_id" and _is_blank(values[name]):
            values[name] = gone.values.get(name)
    for name in choices:
        key = name.removeprefix(OWN)
        stands, theirs = (own, gone.own) if name.startswith(OWN) else (values, gone.values)
        if name in take:
            left[name], stands[key] = stands[key], theirs[key]
        else:
            left[name] = theirs[key]
    tags = sorted({*kept.tags, *gone.tags})
    return United(values, own, tags, stricter(kept.said, gone.said), left)


def stricter(one: Said, other: Said) -> Said:
    """Return which of two consents holds of one person: a no before any yes, the weaker yes of two.

    Of two that say the same, the one that was said later.
    """
    ranks = _STRICTEST_FIRST.index(one.consent), _STRICTEST_FIRST.index(other.consent)
    if ranks[0] != ranks[1]:
        return one if ranks[0] < ranks[1] else other
    if one.at is None or other.at is None:
        return other if one.at is None else one
    return one if one.at >= other.at else other


def alike(phone: str, other: str) -> bool:
    """Return whether two numbers may be one with a slip: the same end, one digit amiss, or two exchanged."""
    if phone[-_DIGITS_ALIKE:] == other[-_DIGITS_ALIKE:]:
        return True
    if len(phone) != len(other):
        longer, shorter = sorted((phone, other), key=len, reverse=True)
        return len(longer) - len(shorter) == 1 and any(
            longer[:at] + longer[at + 1 :] == shorter for at in range(len(longer))
        )
    amiss = [at for at, (a, b) in enumerate(zip(phone, other, strict=True)) if a != b]
    if len(amiss) == 2 and amiss[1] - amiss[0] == 1:
        first, second = amiss
        return phone[first] == other[second] and phone[second] == other[first]
    return len(amiss) == 1


def _both(one: Any, other: Any, name: str) -> bool:
    """Whether there is something to choose. No status is the initial one, which is as good as any."""
    if name == "status_id":
        return bool(one != other)
    return not _is_blank(one) and not _is_blank(other) and bool(one != other)


def _is_blank(value: Any) -> bool:
    return value is None or value == ""
