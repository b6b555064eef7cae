"""What of tasks people are reminded and told: which are coming, and their words for devices and letters."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from trunkline.domain.notifications.service import (
    STILL,
    Coming,
    Facts,
    Kind,
    Said,
    Ways,
    register_kind,
    register_reminders,
)
from trunkline.domain.tasks.models import OPEN, Task, TaskState
from trunkline.domain.tasks.rules import MORNING
from trunkline.domain.tasks.service import ASSIGNED
from trunkline.domain.tenants import service as tenants
from trunkline.kit.wall_clock import instant_of

DUE = "task_due"
_USUAL = Ways(page=True, push=True, email=False)

_WORDS = {
    "en": {"due": "Due at {time}", "today": "Due today", "assigned": "{by} has given you a task"},
    "he": {"due": "לביצוע עד {time}", "today": "לביצוע היום", "assigned": "קיבלת מטלה מאת {by}"},
}


def register() -> None:
    """Have people reminded of tasks, and told of those that they are given."""
    register_kind(Kind(DUE, _USUAL, _say_due, urgent=True, holds=_is_due_then))
    register_kind(Kind(ASSIGNED, _USUAL, _say_assigned))
    register_reminders(DUE, _coming)


def _coming(session: Session, business_id: UUID, now: datetime, until: datetime) -> Sequence[Coming]:
    zone = tenants.get_business(session, business_id).time_zone
    rows = session.scalars(
        select(Task)
        .where(
            Task.business_id == business_id, OPEN, Task.assignee_id.is_not(None),
            Task.sort_at > now - STILL, Task.sort_at <= until,
        )
        .order_by(Task.sort_at, Task.id)
    )  # fmt: skip
    return [_one(task, zone) for task in rows]


def _one(task: Task, zone: str) -> Coming:
    assert task.due_on is not None  # it has been sought by when it is due
    assert task.due_at is not None
    assert task.assignee_id is not None
    facts = {
        "task_id": str(task.id), "title": task.title, "day": task.due_on.isoformat(),
        "time": None if task.due_time is None else f"{task.due_time:%H:%M}",
    }  # fmt: skip
    if task.due_time is None:
        at, stale_at = instant_of(task.due_on, MORNING, ZoneInfo(zone)), task.due_at
        ahead: tuple[int, ...] | None = () if task.remind == [] else (0,)
    else:
        at, stale_at = task.due_at, task.due_at + STILL
        ahead = None if task.remind is None else tuple(task.remind)
    return Coming(task.id, at, task.due_set_at, stale_at, (task.assignee_id,), ahead, facts)


def _is_due_then(session: Session, business_id: UUID, facts: Facts) -> bool:
    """Return whether a task of which somebody was to be reminded is still to be done at that time."""
    task = session.get(Task, UUID(facts["task_id"]), populate_existing=True)
    if task is None or task.business_id != business_id or task.state == TaskState.DONE or task.due_on is None:
        return False
    zone = tenants.get_business(session, business_id).time_zone
    return _one(task, zone).at == datetime.fromisoformat(facts["at"]) if task.assignee_id else False


def _say_due(language: str, facts: Facts, zone: str) -> Said:
    words = _WORDS.get(language, _WORDS["en"])
    if facts["time"] is None:
        body = words["today"]
    else:
        at = datetime.fromisoformat(facts["at"]).astimezone(ZoneInfo(zone))
        body = words["due"].format(time=f"{at:%H:%M}")
    return Said(facts["title"], body, f"/tasks/{facts['task_id']}")


def _say_assigned(language: str, facts: Facts, zone: str) -> Said:
    words = _WORDS.get(language, _WORDS["en"])
    return Said(facts["title"], words["assigned"].format(by=facts["by"]), f"/tasks/{facts['task_id']}")
