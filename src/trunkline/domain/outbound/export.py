"""The last dial of each of some leads of a run, for whoever shows or writes what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from trunkline.domain.outbound.models import OutboundAttempt, OutboundItem


def last_dials(
    session: Session, business_id: UUID, items: Sequence[OutboundItem]
) -> dict[UUID, OutboundAttempt]:
    """Return, by the item, the last dial of each that has been dialled."""
    rows = session.scalars(
        select(OutboundAttempt)
        .ext(distinct_on(OutboundAttempt.item_id))
        .where(
            OutboundAttempt.business_id == business_id,
            # By their numbers, for which there is an index; one number has few dials.
            OutboundAttempt.phone.in_({item.phone for item in items}),
            OutboundAttempt.item_id.in_([item.id for item in items]),
        )
        .order_by(OutboundAttempt.item_id, OutboundAttempt.created_at.desc())
    )
    return {attempt.item_id: attempt for attempt in rows}
