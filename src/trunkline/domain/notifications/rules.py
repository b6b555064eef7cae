"""Pure decisions: which ways a notification takes, when quiet hours end, which reminder is due."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from trunkline.kit.wall_clock import instant_of

USUAL_AHEAD = (30, 15, 5)
"""How many minutes before something people are reminded of it who have chosen nothing else."""
MOST_AHEAD = 1_440
STILL = timedelta(minutes=15)
"""For how long after its time one is still reminded of what was coming."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Ways:
    """How somebody is told things of a kind."""

    page: bool
    push: bool
    email: bool

    @property
    def any(self) -> bool:
        return self.page or self.push or self.email


@dataclass(frozen=True, slots=True)
class Quiet:
    """When somebody is not disturbed: from one local time to another, over midnight where it is earlier."""

    from_: str
    to: str


def ways_of(usual: Ways, chosen: Mapping[str, Any] | None) -> Ways:
    """Return what is usual with what somebody has chosen instead."""
    chosen = chosen or {}
    return Ways(
        page=chosen.get("page", usual.page), push=chosen.get("push", usual.push),
        email=chosen.get("email", usual.email),
    )  # fmt: skip


def quiet_until(quiet: Quiet | None, *, now: datetime, zone: str) -> datetime | None:
    """Return when the quiet hours end in which `now` lies; None: it lies in none.

    They go by the zone's wall clock: in the night in which it is moved they are an hour shorter or longer.
    """
    if quiet is None or quiet.from_ == quiet.to:
        return None
    today = now.astimezone(ZoneInfo(zone)).date()
    for day in (today - _DAY, today):
        begins = instant_of(day, time.fromisoformat(quiet.from_), zone)
        over = day if quiet.from_ < quiet.to else day + _DAY
        ends = instant_of(over, time.fromisoformat(quiet.to), zone)
        if begins <= now < ends:
            return ends
    return None


def due_minutes(ahead: Iterable[int], *, at: datetime, set_at: datetime, now: datetime) -> int | None:
    """Return the reminder that is due of something that is `at`, in minutes before it; None: none is yet.

    It is the latest whose moment has come: one that was missed is not made up for once another has come. What
    was set so late that a reminder's moment had passed is not reminded of by that one.
    """
    due = [minutes for minutes in ahead if set_at < at - timedelta(minutes=minutes) <= now]
    return min(due, default=None)


def topic_of(about: str) -> str:
    """Return what it is about as a push service's topic: 32 URL-safe characters, which tell nothing."""
    digest = hashlib.sha256(about.encode()).digest()
    return base64.urlsafe_b64encode(digest)[:32].decode()
