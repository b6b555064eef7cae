"""The one place in which a lead's change of status is written down and told, with its cause.

Owns the history. Whether a lead may move, and its place on the board, is decided by who calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from trunkline.core.events import announce_many
from trunkline.domain.leads.flow_models import CauseKind, LeadStatusChange
from trunkline.domain.leads.statuses import Statuses
from trunkline.kit import cursors
from trunkline.kit.ids import new_id


@dataclass(frozen=True, slots=True)
class Cause:
    """Why leads move: who or what did it, and of what it came."""

    kind: CauseKind
    actor: str
    source_id: UUID | None = None
    """The call, bulk run or webhook that it came from."""
    source_event: str | None = None
    """What happened there, where that may be told twice; names one move of one lead."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A lead's row has another status now. Null stands for the initial one, as in leads' rows."""

    lead_id: UUID
    before: UUID | None
    now: UUID | None


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Some changes, newest first, and the cursor of the next page; none: this was the last."""

    rows: Sequence[LeadStatusChange]
    next_cursor: str | None


def note(session: Session, business_id: UUID, known: Statuses, moved: Sequence[Moved], cause: Cause) -> None:
    """Write down and tell that leads have moved, in the transaction that moves them."""
    if not moved:
        return
    told = [_facts(known, move) for move in moved]
    session.execute(
        insert(LeadStatusChange),
        [
            {
                "id": new_id(), "business_id": business_id, "lead_id": move.lead_id,
                "cause": cause.kind.value, "source_id": cause.source_id, "source_event": cause.source_event,
                "actor": cause.actor, **facts,
            }
            for move, facts in zip(moved, told, strict=True)
        ],
    )  # fmt: skip
    announce_many(
        "lead.status_changed", actor=cause.actor, subjects=[move.lead_id for move in moved],
        data=[
            {
                "before": str(facts["before_id"]), "before_name": facts["before_name"],
                "status_id": str(facts["status_id"]), "status_name": facts["status_name"],
                "cause": cause.kind.value, "source_id": cause.source_id and str(cause.source_id),
            }
            for facts in told
        ],
    )  # fmt: skip


def history(
    session: Session, business_id: UUID, lead_id: UUID, *, after: str | None, limit: int
) -> HistoryPage:
    """Return a page of a lead's changes of status, newest first. Raises InvalidCursor."""
    query = select(LeadStatusChange).where(
        LeadStatusChange.business_id == business_id, LeadStatusChange.lead_id == lead_id
    )
    if after is not None:
        place = cursors.read(after, datetime, UUID)
        query = query.where(tuple_(LeadStatusChange.at, LeadStatusChange.id) < place)
    newest = query.order_by(LeadStatusChange.at.desc(), LeadStatusChange.id.desc())
    # One more than is shown tells whether there are more.
    found = session.scalars(newest.limit(limit + 1)).all()
    shown = found[:limit]
    last = shown[-1] if len(found) > limit else None
    return HistoryPage(shown, None if last is None else cursors.write(last.at, last.id))


def _facts(known: Statuses, move: Moved) -> dict[str, Any]:
    """Which statuses they are; also the names, which may be others by the time that it is read."""
    return {
        "before_id": move.before or known.initial.id, "before_name": known.name(move.before),
        "status_id": move.now or known.initial.id, "status_name": known.name(move.now),
    }  # fmt: skip
