"""Pure decisions: which ways a notification takes, which reminder is due."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

USUAL_AHEAD = (30, 15, 5)
"""How many minutes before something people are reminded of it who have chosen nothing else."""
MOST_AHEAD = 1_440
STILL = timedelta(minutes=15)
"""For how long after its time one is still reminded of what was coming."""


@dataclass(frozen=True, slots=True)
class Ways:
    """How somebody is told things of a kind."""

    page: bool
    push: bool
    email: bool

    @property
    def any(self) -> bool:
        return self.page or self.push or self.email


def ways_of(usual: Ways, chosen: Mapping[str, Any] | None) -> Ways:
    """Return what is usual with what somebody has chosen instead."""
    chosen = chosen or {}
    return Ways(
        page=chosen.get("page", usual.page), push=chosen.get("push", usual.push),
        email=chosen.get("email", usual.email),
    )  # fmt: skip


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
