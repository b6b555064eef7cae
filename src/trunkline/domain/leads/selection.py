"""Whom somebody means: the leads of a list, those that a filter finds, or chosen ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import ARRAY, Select, bindparam, func, select
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.orm import Session

from trunkline.core.errors import Conflict, InvalidInput, NotFound
from trunkline.domain.leads import import_store, store
from trunkline.domain.leads.models import Lead, LeadListEntry
from trunkline.domain.leads.schemas import LeadFilter


@dataclass(frozen=True, slots=True)
class Whom:
    """One of the three; the order is the list's, the newest first, or the one chosen."""

    list_id: UUID | None = None
    lead_ids: list[UUID] = field(default_factory=list)
    where: LeadFilter | None = None


def people_of(session: Session, business_id: UUID, whom: Whom) -> Select[UUID, str, int]:
    """Return the query for these people: lead id, number and a sort key.

    Raises NotFound, InvalidInput, and Conflict for a list that is being imported.
    """
    if [whom.list_id is not None, bool(whom.lead_ids), whom.where is not None].count(True) != 1:
        raise InvalidInput("Say whom in one way: a list, a filter or chosen leads.", reason="whom_one_way")
    columns = (Lead.id, Lead.phone)
    if whom.list_id is not None:
        if not store.has_list(session, business_id, whom.list_id):
            raise NotFound("There is no such list.")
        importing = import_store.open_import_of(session, business_id, whom.list_id)
        if importing is not None:
            # Its people would be called as far as they are in, and the others never.
            raise Conflict(
                "This list is being imported; wait for its end, or cancel the import.",
                import_id=str(importing),
                reason="list_importing",
            )
        of_list = (LeadListEntry.business_id == Lead.business_id) & (LeadListEntry.lead_id == Lead.id)
        return (
            select(*columns, LeadListEntry.position)
            .join(LeadListEntry, of_list)
            .where(LeadListEntry.business_id == business_id, LeadListEntry.list_id == whom.list_id)
        )
    if whom.where is not None:
        found = store.matching(session, business_id, whom.where)
        newest_first = func.row_number().over(order_by=(Lead.created_at.desc(), Lead.id.desc()))
        return select(*columns, newest_first).where(Lead.business_id == business_id, Lead.id.in_(found))
    lead_ids = list(dict.fromkeys(whom.lead_ids))
    if missing := store.missing(session, business_id, lead_ids):
        raise NotFound("There is no such lead.", lead_ids=[str(lead_id) for lead_id in missing])
    ids = bindparam("lead_ids", lead_ids, type_=ARRAY(PG_UUID(as_uuid=True)))
    chosen = func.unnest(ids).table_valued("id", with_ordinality="place").render_derived()
    return (
        select(*columns, chosen.c.place)
        .join(chosen, chosen.c.id == Lead.id)
        .where(Lead.business_id == business_id)
    )
