"""How many leads of a business stand in each status, kept: the count of a hundred thousand reads a few rows.

Triggers on leads write differences, in the transaction and in the scope of whoever makes, moves or deletes
leads, and nobody waits for anybody. Whoever reads adds them up, and replaces them by their sums when they
have become many. So the counts are exact at every moment, and never older than the leads beside them.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from trunkline.domain.leads.models import LeadCount

_MOST = 200
"""So many differences are added up at each reading, and no more."""

# What somebody else is about to replace is left to them.
_REPLACE = text(
    """
    with old as (
        delete from lead_counts where business_id = :business and id = any(array(
            select id from lead_counts where business_id = :business for update skip locked
        )) returning status_id, leads
    )
    insert into lead_counts (business_id, status_id, leads)
    select :business, status_id, sum(leads) from old group by status_id having sum(leads) <> 0
    """
)


def by_status(session: Session, business_id: UUID) -> dict[UUID | None, int]:
    """Return the leads of each status in which one stands; None: the initial one."""
    rows = session.execute(
        select(LeadCount.status_id, func.sum(LeadCount.leads), func.count())
        .where(LeadCount.business_id == business_id)
        .group_by(LeadCount.status_id)
    ).all()
    if sum(differences for *_, differences in rows) > _MOST:
        session.execute(_REPLACE, {"business": business_id})
    return {status_id: leads for status_id, leads, _ in rows if leads}
