"""People's door to what is sent about appointments by itself."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from trunkline.core.access import Role
from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.domain.appointments import automations, calendar, channels, letters, sending
from trunkline.domain.appointments.automation_models import Moment
from trunkline.domain.appointments.automation_schemas import (
    AutomationChange,
    AutomationIn,
    AutomationOut,
    AutomationsOut,
    ChannelOut,
    SendingOut,
    SendingsOut,
    WordsOut,
)
from trunkline.domain.tenants import service as tenants

router = APIRouter(prefix="/api", tags=["appointments"])


@router.get("/appointment-automations")
def read_automations(session: SessionDep, who: PrincipalDep) -> AutomationsOut:
    """The business's automations, the channels that there are here, and the usual words."""
    language = tenants.get_business(session, who.business).language
    words = [(moment, letters.usual_words(language, moment)) for moment in Moment]
    return AutomationsOut(
        automations=[
            AutomationOut.model_validate(row) for row in automations.of_business(session, who.business)
        ],
        channels=[ChannelOut(name=name, lacks=channels.lacking(name)) for name in channels.KNOWN],
        words=[WordsOut(moment=moment, subject=subject, text=text) for moment, (subject, text) in words],
        facts=list(letters.FACTS),
    )


@router.post("/appointment-automations", status_code=201)
def make_automation(body: AutomationIn, session: SessionDep, who: PrincipalDep) -> AutomationOut:
    """Have something sent by itself; only what is due from now on. 422 `channel_unavailable`."""
    who.require(Role.ADMIN)
    return AutomationOut.model_validate(
        automations.make(session, who.business, body.model_dump(), actor=who.email)
    )


@router.patch("/appointment-automations/{automation_id}")
def change_automation(
    automation_id: UUID, body: AutomationChange, session: SessionDep, who: PrincipalDep
) -> AutomationOut:
    """Change what is named of an automation. 409 `outdated`."""
    who.require(Role.ADMIN)
    changed = automations.change(
        session, who.business, automation_id, body.said(), version=body.version, actor=who.email
    )
    return AutomationOut.model_validate(changed)


@router.delete("/appointment-automations/{automation_id}", status_code=204)
def delete_automation(automation_id: UUID, session: SessionDep, who: PrincipalDep) -> None:
    """Delete an automation, with the record of what it sent."""
    who.require(Role.ADMIN)
    automations.delete(session, who.business, automation_id, actor=who.email)


@router.get("/appointments/{appointment_id}/messages")
def read_messages(appointment_id: UUID, session: SessionDep, who: PrincipalDep) -> SendingsOut:
    """What was and will be sent about an appointment by itself."""
    calendar.get(session, who.business, appointment_id)
    rows = sending.of_appointment(session, who.business, appointment_id)
    return SendingsOut(
        sendings=[
            SendingOut(
                id=row.id, automation=name, state=row.state, reason=row.reason, due_at=row.due_at,
                done_at=row.done_at, run_id=row.run_id,
            )
            for row, name in rows
        ]
    )  # fmt: skip
