"""What search finds of tasks: by what is to be done, and by whom it is about."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import select, text, tuple_
from sqlalchemy.orm import Session

from trunkline.core.finding import Described, Place, Source, register_source
from trunkline.domain.tasks.models import Task

_FACTS = text(
    """
    select t.id, t.title, t.text, t.state, t.due_at, t.lead_id, coalesce(l.name, '') as lead_name
    from tasks t left join leads l on l.business_id = t.business_id and l.id = t.lead_id
    where t.business_id = :business and t.id = any(cast(:ids as uuid[]))
    """
)


def register() -> None:
    """Let tasks be found."""
    register_source(Source("task", _tasks, of_leads=_of_leads))


def _tasks(session: Session, business_id: UUID, places: Sequence[Place]) -> Mapping[Place, Described]:
    rows = session.execute(_FACTS, {"business": business_id, "ids": [place.id for place in places]})
    there = {row.id: row for row in rows}
    return {
        place: Described(
            row.title, [row.text],
            {
                "state": row.state, "due_at": row.due_at.isoformat() if row.due_at else None,
                "lead_id": str(row.lead_id) if row.lead_id else None, "lead_name": row.lead_name,
            },
        )
        for place in places
        if (row := there.get(place.id)) is not None
    }  # fmt: skip


def _of_leads(
    session: Session, business_id: UUID, lead_ids: Collection[UUID], behind: Place | None, limit: int
) -> Sequence[Place]:
    query = select(Task.created_at, Task.id).where(
        Task.business_id == business_id, Task.lead_id.in_(list(lead_ids))
    )
    if behind is not None:
        query = query.where(tuple_(Task.created_at, Task.id) < (behind.at, behind.id))
    rows = session.execute(query.order_by(Task.created_at.desc(), Task.id.desc()).limit(limit))
    return [Place(row.created_at, row.id) for row in rows]
