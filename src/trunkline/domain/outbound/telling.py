"""What the suppression list tells in the timelines of leads, and of one lead on its page."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from trunkline.core.timeline import Entry, Wanted, register_source
from trunkline.domain.leads import service as leads
from trunkline.domain.outbound.models import Suppression, SystemSuppression

_SUPPRESSED = "suppressed"


def register() -> None:
    """Let the suppression list tell of the leads whose numbers stand on it."""
    register_source(_SUPPRESSED, _suppressed)


def standing(session: Session, business_id: UUID, lead_id: UUID) -> tuple[Suppression | None, bool]:
    """Return a lead's place on the business's list, and whether nobody may call it. Raises NotFound."""
    phone = leads.get_lead(session, business_id, lead_id).phone
    everywhere = session.scalar(select(SystemSuppression.phone).where(SystemSuppression.phone == phone))
    return session.get(Suppression, (business_id, phone)), everywhere is not None


def _suppressed(session: Session, wanted: Wanted) -> Sequence[Entry]:
    row = session.get(Suppression, (wanted.business_id, wanted.phone))
    if row is None or not wanted.has_yet(_SUPPRESSED, row.created_at):
        return ()
    facts = {"reason": row.reason, "source": row.source}
    return (Entry(row.created_at, row.phone, "suppressed", None, facts),)
