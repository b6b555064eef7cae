"""The verbs of notifications: telling people something, once each, and the inbox in which they read it.

`notify` is what other domains call. What it writes commits with its cause: the notification, and a job for
each device and letter. The page is told exactly once; devices and letters at least once, under one topic or
Message-ID, by which the receiver shows one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from trunkline.core import registry
from trunkline.core.errors import NotFound
from trunkline.core.events import announce_many
from trunkline.core.jobs import enqueue_job
from trunkline.domain.notifications import devices
from trunkline.domain.notifications.choices import Choice, choices_of
from trunkline.domain.notifications.coming import Coming, register_reminders
from trunkline.domain.notifications.kinds import Facts, Kind, Said, kind_named, register_kind
from trunkline.domain.notifications.models import Notification, PushDevice, Sending, SendingState
from trunkline.domain.notifications.rules import MOST_AHEAD, STILL, Ways
from trunkline.domain.people import service as people
from trunkline.domain.tenants import service as tenants
from trunkline.kit import clock, cursors
from trunkline.kit.ids import new_id
from trunkline.kit.wall_clock import quiet_until

__all__ = [
    "MOST_AHEAD", "STILL", "TRIED", "Coming", "Facts", "Kind", "Said", "Ways", "clear_old",
    "list_notifications", "mark_all_read", "mark_read", "notify", "register_kind", "register_reminders",
    "try_device", "unread",
]  # fmt: skip
"""What other domains need to have people told of what they know, and the verbs."""

TRIED = "push_tried"
MOST_COUNTED = 100
"""More that are unread are not counted."""


def notify(  # noqa: PLR0917 - who, what and under which key: what each call says
    session: Session,
    business_id: UUID,
    user_ids: Collection[UUID],
    kind: str,
    data: Mapping[str, Any],
    dedup_key: str,
    *,
    about: str | None = None,
    stale_at: datetime | None = None,
) -> int:
    """Tell people something, each once for a `dedup_key`. Returns how many had not been told.

    `data` are facts that the words are made of, as JSON. `about`: on a device it takes the place of an older
    one about the same. `stale_at`: from when on it is no use. Those who are not of the business are told
    nothing.
    """
    found = people.users_named(session, business_id, user_ids)
    known = kind_named(kind)
    chosen = choices_of(session, business_id, found.keys())
    ways = {user_id: chosen[user_id].ways(known) for user_id in found}
    rows = [
        {
            "id": new_id(), "business_id": business_id, "user_id": user_id, "kind": kind, "data": dict(data),
            "dedup_key": dedup_key, "about": about or dedup_key, "in_page": ways[user_id].page,
            "stale_at": stale_at,
        }
        for user_id in sorted(found)
        if ways[user_id].any
    ]  # fmt: skip
    if not rows:
        return 0
    made = session.execute(
        insert(Notification)
        .values(rows)
        .on_conflict_do_nothing(constraint="uq_notifications_once")
        .returning(Notification.id, Notification.user_id)
    ).all()
    told = {row.user_id: row.id for row in made}
    if told:
        _send(session, business_id, known, told, ways, chosen, stale_at)
        announce_many("notification.made", actor="system", data=[{}] * len(told), subjects=list(told))
    return len(told)


def _send(  # noqa: PLR0917 - what notify has in hand
    session: Session,
    business_id: UUID,
    kind: Kind,
    told: Mapping[UUID, UUID],
    ways: Mapping[UUID, Ways],
    chosen: Mapping[UUID, Choice],
    stale_at: datetime | None,
) -> None:
    """Have what was made go to devices and by post, now or when the quiet hours end."""
    zone = ZoneInfo(tenants.get_business(session, business_id).time_zone)
    now = clock.now()
    by_push = devices.of_people(
        session, business_id, [user_id for user_id in told if ways[user_id].push], kind.name
    )
    for user_id, notification_id in sorted(told.items()):
        targets: list[UUID | None] = [device.id for device in by_push.get(user_id, ())]
        if ways[user_id].email and registry.mailer() is not None:
            targets.append(None)
        ends = quiet_until(chosen[user_id].quiet, now=now, zone=zone)
        is_lost = ends is not None and stale_at is not None and ends >= stale_at
        for device_id in targets:
            sending = Sending(business_id=business_id, notification_id=notification_id, device_id=device_id)
            session.add(sending)
            if is_lost:
                sending.state, sending.reason, sending.settled_at = SendingState.DROPPED, "quiet_hours", now
                continue
            session.flush()
            name = "send_notification_mail" if device_id is None else "send_push_notification"
            wait_s = 0.0 if ends is None else (ends - now).total_seconds()
            enqueue_job("default", name, str(sending.id), run_in=wait_s)


def try_device(session: Session, business_id: UUID, device: PushDevice) -> None:
    """Have a first message sent to a device, whose owner wants to see that it comes."""
    notification = Notification(
        business_id=business_id, user_id=device.user_id, kind=TRIED, data={}, dedup_key=f"{TRIED}:{new_id()}",
        about=TRIED, in_page=False,
    )  # fmt: skip
    session.add(notification)
    session.flush()
    sending = Sending(business_id=business_id, notification_id=notification.id, device_id=device.id)
    session.add(sending)
    session.flush()
    enqueue_job("default", "send_push_notification", str(sending.id))


def list_notifications(
    session: Session, business_id: UUID, user_id: UUID, *, unread_only: bool, after: str | None, limit: int
) -> tuple[Sequence[Notification], str | None]:
    """Return a page of somebody's inbox, newest first, and the cursor of the next. Raises InvalidCursor."""
    query = select(Notification).where(
        Notification.business_id == business_id, Notification.user_id == user_id, Notification.in_page
    )
    if unread_only:
        query = query.where(Notification.read_at.is_(None))
    if after is not None:
        last = cursors.read(after, datetime, UUID)
        query = query.where(tuple_(Notification.created_at, Notification.id) < last)
    newest = query.order_by(Notification.created_at.desc(), Notification.id.desc())
    found = session.scalars(newest.limit(limit + 1)).all()
    shown = found[:limit]
    return shown, cursors.write(shown[-1].created_at, shown[-1].id) if len(found) > limit else None


def unread(session: Session, business_id: UUID, user_id: UUID) -> int:
    """Return how many somebody has not read, up to MOST_COUNTED."""
    few = (
        select(Notification.id)
        .where(
            Notification.business_id == business_id, Notification.user_id == user_id, Notification.in_page,
            Notification.read_at.is_(None),
        )
        .limit(MOST_COUNTED)
    )  # fmt: skip
    return session.scalar(select(func.count()).select_from(few.subquery())) or 0


def mark_read(
    session: Session, business_id: UUID, user_id: UUID, notification_id: UUID, *, is_read: bool
) -> Notification:
    """Note that somebody has read it, or that they want to see it again. Raises NotFound."""
    row = session.scalar(
        select(Notification).where(
            Notification.business_id == business_id, Notification.user_id == user_id,
            Notification.id == notification_id,
        )
    )  # fmt: skip
    if row is None:
        raise NotFound("There is no such notification.")
    if (row.read_at is not None) != is_read:
        row.read_at = clock.now() if is_read else None
        announce_many("notification.read", actor="system", data=[{}], subjects=[user_id])
    return row


def mark_all_read(session: Session, business_id: UUID, user_id: UUID) -> None:
    """Note that somebody has read everything."""
    read = session.execute(
        update(Notification)
        .where(
            Notification.business_id == business_id, Notification.user_id == user_id,
            Notification.read_at.is_(None),
        )
        .values(read_at=clock.now())
        .returning(Notification.id)
    ).all()  # fmt: skip
    if read:
        announce_many("notification.read", actor="system", data=[{}], subjects=[user_id])


def clear_old(session: Session, business_id: UUID, *, age: timedelta) -> None:
    """Forget what people were told so long ago."""
    session.execute(
        delete(Notification).where(
            Notification.business_id == business_id, Notification.created_at < clock.now() - age
        )
    )
