"""People's door to how leads move: a lead's history of statuses, and the rules by which calls move them."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session

from trunkline.core.access import Role
from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.domain.leads import automatic, movement, service
from trunkline.domain.leads.flow_schemas import StatusMoveOut, StatusMovesOut, StatusRules, StatusRulesOut

router = APIRouter(prefix="/api", tags=["leads"])


@router.get("/leads/{lead_id}/status-changes")
def read_status_changes(
    lead_id: UUID,
    session: SessionDep,
    who: PrincipalDep,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 30,
) -> StatusMovesOut:
    """How a lead came to stand where it stands: its changes of status and their causes, newest first."""
    lead = service.get_lead(session, who.business, lead_id)
    page = movement.history(session, who.business, lead.id, after=cursor, limit=limit)
    return StatusMovesOut(
        changes=[StatusMoveOut.model_validate(row) for row in page.rows], next_cursor=page.next_cursor
    )


@router.get("/lead-status-rules")
def read_status_rules(session: SessionDep, who: PrincipalDep) -> StatusRulesOut:
    """Into which statuses leads go by what their calls come to."""
    return _rules(session, who.business)


@router.put("/lead-status-rules")
def write_status_rules(body: StatusRules, session: SessionDep, who: PrincipalDep) -> StatusRulesOut:
    """Replace these rules. They hold for calls that end from now on."""
    who.require(Role.ADMIN)
    automatic.keep_habit(session, who.business, automatic.Habit(**body.model_dump()), actor=who.email)
    return _rules(session, who.business)


def _rules(session: Session, business_id: UUID) -> StatusRulesOut:
    habit = automatic.habit_of(session, business_id)
    return StatusRulesOut(
        is_on=habit.is_on, goes_back=habit.goes_back, reopens=habit.reopens,
        least_confidence=habit.least_confidence, rules=dict(habit.rules),
        known_outcomes=list(automatic.KNOWN),
    )  # fmt: skip
