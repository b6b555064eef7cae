"""The AI agent's door to appointments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel
from sqlalchemy.orm import Session

from trunkline.core.toolbox import ToolCaller, tool
from trunkline.domain.appointments import service
from trunkline.domain.leads import service as leads
from trunkline.domain.tenants import service as tenants

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class DayWish(BaseModel):
    """A weekday in the coming seven days."""

    weekday: Weekday


class SlotWish(DayWish):
    """A weekday and a local time."""

    time: time


@tool("find_free_slots", description="List the free times of the next such weekday.", arguments=DayWish)
def find_free_slots(session: Session, caller: ToolCaller, wish: DayWish) -> Mapping[str, Any]:
    """Say what is free; the prompt is never trusted to know."""
    business = tenants.get_business(session, caller.business_id)
    return {"free": [f"{slot:%H:%M}" for slot in service.free_slots(session, business, weekday=wish.weekday)]}


@tool("book_appointment", description="Book a weekday and time for the caller.", arguments=SlotWish)
def book_appointment(session: Session, caller: ToolCaller, wish: SlotWish) -> Mapping[str, Any]:
    """Book for the person on the line."""
    business = tenants.get_business(session, caller.business_id)
    appointment = service.book(
        session,
        business,
        lead_id=_lead_of(session, caller),
        call_id=caller.call_id,
        weekday=wish.weekday,
        at=wish.time,
        actor=f"agent:{caller.agent_id}",
    )
    local = appointment.starts_at.astimezone(ZoneInfo(business.time_zone))
    return {"appointment_id": str(appointment.id), "starts_at_local": local.isoformat()}


def _lead_of(session: Session, caller: ToolCaller) -> UUID | None:
    """Return the lead on the line; None: they have no number to be known by, so the call alone tells."""
    if caller.lead_id is not None or caller.phone is None:
        return caller.lead_id
    return leads.lead_of_caller(session, caller.business_id, caller.phone)
