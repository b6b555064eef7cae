"""SQL of leads: places in lists, choosing and locking, changing and deleting some hundred at once."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    Text,
    Uuid,
    any_,
    case,
    delete,
    false,
    func,
    literal,
    or_,
    select,
    text,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from trunkline.core.errors import NotFound
from trunkline.domain.leads import own_search, statuses
from trunkline.domain.leads.models import TAGGED, Lead, LeadList, LeadListEntry
from trunkline.domain.leads.record_models import MergedLead
from trunkline.domain.leads.schemas import LeadConditions, LeadFilter

_NUMBER_MARKS = re.compile(r"[\s()+./-]")
_FEWEST_DIGITS = 3

_IN_INDEX = re.compile(r"[^\W_]{3}")
"""What the index over parts of words can look for."""
_FEW = 1_000
_BEAR = text("select id from leads_that_bear(:part, :digits, :most)")

# Behind the last of the list, in the order of the ids; whoever stands in it already keeps their place.
_ADD_TO_LIST = text(
    """
    insert into lead_list_entries (business_id, list_id, lead_id, position)
    select :business_id, :list_id, id, row_number() over (order by id) + (
        select coalesce(max(position), 0) from lead_list_entries
        where business_id = :business_id and list_id = :list_id
    )
    from unnest(cast(:lead_ids as uuid[])) chosen (id)
    where not exists (
        select from lead_list_entries
        where business_id = :business_id and list_id = :list_id and lead_id = chosen.id
    )
    """
)

# Number by number: joined, they make a planner that thinks the list short read all of it, batch after batch.
_LINES = text(
    """
    select wanted.phone, entry.position
    from unnest(cast(:phones as text[])) wanted (phone)
    cross join lateral (
        select id from leads where business_id = :business_id and phone = wanted.phone limit 1
    ) lead
    cross join lateral (
        select position from lead_list_entries
        where business_id = :business_id and list_id = :list_id and lead_id = lead.id limit 1
    ) entry
    """
)

# List by list: the lists of a page are few, and what stands in the others is not read.
_SIZES = text(
    """
    select wanted.list_id, counted.leads
    from unnest(cast(:list_ids as uuid[])) wanted (list_id)
    cross join lateral (
        select count(*) as leads from lead_list_entries
        where business_id = :business_id and list_id = wanted.list_id
    ) counted
    """
)

_ADD_TAG = text(
    """
    update leads set
        tags = (select array_agg(tag order by tag) from unnest(tags || cast(:tag as text)) tag),
        version = version + 1
    where business_id = :business_id and id = any(:lead_ids) and not cast(:tag as text) = any(tags)
    returning id
    """
)

_PLACE = text(
    """
    insert into lead_list_entries (business_id, list_id, lead_id, position)
    select :business_id, :list_id, lead_id, line
    from unnest(cast(:lead_ids as uuid[]), cast(:lines as integer[])) given (lead_id, line)
    """
)


def sizes(session: Session, business_id: UUID, list_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Return how many leads stand in each of these lists: counted, from the index of its entries alone."""
    rows = session.execute(_SIZES, {"business_id": business_id, "list_ids": list(list_ids)})
    return {row.list_id: row.leads for row in rows}


def lines_in_list(
    session: Session, business_id: UUID, list_id: UUID, phones: Sequence[str]
) -> dict[str, int]:
    """Return the place of each of these numbers that stands in the list."""
    found = session.execute(_LINES, {"business_id": business_id, "list_id": list_id, "phones": list(phones)})
    return {row.phone: row.position for row in found}


def has_one_of(phones: Sequence[str]) -> ColumnElement[bool]:
    """One value for a thousand numbers: a statement with a thousand takes longer to make than to run."""
    return Lead.phone == any_(literal(list(phones), ARRAY(Text)))


def place(session: Session, business_id: UUID, list_id: UUID, places: Sequence[tuple[UUID, int]]) -> None:
    """Put leads into a list in which none of them stands."""
    session.execute(
        _PLACE,
        {
            "business_id": business_id, "list_id": list_id,
            "lead_ids": [lead_id for lead_id, _ in places], "lines": [line for _, line in places],
        },
    )  # fmt: skip


def chosen(business_id: UUID, lead_ids: Sequence[UUID]) -> Select[UUID]:
    """Return the query for these leads of the business, however many: they are one value."""
    ids = literal(list(lead_ids), ARRAY(Uuid))
    return select(Lead.id).where(Lead.business_id == business_id, Lead.id == any_(ids))


def in_list(business_id: UUID, list_id: UUID) -> Select[UUID]:
    """Return the query for the leads of a list."""
    return select(LeadListEntry.lead_id).where(
        LeadListEntry.business_id == business_id, LeadListEntry.list_id == list_id
    )


def conditions(session: Session, business_id: UUID, wanted: LeadConditions) -> list[ColumnElement[bool]]:
    """Return what a lead must meet, besides being the business's. Raises NotFound for a status or list."""
    meet: list[ColumnElement[bool]] = []
    if wanted.status_id:
        known = statuses.of_business(session, business_id)
        meet.append(or_(*(stands_in(known.stored(status_id)) for status_id in wanted.status_id)))
    if wanted.list_id is not None:
        if not has_list(session, business_id, wanted.list_id):
            raise NotFound("There is no such list.", list_id=str(wanted.list_id))
        meet.append(Lead.id.in_(in_list(business_id, wanted.list_id)))
    if wanted.tag is not None:
        meet += [TAGGED, literal(wanted.tag) == any_(Lead.tags)]
    if wanted.consent is not None:
        meet.append(Lead.consent == wanted.consent)
    if wanted.source is not None:
        meet.append(Lead.source == wanted.source)
    if wanted.created_from is not None:
        meet.append(Lead.created_at >= wanted.created_from)
    if wanted.created_before is not None:
        meet.append(Lead.created_at < wanted.created_before)
    if wanted.owner_id is not None:
        nobody = wanted.owner_id == "nobody"
        meet.append(Lead.owner_id.is_(None) if nobody else Lead.owner_id == wanted.owner_id)
    if wanted.field:
        meet += own_search.has_fields(session, business_id, wanted.field)
    if wanted.search is not None:
        meet += bears(session, business_id, wanted.search)
    return meet


def stands_in(stored: UUID | None) -> ColumnElement[bool]:
    """Return the condition for a status as leads' rows say it; spelt so that an index finds its leads."""
    return Lead.status_id.is_(None) if stored is None else Lead.status_id == stored


def bears(session: Session, business_id: UUID, part: str) -> list[ColumnElement[bool]]:
    """Return the conditions for leads that bear a text; of a number the digits count, in any form.

    Those who are few are looked for by their index first. Of a text that many bear, whoever walks through
    leads in some order finds a page soon; then all that is said is what they bear.
    """
    looked_for = {_escaped(part.lower())}
    digits = _NUMBER_MARKS.sub("", part)
    if digits.isascii() and digits.isdigit() and len(digits) >= _FEWEST_DIGITS:
        looked_for.add(digits.lstrip("0") or digits)
    patterns = [f"%{text}%" for text in sorted(looked_for)]
    bears = or_(*(Lead.search_text.like(pattern, escape="\\") for pattern in patterns))
    whose = own_search.whose_address(session, business_id, part)
    if whose is not None:
        bears = or_(bears, Lead.id == whose)
    if all(_IN_INDEX.search(text) for text in looked_for):
        given = {"part": patterns[0], "digits": patterns[-1], "most": _FEW + 1}
        found = session.scalars(_BEAR, given).all()
        if len(found) <= _FEW:
            few = [*found, *([whose] if whose is not None else [])]
            return [Lead.id == any_(literal(few, ARRAY(Uuid))), bears]
    # Said like this since row-level security keeps what is known of the column from the planner: it would
    # think them few, and read and sort everybody instead of walking through an index until a page is full.
    return [case((bears, true()), else_=false())]


def _escaped(part: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", part)


def matching(session: Session, business_id: UUID, wanted: LeadFilter) -> Select[UUID]:
    """Return the query for the leads that meet every condition of a filter. Raises NotFound."""
    return select(Lead.id).where(Lead.business_id == business_id, *conditions(session, business_id, wanted))


def became(session: Session, business_id: UUID, lead_id: UUID) -> UUID | None:
    """Return the lead into which this one was merged; None: into none."""
    return session.scalar(
        select(MergedLead.lead_id).where(MergedLead.business_id == business_id, MergedLead.id == lead_id)
    )


def missing(session: Session, business_id: UUID, lead_ids: Sequence[UUID]) -> list[UUID]:
    """Return those of these ids that are no leads of the business."""
    known = set(session.scalars(chosen(business_id, lead_ids)))
    return [lead_id for lead_id in lead_ids if lead_id not in known]


def has_list(session: Session, business_id: UUID, list_id: UUID) -> bool:
    """Return whether the business has this list."""
    found = select(LeadList.id).where(LeadList.business_id == business_id, LeadList.id == list_id)
    return session.scalar(found) is not None


def lock(
    session: Session, business_id: UUID, lead_ids: Sequence[UUID], *, to_delete: bool = False
) -> list[UUID]:
    """Lock those of these leads that are there, in the order of their ids, and return them.

    `to_delete` also keeps anybody from referring to them until the transaction ends.
    """
    query = chosen(business_id, lead_ids).order_by(Lead.id)
    return list(session.scalars(query.with_for_update(key_share=not to_delete)))


def differing(
    session: Session, business_id: UUID, lead_ids: Sequence[UUID], fields: Mapping[str, Any]
) -> dict[UUID, list[str]]:
    """Return those of these leads that stand otherwise in some columns, and in which."""
    columns = [Lead.__table__.c[field] for field in fields]
    rows = session.execute(
        select(Lead.id, *columns).where(Lead.business_id == business_id, Lead.id.in_(lead_ids))
    )
    others = {
        row[0]: [field for field, stands in zip(fields, row[1:], strict=True) if stands != fields[field]]
        for row in rows
    }
    return {lead_id: names for lead_id, names in others.items() if names}


def change(session: Session, business_id: UUID, lead_ids: Sequence[UUID], fields: Mapping[str, Any]) -> None:
    """Give these leads other values in some columns."""
    session.execute(
        update(Lead)
        .where(Lead.business_id == business_id, Lead.id.in_(lead_ids))
        .values(**fields, version=Lead.version + 1),
        execution_options={"synchronize_session": False},
    )


def change_own(
    session: Session, business_id: UUID, lead_ids: Sequence[UUID], values: Mapping[str, Any]
) -> dict[UUID, list[str]]:
    """Give these leads other values in own fields, null empties one; return whose changed, and which."""
    rows = session.execute(
        select(Lead.id, Lead.fields).where(Lead.business_id == business_id, Lead.id.in_(lead_ids))
    )
    changed = {row.id: [key for key, value in values.items() if row.fields.get(key) != value] for row in rows}
    others = {lead_id: keys for lead_id, keys in changed.items() if keys}
    if others:
        emptied = [key for key, value in values.items() if value is None]
        filled = {key: value for key, value in values.items() if value is not None}
        fields = Lead.fields.op("||")(literal(filled, JSONB)).op("-")(literal(emptied, ARRAY(Text)))
        session.execute(
            update(Lead)
            .where(Lead.business_id == business_id, Lead.id.in_(list(others)))
            .values(fields=fields, version=Lead.version + 1),
            execution_options={"synchronize_session": False},
        )
    return others


def change_tags(
    session: Session, business_id: UUID, lead_ids: Sequence[UUID], *, add: str | None, remove: str | None
) -> set[UUID]:
    """Give these leads a tag, or take one from them; return for whom that was a change."""
    changed = set[UUID]()
    of_these = (Lead.business_id == business_id, Lead.id.in_(lead_ids))
    if add is not None:
        values = {"business_id": business_id, "lead_ids": list(lead_ids), "tag": add}
        changed.update(session.execute(_ADD_TAG, values).scalars())
    if remove is not None:
        taken = (
            update(Lead)
            .where(*of_these, literal(remove) == any_(Lead.tags))
            .values(tags=func.array_remove(Lead.tags, remove), version=Lead.version + 1)
            .returning(Lead.id)
        )
        changed.update(session.scalars(taken, execution_options={"synchronize_session": False}))
    return changed


def add_to_list(session: Session, business_id: UUID, list_id: UUID, lead_ids: Sequence[UUID]) -> None:
    """Put these leads at a list's end, those aside that stand in it; one adder to a list at a time."""
    session.execute(
        select(LeadList.id)
        .where(LeadList.business_id == business_id, LeadList.id == list_id)
        .with_for_update(key_share=True)
    )
    session.execute(_ADD_TO_LIST, {"business_id": business_id, "list_id": list_id, "lead_ids": lead_ids})


def remove_from_list(session: Session, business_id: UUID, list_id: UUID, lead_ids: Sequence[UUID]) -> None:
    """Take these leads out of a list, as far as they stand in it."""
    session.execute(
        delete(LeadListEntry).where(
            LeadListEntry.business_id == business_id,
            LeadListEntry.list_id == list_id,
            LeadListEntry.lead_id.in_(lead_ids),
        )
    )


def remove(session: Session, business_id: UUID, lead_ids: Collection[UUID]) -> None:
    """Delete these leads. Their places in lists go too; what else refers to them forgets whom it was."""
    session.execute(
        delete(Lead).where(Lead.business_id == business_id, Lead.id.in_(lead_ids)),
        execution_options={"synchronize_session": False},
    )
