"""What search finds of the inbox: what was written in conversations, and conversations with whom it finds."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import any_, literal, select, text, tuple_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.orm import Session

from trunkline.core.finding import Described, Place, Source, register_source
from trunkline.domain.inbox.models import Conversation

_MESSAGES = text(
    """
    select m.id, m.text, m.direction, m.kind, m.conversation_id, c.address, c.lead_id,
           coalesce(nullif(l.name, ''), c.name) as name
    from messages m
    join conversations c on c.business_id = m.business_id and c.id = m.conversation_id
    left join leads l on l.business_id = c.business_id and l.id = c.lead_id
    where m.business_id = :business and m.id = any(cast(:ids as uuid[]))
    """
)
_CONVERSATIONS = text(
    """
    select c.id, c.address, c.lead_id, c.state, c.last_text, coalesce(nullif(l.name, ''), c.name) as name
    from conversations c left join leads l on l.business_id = c.business_id and l.id = c.lead_id
    where c.business_id = :business and c.id = any(cast(:ids as uuid[]))
    """
)


def register() -> None:
    """Let conversations and what was written in them be found."""
    register_source(Source("conversation", _conversations, of_leads=_of_leads))
    register_source(Source("message", _messages))


def _messages(session: Session, business_id: UUID, places: Sequence[Place]) -> Mapping[Place, Described]:
    rows = session.execute(_MESSAGES, {"business": business_id, "ids": [place.id for place in places]})
    there = {row.id: row for row in rows}
    return {
        place: Described(
            row.name, [row.text],
            {
                "conversation_id": str(row.conversation_id), "direction": row.direction,
                "message_kind": row.kind, "phone": row.address,
                "lead_id": str(row.lead_id) if row.lead_id else None,
            },
        )
        for place in places
        if (row := there.get(place.id)) is not None
    }  # fmt: skip


def _conversations(session: Session, business_id: UUID, places: Sequence[Place]) -> Mapping[Place, Described]:
    rows = session.execute(_CONVERSATIONS, {"business": business_id, "ids": [place.id for place in places]})
    there = {row.id: row for row in rows}
    return {
        place: Described(
            row.name, [row.last_text],
            {
                "phone": row.address, "state": row.state,
                "lead_id": str(row.lead_id) if row.lead_id else None,
            },
        )
        for place in places
        if (row := there.get(place.id)) is not None
    }  # fmt: skip


def _of_leads(
    session: Session, business_id: UUID, lead_ids: Collection[UUID], behind: Place | None, limit: int
) -> Sequence[Place]:
    query = select(Conversation.last_at, Conversation.id).where(
        Conversation.business_id == business_id,
        Conversation.lead_id == any_(literal(list(lead_ids), ARRAY(PG_UUID(as_uuid=True)))),
    )
    if behind is not None:
        query = query.where(tuple_(Conversation.last_at, Conversation.id) < (behind.at, behind.id))
    rows = session.execute(query.order_by(Conversation.last_at.desc(), Conversation.id.desc()).limit(limit))
    return [Place(row.last_at, row.id) for row in rows]
