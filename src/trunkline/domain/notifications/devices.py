"""Devices: the browsers that people have asked to be told on, and the key in whose name we tell them."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections import defaultdict
from collections.abc import Collection, Sequence
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from trunkline.core import registry, vault
from trunkline.core.errors import Conflict, InvalidInput, NotFound
from trunkline.domain.notifications.kinds import kind_named
from trunkline.domain.notifications.models import PushDevice
from trunkline.kit.ids import new_id
from trunkline.providers.ports import PushRefused

MOST_DEVICES = 20
"""Of one person."""
_KEY_NAME = "web_push"
_AUTH_BYTES = 16


def private_key(session: Session) -> str:
    """Return the key in whose name this installation pushes, made when it is first asked for. Any scope."""
    return vault.installation_key(session, _KEY_NAME, registry.pusher().new_key)


def public_key(session: Session) -> str:
    """Return what browsers are given to subscribe with."""
    return registry.pusher().public_key(private_key(session))


def subscribe(
    session: Session, business_id: UUID, user_id: UUID, *, endpoint: str, p256dh: str, auth: str, name: str,
    kinds: list[str] | None,
) -> PushDevice:  # fmt: skip
    """Have a person told on a browser; one that is known is theirs from now on.

    Raises InvalidInput, Conflict.
    """
    for kind in kinds or ():
        kind_named(kind)
    try:
        registry.pusher().check(endpoint)
    except PushRefused as error:
        raise InvalidInput(
            f"This is no push service's address: {error}.", reason="no_push_service"
        ) from error
    point, secret = _keys(p256dh, auth)
    endpoint_hash = hashlib.sha256(endpoint.encode()).hexdigest()
    here = select(func.count()).where(
        PushDevice.business_id == business_id, PushDevice.user_id == user_id,
        PushDevice.endpoint_hash != endpoint_hash,
    )  # fmt: skip
    if (session.scalar(here) or 0) >= MOST_DEVICES:
        raise Conflict(
            f"One person has {MOST_DEVICES} devices at most.", reason="most_devices", most=MOST_DEVICES
        )
    values = {
        "user_id": user_id,
        "endpoint": endpoint,
        "p256dh": point,
        "auth": secret,
        "name": name,
        "kinds": kinds,
    }
    device_id = session.scalars(
        insert(PushDevice)
        .values(id=new_id(), business_id=business_id, endpoint_hash=endpoint_hash, **values)
        .on_conflict_do_update(constraint="uq_push_devices_endpoint", set_=values)
        .returning(PushDevice.id)
    ).one()
    return get_device(session, business_id, user_id, device_id)


def list_devices(session: Session, business_id: UUID, user_id: UUID) -> Sequence[PushDevice]:
    """Return a person's devices, the newest first."""
    return session.scalars(
        select(PushDevice)
        .where(PushDevice.business_id == business_id, PushDevice.user_id == user_id)
        .order_by(PushDevice.created_at.desc(), PushDevice.id)
    ).all()


def get_device(session: Session, business_id: UUID, user_id: UUID, device_id: UUID) -> PushDevice:
    """Return a device of a person. Raises NotFound."""
    device = session.scalar(
        select(PushDevice)
        .where(
            PushDevice.business_id == business_id, PushDevice.user_id == user_id, PushDevice.id == device_id
        )
        .execution_options(populate_existing=True)
    )
    if device is None:
        raise NotFound("There is no such device.")
    return device


def change_device(
    session: Session, business_id: UUID, user_id: UUID, device_id: UUID, *, kinds: list[str] | None
) -> PushDevice:
    """Choose what a device is told; None: everything. Raises NotFound, InvalidInput."""
    device = get_device(session, business_id, user_id, device_id)
    for kind in kinds or ():
        kind_named(kind)
    device.kinds = kinds
    return device


def forget_device(session: Session, business_id: UUID, user_id: UUID, device_id: UUID) -> None:
    """Tell a person nothing more on a device. Raises NotFound."""
    session.delete(get_device(session, business_id, user_id, device_id))


def of_people(
    session: Session, business_id: UUID, user_ids: Collection[UUID], kind: str
) -> dict[UUID, list[PushDevice]]:
    """Return the devices that are told things of a kind, by whose they are."""
    found: dict[UUID, list[PushDevice]] = defaultdict(list)
    rows = session.scalars(
        select(PushDevice)
        .where(PushDevice.business_id == business_id, PushDevice.user_id.in_(user_ids))
        .order_by(PushDevice.id)
    )
    for device in rows:
        if device.kinds is None or kind in device.kinds:
            found[device.user_id].append(device)
    return found


def _keys(p256dh: str, auth: str) -> tuple[bytes, bytes]:
    """Return a browser's public key and its secret. Raises InvalidInput."""
    try:
        point, secret = _bytes(p256dh), _bytes(auth)
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except (binascii.Error, ValueError) as error:
        raise InvalidInput("The browser's key is none.", reason="no_push_key") from error
    if len(secret) != _AUTH_BYTES:
        raise InvalidInput("The browser's secret has 16 bytes.", reason="no_push_key")
    return point, secret


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
