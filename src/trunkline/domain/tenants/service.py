"""The verbs of businesses and their numbers."""

from __future__ import annotations

from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from trunkline.core import registry
from trunkline.core.errors import Conflict, Forbidden, InvalidInput, NotFound, TrunklineError
from trunkline.core.events import announce
from trunkline.core.jobs import enqueue_job
from trunkline.domain.tenants.calling_rules import CallingRules
from trunkline.domain.tenants.extensions import REFUSALS, checked, listed, refused_because
from trunkline.domain.tenants.models import Business, PhoneNumber
from trunkline.kit.ids import new_id
from trunkline.kit.phone import InvalidPhone, has_numbers, to_dialable
from trunkline.kit.places import country_of_zone

LANGUAGES = ("en", "he")

_MAY_BE_EMPTY = frozenset({"carrier"})

OFFICE_HOURS: dict[str, Any] = {
    day: [["09:00", "17:00"]] for day in ("monday", "tuesday", "wednesday", "thursday", "friday")
}
LAWFUL_WINDOW: dict[str, Any] = {"from": "08:00", "to": "21:00"}
"""When a person may be called, in their own local time (47 CFR 64.1200(c)(1))."""


def create_business(
    session: Session,
    *,
    name: str,
    time_zone: str = "UTC",
    language: str = "en",
    region: str | None = None,
    working_hours: dict[str, Any] | None = None,
    calling_window: dict[str, Any] | None = None,
    max_outbound_calls: int = 3,
    max_calls: int = 5,
    actor: str,
    business_id: UUID | None = None,
) -> Business:
    """Found a business. Speaks in the system's scope. Raises InvalidInput on an unknown place or language.

    Without a `region` it is the country of the time zone, and the United States where that is in none.
    """
    region = region or _region_of(time_zone)
    _check_place(time_zone, language, region)
    business = Business(
        id=business_id or new_id(),
        name=name,
        time_zone=time_zone,
        language=language,
        region=region,
        working_hours=OFFICE_HOURS if working_hours is None else working_hours,
        calling_window=calling_window or LAWFUL_WINDOW,
        max_outbound_calls=max_outbound_calls,
        max_calls=max_calls,
    )
    session.add(business)
    session.flush()
    announce("business.created", subject_id=business.id, actor=actor, name=name)
    return business


def change_business(session: Session, business_id: UUID, changes: dict[str, Any], *, actor: str) -> Business:
    """Change a business's settings; they hold from the next call on. Raises InvalidInput.

    Of `calling_rules` only the rules that are named change. Who changes others at the same moment waits.
    """
    business = session.get(Business, business_id, with_for_update={"key_share": True}, populate_existing=True)
    if business is None:
        raise NotFound("There is no such business.")
    before = _rules_of(business)
    for field, value in changes.items():
        if value is None and field not in _MAY_BE_EMPTY:
            raise InvalidInput(f"{field} cannot be empty.", reason="empty", field=field)
        merged = {**business.calling_rules, **value} if field == "calling_rules" else value
        setattr(business, field, merged)
    _check_place(business.time_zone, business.language, business.region)
    if changes.keys() & {"extensions", "transfer_numbers"}:
        business.transfer_numbers = listed(business.transfer_numbers, region=business.region)
        business.extensions = checked(business.extensions, region=business.region)
        for row in business.extensions:
            label = f"{row['extension']} ({row['number']})"
            check_transfer(business, row["number"], label, refusal=InvalidInput)
    if business.carrier is not None and business.carrier not in registry.carrier_names():
        raise InvalidInput(
            f"There is no carrier {business.carrier!r} here.", reason="no_carrier", carrier=business.carrier
        )
    announce("business.changed", subject_id=business_id, actor=actor, fields=sorted(changes))
    after = _rules_of(business)
    if before != after:
        announce("rules.changed", subject_id=business_id, actor=actor, before=before, after=after)
    if changes.keys() & {"calling_window", "calling_rules"}:
        enqueue_job("high", "recheck_waiting")
    if "time_zone" in changes:
        enqueue_job("default", "rezone_tasks")
    return business


def check_transfer(
    business: Business, number: str, label: str, *, refusal: type[TrunklineError] = Forbidden
) -> None:
    """Raise `refusal`, with the reason, where the business's calls may not be handed to a number (E.164)."""
    reason = refused_because(number, business.extensions, business.transfer_numbers, region=business.region)
    if reason is not None:
        raise refusal(REFUSALS[reason].format(whom=label), reason=str(reason))


def get_business(session: Session, business_id: UUID) -> Business:
    """Return a business. Raises NotFound."""
    business = session.get(Business, business_id)
    if business is None:
        raise NotFound("There is no such business.")
    return business


def carrier_of(session: Session, business_id: UUID) -> str:
    """Return the name of the carrier that a business calls by. Raises NotFound."""
    return get_business(session, business_id).carrier or registry.first_carrier()


def list_businesses(session: Session) -> list[Business]:
    """Return every business that the scope may see, by name."""
    return list(session.scalars(select(Business).order_by(Business.name)))


def add_number(session: Session, business: Business, *, number: str, agent_id: UUID | None) -> PhoneNumber:
    """Give a business a number, answered by this agent. Raises InvalidInput, NotFound, Conflict."""
    try:
        e164 = to_dialable(number, region=business.region)
    except InvalidPhone as error:
        raise InvalidInput(str(error), reason="not_a_number") from error
    row = PhoneNumber(business_id=business.id, e164=e164, agent_id=agent_id)
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        # PostgreSQL knows: the agent must be this business's, and a number rings at one business only.
        if "uq_phone_numbers_e164" in str(error.orig):
            raise Conflict(
                f"{e164} rings at a business already.", reason="number_taken", number=e164
            ) from error
        raise NotFound("There is no such agent.") from error
    return row


def list_numbers(session: Session, business_id: UUID) -> list[PhoneNumber]:
    """Return the business's numbers."""
    return list(
        session.scalars(
            select(PhoneNumber).where(PhoneNumber.business_id == business_id).order_by(PhoneNumber.e164)
        )
    )


def assign_number(
    session: Session, business_id: UUID, number_id: UUID, *, agent_id: UUID | None, actor: str
) -> PhoneNumber:
    """Choose who answers a number; nobody: calls to it are rejected. Raises NotFound."""
    row = session.scalar(
        select(PhoneNumber).where(PhoneNumber.business_id == business_id, PhoneNumber.id == number_id)
    )
    if row is None:
        raise NotFound("There is no such number.")
    row.agent_id = agent_id
    try:
        session.flush()
    except IntegrityError as error:
        raise NotFound("There is no such agent.") from error
    announce("number.assigned", subject_id=row.id, actor=actor, agent_id=agent_id and str(agent_id))
    return row


def give_up_number(session: Session, business_id: UUID, e164: str) -> None:
    """Let a number be no business's any more; calls to it are rejected. One that is not ours is no error."""
    row = number_called(session, business_id, e164)
    if row is not None:
        session.delete(row)


def number_called(session: Session, business_id: UUID, e164: str) -> PhoneNumber | None:
    """Return the business's number that was dialled."""
    return session.scalar(
        select(PhoneNumber).where(PhoneNumber.business_id == business_id, PhoneNumber.e164 == e164)
    )


def _region_of(time_zone: str) -> str:
    country = country_of_zone(time_zone)
    return country if country is not None and has_numbers(country) else "US"


def _rules_of(business: Business) -> dict[str, Any]:
    """Return everything that decides when the business calls, also what it has never set."""
    rules = CallingRules.model_validate(business.calling_rules)
    return {"calling_window": business.calling_window, "calling_rules": rules.model_dump(mode="json")}


def _check_place(time_zone: str, language: str, region: str) -> None:
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InvalidInput(
            f"{time_zone!r} is not an IANA time zone.", reason="no_time_zone", zone=time_zone
        ) from error
    if language not in LANGUAGES:
        raise InvalidInput(
            f"{language!r} is not a language we speak; we speak {', '.join(LANGUAGES)}.", reason="no_language"
        )
    if not has_numbers(region):
        raise InvalidInput(
            f"{region!r} is not a country, written as in ISO 3166 (US, IL, ...).", reason="no_country"
        )
