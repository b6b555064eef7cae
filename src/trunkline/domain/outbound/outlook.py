"""Who of some people could be called now, later or not at all, told before anybody is dialled.

What one statement can count is counted; what is ruled on number by number is ruled on for a sample,
by the same `rule_on` as a dial. Changes nothing, and promises nothing: each dial is ruled on again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session

from trunkline.domain.leads.selection import Whom, people_of
from trunkline.domain.outbound import outlook_store, service
from trunkline.domain.outbound.claim_store import REMEMBERED
from trunkline.domain.outbound.compliance import NO_CONSENT, Callee, Ruling, rule_on
from trunkline.domain.outbound.hours import Hours, next_stretch
from trunkline.domain.outbound.models import WAITING_ITEM_STATES, OutboundItem, spelt_out
from trunkline.domain.tenants import service as tenants
from trunkline.domain.tenants.calling_rules import CallingRules
from trunkline.domain.tenants.models import Business
from trunkline.kit import clock
from trunkline.kit.phone import country_of, zones_of

_JUDGED = 500
"""How many people are ruled on one by one; of more, so many stand for all."""
_PLACES = 8


@dataclass(frozen=True, slots=True)
class Place:
    """People whose numbers are at home in the same zones, and when they may next be called."""

    zones: tuple[str, ...]
    people: int
    opens_at: datetime | None
    """Not after the moment of asking: it is open now. None: never by these hours."""
    closes_at: datetime | None


@dataclass(frozen=True, slots=True)
class Outlook:
    """All but `people`, `judged` and what follows add up to `people`."""

    people: int
    suppressed: int
    no_consent: int
    now: int
    later: int
    never: int
    judged: int
    """By so many people the last three are known: by all of them, or else about."""
    reasons: dict[str, int]
    """Why people are among `later` and `never`."""
    next_at: datetime | None
    """When the first of `later` may be called."""
    places: list[Place]
    """Where most are at home, the most first."""


@dataclass(frozen=True, slots=True)
class OfNumber:
    """Whether one number may be called now."""

    phone: str
    zones: tuple[str, ...]
    ruling: Ruling
    opens_at: datetime | None
    closes_at: datetime | None


def of_people(session: Session, business_id: UUID, whom: Whom) -> Outlook:
    """Return the outlook of a run over these people, not made yet. Raises as `create_run` does of them."""
    return _of(session, business_id, people_of(session, business_id, whom))


def of_run(session: Session, business_id: UUID, run_id: UUID) -> Outlook:
    """Return the outlook of those who wait in a run. Raises NotFound."""
    service.get_run(session, business_id, run_id)
    waiting = select(OutboundItem.lead_id, OutboundItem.phone, OutboundItem.position).where(
        OutboundItem.business_id == business_id, OutboundItem.run_id == run_id,
        OutboundItem.state.in_(spelt_out(WAITING_ITEM_STATES)),
    )  # fmt: skip
    return _of(session, business_id, waiting)


def of_number(session: Session, business_id: UUID, phone: str) -> OfNumber:
    """Return whether a number may be called now. Of one that is no lead's nobody has said anything."""
    business = tenants.get_business(session, business_id)
    hours, now = _hours_of(business), clock.now()
    known = outlook_store.number(session, business_id, phone, since=_since(hours, now), assumed=NO_CONSENT)
    callee = _callee(known, hours.rules, suppressed=known.suppressed)
    opens, closes = _stretch(phone, hours, now)
    return OfNumber(phone, zones_of(phone), rule_on(callee, hours, now=now), opens, closes)


def _of(session: Session, business_id: UUID, people: Select[Any, str, int]) -> Outlook:
    business = tenants.get_business(session, business_id)
    hours, now = _hours_of(business), clock.now()
    counts = outlook_store.counts(session, business_id, people, consent_required=hours.rules.consent_required)
    sample = outlook_store.sample(
        session, business_id, people,
        consent_required=hours.rules.consent_required, most=_JUDGED, since=_since(hours, now),
    )  # fmt: skip
    rulings = [(row.phone, rule_on(_callee(row, hours.rules), hours, now=now)) for row in sample]
    fit = counts.people - counts.suppressed - counts.no_consent
    verdicts = Counter(_verdict(ruling) for _, ruling in rulings)
    shares = scaled({name: verdicts[name] for name in ("now", "later", "never")}, to=fit)
    reasons = Counter(ruling.reason for _, ruling in rulings if not ruling.allows)
    waits = [ruling.until for _, ruling in rulings if ruling.until is not None]
    return Outlook(
        people=counts.people,
        suppressed=counts.suppressed,
        no_consent=counts.no_consent,
        **shares,
        judged=len(rulings),
        reasons=scaled(reasons, to=shares["later"] + shares["never"]),
        next_at=min(waits, default=None),
        places=_places([row.phone for row in sample], hours, now, of=fit),
    )


def scaled(counts: Mapping[str, int], *, to: int) -> dict[str, int]:
    """Return counts in the same proportions that add up to `to`; as they are if they do so. Pure.

    What is lost by rounding goes to the largest.
    """
    total = sum(counts.values())
    if total == 0:
        return dict(counts)
    shares = {name: count * to // total for name, count in counts.items()}
    shares[max(counts, key=lambda name: counts[name])] += to - sum(shares.values())
    return shares


def _verdict(ruling: Ruling) -> str:
    if ruling.allows:
        return "now"
    return "never" if ruling.until is None else "later"


def _places(phones: Sequence[str], hours: Hours, now: datetime, *, of: int) -> list[Place]:
    by_zones: dict[tuple[str, ...], list[str]] = {}
    for phone in phones:
        by_zones.setdefault(zones_of(phone), []).append(phone)
    most = sorted(by_zones.items(), key=lambda pair: (-len(pair[1]), pair[0]))[:_PLACES]
    # By the first number: with public holidays one country's are told for all of its zone.
    return [
        Place(zones, len(here) * of // len(phones), *_stretch(here[0], hours, now)) for zones, here in most
    ]


def _stretch(phone: str, hours: Hours, now: datetime) -> tuple[datetime | None, datetime | None]:
    country = country_of(phone) if hours.rules.public_holidays else None
    return next_stretch(zones_of(phone), hours, country=country, now=now) or (None, None)


def _hours_of(business: Business) -> Hours:
    return Hours.of(business.calling_window, CallingRules.model_validate(business.calling_rules))


def _since(hours: Hours, now: datetime) -> datetime:
    return now - max(REMEMBERED, timedelta(minutes=hours.rules.minimum_gap_minutes))


def _callee(row: Row[Any], rules: CallingRules, *, suppressed: bool = False) -> Callee:
    return Callee(
        phone=row.phone,
        zones=zones_of(row.phone),
        country=country_of(row.phone) if rules.public_holidays else None,
        suppressed=suppressed,
        suppressed_everywhere=False,
        consent=row.consent,
        dialled_at=row.dialled_at,
        dialled_in_all=row.dialled_in_all,
    )
