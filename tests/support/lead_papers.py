"""What hangs on leads beside their rows: a webhook, a file on a note, an export, and rules that move them."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from sqlalchemy import select

from support.world import World
from trunkline.core.access import Principal
from trunkline.core.db import unit_of_work
from trunkline.core.storage import installed_storage
from trunkline.domain.leads import (
    attachments,
    automatic,
    exports,
    intake,
    note_files,
    statuses,
    webhooks,
)
from trunkline.domain.leads.automatic import Habit, Outcome
from trunkline.domain.leads.file_models import ExportState
from trunkline.domain.leads.models import Lead
from trunkline.domain.leads.schemas import LeadConditions
from trunkline.kit import clock
from trunkline.kit.ids import new_id


@dataclass(frozen=True, slots=True)
class Papers:
    """Their ids, and the secret by which leads come in."""

    webhook_id: UUID
    secret: str
    file_id: UUID
    waiting_export_id: UUID
    export_id: UUID
    """The file of this one is written."""


def leave_papers(world: World, who: Principal, lead_id: UUID, note_id: UUID) -> Papers:
    """Let a business have one of each."""
    file = attachments.attach(who, lead_id, note_id, io.BytesIO(b"A plan."), name="plan.txt")
    with unit_of_work(world.scope) as session:
        status_id = str(statuses.of_business(session, world.business_id).rows[1].id)
        facts = {"name": "Website", "tags": ["web"], "status_id": UUID(status_id), "list_id": world.list_id}
        webhook, secret = webhooks.make(session, world.business_id, facts, actor="test")
        waiting = exports.begin(
            session, world.business_id, LeadConditions(), shape="csv", language="en", actor="test"
        )
    with unit_of_work(world.scope) as session:
        sent = intake.Sent(b'{"name": "Nobody"}', authorization=f"Bearer {secret}")
        assert intake.deliver(session, world.business_id, webhook.id, sent).status == 422
    let_calls_move(world)
    return Papers(webhook.id, secret, file.id, waiting.id, leave_ready_export(world))


def let_calls_move(world: World) -> None:
    """Let whoever declines in a call go to Lost."""
    with unit_of_work(world.scope) as session:
        lost = next(
            row for row in statuses.of_business(session, world.business_id).rows if row.name == "Lost"
        )
        habit = Habit(is_on=True, rules={"declined": lost.id})
        automatic.keep_habit(session, world.business_id, habit, actor="test")


def a_refusal(lead_id: UUID, call_id: UUID) -> dict[str, Any]:
    """Return what the job is told of a call in which a lead declined, some time from now."""
    outcome = Outcome(
        call_id, lead_id, "declined", is_booked=False, was_answered=True, confidence=1.0,
        ended_at=clock.now() + timedelta(days=3_000),
    )  # fmt: skip
    return automatic.written(outcome)


def first_lead(world: World) -> UUID:
    """Return the lead of a business's first number."""
    with unit_of_work(world.scope) as session:
        return session.scalars(
            select(Lead.id).where(Lead.business_id == world.business_id, Lead.phone == world.phones[0])
        ).one()


def leave_bytes(world: World) -> UUID:
    """Leave a file's bytes that no row names."""
    file_id = new_id()
    note_files.store(world.business_id, file_id, io.BytesIO(b"A plan."))
    return file_id


def leave_ready_export(world: World) -> UUID:
    """Leave an export whose file is written."""
    with unit_of_work(world.scope) as session, TemporaryDirectory() as folder:
        export = exports.begin(
            session, world.business_id, LeadConditions(), shape="csv", language="en", actor="test"
        )
        file = Path(folder) / export.id.hex
        file.write_bytes(b"phone\r\n")
        installed_storage().take(file, exports.key_of(export))
        assert exports.change(session, world.business_id, export.id, ExportState.READY)
        return export.id
