"""Reading tasks: pages of them, and how many there are to be done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, tuple_
from sqlalchemy.orm import Session

from trunkline.domain.tasks.models import OPEN, Task, TaskState
from trunkline.domain.tasks.schemas import TaskCounts, TasksQuery
from trunkline.kit import clock, cursors

MOST_COUNTED = 1_000


def list_tasks(
    session: Session, business_id: UUID, user_id: UUID, wanted: TasksQuery
) -> tuple[Sequence[Task], str | None]:
    """Return a page of tasks and the cursor of the next. Raises InvalidCursor."""
    query = select(Task).where(Task.business_id == business_id)
    if wanted.assignee is not None:
        mine = user_id if wanted.assignee == "me" else wanted.assignee
        query = query.where(Task.assignee_id.is_(None) if mine == "nobody" else Task.assignee_id == mine)
    if wanted.lead_id is not None:
        query = query.where(Task.lead_id == wanted.lead_id)
    if wanted.call_id is not None:
        query = query.where(Task.call_id == wanted.call_id)
    if wanted.state == "done":
        query = query.where(Task.state == TaskState.DONE)
        key, newest_first = tuple_(Task.done_at, Task.id), True
    else:
        query = query.where(OPEN)
        if wanted.state != "open":
            query = query.where(Task.state == wanted.state)
        if wanted.overdue:
            query = query.where(Task.sort_at <= clock.now())
        key, newest_first = tuple_(Task.sort_at, Task.id), False
    if wanted.cursor is not None:
        last = cursors.read(wanted.cursor, datetime, UUID)
        query = query.where(key < last if newest_first else key > last)
    order = (Task.done_at.desc(), Task.id.desc()) if newest_first else (Task.sort_at.asc(), Task.id.asc())
    found = session.scalars(query.order_by(*order).limit(wanted.limit + 1)).all()
    shown = found[: wanted.limit]
    if len(found) <= wanted.limit:
        return shown, None
    at = shown[-1].done_at if newest_first else shown[-1].sort_at
    assert at is not None  # what is done was done at a moment
    return shown, cursors.write(at, shown[-1].id)


def counts(session: Session, business_id: UUID, user_id: UUID) -> TaskCounts:
    """Return how many tasks there are to be done, in all and of one person, up to MOST_COUNTED each."""
    late, mine = Task.sort_at <= clock.now(), Task.assignee_id == user_id
    return TaskCounts(
        open=_count(session, business_id), overdue=_count(session, business_id, late),
        mine_open=_count(session, business_id, mine), mine_overdue=_count(session, business_id, mine, late),
    )  # fmt: skip


def _count(session: Session, business_id: UUID, *conditions: ColumnElement[bool]) -> int:
    few = select(Task.id).where(Task.business_id == business_id, OPEN, *conditions).limit(MOST_COUNTED)
    return session.scalar(select(func.count()).select_from(few.subquery())) or 0
