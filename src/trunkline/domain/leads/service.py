"""The verbs of leads."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TypeVar
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from trunkline.core.errors import InvalidInput, NotFound
from trunkline.core.events import announce
from trunkline.domain.leads.models import Lead, LeadList, LeadListEntry
from trunkline.domain.leads.rules import LeadRow, RowFault, read_csv
from trunkline.domain.tenants.models import Business
from trunkline.kit.ids import new_id

_ROWS_A_STATEMENT = 1_000

T = TypeVar("T")


@dataclass(slots=True)
class ImportResult:
    """What became of a file: the list it made, and the rows that could not be used."""

    lead_list: LeadList
    imported: int = 0
    created: int = 0
    faults: list[RowFault] = field(default_factory=list)


def import_csv(
    session: Session, business: Business, *, name: str, content: bytes, actor: str
) -> ImportResult:
    """Make a named list of a CSV file's people; known numbers keep their lead.

    Raises InvalidInput when the file cannot be used or the business has a list of this name.
    """
    rows = list(read_csv(content, region=business.region))
    taken = select(LeadList.id).where(LeadList.business_id == business.id, LeadList.name == name)
    if session.scalar(taken):
        raise InvalidInput(f"There is a list called {name!r} already.")
    lead_list = LeadList(business_id=business.id, name=name)
    session.add(lead_list)
    session.flush()
    result = ImportResult(lead_list, faults=[row for row in rows if isinstance(row, RowFault)])
    good = [row for row in rows if isinstance(row, LeadRow)]
    leads = _keep(session, business.id, good, source=f"list:{name}")
    result.imported = len(good)
    result.created = sum(created for _, created in leads.values())
    for batch in _batches(list(enumerate(good, 1))):
        entries = [
            {
                "business_id": business.id, "list_id": lead_list.id, "lead_id": leads[row.phone][0],
                "position": position,
            }
            for position, row in batch
        ]  # fmt: skip
        session.execute(insert(LeadListEntry).values(entries))
    announce(
        "list.imported", subject_id=lead_list.id, actor=actor, imported=result.imported,
        faults=len(result.faults),
    )  # fmt: skip
    return result


def lead_of_caller(session: Session, business_id: UUID, phone: str) -> UUID:
    """Return the lead with this number, making one for somebody new."""
    return _keep(session, business_id, [LeadRow(phone, "", None, None)], source="call")[phone][0]


def get_lead(session: Session, business_id: UUID, lead_id: UUID) -> Lead:
    """Return a lead of this business. Raises NotFound."""
    lead = session.scalar(select(Lead).where(Lead.business_id == business_id, Lead.id == lead_id))
    if lead is None:
        raise NotFound("There is no such lead.")
    return lead


def names_of(session: Session, business_id: UUID, lead_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the names of those of these leads that are there."""
    rows = session.execute(
        select(Lead.id, Lead.name).where(Lead.business_id == business_id, Lead.id.in_(lead_ids))
    )
    return {row.id: row.name for row in rows}


def list_leads(session: Session, business_id: UUID, *, limit: int, offset: int) -> Sequence[Lead]:
    """Return leads, newest first."""
    return session.scalars(
        select(Lead)
        .where(Lead.business_id == business_id)
        .order_by(Lead.created_at.desc(), Lead.id.desc())
        .limit(limit)
        .offset(offset)
    ).all()


def list_lists(session: Session, business_id: UUID) -> list[tuple[LeadList, int]]:
    """Return the business's lists with how many leads stand in each, newest first."""
    rows = session.execute(
        select(LeadList, func.count(LeadListEntry.lead_id))
        .outerjoin(
            LeadListEntry,
            (LeadListEntry.list_id == LeadList.id) & (LeadListEntry.business_id == LeadList.business_id),
        )
        .where(LeadList.business_id == business_id)
        .group_by(LeadList.id)
        .order_by(LeadList.created_at.desc())
    )
    return [(row[0], row[1]) for row in rows]


def _keep(
    session: Session, business_id: UUID, rows: Sequence[LeadRow], *, source: str
) -> dict[str, tuple[UUID, bool]]:
    """Return the lead of each number and whether it is new; blanks of a known one are filled.

    No two rows have the same number.
    """
    kept: dict[str, tuple[UUID, bool]] = {}
    # In the order of their numbers: two imports at once must not wait for each other's rows.
    for batch in _batches(sorted(rows, key=attrgetter("phone"))):
        candidates = {row.phone: new_id() for row in batch}
        statement = insert(Lead).values(
            [
                {
                    "id": candidates[row.phone], "business_id": business_id, "phone": row.phone,
                    "name": row.name, "email": row.email, "notes": row.notes, "source": source,
                }
                for row in batch
            ]
        )  # fmt: skip
        found = session.execute(
            statement.on_conflict_do_update(
                index_elements=["business_id", "phone"],
                set_={
                    "name": func.coalesce(func.nullif(Lead.name, ""), statement.excluded.name),
                    "email": func.coalesce(Lead.email, statement.excluded.email),
                    "notes": func.coalesce(Lead.notes, statement.excluded.notes),
                },
            ).returning(Lead.phone, Lead.id)
        )
        kept |= {phone: (lead_id, lead_id == candidates[phone]) for phone, lead_id in found}
    return kept


def _batches(rows: list[T]) -> Iterator[list[T]]:
    """Yield rows in such numbers as one statement takes well."""
    for start in range(0, len(rows), _ROWS_A_STATEMENT):
        yield rows[start : start + _ROWS_A_STATEMENT]
