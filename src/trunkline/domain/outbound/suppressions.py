"""Who is not to be called: a business's own list, and the one that holds for every business here.

A number that is put on a list is called no more from that moment: what waits for it ends, and a dial
that is committed but not made yet is taken back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Select, collate, delete, func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from trunkline.core.errors import InvalidInput, NotFound
from trunkline.core.events import announce, announce_many
from trunkline.domain.outbound import store
from trunkline.domain.outbound.models import (
    WAITING_ITEM_STATES,
    ItemState,
    OutboundItem,
    Suppression,
    SystemSuppression,
)
from trunkline.kit import clock, cursors
from trunkline.kit.phone import InvalidPhone, is_e164, to_e164

SUPPRESSED = "suppressed"
"""Disposition of an item whose number may not be called."""

Listed = TypeVar("Listed", Suppression, SystemSuppression)


_ADD = text(
    """
    insert into suppressions (business_id, phone, reason, source)
    select :business_id, phone, :reason, :source from unnest(cast(:phones as text[])) phone
    on conflict do nothing returning phone
    """
)


def suppress(
    session: Session, business_id: UUID, phone: str, *, reason: str, source: str, actor: str
) -> bool:
    """Put an E.164 number on the business's list, at once. False: it stands there already.

    Raises InvalidInput for what is no number: what stands there is read as one ever after.
    """
    if not is_e164(phone):
        raise InvalidInput("Only telephone numbers stand on the list.", reason="not_a_number")
    added = _add(session, business_id, [phone], reason=reason, source=source)
    if not added:
        return False
    _end_waiting(session, business_id, added)
    announce("number.suppressed", subject_id=None, actor=actor, phone=phone, reason=reason, source=source)
    return True


def suppress_many(
    session: Session, business_id: UUID, phones: Sequence[str], *, reason: str, source: str, actor: str
) -> int:
    """Put some hundred E.164 numbers on the business's list, at once; return how many are new there.

    Each new one has an event of its own: whoever asks about one number finds it.
    """
    # In the order of the numbers: two lists at once must not wait for each other's rows.
    added = _add(session, business_id, sorted(set(phones)), reason=reason, source=source)
    if added:
        _end_waiting(session, business_id, added)
        announce_many(
            "number.suppressed", actor=actor,
            data=[{"phone": phone, "reason": reason, "source": source} for phone in added],
        )  # fmt: skip
    return len(added)


def _add(
    session: Session, business_id: UUID, phones: Sequence[str], *, reason: str, source: str
) -> Sequence[str]:
    """Write numbers on the business's list and return those that did not stand there."""
    # Nobody claims an item meanwhile, nor wakes one that is about to end.
    store.lock_business(session, business_id)
    new = {"phones": list(phones), "business_id": business_id, "reason": reason, "source": source}
    return session.scalars(_ADD, new).all()


def _end_waiting(session: Session, business_id: UUID, phones: Sequence[str]) -> None:
    """End what waits for these numbers, in every run."""
    session.execute(
        update(OutboundItem)
        .where(
            OutboundItem.business_id == business_id, OutboundItem.phone == func.any(list(phones)),
            OutboundItem.state.in_(WAITING_ITEM_STATES),
        )
        .values(state=ItemState.FAILED, disposition=SUPPRESSED, updated_at=clock.now()),
        execution_options={"synchronize_session": False},
    )  # fmt: skip


def suppress_typed(
    session: Session, business_id: UUID, typed: str, *, region: str, reason: str, actor: str
) -> Suppression:
    """Put a number that a person typed on the business's list. Raises InvalidInput."""
    phone = typed_number(typed, region)
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
    session: Session, business_id: UUID, *, limit: int, after: str | None = None
) -> tuple[Sequence[Suppression], str | None]:
    """Return a page of the business's list, newest first, and the next one's cursor. Raises InvalidCursor."""
    own = select(Suppression).where(Suppression.business_id == business_id)
    return _page(session, own, Suppression, limit=limit, after=after)


def beginning_with(
    session: Session, business_id: UUID, typed: str, *, region: str, limit: int, after: str | None = None
) -> tuple[Sequence[Suppression], str | None]:
    """Return whom of the list a person may mean who has typed this much of a number, by their digits.

    It may be a whole number in any form, or how one begins in its international form. A page of them, and
    the cursor of the next. Raises InvalidCursor.
    """
    begins = "+" + "".join(letter for letter in typed if "0" <= letter <= "9")
    phone = collate(Suppression.phone, "C")
    own = select(Suppression).where(Suppression.business_id == business_id)
    query = own.where(phone >= begins, phone < begins + ":")  # the colon follows on the nine
    if after is not None:
        query = query.where(phone > cursors.read(after, str)[0])
    found = session.scalars(query.order_by(phone).limit(limit + 1)).all()
    if found or after is not None:
        shown = found[:limit]
        return shown, cursors.write(shown[-1].phone) if len(found) > limit else None
    try:
        meant = to_e164(typed, region=region)
    except InvalidPhone:
        return [], None
    return session.scalars(own.where(Suppression.phone == meant)).all(), None


def suppress_everywhere(session: Session, typed: str, *, reason: str, actor: str) -> SystemSuppression:
    """Let no business here call a number, in E.164. For the system's scope. Raises InvalidInput."""
    phone = typed_number(typed, None)
    added = session.scalars(
        insert(SystemSuppression)
        .values(phone=phone, reason=reason)
        .on_conflict_do_nothing()
        .returning(SystemSuppression.phone)
    ).all()
    if added:
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


def listed_everywhere(
    session: Session, *, limit: int, after: str | None = None
) -> tuple[Sequence[SystemSuppression], str | None]:
    """Return a page of the list of all, newest first, and the cursor of the next. Raises InvalidCursor."""
    return _page(session, select(SystemSuppression), SystemSuppression, limit=limit, after=after)


def _page(
    session: Session, query: Select[Listed], table: type[Listed], *, limit: int, after: str | None
) -> tuple[Sequence[Listed], str | None]:
    """Return a page of a list. Numbers of one moment follow each other in the order of their digits."""
    key = tuple_(table.created_at, table.phone)
    if after is not None:
        query = query.where(key < cursors.read(after, datetime, str))
    # One more than is shown tells whether there are more.
    found = session.scalars(
        query.order_by(table.created_at.desc(), table.phone.desc()).limit(limit + 1)
    ).all()
    shown = found[:limit]
    return shown, cursors.write(shown[-1].created_at, shown[-1].phone) if len(found) > limit else None


def typed_number(typed: str, region: str | None) -> str:
    """Return the E.164 number that a person typed; without a region, in its international form.

    Raises InvalidInput.
    """
    try:
        return to_e164(typed, region=region or "ZZ")
    except InvalidPhone as error:
        raise InvalidInput(str(error), reason="not_a_number") from error
