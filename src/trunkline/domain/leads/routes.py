"""People's door to leads: lists of them, the board, and one lead with all that is known."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session

from trunkline.core import timeline
from trunkline.core.access import Role
from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.domain.leads import board, consent, editing, listing, service, statuses
from trunkline.domain.leads.detail import detail
from trunkline.domain.leads.flow_models import CauseKind
from trunkline.domain.leads.lead_schemas import (
    BoardColumnOut,
    BoardOut,
    BoardQuery,
    CountOut,
    LeadDetail,
    LeadEdit,
    LeadIn,
    LeadOut,
    LeadsOut,
    LeadsQuery,
    MoveIn,
    NoteIn,
    NoteOut,
    StatusOut,
    TagsOut,
    TimelineEntryOut,
    TimelineOut,
)
from trunkline.domain.leads.movement import Cause
from trunkline.domain.leads.schemas import ConsentChange, LeadConditions, LeadListOut

router = APIRouter(prefix="/api", tags=["leads"])


@router.get("/leads")
def read_leads(query: Annotated[LeadsQuery, Query()], session: SessionDep, who: PrincipalDep) -> LeadsOut:
    """Leads that meet the conditions, a page at a time; `cursor` is the last answer's `next_cursor`."""
    return _page(session, who.business, listing.list_leads(session, who.business, query))


@router.post("/leads", status_code=201)
def create_lead(body: LeadIn, session: SessionDep, who: PrincipalDep) -> LeadDetail:
    """Make a lead of somebody new. 409 with `lead_id` where the number is somebody's already."""
    who.require(Role.AGENT)
    return detail(session, editing.create_lead(session, who.business, body, actor=who.email))


@router.get("/leads/count")
def count_leads(
    query: Annotated[LeadConditions, Query()], session: SessionDep, who: PrincipalDep
) -> CountOut:
    """How many leads meet the conditions."""
    return CountOut(count=listing.count_leads(session, who.business, query))


@router.get("/leads/board")
def read_board(query: Annotated[BoardQuery, Query()], session: SessionDep, who: PrincipalDep) -> BoardOut:
    """Every status with how many leads meet the conditions there, and the first of them."""
    columns = listing.board(session, who.business, query, cards=query.cards)
    pages = [_page(session, who.business, column.page) for column in columns]
    return BoardOut(
        columns=[
            BoardColumnOut(
                status=StatusOut.model_validate(column.status), count=column.count, leads=page.leads,
                next_cursor=page.next_cursor,
            )
            for column, page in zip(columns, pages, strict=True)
        ]
    )  # fmt: skip


@router.get("/leads/{lead_id}")
def read_lead(lead_id: UUID, session: SessionDep, who: PrincipalDep) -> LeadDetail:
    """One lead, and the lists in which it stands."""
    return detail(session, service.get_lead(session, who.business, lead_id))


@router.patch("/leads/{lead_id}")
def edit_lead(lead_id: UUID, body: LeadEdit, session: SessionDep, who: PrincipalDep) -> LeadDetail:
    """Change facts about a lead. 409 where somebody has changed it since it was read."""
    who.require(Role.AGENT)
    changes = body.model_dump(exclude={"version"}, exclude_unset=True)
    lead = editing.edit_lead(session, who.business, lead_id, changes, version=body.version, actor=who.email)
    return detail(session, lead)


@router.post("/leads/{lead_id}/move")
def move_lead(lead_id: UUID, body: MoveIn, session: SessionDep, who: PrincipalDep) -> LeadOut:
    """Put a lead into a status, behind another lead that stands there or before all."""
    who.require(Role.AGENT)
    cause = Cause(CauseKind.PERSON, who.email)
    lead = board.move(session, who.business, lead_id, status_id=body.status_id, after=body.after, cause=cause)
    return LeadOut.of(lead, statuses.of_business(session, who.business))


@router.get("/leads/{lead_id}/timeline")
def read_timeline(
    lead_id: UUID,
    session: SessionDep,
    who: PrincipalDep,
    limit: Annotated[int, Query(ge=1, le=100)] = 30,
    cursor: str | None = None,
) -> TimelineOut:
    """All that has happened with a lead, newest first, a page at a time."""
    lead = service.get_lead(session, who.business, lead_id)
    entries, following = timeline.read(
        session, who.business, lead_id=lead.id, phone=lead.phone, limit=limit, after=cursor
    )
    return TimelineOut(
        entries=[
            TimelineEntryOut(at=entry.at, kind=entry.kind, actor=entry.actor, data=dict(entry.data))
            for entry in entries
        ],
        next_cursor=following,
    )


@router.post("/leads/{lead_id}/notes", status_code=201)
def add_note(lead_id: UUID, body: NoteIn, session: SessionDep, who: PrincipalDep) -> NoteOut:
    """Write a note on a lead; it stands in its timeline."""
    who.require(Role.AGENT)
    lead = service.get_lead(session, who.business, lead_id)
    note = editing.add_note(session, who.business, lead.id, body.text, author=who.email)
    return NoteOut.model_validate(note)


@router.patch("/leads/{lead_id}/notes/{note_id}")
def change_note(
    lead_id: UUID, note_id: UUID, body: NoteIn, session: SessionDep, who: PrincipalDep
) -> NoteOut:
    """Write a note anew: one's own, or, for an admin, anybody's."""
    who.require(Role.AGENT)
    note = editing.change_note(session, who.business, lead_id, note_id, body.text, who=who)
    return NoteOut.model_validate(note)


@router.delete("/leads/{lead_id}/notes/{note_id}", status_code=204)
def remove_note(lead_id: UUID, note_id: UUID, session: SessionDep, who: PrincipalDep) -> None:
    """Remove a note: one's own, or, for an admin, anybody's."""
    who.require(Role.AGENT)
    editing.remove_note(session, who.business, lead_id, note_id, who=who)


@router.patch("/leads/{lead_id}/consent")
def change_consent(lead_id: UUID, body: ConsentChange, session: SessionDep, who: PrincipalDep) -> LeadDetail:
    """Note what a person has said to being called by an AI."""
    who.require(Role.AGENT)
    lead = service.get_lead(session, who.business, lead_id)
    consent.change(session, who.business, [lead.id], body, actor=who.email)
    session.refresh(lead)
    return detail(session, lead)


@router.get("/lead-lists")
def read_lists(
    session: SessionDep,
    who: PrincipalDep,
    *,
    search: Annotated[str | None, Query(max_length=200)] = None,
    after: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 200,
) -> list[LeadListOut]:
    """The business's lists, newest first, those behind one; a page shorter than `limit` is the last."""
    return [
        LeadListOut(id=row.id, name=row.name, leads=count, created_at=row.created_at)
        for row, count in service.list_lists(session, who.business, search=search, after=after, limit=limit)
    ]


@router.get("/lead-tags")
def read_tags(session: SessionDep, who: PrincipalDep) -> TagsOut:
    """The tags that leads of the business have."""
    return TagsOut(tags=listing.tags_of_business(session, who.business))


def _page(session: Session, business_id: UUID, page: listing.Page) -> LeadsOut:
    known = statuses.of_business(session, business_id)
    return LeadsOut(leads=[LeadOut.of(lead, known) for lead in page.rows], next_cursor=page.next_cursor)
