"""People's door to tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session

from trunkline.core.access import Role
from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.domain.leads import service as leads
from trunkline.domain.people import service as people
from trunkline.domain.tasks import listing, service
from trunkline.domain.tasks.models import Task
from trunkline.domain.tasks.schemas import (
    TaskCounts,
    TaskEdit,
    TaskIn,
    TaskOut,
    TasksOut,
    TasksQuery,
)

router = APIRouter(prefix="/api/tasks", tags=["tasks"])


@router.get("")
def read_tasks(query: Annotated[TasksQuery, Query()], session: SessionDep, who: PrincipalDep) -> TasksOut:
    """Tasks that are open by when they are due, or done ones, newest first; a page at a time."""
    if query.lead_id is not None:
        leads.get_lead(session, who.business, query.lead_id)
    rows, following = listing.list_tasks(session, who.business, who.user_id, query)
    return TasksOut(tasks=_shown(session, who.business, rows), next_cursor=following)


@router.post("", status_code=201)
def create_task(body: TaskIn, session: SessionDep, who: PrincipalDep) -> TaskOut:
    """Make a task."""
    who.require(Role.AGENT)
    task = service.create_task(session, who.business, body, who)
    return _shown(session, who.business, [task])[0]


@router.get("/counts")
def count_tasks(session: SessionDep, who: PrincipalDep) -> TaskCounts:
    """How many tasks there are to be done, in all and by oneself."""
    return listing.counts(session, who.business, who.user_id)


@router.get("/{task_id}")
def read_task(task_id: UUID, session: SessionDep, who: PrincipalDep) -> TaskOut:
    """One task."""
    return _shown(session, who.business, [service.get_task(session, who.business, task_id)])[0]


@router.patch("/{task_id}")
def edit_task(task_id: UUID, body: TaskEdit, session: SessionDep, who: PrincipalDep) -> TaskOut:
    """Change what is named of a task. 409 `outdated` where somebody has changed it meanwhile."""
    who.require(Role.AGENT)
    task = service.edit_task(session, who.business, task_id, body, who)
    return _shown(session, who.business, [task])[0]


@router.delete("/{task_id}", status_code=204)
def delete_task(task_id: UUID, session: SessionDep, who: PrincipalDep) -> None:
    """Take a task away; a series ends with it."""
    who.require(Role.AGENT)
    service.delete_task(session, who.business, task_id, actor=who.email)


def _shown(session: Session, business_id: UUID, rows: Sequence[Task]) -> list[TaskOut]:
    names = leads.called(session, business_id, {row.lead_id for row in rows if row.lead_id is not None})
    members = people.users_named(
        session, business_id, {row.assignee_id for row in rows if row.assignee_id is not None}
    )
    return [
        TaskOut.model_validate(row).model_copy(
            update={
                "lead_name": None if row.lead_id is None else names.get(row.lead_id),
                "assignee_name": None if row.assignee_id is None else members[row.assignee_id].name,
            }
        )
        for row in rows
    ]
