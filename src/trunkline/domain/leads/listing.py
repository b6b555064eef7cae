"""Reading leads for pages: those that meet conditions, in an order, behind a cursor; counts; the board."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, tuple_
from sqlalchemy.orm import Session

from trunkline.core.errors import InvalidInput
from trunkline.domain.leads import counts, statuses, store
from trunkline.domain.leads.lead_schemas import LeadsQuery
from trunkline.domain.leads.models import LISTED, TAGGED, Lead, LeadList, LeadListEntry, LeadStatus
from trunkline.domain.leads.schemas import LeadConditions
from trunkline.kit import cursors

_MOST_TAGS = 1_000
"""More are no choice that anybody looks through."""


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
    if wanted.order == "board" and len(wanted.status_id) != 1:
        raise InvalidInput(
            "The board's order is that of one status; name one in status_id.", reason="board_status"
        )
    meet = store.conditions(session, business_id, wanted)
    return _page(session, business_id, meet, wanted.order, after=wanted.cursor, limit=wanted.limit)


def count_leads(session: Session, business_id: UUID, wanted: LeadConditions) -> int:
    """Return how many leads meet the conditions. Raises NotFound."""
    if _asks_for_statuses_alone(wanted):
        counted = counts.by_status(session, business_id)
        if not wanted.status_id:
            return sum(counted.values())
        known = statuses.of_business(session, business_id)
        asked = {known.stored(status_id) for status_id in wanted.status_id}
        return sum(counted.get(stored, 0) for stored in asked)
    meet = store.conditions(session, business_id, wanted)
    return session.scalar(select(func.count()).where(Lead.business_id == business_id, LISTED, *meet)) or 0


def board(session: Session, business_id: UUID, wanted: LeadConditions, *, cards: int) -> list[Column]:
    """Return every status with how many leads meet the conditions there, and its first cards."""
    known = statuses.of_business(session, business_id)
    meet = store.conditions(session, business_id, wanted)
    counted = _by_status(session, business_id, wanted, meet)
    columns = []
    for status in known.rows:
        stored = known.stored(status.id)
        page = Page((), None)
        if counted.get(stored):
            here = [store.stands_in(stored), *meet]
            page = _page(session, business_id, here, "board", after=None, limit=cards)
        columns.append(Column(status, counted.get(stored, 0), page))
    return columns


def _by_status(
    session: Session, business_id: UUID, wanted: LeadConditions, meet: list[ColumnElement[bool]]
) -> dict[UUID | None, int]:
    if _asks_for_statuses_alone(wanted):
        return counts.by_status(session, business_id)
    counted = session.execute(
        select(Lead.status_id, func.count().label("leads"))
        .where(Lead.business_id == business_id, LISTED, *meet)
        .group_by(Lead.status_id)
    )
    return {row.status_id: row.leads for row in counted}


def _asks_for_statuses_alone(wanted: LeadConditions) -> bool:
    others = LeadConditions.model_fields.keys() - {"status_id"}
    return not any(getattr(wanted, name) for name in others)


def _page(
    session: Session,
    business_id: UUID,
    meet: list[ColumnElement[bool]],
    order: str,
    *,
    after: str | None,
    limit: int,
) -> Page:
    query = select(Lead).where(Lead.business_id == business_id, LISTED, *meet)
    if order == "board":
        if after is not None:
            query = query.where(Lead.place > cursors.read(after, str)[0])
        # The status too: of a column that is null PostgreSQL does not see that it is all the same.
        query = query.order_by(Lead.status_id, Lead.place)
    elif order == "name":
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
    return Page(shown, _cursor(shown[-1], order) if len(found) > limit else None)


def tags_of_business(session: Session, business_id: UUID) -> list[str]:
    """Return the tags that leads of the business have, in the order of their letters: at most a thousand,
    those that most leads have."""
    tag = func.unnest(Lead.tags).label("tag")
    borne = select(tag).where(Lead.business_id == business_id, TAGGED).subquery()
    most = func.count().desc()
    used = select(borne.c.tag).group_by(borne.c.tag).order_by(most, borne.c.tag).limit(_MOST_TAGS).subquery()
    return list(session.scalars(select(used.c.tag).order_by(used.c.tag)))


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
