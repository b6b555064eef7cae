"""The board: where leads stand, and moving them. A status's leads have an order that people give them.

Places are kept apart by locking the status in which one is sought; what comes from elsewhere without
being put anywhere stands first.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from trunkline.core.errors import InvalidInput, NotFound
from trunkline.core.events import announce, announce_many
from trunkline.domain.leads import statuses, store
from trunkline.domain.leads.models import LISTED, NEXT_PLACE, Lead
from trunkline.domain.leads.rules import place_between


def move(
    session: Session, business_id: UUID, lead_id: UUID, *, status_id: UUID, after: UUID | None, actor: str
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
        announce("lead.placed", subject_id=lead.id, actor=actor, status_id=str(status_id))
    else:
        announce(
            "lead.status_changed",
            subject_id=lead.id,
            actor=actor,
            **_facts(known, before, now, cause="person"),
        )
    return lead


def change_status(
    session: Session, business_id: UUID, lead_ids: Sequence[UUID], status_id: UUID, *, actor: str
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
    announce_many(
        "lead.status_changed", actor=actor, subjects=moved,
        data=[_facts(known, row.status_id, now, cause="bulk") for row in rows],
    )  # fmt: skip


def _place_behind(
    session: Session, business_id: UUID, stored: UUID | None, after: UUID, *, but: UUID
) -> str | None:
    """Return a place between a lead of the status and the next one; None: that lead is not there."""
    here = (Lead.business_id == business_id, LISTED, store.stands_in(stored))
    above = session.scalar(select(Lead.place).where(*here, Lead.id == after))
    if above is None:
        return None
    below = session.scalar(
        select(Lead.place)
        .where(*here, Lead.place > above, Lead.id != but)
        .order_by(Lead.status_id, Lead.place)
        .limit(1)
    )
    return place_between(above, below)


def _facts(known: statuses.Statuses, before: UUID | None, now: UUID | None, *, cause: str) -> dict[str, str]:
    """What is told of a change: also the names, which may be others by the time that it is read."""
    return {
        "before": str(before or known.initial.id), "before_name": known.name(before),
        "status_id": str(now or known.initial.id), "status_name": known.name(now), "cause": cause,
    }  # fmt: skip
