"""SQL that keeps the people of a file: new ones are made, of known ones the blanks are filled.

What becomes of a consent is decided by `rules.merge`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from trunkline.domain.leads.models import Lead
from trunkline.domain.leads.rules import OWN, LeadRow, Said, merge
from trunkline.domain.leads.store import has_one_of
from trunkline.kit.ids import new_id

# In the order of the numbers: two imports at once must not wait for each other's rows. A known lead is
# locked and not written: what stands in it is read next, and what becomes of it is then decided.
_MAKE = text(
    """
    insert into leads as known
        (id, business_id, phone, name, email, notes, source, consent, consent_at, consent_source, fields)
    select id, :business_id, phone, name, email, notes, :source, consent, consent_at, consent_source,
           cast(fields as jsonb)
    from unnest(
        cast(:ids as uuid[]), cast(:phones as text[]), cast(:names as text[]), cast(:emails as text[]),
        cast(:notes as text[]), cast(:consents as text[]), cast(:consent_ats as timestamptz[]),
        cast(:consent_sources as text[]), cast(:fields as text[])
    ) given (id, phone, name, email, notes, consent, consent_at, consent_source, fields)
    order by phone
    on conflict (business_id, phone) do update set phone = known.phone where false
    returning id
    """
)

_FILL = text(
    """
    update leads set
        name = coalesce(nullif(leads.name, ''), given.name),
        email = coalesce(leads.email, given.email),
        notes = coalesce(leads.notes, given.notes),
        consent = coalesce(given.consent, leads.consent),
        consent_at = case when given.consent is null then leads.consent_at else given.consent_at end,
        consent_source =
            case when given.consent is null then leads.consent_source else given.consent_source end,
        fields = cast(given.fields as jsonb) || leads.fields,
        version = leads.version + 1
    from unnest(
        cast(:ids as uuid[]), cast(:names as text[]), cast(:emails as text[]), cast(:notes as text[]),
        cast(:consents as text[]), cast(:consent_ats as timestamptz[]), cast(:consent_sources as text[]),
        cast(:fields as text[])
    ) given (id, name, email, notes, consent, consent_at, consent_source, fields)
    where leads.business_id = :business_id and leads.id = given.id
    """
)


@dataclass(frozen=True, slots=True)
class Change:
    """A lead of whom something else than before has been said."""

    lead_id: UUID
    phone: str
    before: str
    now: Said


@dataclass(frozen=True, slots=True)
class KeptLeads:
    """The lead of each number; how many are new, how many were written to; of whom which blanks were filled;
    whose consent is another now."""

    ids: Mapping[str, UUID]
    created: int
    updated: int
    filled: Mapping[UUID, Sequence[str]]
    consents: Sequence[Change]


def keep(
    session: Session, business_id: UUID, rows: Sequence[LeadRow], *, source: str, moment: datetime
) -> KeptLeads:
    """Make a lead of each row or fill the blanks of the one with its number, which no two rows share.

    What is said without a time counts from `moment`, at which the rows were sent.
    """
    candidates = [new_id() for _ in rows]
    said = [merge(Said(), row.said, moment=moment) or Said() for row in rows]
    made = set(
        session.execute(
            _MAKE,
            {
                "business_id": business_id, "source": source, "ids": candidates,
                "phones": [row.phone for row in rows],
                "names": [row.name for row in rows],
                "emails": [row.email for row in rows],
                "notes": [row.notes for row in rows],
                "fields": [json.dumps(dict(row.own)) for row in rows],
                **_consents(said),
            },
        ).scalars()
    )  # fmt: skip
    given = {row.phone: row for row in rows}
    fills: list[tuple[UUID, LeadRow, Said | None]] = []
    filled: dict[UUID, list[str]] = {}
    consents: list[Change] = []
    ids: dict[str, UUID] = {}
    for lead in session.execute(
        select(
            Lead.id, Lead.phone, Lead.consent, Lead.consent_at, Lead.consent_source, Lead.name == "",
            Lead.email.is_(None), Lead.notes.is_(None), Lead.fields,
        ).where(Lead.business_id == business_id, has_one_of(list(given)))
    ):  # fmt: skip
        lead_id, phone, consent, at, how, no_name, no_email, no_notes, own = lead
        row, is_new = given[phone], lead_id in made
        ids[phone] = lead_id
        before = Said() if is_new else Said(consent, at, how)
        now = merge(before, row.said, moment=moment)
        if now is not None:
            consents.append(Change(lead_id, phone, before.consent, now))
        blanks = {
            "name": no_name and row.name, "email": no_email and row.email, "notes": no_notes and row.notes
        }  # fmt: skip
        blanks |= {f"{OWN}{key}": key not in own for key in row.own}
        fields = [field for field, is_filled in blanks.items() if is_filled and not is_new]
        if fields:
            filled[lead_id] = fields
        if fields or (now is not None and not is_new):
            fills.append((lead_id, row, now))
    if fills:
        _fill(session, business_id, fills)
    return KeptLeads(ids, len(made), len(fills), filled, consents)


def _fill(session: Session, business_id: UUID, fills: Sequence[tuple[UUID, LeadRow, Said | None]]) -> None:
    """Fill the blanks of locked leads; something new that was said takes the place of the old."""
    session.execute(
        _FILL,
        {
            "business_id": business_id,
            "ids": [lead_id for lead_id, _, _ in fills],
            "names": [row.name for _, row, _ in fills],
            "emails": [row.email for _, row, _ in fills],
            "notes": [row.notes for _, row, _ in fills],
            "fields": [json.dumps(dict(row.own)) for _, row, _ in fills],
            **_consents([said for _, _, said in fills]),
        },
    )


def _consents(said: Sequence[Said | None]) -> dict[str, list[Any]]:
    return {
        "consents": [row and row.consent for row in said],
        "consent_ats": [row and row.at for row in said],
        "consent_sources": [row and row.source for row in said],
    }
