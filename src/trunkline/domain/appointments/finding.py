"""What search finds of appointments: by what they are about, and by whom they are with."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from trunkline.core.finding import Described, Place, Source, register_source

_FACTS = text(
    """
    select a.id, a.starts_at, a.ends_at, a.state, a.note, a.lead_id, coalesce(l.name, '') as name, l.phone
    from appointments a left join leads l on l.business_id = a.business_id and l.id = a.lead_id
    where a.business_id = :business and a.id = any(cast(:ids as uuid[]))
    """
)
_OF_LEADS = text(
    """
    select created_at, id from appointments
    where business_id = :business and lead_id = any(cast(:leads as uuid[]))
      and (cast(:at as timestamptz) is null
           or (created_at, id) < (cast(:at as timestamptz), cast(:behind as uuid)))
    order by created_at desc, id desc limit :limit
    """
)


def register() -> None:
    """Let appointments be found."""
    register_source(Source("appointment", _appointments, of_leads=_of_leads))


def _appointments(session: Session, business_id: UUID, places: Sequence[Place]) -> Mapping[Place, Described]:
    rows = session.execute(_FACTS, {"business": business_id, "ids": [place.id for place in places]})
    there = {row.id: row for row in rows}
    return {
        place: Described(
            row.name, [row.note],
            {
                "starts_at": row.starts_at.isoformat(), "ends_at": row.ends_at.isoformat(),
                "state": row.state, "lead_id": str(row.lead_id) if row.lead_id else None,
                "phone": row.phone,
            },
        )
        for place in places
        if (row := there.get(place.id)) is not None
    }  # fmt: skip


def _of_leads(
    session: Session, business_id: UUID, lead_ids: Collection[UUID], behind: Place | None, limit: int
) -> Sequence[Place]:
    given = {
        "business": business_id, "leads": list(lead_ids), "limit": limit,
        "at": None if behind is None else behind.at, "behind": None if behind is None else behind.id,
    }  # fmt: skip
    return [Place(row.created_at, row.id) for row in session.execute(_OF_LEADS, given)]
