"""Calls of automations that wait for calling hours: nobody is rung about what is not any more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from dialling.staging import ListeningCarrier
from support.installation import Installation
from support.world import World
from trunkline.core.db import SYSTEM, unit_of_work
from trunkline.core.jobs import enqueue_job
from trunkline.domain.appointments import automations, booking, calendar
from trunkline.domain.appointments.automation_models import Automation
from trunkline.domain.appointments.schemas import AppointmentIn, AppointmentMove
from trunkline.domain.leads.models import Lead
from trunkline.domain.outbound.models import OutboundAttempt, OutboundItem
from trunkline.domain.tenants import service as tenants
from trunkline.kit import clock

NOON = datetime(2099, 1, 16, 17, tzinfo=UTC)
"""When the appointment is, in New York."""
EVENING, MORNING = NOON - timedelta(hours=14), NOON - timedelta(hours=3)
"""Outside of calling hours, and within them."""
HALF_AN_HOUR = timedelta(minutes=30)

Act = Callable[[Session, World, UUID], object]


def cancel(session: Session, world: World, appointment_id: UUID) -> None:
    row = booking.locked(session, world.business_id, appointment_id, version=None)
    booking.cancel(session, row, actor="test")


def move(session: Session, world: World, appointment_id: UUID) -> None:
    later = NOON + timedelta(days=7)
    wish = AppointmentMove(starts_at=later, ends_at=later + HALF_AN_HOUR, version=1, outside_hours=True)
    calendar.move(
        session, tenants.get_business(session, world.business_id), appointment_id, wish, actor="test"
    )


def switch_off(session: Session, world: World, _: UUID) -> None:
    session.query(Automation).filter_by(business_id=world.business_id).one().active = False


def delete(session: Session, world: World, _: UUID) -> None:
    row = session.query(Automation).filter_by(business_id=world.business_id).one()
    automations.delete(session, world.business_id, row.id, actor="test")


def nothing(session: Session, world: World, appointment_id: UUID) -> None:
    pass


@pytest.mark.parametrize(
    ("act", "rings"), [(nothing, True), (cancel, False), (move, False), (switch_off, False), (delete, False)]
)
def test_a_reminder_that_waits_rings_only_about_an_appointment_that_still_is(
    acme: World, carrier: ListeningCarrier, installation: Installation, act: Act, rings: bool
) -> None:
    appointment_id = reminded_by_a_call(acme)
    with clock.frozen_at(EVENING):
        with unit_of_work(SYSTEM):
            enqueue_job("default", "appointment_automations")
        installation.run_jobs()
        assert carrier.orders == []
        with unit_of_work(acme.scope) as session:
            act(session, acme, appointment_id)
    with clock.frozen_at(MORNING):
        with unit_of_work(acme.scope):
            enqueue_job("high", "dial_next")
        installation.run_jobs()
    assert [order.to for order in carrier.orders] == ([acme.phones[0]] if rings else [])
    with unit_of_work(acme.scope) as session:
        (item,) = session.scalars(select(OutboundItem)).all()
        (attempt,) = session.scalars(select(OutboundAttempt)).all()
        stands = (item.state, item.disposition, item.attempts_used)
        assert stands == (("dialling", None, 1) if rings else ("cancelled", "cause_gone", 0))
        assert attempt.state == ("placed" if rings else "rejected")


def reminded_by_a_call(world: World) -> UUID:
    """Book for the first lead, whom an automation calls fourteen hours before."""
    with clock.frozen_at(NOON - timedelta(days=10)), unit_of_work(world.scope) as session:
        business = tenants.get_business(session, world.business_id)
        business.calling_window = {"from": "08:00", "to": "21:00"}
        automations.make(
            session, world.business_id,
            {
                "name": "Told", "moment": "before", "amount": 14, "unit": "hours", "channel": "call",
                "agent_id": world.agent_id, "from_number": world.number,
            },
            actor="test",
        )  # fmt: skip
        lead = session.query(Lead).filter_by(phone=world.phones[0]).one()
        wish = AppointmentIn(starts_at=NOON, ends_at=NOON + HALF_AN_HOUR, lead_id=lead.id, outside_hours=True)
        return calendar.arrange(session, business, wish, actor="test").id
