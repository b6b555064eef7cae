"""Reminders: people are told ahead of what is coming, once each.

Nothing is kept of a reminder that is still to come. Each minute those who own what is coming are asked what
is, and whose moment has come is told under a key of its own (what, when, how long before): whoever asks twice
tells once, and what is moved to another time is reminded of anew. What is coming is a list of instants, so
the clock's changes are behind them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from trunkline.core.access import Role
from trunkline.domain.notifications.choices import choices_of
from trunkline.domain.notifications.coming import Coming, sources
from trunkline.domain.notifications.models import Notification
from trunkline.domain.notifications.rules import MOST_AHEAD, due_minutes
from trunkline.domain.notifications.service import notify
from trunkline.domain.people import service as people
from trunkline.kit import clock


def remind(session: Session, business_id: UUID) -> int:
    """Tell a business's people what they are to be reminded of by now. Returns how many were told."""
    now = clock.now()
    told = 0
    for kind, source in sources():
        coming = source(session, business_id, now, now + timedelta(minutes=MOST_AHEAD))
        if coming:
            told += _remind_of(session, business_id, kind, coming, now)
    return told


def _remind_of(
    session: Session, business_id: UUID, kind: str, coming: Sequence[Coming], now: datetime
) -> int:
    everybody = _workers(session, business_id) if any(one.user_ids is None for one in coming) else []
    concerned = {user_id for one in coming for user_id in _of(one, everybody)}
    ahead = {user_id: choice.ahead for user_id, choice in choices_of(session, business_id, concerned).items()}
    due: dict[tuple[UUID, int], list[UUID]] = defaultdict(list)
    found = {one.id: one for one in coming}
    for one in coming:
        for user_id in _of(one, everybody):
            before = ahead[user_id] if one.ahead is None else one.ahead
            minutes = due_minutes(before, at=one.at, set_at=one.set_at, now=now)
            if minutes is not None:
                due[one.id, minutes].append(user_id)
    keys = {(subject, minutes): _key(kind, found[subject], minutes) for subject, minutes in due}
    done = _told(session, business_id, keys.values())
    told = 0
    for (subject, minutes), user_ids in due.items():
        key = keys[subject, minutes]
        left = [user_id for user_id in user_ids if (user_id, key) not in done]
        if left:
            one = found[subject]
            facts = {**one.data, "at": one.at.isoformat(), "minutes": minutes}
            told += notify(
                session, business_id, left, kind, facts, key, about=f"{kind}:{subject}", stale_at=one.stale_at
            )
    return told


def _of(one: Coming, everybody: Sequence[UUID]) -> Collection[UUID]:
    return everybody if one.user_ids is None else one.user_ids


def _workers(session: Session, business_id: UUID) -> list[UUID]:
    """Return who does anything in a business; who only looks is not reminded."""
    return [
        user.id
        for user in people.list_users(session, business_id)
        if user.role is not None and Role(user.role).rank >= Role.AGENT.rank
    ]


def _key(kind: str, one: Coming, minutes: int) -> str:
    return f"{kind}:{one.id}:{one.at.isoformat()}:{minutes}"


def _told(session: Session, business_id: UUID, keys: Collection[str]) -> set[tuple[UUID, str]]:
    rows = session.execute(
        select(Notification.user_id, Notification.dedup_key).where(
            Notification.business_id == business_id, Notification.dedup_key.in_(keys)
        )
    )
    return {(row.user_id, row.dedup_key) for row in rows}
