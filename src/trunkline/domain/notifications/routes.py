"""People's door to notifications: inbox, choices and devices. Each sees their own alone."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session

from trunkline.core import registry
from trunkline.core.access import Principal, Role
from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.core.errors import Forbidden
from trunkline.domain.notifications import choices, devices, service
from trunkline.domain.notifications.kinds import kinds
from trunkline.domain.notifications.schemas import (
    ChoicesIn,
    ChoicesOut,
    DeviceChange,
    DeviceIn,
    DeviceOut,
    DevicesOut,
    KindOut,
    NotificationOut,
    NotificationsOut,
    PushKeyOut,
    QuietHoursBody,
    QuietIn,
    ReadIn,
    UnreadOut,
    WaysBody,
)
from trunkline.kit.wall_clock import Quiet

router = APIRouter(prefix="/api", tags=["notifications"])


@router.get("/notifications")
def read_inbox(
    session: SessionDep,
    who: PrincipalDep,
    *,
    unread: bool = False,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 30,
) -> NotificationsOut:
    """What one was told, newest first; `unread` leaves out what one has read."""
    rows, following = service.list_notifications(
        session, who.business, who.user_id, unread_only=unread, after=cursor, limit=limit
    )
    return NotificationsOut(
        notifications=[NotificationOut.model_validate(row) for row in rows], next_cursor=following
    )


@router.get("/notifications/unread")
def count_unread(session: SessionDep, who: PrincipalDep) -> UnreadOut:
    """How many one has not read."""
    return UnreadOut(unread=service.unread(session, who.business, who.user_id))


@router.post("/notifications/read", status_code=204)
def read_everything(session: SessionDep, who: PrincipalDep) -> None:
    """Everything is read."""
    service.mark_all_read(session, who.business, who.user_id)


@router.post("/notifications/{notification_id}/read")
def read_one(notification_id: UUID, body: ReadIn, session: SessionDep, who: PrincipalDep) -> NotificationOut:
    """One is read, or is to be seen again."""
    row = service.mark_read(session, who.business, who.user_id, notification_id, is_read=body.read)
    return NotificationOut.model_validate(row)


@router.get("/notification-choices")
def read_choices(session: SessionDep, who: PrincipalDep) -> ChoicesOut:
    """What one has chosen to be told, how, how early and when not."""
    return _choices(session, who)


@router.put("/notification-choices")
def choose(body: ChoicesIn, session: SessionDep, who: PrincipalDep) -> ChoicesOut:
    """Choose all of it. 403 for system admins, who belong to no business."""
    _require_member(who)
    choices.choose(
        session, who.business, who.user_id, ahead=body.ahead, own_quiet=body.own_quiet,
        kinds={name: ways.model_dump() for name, ways in body.kinds.items()},
        quiet=_chosen(body.quiet),
    )  # fmt: skip
    return _choices(session, who)


@router.get("/business/quiet-hours")
def read_quiet_hours(session: SessionDep, who: PrincipalDep) -> QuietHoursBody:
    """When the business's people are not disturbed who have chosen no hours of their own."""
    return QuietHoursBody(quiet=_quiet(choices.business_quiet(session, who.business)))


@router.put("/business/quiet-hours")
def set_quiet_hours(body: QuietHoursBody, session: SessionDep, who: PrincipalDep) -> QuietHoursBody:
    """Say when the business's people are not disturbed."""
    who.require(Role.ADMIN)
    choices.set_business_quiet(session, who.business, _chosen(body.quiet), actor=who.email)
    return body


@router.get("/push/key")
def read_push_key(session: SessionDep, who: PrincipalDep) -> PushKeyOut:
    """What a browser is given to subscribe with."""
    return PushKeyOut(public_key=devices.public_key(session))


@router.get("/push/devices")
def read_devices(session: SessionDep, who: PrincipalDep) -> DevicesOut:
    """The browsers that one is told on."""
    rows = devices.list_devices(session, who.business, who.user_id)
    return DevicesOut(devices=[DeviceOut.model_validate(row) for row in rows])


@router.post("/push/devices", status_code=201)
def add_device(body: DeviceIn, session: SessionDep, who: PrincipalDep) -> DeviceOut:
    """Be told on this browser. A browser that is known already is one's own from now on."""
    _require_member(who)
    row = devices.subscribe(
        session, who.business, who.user_id, endpoint=body.endpoint, p256dh=body.keys.p256dh,
        auth=body.keys.auth, name=body.name, kinds=body.kinds,
    )  # fmt: skip
    return DeviceOut.model_validate(row)


@router.patch("/push/devices/{device_id}")
def change_device(device_id: UUID, body: DeviceChange, session: SessionDep, who: PrincipalDep) -> DeviceOut:
    """Choose what a browser is told."""
    row = devices.change_device(session, who.business, who.user_id, device_id, kinds=body.kinds)
    return DeviceOut.model_validate(row)


@router.delete("/push/devices/{device_id}", status_code=204)
def forget_device(device_id: UUID, session: SessionDep, who: PrincipalDep) -> None:
    """Be told nothing more on a browser."""
    devices.forget_device(session, who.business, who.user_id, device_id)


@router.post("/push/devices/{device_id}/try", status_code=202)
def try_device(device_id: UUID, session: SessionDep, who: PrincipalDep) -> None:
    """Have a first message sent to a browser, to see that it comes."""
    device = devices.get_device(session, who.business, who.user_id, device_id)
    service.try_device(session, who.business, device)


def _require_member(who: Principal) -> None:
    """Go on only for a person of the business: others' choices are nowhere kept. Raises Forbidden."""
    if who.is_system_admin:
        raise Forbidden("System admins are told nothing of a business.", reason="not_a_member")


def _chosen(quiet: QuietIn | None) -> Quiet | None:
    return None if quiet is None else Quiet(quiet.from_, quiet.to)


def _quiet(quiet: Quiet | None) -> QuietIn | None:
    return None if quiet is None else QuietIn(from_=quiet.from_, to=quiet.to)


def _choices(session: Session, who: Principal) -> ChoicesOut:
    choice = choices.choices_of(session, who.business, [who.user_id])[who.user_id]
    return ChoicesOut(
        kinds=[
            KindOut(kind=kind.name, **WaysBody.model_validate(choice.ways(kind)).model_dump())
            for kind in kinds()
        ],
        ahead=list(choice.ahead), own_quiet=choice.own_quiet, quiet=_quiet(choice.quiet),
        has_mail=registry.mailer() is not None,
    )  # fmt: skip
