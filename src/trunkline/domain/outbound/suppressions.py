"""Who is not to be called: a business's own list, and the one that holds for every business here.

A number that is put on a list is called no more from that moment: what waits for it ends, and a dial
that is committed but not made yet is taken back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from trunkline.core.errors import InvalidInput, NotFound
from trunkline.core.events import announce
from trunkline.domain.outbound import store
from trunkline.domain.outbound.models import (
    WAITING_ITEM_STATES,
    ItemState,
    OutboundItem,
    Suppression,
    SystemSuppression,
)
from trunkline.kit import clock
from trunkline.kit.phone import InvalidPhone, to_e164

SUPPRESSED = "suppressed"
"""Disposition of an item whose number may not be called."""


def suppress(
    session: Session, business_id: UUID, phone: str, *, reason: str, source: str, actor: str
) -> bool:
    """Put an E.164 number on the business's list, at once. False: it stands there already."""
    # Nobody claims an item meanwhile, nor wakes one that is about to end.
    store.lock_business(session, business_id)
    written = session.execute(
        insert(Suppression)
        .values(business_id=business_id, phone=phone, reason=reason, source=source)
        .on_conflict_do_nothing()
        .returning(Suppression.phone)
    ).scalar_one_or_none()
    if written is None:
        return False
    session.execute(
        update(OutboundItem)
        .where(
            OutboundItem.business_id == business_id, OutboundItem.phone == phone,
            OutboundItem.state.in_(WAITING_ITEM_STATES),
        )
        .values(state=ItemState.FAILED, disposition=SUPPRESSED, updated_at=clock.now()),
        execution_options={"synchronize_session": False},
    )  # fmt: skip
    announce("number.suppressed", subject_id=None, actor=actor, phone=phone, reason=reason, source=source)
    return True


def suppress_typed(
    session: Session, business_id: UUID, text: str, *, region: str, reason: str, actor: str
) -> Suppression:
    """Put a number that a person typed on the business's list. Raises InvalidInput."""
    phone = _read(text, region)
    suppress(session, business_id, phone, reason=reason, source="person", actor=actor)
    return session.get_one(Suppression, (business_id, phone))


def allow(session: Session, business_id: UUID, phone: str, *, actor: str) -> None:
    """Take a number off the business's list. Raises NotFound."""
    gone = session.execute(
        delete(Suppression)
        .where(Suppression.business_id == business_id, Suppression.phone == phone)
        .returning(Suppression.phone)
    ).scalar_one_or_none()
    if gone is None:
        raise NotFound("This number is not on the list.")
    announce("number.allowed", subject_id=None, actor=actor, phone=phone)


def listed(
    session: Session, business_id: UUID, *, limit: int, before: datetime | None = None
) -> Sequence[Suppression]:
    """Return the business's list, newest first, from before a moment on."""
    query = select(Suppression).where(Suppression.business_id == business_id)
    if before is not None:
        query = query.where(Suppression.created_at < before)
    return session.scalars(query.order_by(Suppression.created_at.desc()).limit(limit)).all()


def suppress_everywhere(session: Session, text: str, *, reason: str, actor: str) -> SystemSuppression:
    """Let no business here call a number, in E.164. For the system's scope. Raises InvalidInput."""
    phone = _read(text, None)
    session.execute(insert(SystemSuppression).values(phone=phone, reason=reason).on_conflict_do_nothing())
    announce("number.suppressed_everywhere", subject_id=None, actor=actor, phone=phone, reason=reason)
    return session.get_one(SystemSuppression, phone)


def allow_everywhere(session: Session, phone: str, *, actor: str) -> None:
    """Take a number off the list of all. For the system's scope. Raises NotFound."""
    gone = session.execute(
        delete(SystemSuppression).where(SystemSuppression.phone == phone).returning(SystemSuppression.phone)
    ).scalar_one_or_none()
    if gone is None:
        raise NotFound("This number is not on the list.")
    announce("number.allowed_everywhere", subject_id=None, actor=actor, phone=phone)


def listed_everywhere(session: Session, *, limit: int) -> Sequence[SystemSuppression]:
    """Return the list of all, newest first."""
    return session.scalars(
        select(SystemSuppression).order_by(SystemSuppression.created_at.desc()).limit(limit)
    ).all()


def _read(text: str, region: str | None) -> str:
    try:
        return to_e164(text, region=region or "ZZ")
    except InvalidPhone as error:
        raise InvalidInput(str(error)) from error
