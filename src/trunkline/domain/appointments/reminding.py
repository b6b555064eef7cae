"""Whom appointments remind: the people of the business, shortly before one begins."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from trunkline.domain.appointments.models import Appointment
from trunkline.domain.leads import service as leads
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

SOON = "appointment_soon"

_WORDS = {"en": ("Appointment", "At {time}"), "he": ("פגישה", "בשעה {time}")}


def register() -> None:
    """Have people reminded of appointments."""
    register_kind(Kind(SOON, Ways(page=True, push=True, email=False), _say, urgent=True, holds=_is_then))
    register_reminders(SOON, _coming)


def _coming(session: Session, business_id: UUID, now: datetime, until: datetime) -> Sequence[Coming]:
    rows = session.scalars(
        select(Appointment)
        .where(
            Appointment.business_id == business_id, Appointment.state == "booked",
            Appointment.starts_at > now - STILL, Appointment.starts_at <= until,
        )
        .order_by(Appointment.starts_at, Appointment.id)
    ).all()  # fmt: skip
    names = leads.called(session, business_id, {row.lead_id for row in rows if row.lead_id is not None})
    return [
        Coming(
            row.id, row.starts_at, row.arranged_at, row.starts_at + STILL, None, None,
            {
                "appointment_id": str(row.id), "note": row.note[:200],
                "lead_name": "" if row.lead_id is None else names.get(row.lead_id, ""),
            },
        )
        for row in rows
    ]  # fmt: skip


def _is_then(session: Session, business_id: UUID, facts: Facts) -> bool:
    """Return whether an appointment of which people were to be reminded is still booked for that time."""
    booked = select(Appointment.id).where(
        Appointment.business_id == business_id, Appointment.id == UUID(facts["appointment_id"]),
        Appointment.state == "booked", Appointment.starts_at == datetime.fromisoformat(facts["at"]),
    )  # fmt: skip
    return session.scalar(booked) is not None


def _say(language: str, facts: Facts, zone: str) -> Said:
    title, body = _WORDS.get(language, _WORDS["en"])
    at = datetime.fromisoformat(facts["at"]).astimezone(ZoneInfo(zone))
    named = f"{title}: {facts['lead_name']}" if facts["lead_name"] else title
    said = body.format(time=f"{at:%H:%M}")
    return Said(named, f"{said} · {facts['note']}" if facts["note"] else said, "/appointments")
