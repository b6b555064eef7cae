"""What a business's agent has made of its written conversations."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from support.inbox import take, written
from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.domain.inbox import closing, conversations, sessions
from trunkline.domain.inbox.models import CloseReason, Conversation
from trunkline.domain.inbox.reading import Made
from trunkline.kit import clock


def settle_reading(world: World, account_id: UUID, *, phone: str) -> UUID:
    """Close a session of which something waits for a person, and return its id."""
    take(world, account_id, written("A visit for two", phone=phone))
    with unit_of_work(world.scope) as session:
        its_id = session.scalars(select(Conversation.id).where(Conversation.address == phone)).one()
        row = conversations.get_conversation(session, world.business_id, its_id, lock=True)
        closed = sessions.close(session, row, reason=CloseReason.PERSON, now=clock.now(), actor="test")
        assert closed is not None
        made = Made(summary="Wanted a visit.", status="Won", confidence=0.5)
        closing.finish(session, world.business_id, closed.id, made)
        return closed.id


UNANSWERED = (
    "delete from messages where direction = 'out' and business_id = %s",
    "update messages set created_at = created_at - interval '1 minute' where business_id = %s",
    "update conversations set ai_mode = 'on' where business_id = %s",
)
"""Statements that leave what came in to the agent."""
UNREAD = "update chat_sessions set analysed_at = null, analysis_state = null where business_id = %s"
"""One that leaves closed sessions to be read."""
