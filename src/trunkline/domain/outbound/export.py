"""What came of a run's leads, a page at a time: each with its last dial. Knows no file and no columns."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, true
from sqlalchemy.orm import Session

from trunkline.domain.outbound.models import OutboundAttempt, OutboundItem
from trunkline.domain.outbound.run_store import items_behind


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one lead; the last three are of its last dial, if there was one."""

    item: OutboundItem
    dialled_at: datetime | None
    from_number: str | None
    call_id: UUID | None


def results_of_run(
    session: Session, business_id: UUID, run_id: UUID, *, after: int, states: Collection[str], limit: int
) -> list[Result]:
    """Return a page of a run's results in the order of its leads, behind a position."""
    # By its number, for which there is an index; one number has few dials.
    last = (
        select(OutboundAttempt.created_at, OutboundAttempt.from_number, OutboundAttempt.call_id)
        .where(
            OutboundAttempt.business_id == OutboundItem.business_id,
            OutboundAttempt.phone == OutboundItem.phone,
            OutboundAttempt.item_id == OutboundItem.id,
        )
        .order_by(OutboundAttempt.created_at.desc())
        .limit(1)
        .lateral("last")
    )
    query = select(OutboundItem, last.c.created_at, last.c.from_number, last.c.call_id).outerjoin(
        last, true()
    )
    rows = session.execute(items_behind(query, business_id, run_id, after, states).limit(limit))
    return [Result(*row) for row in rows]
