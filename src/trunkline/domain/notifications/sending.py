"""What goes out of the page: one notification to one device or by post, and what became of it.

Settled under a row lock: of two who send the same, one finds it settled. Whoever dies between the service's
answer and the word here has it sent once more, under the same topic or Message-ID.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from trunkline.core.jobs import TryLater
from trunkline.core.letters import letter
from trunkline.domain.notifications import devices
from trunkline.domain.notifications.choices import choices_of
from trunkline.domain.notifications.kinds import Said, kind_named
from trunkline.domain.notifications.models import Notification, PushDevice, Sending, SendingState
from trunkline.domain.notifications.rules import topic_of
from trunkline.domain.people import service as people
from trunkline.domain.tenants import service as tenants
from trunkline.kit import clock
from trunkline.kit.wall_clock import quiet_until
from trunkline.providers.ports import Letter, PushMessage, Urgency

_LONGEST_TTL_S = 24 * 3_600
_BUTTON = {"en": "Open", "he": "פתיחה"}
_ASIDE = {
    "en": "You get this letter because you chose so. Change it on Trunkline, under Notifications.",
    "he": "קיבלת את ההודעה כי כך בחרת. אפשר לשנות זאת ב־Trunkline, תחת התראות.",
}


@dataclass(frozen=True, slots=True)
class _Ready:
    """A sending whose moment it is, with whom it is for."""

    notification: Notification
    to: str
    """An e-mail address."""
    language: str
    said: Said


def push_message(session: Session, business_id: UUID, sending_id: UUID) -> tuple[PushMessage, str] | None:
    """Return what to send to a device, and by which key; None: nothing any more. Raises TryLater."""
    ready, sending = _ready(session, business_id, sending_id)
    device = session.get(PushDevice, sending.device_id) if sending is not None and sending.device_id else None
    if ready is None or sending is None or device is None or device.business_id != business_id:
        return None
    if device.user_id != ready.notification.user_id:
        # Somebody else is told on that browser by now.
        _settle(sending, SendingState.DROPPED, "another_person")
        return None
    row, topic = ready.notification, topic_of(ready.notification.about)
    payload = {
        "id": str(row.id), "tag": topic, "title": ready.said.title, "body": ready.said.body,
        "path": ready.said.path, "lang": ready.language,
    }  # fmt: skip
    message = PushMessage(
        endpoint=device.endpoint, p256dh=device.p256dh, auth=device.auth,
        payload=json.dumps(payload, ensure_ascii=False).encode(), ttl_s=_ttl_s(row.stale_at),
        urgency=Urgency.HIGH if kind_named(row.kind).urgent else Urgency.NORMAL, topic=topic,
    )  # fmt: skip
    return message, devices.private_key(session)


def mail(session: Session, business_id: UUID, sending_id: UUID) -> Letter | None:
    """Return the letter to send; None: none, or none any more. Raises TryLater."""
    ready, _ = _ready(session, business_id, sending_id)
    if ready is None:
        return None
    language = ready.language if ready.language in _BUTTON else "en"
    return letter(
        to=ready.to, language=language, name=f"notification-{ready.notification.id}",
        link=people.page_link(ready.said.path), subject=ready.said.title,
        sentence=f"{ready.said.title}\n{ready.said.body}".strip(), button=_BUTTON[language],
        aside=_ASIDE[language],
    )  # fmt: skip


def settle(session: Session, business_id: UUID, sending_id: UUID, *, refusal: str | None) -> None:
    """Note that it was sent, or that it is not taken and why. One that is settled stays as it is."""
    row = _held(session, business_id, sending_id)
    if row is None or row.state != SendingState.WAITING:
        return
    _settle(row, SendingState.SENT if refusal is None else SendingState.REFUSED, refusal or "")
    device = session.get(PushDevice, row.device_id) if row.device_id else None
    if device is not None and refusal is None:
        device.told_at = clock.now()


def forget_gone(session: Session, business_id: UUID, sending_id: UUID) -> None:
    """Forget a device of which its service says that there is none; what waits for it goes with it."""
    row = _held(session, business_id, sending_id)
    device = session.get(PushDevice, row.device_id) if row is not None and row.device_id else None
    if device is not None:
        session.delete(device)


def _ready(session: Session, business_id: UUID, sending_id: UUID) -> tuple[_Ready | None, Sending | None]:
    row = _held(session, business_id, sending_id)
    if row is None or row.state != SendingState.WAITING:
        return None, None
    notification = session.get_one(Notification, row.notification_id)
    user = people.users_named(session, business_id, [notification.user_id])[notification.user_id]
    zone = tenants.get_business(session, business_id).time_zone
    now, stale_at = clock.now(), notification.stale_at
    kind = kind_named(notification.kind)
    quiet = None if kind.asked_for else choices_of(session, business_id, [user.id])[user.id].quiet
    ends = quiet_until(quiet, now=now, zone=ZoneInfo(zone))
    if stale_at is not None and (ends or now) >= stale_at:
        _settle(row, SendingState.DROPPED, "quiet_hours" if ends else "stale")
        return None, None
    if kind.holds is not None and not kind.holds(session, business_id, notification.data):
        _settle(row, SendingState.DROPPED, "changed")
        return None, None
    if notification.read_at is not None:
        _settle(row, SendingState.DROPPED, "read")
        return None, None
    if ends is not None:
        raise TryLater((ends - now).total_seconds())
    said = kind.say(user.language, notification.data, zone)
    return _Ready(notification, user.email, user.language, said), row


def _settle(row: Sending, state: SendingState, reason: str) -> None:
    row.state, row.reason, row.settled_at = state, reason, clock.now()


def _held(session: Session, business_id: UUID, sending_id: UUID) -> Sending | None:
    return session.scalar(
        select(Sending)
        .where(Sending.business_id == business_id, Sending.id == sending_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _ttl_s(stale_at: datetime | None) -> int:
    """Return for how long the service keeps a message for a device that is away."""
    if stale_at is None:
        return _LONGEST_TTL_S
    return max(60, min(_LONGEST_TTL_S, int((stale_at - clock.now()).total_seconds())))
