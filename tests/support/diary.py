"""Appointments that stand in a business's first calendar, for tests that are about something else."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from trunkline.domain.appointments import calendars
from trunkline.domain.appointments.models import Appointment
from trunkline.domain.appointments.rules import next_weekday
from trunkline.domain.tenants import service as tenants
from trunkline.kit import clock


def note_down(
    session: Session, business_id: UUID, starts_at: datetime, ends_at: datetime, **more: Any
) -> Appointment:
    """Write an appointment, whatever the hours are."""
    calendar = calendars.default(session, tenants.get_business(session, business_id))
    row = Appointment(
        business_id=business_id, calendar_id=calendar.id, starts_at=starts_at, ends_at=ends_at,
        held_from=starts_at, held_until=ends_at, **more,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def coming(weekday: str) -> date:
    """Return the next such day after today."""
    return next_weekday(weekday, today=clock.now().astimezone(UTC).date())
