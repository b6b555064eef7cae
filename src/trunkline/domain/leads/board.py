"""The board: where leads stand, and moving them. A status's leads have an order that people give them.

Places are kept apart by locking the status in which one is sought; what comes from elsewhere without
being put anywhere stands first.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, TextClause, case, select, update
from sqlalchemy.orm import Session

from trunkline.core.errors import InvalidInput, NotFound
from trunkline.core.events import announce
from trunkline.domain.leads import movement, places, statuses, store
from trunkline.domain.leads.models import LISTED, NEXT_PLACE, Lead
from trunkline.domain.leads.movement import Cause, Moved

Here = list[ColumnElement[bool] | TextClause]
"""The conditions for the leads of a status among which a place is sought."""

_NEAR = 50
"""So many on either side get new places at first where places have become long."""


def move(
    session: Session, business_id: UUID, lead_id: UUID, *, status_id: UUID, after: UUID | None, cause: Cause
) -> Lead:
    """Put a lead into a status, behind another lead of it or first. Raises NotFound, InvalidInput.

    If that other lead has left the status meanwhile, it comes first: a move is never lost.
    """
    if after == lead_id:
        raise InvalidInput("A lead cannot stand behind itself.", reason="behind_itself")
    lead = session.scalar(
        select(Lead)
        .where(Lead.business_id == business_id, Lead.id == lead_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if lead is None:
        raise NotFound("There is no such lead.")
    known = statuses.of_business(session, business_id)
    before, now = lead.status_id, known.stored(status_id)
    place = None
    if after is not None:
        statuses.lock(session, business_id, status_id)
        place = _place_behind(session, business_id, now, after, but=lead_id)
    lead.status_id = now
    lead.place = NEXT_PLACE if place is None else place  # type: ignore[assignment]  # or an expression
    session.flush()
    session.refresh(lead)
    if before == now:
        announce("lead.placed", subject_id=lead.id, actor=cause.actor, status_id=str(status_id))
    else:
        movement.note(session, business_id, known, [Moved(lead.id, before, now)], cause)
    return lead


def change_status(
    session: Session, business_id: UUID, lead_ids: Sequence[UUID], status_id: UUID, *, cause: Cause
) -> None:
    """Put some hundred locked leads first into a status; who stands there already stays in place.

    Raises NotFound.
    """
    known = statuses.of_business(session, business_id)
    now = known.stored(status_id)
    rows = session.execute(
        select(Lead.id, Lead.status_id)
        .where(
            Lead.business_id == business_id, Lead.id.in_(lead_ids), Lead.status_id.is_distinct_from(now)
        )
        .order_by(Lead.id)
    ).all()  # fmt: skip
    if not rows:
        return
    moved = [row.id for row in rows]
    session.execute(
        update(Lead)
        .where(Lead.business_id == business_id, Lead.id.in_(moved))
        .values(status_id=now, place=NEXT_PLACE),
        execution_options={"synchronize_session": False},
    )
    movement.note(session, business_id, known, [Moved(row.id, row.status_id, now) for row in rows], cause)


def _place_behind(
    session: Session, business_id: UUID, stored: UUID | None, after: UUID, *, but: UUID
) -> str | None:
    """Return a place between a lead of the status and the next one; None: that lead is not there."""
    here: Here = [Lead.business_id == business_id, LISTED, store.stands_in(stored), Lead.id != but]
    place = _place_in(session, here, after)
    if place is not None and len(place) > places.LONG and _spread_around(session, here, place):
        place = _place_in(session, here, after)
    return place


def _place_in(session: Session, here: Here, after: UUID) -> str | None:
    above = session.scalar(select(Lead.place).where(*here, Lead.id == after))
    if above is None:
        return None
    below = session.scalar(
        select(Lead.place).where(*here, Lead.place > above).order_by(Lead.status_id, Lead.place).limit(1)
    )
    return places.between(above, below)


def _spread_around(session: Session, here: Here, place: str) -> bool:
    """Give leads that stand around a place others with room between them, in the same order.

    False: somebody is changing one of them. They are not waited for, since they may wait for this status;
    until the next drop the place is just a long one.
    """
    near, spread = _NEAR, None
    while spread is None:
        nearest = select(Lead.id, Lead.place).where(*here).limit(near + 1)
        over = session.execute(
            nearest.where(Lead.place < place).order_by(Lead.status_id.desc(), Lead.place.desc())
        ).all()
        under = session.execute(nearest.where(Lead.place > place).order_by(Lead.status_id, Lead.place)).all()
        # What is given at the front comes before all that there is.
        above = over[near].place if len(over) > near else str(session.scalar(select(NEXT_PLACE)))
        below = under[near].place if len(under) > near else None
        around = [*reversed(over[:near]), *under[:near]]
        spread = places.spread(above, below, len(around))
        near *= 4
    ids = [row.id for row in around]
    # By their places too: one that was put first meanwhile stays there.
    free = session.scalars(
        select(Lead.id)
        .where(*here, Lead.id.in_(ids), Lead.place.in_([row.place for row in around]))
        .with_for_update(key_share=True, skip_locked=True)
    ).all()
    if len(free) < len(ids):
        return False
    session.execute(
        update(Lead)
        .where(*here, Lead.id.in_(ids))
        .values(place=case(dict(zip(ids, spread, strict=True)), value=Lead.id)),
        execution_options={"synchronize_session": False},
    )
    return True
