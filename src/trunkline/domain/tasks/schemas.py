"""What of tasks goes over HTTP."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from trunkline.core.times import Day
from trunkline.domain.notifications.service import MOST_AHEAD
from trunkline.domain.tasks.models import Priority, TaskState

Title = Annotated[str, Field(min_length=1, max_length=300)]
Text = Annotated[str, Field(max_length=10_000)]
Clock = Annotated[
    time, PlainSerializer(lambda at: f"{at:%H:%M}", return_type=str, when_used="json"),
    Field(description="HH:MM in the business's zone"),
]  # fmt: skip
Ahead = Annotated[list[Annotated[int, Field(ge=0, le=MOST_AHEAD)]], Field(max_length=5)]
Rule = Annotated[str, Field(max_length=200)]


class TaskIn(BaseModel):
    """A new task."""

    model_config = ConfigDict(extra="forbid")

    title: Title
    text: Text = ""
    state: TaskState = TaskState.TO_DO
    priority: Priority = Priority.NORMAL
    due_on: Day | None = None
    """The day by which it is to be done, in the business's zone."""
    due_time: Clock | None = None
    """The time on that day; null: any."""
    assignee_id: UUID | None = None
    lead_id: UUID | None = None
    call_id: UUID | None = None
    remind: Ahead | None = None
    """How many minutes before; null: as its assignee has chosen; none: not at all."""
    repeats: Rule | None = None
    """A recurrence rule of RFC 5545: FREQ daily, weekly or monthly, INTERVAL, BYDAY (weekly), UNTIL."""


class TaskEdit(BaseModel):
    """What changes of a task as it was read; what is not named stays."""

    model_config = ConfigDict(extra="forbid")

    version: int
    title: Title | None = None
    text: Text | None = None
    state: TaskState | None = None
    priority: Priority | None = None
    due_on: Day | None = None
    due_time: Clock | None = None
    assignee_id: UUID | None = None
    lead_id: UUID | None = None
    call_id: UUID | None = None
    remind: Ahead | None = None
    repeats: Rule | None = None


class TaskOut(BaseModel):
    """A task; instants are UTC, day and time of what is due are the business's."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    title: str
    text: str
    state: TaskState
    priority: Priority
    due_on: date | None
    due_time: Clock | None
    due_at: datetime | None
    """From when on it is overdue."""
    assignee_id: UUID | None
    assignee_name: str | None = None
    lead_id: UUID | None
    lead_name: str | None = None
    """Null where there is no lead; empty where the lead has no name."""
    call_id: UUID | None
    remind: list[int] | None
    repeats: str | None
    follows_id: UUID | None
    created_by: str
    created_at: datetime
    done_at: datetime | None
    version: int


class TasksOut(BaseModel):
    """A page of tasks."""

    tasks: list[TaskOut]
    next_cursor: str | None


class TaskCounts(BaseModel):
    """How many tasks there are to be done; more than a thousand are not counted."""

    open: int
    overdue: int
    mine_open: int
    mine_overdue: int


class TasksQuery(BaseModel):
    """Which tasks are wanted."""

    model_config = ConfigDict(extra="forbid")

    state: Literal["open", "todo", "doing", "done"] = "open"
    """`open`: all that are not done, by when they are due; done ones come newest first."""
    assignee: Literal["me", "nobody"] | UUID | None = None
    overdue: bool = False
    """Only those that are overdue."""
    lead_id: UUID | None = None
    call_id: UUID | None = None
    cursor: str | None = None
    limit: int = Field(50, ge=1, le=200)
