"""The SQL of outlooks: how many may not be called at all, and what the rules ask about some of the others."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, column, exists, func, not_, or_, select, table, text
from sqlalchemy.orm import Session

from trunkline.domain.outbound.compliance import NO_CONSENT, WITHDRAWN
from trunkline.domain.outbound.models import Suppression, SystemSuppression

_LEADS = table("leads", column("business_id"), column("id"), column("consent"))

# As a claim asks about the items that it looks at.
_DIALS = text(
    """
    select wanted.phone, wanted.consent, dials.dialled_at, dials.dialled_in_all
    from unnest(cast(:phones as text[]), cast(:consents as text[])) wanted (phone, consent)
    cross join lateral (
        select coalesce(
                   (array_agg(a.created_at order by a.created_at desc)
                    filter (where a.created_at > :since))[1:50], '{}'
               ) as dialled_at,
               count(*) as dialled_in_all
        from outbound_attempts a
        where a.business_id = :business_id and a.phone = wanted.phone and a.state <> 'rejected'
    ) dials
    """
)

_NUMBER = text(
    """
    select dials.*, known.consent,
           exists (select from suppressions where business_id = :business_id and phone = :phone)
           or exists (select from system_suppressions where phone = :phone) as suppressed
    from (select cast(:phone as text) as phone) wanted
    cross join lateral (
        select wanted.phone,
               coalesce(
                   (array_agg(a.created_at order by a.created_at desc)
                    filter (where a.created_at > :since))[1:50], '{}'
               ) as dialled_at,
               count(*) as dialled_in_all
        from outbound_attempts a
        where a.business_id = :business_id and a.phone = :phone and a.state <> 'rejected'
    ) dials
    cross join lateral (
        select coalesce(
            (select consent from leads where business_id = :business_id and phone = :phone), :assumed
        ) as consent
    ) known
    """
)


def counts(
    session: Session, business_id: UUID, people: Select[Any, str, int], *, consent_required: bool
) -> Row[int, int, int]:
    """Return how many `people` there are, are `suppressed`, and of the others have `no_consent`."""
    known = _known(business_id, people, consent_required=consent_required).subquery()
    unwilling = and_(known.c.refuses, not_(known.c.suppressed))
    return session.execute(
        select(
            func.count().label("people"),
            func.count().filter(known.c.suppressed).label("suppressed"),
            func.count().filter(unwilling).label("no_consent"),
        ).select_from(known)
    ).one()


def sample(
    session: Session, business_id: UUID, people: Select[Any, str, int], *,
    consent_required: bool, most: int, since: datetime,
) -> Sequence[Row[Any]]:  # fmt: skip
    """Return some of those who may be called, chosen by nothing that matters, with their earlier dials."""
    known = _known(business_id, people, consent_required=consent_required).subquery()
    chosen = session.execute(
        select(known.c.phone, known.c.consent)
        .where(not_(known.c.suppressed), not_(known.c.refuses))
        .order_by(func.hashtextextended(known.c.phone, 0))
        .limit(most)
    ).all()
    return session.execute(
        _DIALS,
        {
            "business_id": business_id, "phones": [row.phone for row in chosen],
            "consents": [row.consent for row in chosen], "since": since,
        },
    ).all()  # fmt: skip


def number(session: Session, business_id: UUID, phone: str, *, since: datetime, assumed: str) -> Row[Any]:
    """Return what the rules ask about one number; `assumed` is the consent of somebody who is no lead."""
    return session.execute(
        _NUMBER, {"business_id": business_id, "phone": phone, "since": since, "assumed": assumed}
    ).one()


def _known(
    business_id: UUID, people: Select[Any, str, int], *, consent_required: bool
) -> Select[str, str, bool, bool]:
    """Return the query for these people's numbers, consents, and whether they are suppressed or refuse."""
    chosen = people.subquery()
    lead_id, phone, _ = chosen.c
    own = exists().where(Suppression.business_id == business_id, Suppression.phone == phone)
    everywhere = exists().where(SystemSuppression.phone == phone)
    consent: ColumnElement[str] = func.coalesce(_LEADS.c.consent, NO_CONSENT)
    refusals = [WITHDRAWN, NO_CONSENT] if consent_required else [WITHDRAWN]
    return select(
        phone.label("phone"), consent.label("consent"), or_(own, everywhere).label("suppressed"),
        consent.in_(refusals).label("refuses"),
    ).select_from(
        chosen.outerjoin(_LEADS, and_(_LEADS.c.business_id == business_id, _LEADS.c.id == lead_id))
    )  # fmt: skip
