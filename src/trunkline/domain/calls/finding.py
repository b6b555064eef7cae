"""What search finds of calls: by what people wrote about them, by number, by whom they were with, and each
turn that was spoken in them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, and_, any_, literal, or_, select, text, tuple_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.orm import Session

from trunkline.core.finding import Described, Place, Source, register_source
from trunkline.domain.calls.models import Call

_CALLS = text(
    """
    select c.id, c.direction, c.theirs, c.state, c.disposition, c.lead_id, c.notes,
           coalesce(l.name, '') as name
    from calls c left join leads l on l.business_id = c.business_id and l.id = c.lead_id
    where c.business_id = :business and c.id = any(cast(:ids as uuid[]))
    """
)
# A turn is written when it is over: it began when the one before it was.
_TURNS = text(
    """
    select c.id, c.direction, c.theirs, c.state, c.disposition, c.lead_id, coalesce(l.name, '') as name,
           p.part, e.kind,
           coalesce(case when e.kind = 'agent_said' then e.data ->> 'heard_text' end,
                    e.data ->> 'text', '') as said,
           extract(epoch from coalesce(before.at, e.at) - c.answered_at)::float8 as seconds
    from unnest(cast(:ids as uuid[]), cast(:parts as int[])) p (id, part)
    join call_events e on e.business_id = :business and e.call_id = p.id and e.sequence = p.part
    join calls c on c.business_id = :business and c.id = p.id
    left join leads l on l.business_id = c.business_id and l.id = c.lead_id
    left join lateral (
        select at from call_events b
        where b.business_id = :business and b.call_id = p.id and b.sequence < p.part
          and b.kind in ('agent_said', 'caller_said', 'started')
        order by b.sequence desc limit 1) before on true
    """
)


def register() -> None:
    """Let calls and what was said in them be found."""
    register_source(Source("call", _calls, by_number=_with_number, of_leads=_of_leads))
    register_source(Source("turn", _turns))


def _data(call: RowMapping) -> dict[str, object]:
    lead_id = call["lead_id"]
    return {
        "direction": call["direction"], "phone": call["theirs"], "state": call["state"],
        "disposition": call["disposition"], "lead_id": str(lead_id) if lead_id else None,
    }  # fmt: skip


def _calls(session: Session, business_id: UUID, places: Sequence[Place]) -> Mapping[Place, Described]:
    ids = [place.id for place in places]
    rows = session.execute(_CALLS, {"business": business_id, "ids": ids}).mappings()
    there = {row["id"]: row for row in rows}
    return {
        place: Described(call["name"], [call["notes"]], _data(call))
        for place in places
        if (call := there.get(place.id)) is not None
    }


def _turns(session: Session, business_id: UUID, places: Sequence[Place]) -> Mapping[Place, Described]:
    ids, parts = [place.id for place in places], [place.part for place in places]
    rows = session.execute(_TURNS, {"business": business_id, "ids": ids, "parts": parts}).mappings()
    there = {(row["id"], row["part"]): row for row in rows}
    found: dict[Place, Described] = {}
    for place in places:
        row = there.get((place.id, place.part))
        if row is None:
            continue
        who = "agent" if row["kind"] == "agent_said" else "caller"
        seconds = None if row["seconds"] is None else max(0.0, round(row["seconds"], 1))
        data = {**_data(row), "who": who, "seconds": seconds}
        found[place] = Described(row["name"], [row["said"]], data)
    return found


def _page(
    session: Session, business_id: UUID, condition: ColumnElement[bool], behind: Place | None, limit: int
) -> Sequence[Place]:
    query = select(Call.created_at, Call.id).where(Call.business_id == business_id, condition)
    if behind is not None:
        query = query.where(tuple_(Call.created_at, Call.id) < (behind.at, behind.id))
    rows = session.execute(query.order_by(Call.created_at.desc(), Call.id.desc()).limit(limit))
    return [Place(row.created_at, row.id) for row in rows]


def _with_number(
    session: Session, business_id: UUID, digits: str, behind: Place | None, limit: int
) -> Sequence[Place]:
    """Numbers that begin or end so: within a number nothing is found, for that would read the whole log."""
    own = digits.lstrip("0") or digits
    begins = and_(Call.theirs.op("~>=~")(f"+{digits}"), Call.theirs.op("~<~")(f"+{digits}\U0010ffff"))
    backwards = own[::-1]
    ends = and_(
        Call.theirs_reversed.op("~>=~")(backwards), Call.theirs_reversed.op("~<~")(f"{backwards}\U0010ffff")
    )
    return _page(session, business_id, or_(begins, ends), behind, limit)


def _of_leads(
    session: Session, business_id: UUID, lead_ids: Collection[UUID], behind: Place | None, limit: int
) -> Sequence[Place]:
    of_them = Call.lead_id == any_(literal(list(lead_ids), ARRAY(PG_UUID(as_uuid=True))))
    return _page(session, business_id, of_them, behind, limit)
