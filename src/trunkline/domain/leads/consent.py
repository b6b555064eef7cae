"""What people have said to being called by an AI: noted with its moment and source, and told.

Owns the change and its event. Whether a consent is needed or enough is for the rules of outbound.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from trunkline.core.events import announce_many
from trunkline.domain.leads import store
from trunkline.domain.leads.models import Lead
from trunkline.domain.leads.schemas import ConsentChange
from trunkline.kit import clock


def change(
    session: Session, business_id: UUID, lead_ids: Sequence[UUID], wish: ConsentChange, *, actor: str
) -> int:
    """Note the consent of some hundred leads; return how many it was changed for.

    Those for whom it stands so already are left as they are and are not told of. Without a moment
    of its own a consent counts from now; `none` has neither moment nor, unless given, a source.
    """
    different = [Lead.consent != wish.consent]
    if wish.consent_at is not None:
        different.append(Lead.consent_at.is_distinct_from(wish.consent_at))
    if wish.consent_source is not None:
        different.append(Lead.consent_source.is_distinct_from(wish.consent_source))
    changed = session.execute(
        select(Lead.id, Lead.phone, Lead.consent)
        .where(Lead.business_id == business_id, Lead.id.in_(lead_ids), or_(*different))
        .order_by(Lead.id)
        .with_for_update()
    ).all()
    if not changed:
        return 0
    at = wish.consent_at or (None if wish.consent == "none" else clock.now())
    store.change(
        session, business_id, [row.id for row in changed],
        {"consent": wish.consent, "consent_at": at, "consent_source": wish.consent_source},
    )  # fmt: skip
    announce_many(
        "consent.changed", actor=actor,
        data=[
            {
                "lead_id": str(row.id), "phone": row.phone, "consent": wish.consent, "before": row.consent,
                "consent_at": at and at.isoformat(), "consent_source": wish.consent_source,
            }
            for row in changed
        ],
    )  # fmt: skip
    return len(changed)
