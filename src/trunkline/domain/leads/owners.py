"""Who looks after leads: a person of the business, who gives theirs back on leaving."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from trunkline.core.errors import NotFound
from trunkline.core.events import announce
from trunkline.domain.leads.models import Lead
from trunkline.domain.people import service as people


def may_own(session: Session, business_id: UUID, owner_id: UUID | None) -> bool:
    """Return whether leads can be given to this person; to nobody they always can."""
    return owner_id is None or people.belongs(session, business_id, owner_id)


def require(session: Session, business_id: UUID, owner_id: UUID | None) -> None:
    """Raise NotFound for somebody who is nobody of the business."""
    if not may_own(session, business_id, owner_id):
        raise NotFound("There is no such person.", field="owner_id")


def give_back(session: Session, business_id: UUID, owner_id: UUID, actor: str) -> int:
    """Take a person's leads from them, who is about to leave; nobody's they are then. Returns how many."""
    given = session.execute(
        update(Lead)
        .where(Lead.business_id == business_id, Lead.owner_id == owner_id)
        .values(owner_id=None, version=Lead.version + 1),
        execution_options={"synchronize_session": False, "preserve_rowcount": True},
    )
    leads = int(given.rowcount)  # type: ignore[attr-defined]
    if leads:
        announce("leads.given_back", subject_id=owner_id, actor=actor, leads=leads)
    return leads
