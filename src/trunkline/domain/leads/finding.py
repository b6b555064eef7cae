"""What search finds of leads: people, what was noted about them, and lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from trunkline.core.finding import Described, Place, Source, register_source
from trunkline.domain.leads import own_search
from trunkline.domain.leads.models import Lead, LeadList, LeadNote

_MOST = 1_000
# The ids as one value: joined, all leads would be read for some of them.
_WITH_NUMBER = text(
    """
    select l.created_at, l.id from leads l
    where l.business_id = :business and l.id = any(array(select id from leads_that_bear(:part, :part, :most)))
      and strpos(l.phone, :digits) > 0
      and (cast(:at as timestamptz) is null
           or (l.created_at, l.id) < (cast(:at as timestamptz), cast(:behind as uuid)))
    order by l.created_at desc, l.id desc limit :limit
    """
)


def register() -> None:
    """Let leads, notes and lists be found."""
    register_source(Source("lead", _leads, by_number=_with_number, by_address=_at_address, holds_leads=True))
    register_source(Source("note", _notes))
    register_source(Source("list", _lists))


def _leads(session: Session, business_id: UUID, places: Sequence[Place]) -> Mapping[Place, Described]:
    ids = [place.id for place in places]
    rows = session.execute(
        select(Lead.id, Lead.name, Lead.phone, Lead.email, Lead.notes, Lead.tags).where(
            Lead.business_id == business_id, Lead.id.in_(ids)
        )
    )
    there = {lead.id: lead for lead in rows}
    return {
        place: Described(
            lead.name, [lead.notes or "", lead.email or "", " ".join(lead.tags)], {"phone": lead.phone}
        )
        for place in places
        if (lead := there.get(place.id)) is not None
    }


def _with_number(
    session: Session, business_id: UUID, digits: str, behind: Place | None, limit: int
) -> Sequence[Place]:
    # In the country's own form a number begins with a nought that the stored one lacks.
    wanted = digits.lstrip("0") or digits
    at: datetime | None = None if behind is None else behind.at
    rows = session.execute(
        _WITH_NUMBER,
        {
            "business": business_id, "part": f"%{wanted}%", "digits": wanted, "most": _MOST, "at": at,
            "behind": None if behind is None else behind.id, "limit": limit,
        },
    )  # fmt: skip
    return [Place(row.created_at, row.id) for row in rows]


def _at_address(session: Session, business_id: UUID, typed: str) -> Place | None:
    lead_id = own_search.whose_address(session, business_id, typed)
    if lead_id is None:
        return None
    made = session.scalar(select(Lead.created_at).where(Lead.business_id == business_id, Lead.id == lead_id))
    return None if made is None else Place(made, lead_id)


def _notes(session: Session, business_id: UUID, places: Sequence[Place]) -> Mapping[Place, Described]:
    ids = [place.id for place in places]
    rows = session.execute(
        select(LeadNote.id, LeadNote.text, LeadNote.lead_id, Lead.name, Lead.phone)
        .join(Lead, (Lead.business_id == LeadNote.business_id) & (Lead.id == LeadNote.lead_id))
        .where(LeadNote.business_id == business_id, LeadNote.id.in_(ids))
    )
    there = {row.id: row for row in rows}
    return {
        place: Described(row.name, [row.text], {"lead_id": str(row.lead_id), "phone": row.phone})
        for place in places
        if (row := there.get(place.id)) is not None
    }


def _lists(session: Session, business_id: UUID, places: Sequence[Place]) -> Mapping[Place, Described]:
    ids = [place.id for place in places]
    rows = session.execute(
        select(LeadList.id, LeadList.name).where(LeadList.business_id == business_id, LeadList.id.in_(ids))
    )
    there = {row.id: row.name for row in rows}
    return {place: Described(there[place.id]) for place in places if place.id in there}
