"""People of a business and their tasks, made by the public verbs."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from support.world import PASSWORD, World
from trunkline.core.access import Principal, Role
from trunkline.core.db import unit_of_work
from trunkline.domain.notifications.models import Notification, Sending
from trunkline.domain.people import service as people
from trunkline.domain.tasks import service as tasks
from trunkline.domain.tasks.models import Task
from trunkline.domain.tasks.schemas import TaskEdit, TaskIn
from trunkline.domain.tenants import service as tenants


def owner_of(world: World) -> Principal:
    """Return a business's owner, as somebody who has signed in."""
    with unit_of_work(world.scope) as session:
        user = people.user_of(session, world.business_id, world.email)
        assert user is not None
        return Principal(user.id, user.email, user.name, user.language, Role.OWNER, world.business_id, False)


def colleague(world: World, name: str, role: Role = Role.AGENT, *, language: str = "en") -> UUID:
    """Let somebody else work in a business."""
    with unit_of_work(world.scope) as session:
        return people.create_user(
            session, business_id=world.business_id, email=f"{name.lower()}@{world.email.split('@')[1]}",
            name=name, password=PASSWORD, role=role, language=language, actor="test",
        ).id  # fmt: skip


def in_zone(world: World, zone: str) -> None:
    """Let a business be somewhere."""
    with unit_of_work(world.scope) as session:
        tenants.change_business(session, world.business_id, {"time_zone": zone}, actor="test")


def task(world: World, title: str = "Call back", **wish: Any) -> Task:
    """Make a task; it is the owner's unless it is said whose."""
    who = owner_of(world)
    with unit_of_work(world.scope) as session:
        return tasks.create_task(
            session, world.business_id, TaskIn(title=title, **{"assignee_id": who.user_id, **wish}), who
        )


def edit(world: World, one: Task, **changes: Any) -> Task:
    """Change a task as it stands."""
    with unit_of_work(world.scope) as session:
        now = tasks.get_task(session, world.business_id, one.id)
        return tasks.edit_task(
            session, world.business_id, one.id, TaskEdit(version=now.version, **changes), owner_of_row(world)
        )


def owner_of_row(world: World) -> Principal:
    """Return the owner without a transaction of its own, for those who are in one."""
    return Principal(UUID(int=0), world.email, "Owner", "en", Role.OWNER, world.business_id, False)


def told(world: World) -> list[Notification]:
    """Return everything that a business's people were told, in its order."""
    with unit_of_work(world.scope) as session:
        return list(session.scalars(select(Notification).order_by(Notification.created_at, Notification.id)))


def sendings(world: World) -> list[Sending]:
    """Return what went or is to go out of the page."""
    with unit_of_work(world.scope) as session:
        return list(session.scalars(select(Sending).order_by(Sending.id)))


def local(zone: str, *moment: int) -> datetime:
    """Return an instant by the wall clock of a zone."""
    return datetime(*moment, tzinfo=ZoneInfo(zone))  # type: ignore[misc,arg-type]
