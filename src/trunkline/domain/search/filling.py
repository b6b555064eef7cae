"""Taking in rows that are older than the search: a slice in each transaction, going on where it stood.

Rows are locked while they are read, so that whoever changes one meanwhile waits and then finds it taken in.
What a trigger has taken in before is left as it is.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ColumnElement, delete, select, text
from sqlalchemy.orm import Session

from trunkline.domain.search.models import SearchFill

_AT_ONCE = 1_000

_TAKE = """
    with slice as (
        select {columns} from {table}
        where business_id = :business and id > :behind order by id limit :most for share
    ), given as ({given})
    select search_take(:kind, array_agg(cast(:business as uuid)), array_agg(at), array_agg(id),
                       array_agg(part), array_agg(said)),
           (select max(id::text) from slice) as last, (select count(*) from slice) as rows
    from given g where not exists (
        select from search_texts t where t.business_id = :business and t.kind = :kind and t.at = g.at
          and t.id = g.id and t.part = g.part)
"""
_OWN = "select id, {at} as at, 0 as part, {said} as said from slice"
_KINDS = {
    "lead": (
        "leads", "id, created_at, name, email, notes, tags",
        _OWN.format(
            at="created_at",
            said="name || ' ' || coalesce(email, '') || ' ' || coalesce(notes, '') || ' '"
            " || array_to_string(tags, ' ')",
        ),
    ),
    "note": ("lead_notes", "id, created_at, text", _OWN.format(at="created_at", said="text")),
    "list": ("lead_lists", "id, created_at, name", _OWN.format(at="created_at", said="name")),
    "call": ("calls", "id, created_at, notes", _OWN.format(at="created_at", said="notes")),
    "turn": (
        "calls", "id",
        "select e.call_id as id, e.at, e.sequence as part, case e.kind when 'agent_said' then"
        " coalesce(e.data ->> 'heard_text', e.data ->> 'text', '') else coalesce(e.data ->> 'text', '') end"
        " as said from slice s join call_events e on e.business_id = :business and e.call_id = s.id"
        " where e.kind in ('agent_said', 'caller_said')",
    ),
    "appointment": ("appointments", "id, created_at, note", _OWN.format(at="created_at", said="note")),
    "task": (
        "tasks", "id, created_at, title, text", _OWN.format(at="created_at", said="title || ' ' || text"),
    ),
    "agent": ("agents", "id, created_at, name", _OWN.format(at="created_at", said="name")),
    "knowledge": (
        "knowledge_texts", "id, saved_at, title, text",
        _OWN.format(at="saved_at", said="title || ' ' || text"),
    ),
}  # fmt: skip
_STATEMENTS = {
    kind: text(_TAKE.format(table=table, columns=columns, given=given))
    for kind, (table, columns, given) in _KINDS.items()
}


def is_behind(session: Session, business_id: UUID) -> bool:
    """Return whether there are rows yet to be taken in."""
    return bool(session.scalar(select(select(SearchFill).where(_of(business_id)).exists())))


def fill(session: Session, business_id: UUID) -> bool:
    """Take in the next slice, within the unit of work in hand. False: all is taken in."""
    standing = session.scalar(
        select(SearchFill).where(_of(business_id)).order_by(SearchFill.kind).limit(1).with_for_update()
    )
    if standing is None:
        return False
    row = session.execute(
        _STATEMENTS[standing.kind],
        {"business": business_id, "kind": standing.kind, "behind": standing.behind, "most": _AT_ONCE},
    ).one()
    if row.rows < _AT_ONCE:
        session.execute(delete(SearchFill).where(_of(business_id), SearchFill.kind == standing.kind))
    else:
        standing.behind = UUID(row.last)
    return True


def _of(business_id: UUID) -> ColumnElement[bool]:
    return SearchFill.business_id == business_id
