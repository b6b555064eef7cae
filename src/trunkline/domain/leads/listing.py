"""Reading leads for pages: those that meet conditions, in an order, behind a cursor; counts; the board."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from trunkline.core.errors import InvalidInput
from trunkline.domain.leads import statuses, store
from trunkline.domain.leads.lead_schemas import LeadsQuery
from trunkline.domain.leads.models import LISTED, Lead, LeadList, LeadListEntry, LeadStatus
from trunkline.domain.leads.schemas import LeadConditions
from trunkline.kit import cursors


@dataclass(frozen=True, slots=True)
class Page:
    """Some leads, and the cursor of the next page; none: this was the last."""

    rows: Sequence[Lead]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Column:
    """A status of the board: how many leads meet the conditions there, and the first of them."""

    status: LeadStatus
    count: int
    page: Page


def list_leads(session: Session, business_id: UUID, wanted: LeadsQuery) -> Page:
    """Return a page of the leads that meet the conditions. Raises InvalidCursor, InvalidInput, NotFound."""
    query = select(Lead).where(
        Lead.business_id == business_id, LISTED, *store.conditions(session, business_id, wanted)
    )
    after, limit = wanted.cursor, wanted.limit
    if wanted.order == "board":
        if len(wanted.status_id) != 1:
            raise InvalidInput("The board's order is that of one status; name one in status_id.")
        if after is not None:
            query = query.where(Lead.place > cursors.read(after, str)[0])
        # The status too: of a column that is null PostgreSQL does not see that it is all the same.
        query = query.order_by(Lead.status_id, Lead.place)
    elif wanted.order == "name":
        if after is not None:
            query = query.where(tuple_(Lead.sort_name, Lead.id) > cursors.read(after, str, UUID))
        query = query.order_by(Lead.sort_name, Lead.id)
    else:
        if after is not None:
            query = query.where(tuple_(Lead.created_at, Lead.id) < cursors.read(after, datetime, UUID))
        query = query.order_by(Lead.created_at.desc(), Lead.id.desc())
    # One more than is shown tells whether there are more.
    found = session.scalars(query.limit(limit + 1)).all()
    shown = found[:limit]
    return Page(shown, _cursor(shown[-1], wanted.order) if len(found) > limit else None)


def count_leads(session: Session, business_id: UUID, wanted: LeadConditions) -> int:
    """Return how many leads meet the conditions. Raises NotFound."""
    meet = store.conditions(session, business_id, wanted)
    return session.scalar(select(func.count()).where(Lead.business_id == business_id, LISTED, *meet)) or 0


def board(session: Session, business_id: UUID, wanted: LeadConditions, *, cards: int) -> list[Column]:
    """Return every status with how many leads meet the conditions there, and its first cards."""
    known = statuses.of_business(session, business_id)
    meet = store.conditions(session, business_id, wanted)
    counted = session.execute(
        select(Lead.status_id, func.count().label("leads"))
        .where(Lead.business_id == business_id, LISTED, *meet)
        .group_by(Lead.status_id)
    )
    counts: dict[UUID | None, int] = {row.status_id: row.leads for row in counted}
    columns = []
    for status in known.rows:
        stored = known.stored(status.id)
        page = Page((), None)
        if counts.get(stored):
            query = wanted.model_dump(exclude={"cards"}) | {
                "status_id": [status.id],
                "order": "board",
                "limit": cards,
            }
            page = list_leads(session, business_id, LeadsQuery.model_validate(query))
        columns.append(Column(status, counts.get(stored, 0), page))
    return columns


def tags_of_business(session: Session, business_id: UUID) -> list[str]:
    """Return every tag that a lead of the business has, in the order of their letters."""
    tag = func.unnest(Lead.tags).label("tag")
    used = select(tag).where(Lead.business_id == business_id).distinct().order_by(tag)
    return list(session.scalars(used))


def lists_of_lead(session: Session, business_id: UUID, lead_id: UUID) -> list[LeadList]:
    """Return the lists in which a lead stands, newest first."""
    return list(
        session.scalars(
            select(LeadList)
            .join(
                LeadListEntry,
                (LeadListEntry.business_id == LeadList.business_id) & (LeadListEntry.list_id == LeadList.id),
            )
            .where(LeadListEntry.business_id == business_id, LeadListEntry.lead_id == lead_id)
            .order_by(LeadList.created_at.desc())
        )
    )


def _cursor(last: Lead, order: str) -> str:
    if order == "board":
        return cursors.write(last.place)
    return cursors.write(last.sort_name if order == "name" else last.created_at, last.id)
