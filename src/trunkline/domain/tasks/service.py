"""The verbs of tasks: making, changing and doing them; one that comes again is followed by the next."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from trunkline.core.access import Principal
from trunkline.core.errors import InvalidInput, NotFound, Outdated
from trunkline.core.events import announce
from trunkline.domain.calls import service as calls
from trunkline.domain.leads import service as leads
from trunkline.domain.notifications import service as notifications
from trunkline.domain.people import service as people
from trunkline.domain.tasks.models import OPEN, Task, TaskState
from trunkline.domain.tasks.rules import due_instant, following, read_rule
from trunkline.domain.tasks.schemas import TaskEdit, TaskIn
from trunkline.domain.tenants import service as tenants
from trunkline.kit import clock

ASSIGNED = "task_assigned"
_DAY = timedelta(days=1)
_NOT_EMPTY = ("title", "text", "state", "priority")
_COPIED = (
    "title", "text", "priority", "due_time", "assignee_id", "lead_id", "remind", "repeats", "repeats_from",
    "created_by",
)  # fmt: skip
"""What the next of a series has of the one before; the call is what the first alone came from."""


def create_task(session: Session, business_id: UUID, wish: TaskIn, who: Principal) -> Task:
    """Make a task. Raises NotFound for others' people, leads and calls, InvalidInput."""
    task = Task(business_id=business_id, created_by=who.email, version=1)
    _write(session, task, wish.model_dump())
    session.add(task)
    session.flush()
    announce("task.created", subject_id=task.id, actor=who.email, lead_id=_text(task.lead_id))
    _tell_assignee(session, task, who, before=None)
    return task


def get_task(session: Session, business_id: UUID, task_id: UUID, *, lock: bool = False) -> Task:
    """Return a task. Raises NotFound."""
    query = select(Task).where(Task.business_id == business_id, Task.id == task_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    task = session.scalar(query)
    if task is None:
        raise NotFound("There is no such task.")
    return task


def edit_task(session: Session, business_id: UUID, task_id: UUID, edit: TaskEdit, who: Principal) -> Task:
    """Change what is named of a task; done, it is followed by the next of its series.

    Raises NotFound, Outdated, InvalidInput.
    """
    task = get_task(session, business_id, task_id, lock=True)
    if task.version != edit.version:
        raise Outdated(version=task.version)
    changes = edit.model_dump(include=edit.model_fields_set - {"version"})
    for name in _NOT_EMPTY:
        if name in changes and changes[name] is None:
            raise InvalidInput(f"{name} cannot be empty.", reason="empty", field=name)
    state, assignee = task.state, task.assignee_id
    _write(session, task, changes)
    task.version += 1
    session.flush()
    announce(
        "task.changed", subject_id=task.id, actor=who.email, fields=sorted(changes), state=task.state,
        lead_id=_text(task.lead_id),
    )  # fmt: skip
    _tell_assignee(session, task, who, before=assignee)
    if task.state == TaskState.DONE and state != TaskState.DONE:
        _follow(session, task, actor=who.email)
    return task


def delete_task(session: Session, business_id: UUID, task_id: UUID, *, actor: str) -> None:
    """Take a task away; a series ends with it. Raises NotFound."""
    task = get_task(session, business_id, task_id, lock=True)
    session.delete(task)
    announce("task.deleted", subject_id=task_id, actor=actor, lead_id=_text(task.lead_id))


def count_overdue(session: Session, business_id: UUID, *, most: int) -> int:
    """Return how many open tasks of a business are overdue, up to so many."""
    few = (
        select(Task.id).where(Task.business_id == business_id, OPEN, Task.sort_at <= clock.now()).limit(most)
    )
    return session.scalar(select(func.count()).select_from(few.subquery())) or 0


def rezone(session: Session, business_id: UUID, *, after: UUID | None, limit: int) -> UUID | None:
    """Have open tasks be due by the business's zone of now. Returns behind which to go on; None: done."""
    zone = tenants.get_business(session, business_id).time_zone
    query = select(Task).where(
        Task.business_id == business_id, Task.state != TaskState.DONE, Task.due_on.is_not(None)
    )
    if after is not None:
        query = query.where(Task.id > after)
    rows = session.scalars(query.order_by(Task.id).limit(limit).with_for_update()).all()
    for task in rows:
        assert task.due_on is not None
        task.due_at = due_instant(task.due_on, task.due_time, zone)
    return rows[-1].id if len(rows) == limit else None


def _write(session: Session, task: Task, changes: dict[str, Any]) -> None:
    """Put values into a task, once those that name something name something of the business."""
    business = tenants.get_business(session, task.business_id)
    assignee, lead, call = (changes.get(name) for name in ("assignee_id", "lead_id", "call_id"))
    if assignee is not None and not people.users_named(session, business.id, [assignee]):
        raise NotFound("There is no such person.")
    if lead is not None:
        leads.get_lead(session, business.id, lead)
    if call is not None:
        calls.get_call(session, business.id, call)
    rule = changes.get("repeats")
    if rule is not None:
        changes = changes | {"repeats": str(read_rule(rule))}
    for name, value in changes.items():
        setattr(task, name, value)
    if changes.keys() & {"due_on", "due_time"}:
        _set_due(task, business.time_zone)
    if task.repeats is not None and task.due_on is None:
        raise InvalidInput("A task that comes again is due on a day.", reason="repeats_without_day")
    if task.repeats is None:
        task.repeats_from = None
    elif changes.keys() & {"repeats", "due_on"} or task.repeats_from is None:
        task.repeats_from = task.due_on
    if "state" in changes:
        task.done_at = clock.now() if task.state == TaskState.DONE else None


def _set_due(task: Task, zone: str) -> None:
    if task.due_on is None:
        if task.due_time is not None:
            raise InvalidInput("A time is one of a day.", reason="time_without_day")
        task.due_at = None
        return
    due_at = due_instant(task.due_on, task.due_time, zone)
    if due_at != task.due_at:
        task.due_at, task.due_set_at = due_at, clock.now()


def _follow(session: Session, task: Task, *, actor: str) -> None:
    """Make the next of a series on its first day that is not over; once, however often it is done."""
    if task.repeats is None or task.due_on is None or task.repeats_from is None:
        return
    known = select(Task.id).where(Task.business_id == task.business_id, Task.follows_id == task.id)
    if session.scalar(known) is not None:
        return
    zone = tenants.get_business(session, task.business_id).time_zone
    yesterday: date = clock.now().astimezone(ZoneInfo(zone)).date() - _DAY
    day = following(read_rule(task.repeats), first=task.repeats_from, after=max(task.due_on, yesterday))
    if day is None:
        return
    next_one = Task(
        business_id=task.business_id, follows_id=task.id, due_on=day,
        due_at=due_instant(day, task.due_time, zone), due_set_at=clock.now(),
        **{name: getattr(task, name) for name in _COPIED},
    )  # fmt: skip
    session.add(next_one)
    session.flush()
    announce("task.created", subject_id=next_one.id, actor=actor, lead_id=_text(next_one.lead_id))


def _tell_assignee(session: Session, task: Task, who: Principal, *, before: UUID | None) -> None:
    """Tell somebody that a task is theirs now, unless they made it so themselves."""
    if task.assignee_id is None or task.assignee_id in {before, who.user_id} or task.state == TaskState.DONE:
        return
    facts = {"task_id": str(task.id), "title": task.title, "by": who.name or who.email}
    notifications.notify(
        session, task.business_id, [task.assignee_id], ASSIGNED, facts,
        f"{ASSIGNED}:{task.id}:{task.version}", about=f"task:{task.id}",
    )  # fmt: skip


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)
