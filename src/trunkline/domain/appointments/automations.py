"""The automations of a business: making, changing and deleting them. What they do is in `sending`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from trunkline.core.errors import InvalidInput, NotFound, Outdated
from trunkline.core.events import announce
from trunkline.domain.agents import service as agents
from trunkline.domain.appointments import calendars, channels, letters
from trunkline.domain.appointments.automation_models import Automation, Moment, Unit
from trunkline.domain.tenants import service as tenants
from trunkline.kit import clock

MOST = 50
_MOST_AMOUNT = {Unit.MINUTES: 90 * 24 * 60, Unit.HOURS: 90 * 24, Unit.DAYS: 90}
_MAY_BE_EMPTY = frozenset({"calendar_id", "agent_id", "from_number", "quiet_from", "quiet_until"})


class ChannelUnavailable(InvalidInput):
    """This installation has nothing by which that is sent; `lacks` says what is missing."""

    code = "channel_unavailable"


def of_business(session: Session, business_id: UUID) -> Sequence[Automation]:
    """Return the business's automations, by name."""
    return session.scalars(
        select(Automation)
        .where(Automation.business_id == business_id)
        .order_by(Automation.name, Automation.id)
    ).all()


def make(session: Session, business_id: UUID, wish: Mapping[str, Any], *, actor: str) -> Automation:
    """Make an automation. Raises InvalidInput, ChannelUnavailable, NotFound."""
    many = session.scalar(select(func.count()).where(Automation.business_id == business_id)) or 0
    if many >= MOST:
        raise InvalidInput(
            f"A business has {MOST} automations at most.", reason="most_automations", most=MOST
        )
    row = Automation(business_id=business_id, since=clock.now(), **wish)
    _check(session, row, changed=wish.keys())
    session.add(row)
    session.flush()
    announce("automation.made", subject_id=row.id, actor=actor, name=row.name)
    return row


def change(
    session: Session, business_id: UUID, automation_id: UUID, changes: Mapping[str, Any], *, version: int,
    actor: str,
) -> Automation:  # fmt: skip
    """Change what is named; what was due before is not sent any more. Raises as `make` does, and Outdated."""
    row = _locked(session, business_id, automation_id)
    if row.version != version:
        raise Outdated(version=row.version)
    for field, value in changes.items():
        if value is None and field not in _MAY_BE_EMPTY:
            raise InvalidInput(f"{field} cannot be empty.", reason="empty", field=field)
        setattr(row, field, value)
    with session.no_autoflush:
        _check(session, row, changed=changes.keys())
    row.since = clock.now()
    row.version += 1
    session.flush()
    announce("automation.changed", subject_id=row.id, actor=actor, fields=sorted(changes))
    return row


def delete(session: Session, business_id: UUID, automation_id: UUID, *, actor: str) -> None:
    """Delete an automation with the record of what it has sent. Raises NotFound."""
    row = _locked(session, business_id, automation_id)
    session.delete(row)
    announce("automation.deleted", subject_id=automation_id, actor=actor, name=row.name)


def _locked(session: Session, business_id: UUID, automation_id: UUID) -> Automation:
    row = session.scalar(
        select(Automation)
        .where(Automation.business_id == business_id, Automation.id == automation_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise NotFound("There is no such automation.")
    return row


def _check(session: Session, row: Automation, *, changed: Any) -> None:
    if "channel" in changed and (lack := channels.lacking(row.channel)) is not None:
        raise ChannelUnavailable(
            f"Nothing is sent by {row.channel} here: {lack}.", channel=row.channel, lacks=lack
        )
    if row.amount > _MOST_AMOUNT[Unit(row.unit)]:
        raise InvalidInput("An automation counts 90 days at most.", reason="amount_too_large")
    if row.moment == Moment.BEFORE and row.amount == 0:
        raise InvalidInput("Say how long before the appointment.", reason="amount_missing")
    if (row.quiet_from is None) != (row.quiet_until is None):
        raise InvalidInput("Quiet hours have a beginning and an end.", reason="quiet_half")
    if row.calendar_id is not None:
        calendars.get(session, row.business_id, row.calendar_id)
    for words in (row.subject, row.text):
        if words and (wrong := letters.unknown_fact(words)) is not None:
            raise InvalidInput(
                f"{{{wrong}}} stands for nothing; there are {', '.join(letters.FACTS)}.",
                reason="unknown_fact", name=wrong,
            )  # fmt: skip
    if row.channel == channels.CALL:
        if row.agent_id is None or row.from_number is None:
            raise InvalidInput("Say which agent calls, and from which number.", reason="no_caller")
        agents.get_working_agent(session, row.business_id, row.agent_id)
        if row.from_number not in {one.e164 for one in tenants.list_numbers(session, row.business_id)}:
            raise InvalidInput(
                f"{row.from_number} is not a number of this business.", reason="number_not_ours",
                number=row.from_number,
            )  # fmt: skip
