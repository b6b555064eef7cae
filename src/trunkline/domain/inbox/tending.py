"""What no job sees to any more: messages whose worker or wake-up was lost, and sessions that have rested."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from trunkline.core.jobs import enqueue_unique
from trunkline.domain.inbox import sending
from trunkline.domain.inbox.models import Message, MessageState
from trunkline.kit import clock

OVERDUE = timedelta(seconds=30)
"""So long after its time a message's own job has had its turn. One that is active stays the only one."""
_AT_ONCE = 500


def tend_messages(session: Session, business_id: UUID) -> int:
    """See to it that each message that is due or under way has a job; return how many were looked at.

    A job that finds its message under way knows that whoever sent it is gone, and says so.
    """
    rows = session.scalars(
        select(Message)
        .where(
            Message.business_id == business_id,
            Message.state.in_((MessageState.QUEUED, MessageState.SENDING)),
            Message.due_at <= clock.now() - OVERDUE,
        )
        .order_by(Message.due_at)
        .limit(_AT_ONCE)
    ).all()  # fmt: skip
    for row in rows:
        sending.enqueue_send(row)
    return len(rows)


def have_tended() -> None:
    """Let a worker look at the messages of the business in hand, unless one is about to."""
    enqueue_unique("default", "tend_messages_of", "messages")


def have_closed() -> None:
    """Let a worker close sessions of the business in hand, unless one is about to."""
    enqueue_unique("default", "close_sessions_of", "chat sessions")
