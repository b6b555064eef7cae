"""Calls that a person has asked for: "call me at five".

In a call of a run, the lead itself waits until then and goes before the others, without counting as
another try. In a call that came in, or in writing, a run of one lead is made for it. Either way it is an
ordinary dial: hours, suppression and fence hold for it as for any.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from trunkline.core.errors import InvalidInput
from trunkline.core.events import announce
from trunkline.domain.calls import service as calls
from trunkline.domain.leads import service as leads
from trunkline.domain.leads.selection import Whom
from trunkline.domain.outbound import run_store, service, store
from trunkline.domain.outbound.models import BEGUN_ITEM_STATES, OutboundItem
from trunkline.domain.outbound.options import RunOptions
from trunkline.domain.tenants import service as tenants
from trunkline.kit import clock
from trunkline.kit.phone import zones_of

_FURTHEST = timedelta(days=60)
_TITLE = {"en": "Callback", "he": "שיחה חוזרת"}


def moment_of(text: str, zone: ZoneInfo, *, now: datetime) -> datetime:
    """Read when somebody wants to be called: `17:00`, the next one, or `2026-11-23T17:00`, local both.

    Raises InvalidInput for what is neither, is past, or is further off than sixty days.
    """
    local_now = now.astimezone(zone)
    try:
        if "T" in text or " " in text.strip():
            named = datetime.fromisoformat(text.strip())
            at = named if named.tzinfo is not None else named.replace(tzinfo=zone)
        else:
            at = datetime.combine(local_now.date(), time.fromisoformat(text.strip()), zone)
            if at <= now:
                at += timedelta(days=1)
    except ValueError as error:
        raise InvalidInput(f"{text!r} is no time; say HH:MM or YYYY-MM-DDTHH:MM.") from error
    if not now < at <= now + _FURTHEST:
        raise InvalidInput(f"{text!r} is not a time in the next sixty days.")
    return at


def ask(
    session: Session, business_id: UUID, *, call_id: UUID, phone: str, at: str, note: str, actor: str
) -> datetime:
    """Note when the other party of a call wants to be called, and see to it. Raises InvalidInput."""
    moment = _moment(session, business_id, phone, at)
    call = calls.get_call(session, business_id, call_id)
    store.lock_business(session, business_id)
    attempt = store.attempt_of_call(session, business_id, call_id)
    item = None if attempt is None else session.get_one(OutboundItem, attempt.item_id)
    if item is not None and item.state in BEGUN_ITEM_STATES:
        item.callback_at = moment
    elif call.lead_id is not None and call.agent_id is not None:
        options = RunOptions(agent_id=call.agent_id, from_number=call.ours, concurrency=1)
        _schedule(
            session, business_id, call.lead_id, options, moment, subject=f"callback:{call_id}", actor=actor
        )
    else:
        raise InvalidInput("Nobody can be called back who has withheld their number.")
    announce(
        "callback.requested", subject_id=call.lead_id, actor=actor, at=moment.isoformat(), note=note,
        phone=phone, **where(call_id, None),
    )  # fmt: skip
    return moment


def ask_in_writing(
    session: Session, business_id: UUID, *, conversation_id: UUID, agent_id: UUID, phone: str, at: str,
    note: str, actor: str,
) -> datetime:  # fmt: skip
    """Note when somebody who writes wants to be called, from the business's first number.

    Raises InvalidInput, also where the business has no number to call from.
    """
    moment = _moment(session, business_id, phone, at)
    numbers = tenants.list_numbers(session, business_id)
    if not numbers:
        raise InvalidInput("The business has no number to call from; offer that somebody writes instead.")
    lead_id = leads.lead_of_caller(session, business_id, phone)
    store.lock_business(session, business_id)
    options = RunOptions(agent_id=agent_id, from_number=numbers[0].e164, concurrency=1)
    _schedule(
        session, business_id, lead_id, options, moment, subject=f"callback:{conversation_id}", actor=actor
    )
    announce(
        "callback.requested", subject_id=lead_id, actor=actor, at=moment.isoformat(), note=note,
        phone=phone, **where(None, conversation_id),
    )  # fmt: skip
    return moment


def where(call_id: UUID | None, conversation_id: UUID | None) -> dict[str, str]:
    """Return how an event says in which call or conversation it was asked."""
    said = {"call_id": call_id, "conversation_id": conversation_id}
    return {name: str(one) for name, one in said.items() if one is not None}


def _moment(session: Session, business_id: UUID, phone: str, at: str) -> datetime:
    business = tenants.get_business(session, business_id)
    zones = zones_of(phone)
    # A number that may be at home in several zones is taken to mean the business's time.
    zone = ZoneInfo(zones[0] if len(zones) == 1 else business.time_zone)
    return moment_of(at, zone, now=clock.now())


def _schedule(
    session: Session, business_id: UUID, lead_id: UUID, options: RunOptions, moment: datetime, *,
    subject: str, actor: str,
) -> None:  # fmt: skip
    run = run_store.pending_of_subject(session, business_id, subject)
    if run is None:
        language = tenants.get_business(session, business_id).language
        run = service.create_run(
            session, business_id, title=_TITLE[language], whom=Whom(lead_ids=[lead_id]),
            options=options, subject=subject, rank=0, actor=actor,
        )  # fmt: skip
    # Of wishes in one call the last one counts.
    service.schedule_run(session, business_id, run.id, starts_at=moment, actor=actor)
