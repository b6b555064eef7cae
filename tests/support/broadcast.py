"""Broadcasts of a business: one that has not begun, and one that goes on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.domain.broadcasts import service
from trunkline.domain.broadcasts.options import BroadcastOptions, Wording
from trunkline.domain.leads.selection import Whom
from trunkline.kit import clock


@dataclass(frozen=True, slots=True)
class Broadcasts:
    """Their ids."""

    running_id: UUID
    """It is to write to the business's list; no worker has taken it up."""
    later_id: UUID
    """It is to start by itself at `starts_at`."""
    starts_at: str


def broadcast_options(account_id: UUID, template: str = "hello") -> BroadcastOptions:
    """Return the options of one that says a template with one variable, as fast as it goes."""
    wording = Wording(template=template, language="en", body=["{phone}"])
    return BroadcastOptions(account_id=account_id, wording=wording, pause_least_s=0, pause_most_s=0)


def leave_broadcasts(world: World, account_id: UUID, lead_id: UUID) -> Broadcasts:
    """Let a business have both; the template `hello` is listed."""
    options = broadcast_options(account_id)
    with unit_of_work(world.scope) as session:
        running = service.create_broadcast(
            session, world.business_id, title="News", options=options, whom=Whom(world.list_id), actor="test"
        )
        service.start_broadcast(session, world.business_id, running.id, actor="test")
        later = service.create_broadcast(
            session, world.business_id, title="Later", options=options, whom=Whom(lead_ids=[lead_id]),
            actor="test",
        )  # fmt: skip
        starts_at = clock.now() + timedelta(minutes=30)
        service.schedule_broadcast(session, world.business_id, later.id, starts_at=starts_at, actor="test")
    return Broadcasts(running.id, later.id, starts_at.isoformat())
