"""The verbs of leads."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.orm import Session, aliased

from trunkline.core.errors import InvalidInput, NotFound
from trunkline.core.events import announce
from trunkline.domain.leads import (
    addresses,
    consent,
    editing,
    findings,
    keeping,
    memory,
    own_fields,
    own_values,
    store,
)
from trunkline.domain.leads.addresses import Channel
from trunkline.domain.leads.models import Lead, LeadList
from trunkline.domain.leads.row_faults import RowFault
from trunkline.domain.leads.rules import LeadRow, map_headers
from trunkline.kit import clock
from trunkline.kit.phone import is_e164

# Whoever uses the verbs finds the other files' by the same door.
facts_of = memory.facts_of
memory_of = memory.memory_of
remember = memory.remember
asked_for = findings.asked_for
weigh = findings.weigh
put_finding = findings.put


@dataclass(slots=True)
class Kept:
    """What became of some rows: how many stand in the list now, and why the others do not."""

    imported: int = 0
    created: int = 0
    updated: int = 0
    faults: list[RowFault] = field(default_factory=list)


def make_list(session: Session, business_id: UUID, name: str) -> LeadList:
    """Make an empty list. Raises InvalidInput when the business has one of this name."""
    taken = select(LeadList.id).where(LeadList.business_id == business_id, LeadList.name == name)
    if session.scalar(taken):
        raise InvalidInput(f"There is a list called {name!r} already.", reason="list_name_taken", name=name)
    lead_list = LeadList(business_id=business_id, name=name)
    session.add(lead_list)
    session.flush()
    return lead_list


def put_people(
    session: Session, business_id: UUID, list_id: UUID, rows: Sequence[LeadRow], *,
    source: str, moment: datetime, actor: str,
) -> Kept:  # fmt: skip
    """Put a file's people into a list, each in the place that is their line.

    A known number keeps its lead, whose blanks are filled. A number that stands in the list already is
    a fault of its row, which then changes nothing. Consents that change are told as `actor`'s; those
    without a time count from `moment`, at which the file came.
    """
    # Whoever stands in the file with a further number of theirs is the lead that has it.
    main = addresses.main_numbers(session, business_id, [row.phone for row in rows])
    rows = [replace(row, phone=main.get(row.phone, row.phone)) for row in rows]
    lines = store.lines_in_list(session, business_id, list_id, [row.phone for row in rows])
    kept, fresh = Kept(), list[LeadRow]()
    for row in rows:
        if row.phone in lines:
            first = str(lines[row.phone])
            reason = f"{row.phone} stands on line {first} already"
            facts = {"phone": row.phone, "line": first}
            kept.faults.append(RowFault.of(row.line, row.content, reason, "phone_twice", facts))
        else:
            lines[row.phone] = row.line
            fresh.append(row)
    if fresh:
        leads = keeping.keep(session, business_id, fresh, source=source, moment=moment)
        store.place(session, business_id, list_id, [(leads.ids[row.phone], row.line) for row in fresh])
        editing.tell(leads.filled, actor=actor)
        if leads.consents:
            consent.tell(leads.consents, actor=actor)
        kept.imported, kept.created, kept.updated = len(fresh), leads.created, leads.updated
        announce("leads.changed", subject_id=None, actor=actor, leads=len(fresh))
    return kept


def lead_of_caller(
    session: Session, business_id: UUID, phone: str, *, name: str = "", source: str = "call"
) -> UUID:
    """Return the lead with this number, making one for somebody new. Raises InvalidInput for what is none.

    It may be any of the lead's numbers. `name` is what they call themselves, for a lead without a name;
    `source` is by what they came to us, and of what is changed who has done it.
    """
    if not is_e164(phone):
        raise InvalidInput("A lead is known by a telephone number, and this is none.", reason="not_a_number")
    known = addresses.hold_at(session, business_id, phone)
    if known is not None:
        if name:
            editing.fill_name(session, business_id, known, name, actor=source)
        return known
    kept = keeping.keep(session, business_id, [LeadRow(0, phone, name)], source=source, moment=clock.now())
    if kept.created:
        announce("lead.created", subject_id=kept.ids[phone], actor=source)
    return kept.ids[phone]


def get_lead(session: Session, business_id: UUID, lead_id: UUID) -> Lead:
    """Return a lead of this business. Raises NotFound, with `lead_id` for one that is another now."""
    lead = session.scalar(select(Lead).where(Lead.business_id == business_id, Lead.id == lead_id))
    if lead is None:
        became = store.became(session, business_id, lead_id)
        if became is not None:
            raise NotFound("This lead was merged into another one.", reason="merged", lead_id=str(became))
        raise NotFound("There is no such lead.")
    return lead


def lead_at(session: Session, business_id: UUID, channel: Channel, address: str) -> UUID | None:
    """Return the lead that calls or writes from here: a number in E.164, or an e-mail address. None: nobody.

    A number counts for calls and WhatsApp alike. Whoever is to be a lead in any case: `lead_of_caller`.
    """
    return addresses.lead_at(session, business_id, channel, address)


def bearing(session: Session, business_id: UUID, part: str) -> Select[UUID]:
    """Return the query for the ids of leads that bear a part of a name, or digits of a number."""
    return select(Lead.id).where(Lead.business_id == business_id, *store.bears(session, business_id, part))


def own_words(session: Session, business_id: UUID, lead: Lead | None) -> dict[str, str]:
    """Return what stands in the business's own fields of a lead as prompts can say it: `lead_` and the key.

    An empty field, and one of nobody known, is an empty text.
    """
    stands = lead.fields if lead is not None else {}
    return {
        f"lead_{row.key}": own_values.in_words(stands.get(row.key))
        for row in own_fields.of_business(session, business_id).open
        if row.key != "name"
    }


def names_of(session: Session, business_id: UUID, lead_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the names of those of these leads that are there."""
    rows = session.execute(
        select(Lead.id, Lead.name).where(Lead.business_id == business_id, Lead.id.in_(lead_ids))
    )
    return {row.id: row.name for row in rows}


def called(session: Session, business_id: UUID, lead_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return what people call those of these leads that are there: by their name, or else by their number."""
    shown = func.coalesce(func.nullif(Lead.name, ""), Lead.phone)
    rows = session.execute(
        select(Lead.id, shown.label("shown")).where(Lead.business_id == business_id, Lead.id.in_(lead_ids))
    )
    return {row.id: row.shown for row in rows}


def list_lists(
    session: Session, business_id: UUID, *, search: str | None = None, limit: int = 200,
    after: UUID | None = None,
) -> list[tuple[LeadList, int]]:  # fmt: skip
    """Return the business's lists with how many leads stand in each, newest first: those behind one.

    `search` is a part of the name, in upper or lower case.
    """
    query = select(LeadList).where(LeadList.business_id == business_id)
    if search:
        query = query.where(LeadList.name.icontains(search, autoescape=True))
    if after is not None:
        known = aliased(LeadList)
        last = select(known.created_at, known.id).where(known.business_id == business_id, known.id == after)
        query = query.where(tuple_(LeadList.created_at, LeadList.id) < last.scalar_subquery())
    lists = session.scalars(query.order_by(LeadList.created_at.desc(), LeadList.id.desc()).limit(limit)).all()
    sizes = store.sizes(session, business_id, [row.id for row in lists])
    return [(row, sizes[row.id]) for row in lists]


def phone_column(headers: list[str]) -> int | None:
    """Return which column of a file holds telephone numbers, by its English or Hebrew header."""
    column = map_headers(headers).get("phone")
    return None if column is None else column - 1
