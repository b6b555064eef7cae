"""What people have said to being called by an AI: noted with its moment and source, and told.

Owns the event, and the change that a person makes; what a file says is weighed by `rules.merge`. Whether
a consent is needed or enough is for the rules of outbound.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from trunkline.core.events import announce_many
from trunkline.domain.leads import store
from trunkline.domain.leads.keeping import Change
from trunkline.domain.leads.models import Lead
from trunkline.domain.leads.rules import Said
from trunkline.domain.leads.schemas import ConsentChange
from trunkline.kit import clock


def change(
    session: Session, business_id: UUID, lead_ids: Sequence[UUID], wish: ConsentChange, *, actor: str
) -> int:
    """Note the consent of some hundred leads; return how many it was changed for.

    Those for whom it stands so already are left as they are and are not told of. Without a moment
    of its own what was said counts from now.
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
    at = wish.consent_at or clock.now()
    store.change(
        session, business_id, [row.id for row in changed],
        {"consent": wish.consent, "consent_at": at, "consent_source": wish.consent_source},
    )  # fmt: skip
    said = Said(wish.consent, at, wish.consent_source)
    tell([Change(row.id, row.phone, row.consent, said) for row in changed], actor=actor)
    return len(changed)


def tell(changes: Sequence[Change], *, actor: str) -> None:
    """Announce what has been said, in the transaction that has noted it."""
    announce_many(
        "consent.changed", actor=actor, subjects=[change.lead_id for change in changes],
        data=[
            {
                "lead_id": str(change.lead_id), "phone": change.phone, "consent": change.now.consent,
                "before": change.before, "consent_at": change.now.at and change.now.at.isoformat(),
                "consent_source": change.now.source,
            }
            for change in changes
        ],
    )  # fmt: skip
