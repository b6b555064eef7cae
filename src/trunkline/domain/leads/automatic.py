"""Leads that move by themselves: which status a lead goes into when a call has come to something.

Owns the business's rules for that and how they are applied. What calls come to, and when, is told from
above (`Outcome`); each telling is heard once, however often it comes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import and_, delete, exists, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from trunkline.core.events import announce
from trunkline.core.jobs import enqueue_job
from trunkline.domain.leads import board, statuses, store
from trunkline.domain.leads.flow_models import CauseKind, LeadStatusChange, LeadStatusHabit, LeadStatusRule
from trunkline.domain.leads.models import Lead, LeadStatus
from trunkline.domain.leads.movement import Cause
from trunkline.kit import barriers

BOOKED, ANSWERED = "booked", "answered"
"""An appointment was made in the call; somebody spoke with the agent, and there is no rule for more."""

KNOWN = (
    BOOKED, "callback_requested", "declined", "opted_out", "wrong_number", "transferred", ANSWERED,
    "no_response", "voicemail", "no_answer", "busy", "failed",
)  # fmt: skip
"""What calls commonly come to; a business may have words of its own besides."""

ACTOR = "call"


@dataclass(frozen=True, slots=True)
class Habit:
    """How a business lets calls move its leads."""

    is_on: bool = False
    goes_back: bool = False
    reopens: bool = False
    least_confidence: Decimal = Decimal("0.65")
    rules: Mapping[str, UUID] = field(default_factory=dict)
    """Outcome -> status."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call has come to."""

    call_id: UUID
    lead_id: UUID
    disposition: str
    is_booked: bool
    was_answered: bool
    """Somebody, or a machine, was on the line with the agent."""
    confidence: float
    """0 to 1: how sure it is. What the carrier tells and what was booked is certain."""
    ended_at: datetime


def habit_of(session: Session, business_id: UUID) -> Habit:
    """Return how the business lets calls move its leads."""
    row = session.get(LeadStatusHabit, business_id)
    rules = session.execute(
        select(LeadStatusRule.outcome, LeadStatusRule.status_id)
        .where(LeadStatusRule.business_id == business_id)
        .order_by(LeadStatusRule.outcome)
    )
    found = {rule.outcome: rule.status_id for rule in rules}
    if row is None:
        return Habit(rules=found)
    return Habit(row.is_on, row.goes_back, row.reopens, row.least_confidence, found)


def keep_habit(session: Session, business_id: UUID, wish: Habit, *, actor: str) -> None:
    """Replace the business's rules. Raises NotFound for a status that it does not have."""
    known = statuses.of_business(session, business_id)
    for status_id in wish.rules.values():
        known.get(status_id)
    facts = {
        "is_on": wish.is_on, "goes_back": wish.goes_back, "reopens": wish.reopens,
        "least_confidence": wish.least_confidence,
    }  # fmt: skip
    session.execute(
        insert(LeadStatusHabit)
        .values(business_id=business_id, **facts)
        .on_conflict_do_update(index_elements=["business_id"], set_=facts)
    )
    session.execute(delete(LeadStatusRule).where(LeadStatusRule.business_id == business_id))
    if wish.rules:
        session.execute(
            insert(LeadStatusRule),
            [
                {"business_id": business_id, "outcome": outcome, "status_id": status_id}
                for outcome, status_id in wish.rules.items()
            ],
        )
    session.expire_all()
    announce(
        "lead_status_rules.changed", subject_id=business_id, actor=actor, is_on=wish.is_on,
        rules={outcome: str(status_id) for outcome, status_id in wish.rules.items()},
    )  # fmt: skip


def has_rules(session: Session, business_id: UUID) -> bool:
    """Return whether calls move leads here at all."""
    is_on = exists().where(LeadStatusHabit.business_id == business_id, LeadStatusHabit.is_on)
    return bool(session.scalar(select(is_on)))


def hear(session: Session, business_id: UUID, outcome: Outcome) -> None:
    """Have the rules applied to what a call has come to, behind the transaction that notes it."""
    if has_rules(session, business_id):
        enqueue_job("default", "move_lead_by_call", written(outcome))


def written(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome as a job's argument."""
    return {
        **asdict(outcome), "call_id": str(outcome.call_id), "lead_id": str(outcome.lead_id),
        "ended_at": outcome.ended_at.isoformat(),
    }  # fmt: skip


def read_outcome(facts: Mapping[str, Any]) -> Outcome:
    """Return an outcome that came as a job's argument."""
    return Outcome(
        call_id=UUID(facts["call_id"]), lead_id=UUID(facts["lead_id"]), disposition=facts["disposition"],
        is_booked=facts["is_booked"], was_answered=facts["was_answered"], confidence=facts["confidence"],
        ended_at=datetime.fromisoformat(facts["ended_at"]),
    )  # fmt: skip


def apply(session: Session, business_id: UUID, outcome: Outcome) -> UUID | None:
    """Move the lead of a call as the business's rules say. Returns the new status; None: it stays.

    Told again it changes nothing more. What was chosen after the call, by anybody, stands; and so does
    what the agent chose in it.
    """
    habit = habit_of(session, business_id)
    said, target = choose(outcome, habit)
    if target is None:
        return None
    lead = _locked(session, business_id, outcome.lead_id)
    if lead is None and (became := store.became(session, business_id, outcome.lead_id)) is not None:
        # It was merged into another one since, which the call is of by now.
        outcome = replace(outcome, lead_id=became)
        lead = _locked(session, business_id, became)
    if lead is None:
        return None
    event = f"call:{outcome.call_id}:{said}"
    known = statuses.of_business(session, business_id)
    status = known.get(target)
    if not may_move(known.of(lead), status, habit) or _is_settled(session, business_id, outcome, event):
        return None
    barriers.reached("leads.before_automatic_move")
    cause = Cause(CauseKind.CALL, ACTOR, source_id=outcome.call_id, source_event=event)
    board.move(session, business_id, lead.id, status_id=status.id, after=None, cause=cause)
    return status.id


def choose(outcome: Outcome, habit: Habit) -> tuple[str, UUID | None]:
    """Return by which outcome a call moves its lead, and into which status; None: no rule is for it.

    An appointment counts before all that was said. Of what the agent only concluded nothing follows
    below the confidence that the business asks for, but that somebody has answered is certain.
    """
    if not habit.is_on:
        return outcome.disposition, None
    if outcome.is_booked and BOOKED in habit.rules:
        return BOOKED, habit.rules[BOOKED]
    is_sure = outcome.confidence >= habit.least_confidence
    if is_sure and outcome.disposition in habit.rules:
        return outcome.disposition, habit.rules[outcome.disposition]
    if outcome.was_answered and outcome.disposition != "voicemail":
        return ANSWERED, habit.rules.get(ANSWERED)
    return outcome.disposition, None


def may_move(now: LeadStatus, then: LeadStatus, habit: Habit) -> bool:
    """Return whether a lead that stands in one status goes into another by itself."""
    if now.id == then.id:
        return False
    if now.is_closed and not habit.reopens:
        return False
    return habit.goes_back or then.position > now.position


def _locked(session: Session, business_id: UUID, lead_id: UUID) -> Lead | None:
    return session.scalar(
        select(Lead)
        .where(Lead.business_id == business_id, Lead.id == lead_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )


def _is_settled(session: Session, business_id: UUID, outcome: Outcome, event: str) -> bool:
    """Return whether this was heard before, or the lead was moved since, or by the agent in the call."""
    by_the_agent = and_(
        LeadStatusChange.cause == CauseKind.TOOL, LeadStatusChange.source_id == outcome.call_id
    )
    settled = exists().where(
        LeadStatusChange.business_id == business_id,
        LeadStatusChange.lead_id == outcome.lead_id,
        or_(
            LeadStatusChange.source_event == event,
            and_(
                LeadStatusChange.at > outcome.ended_at,
                LeadStatusChange.source_id.is_distinct_from(outcome.call_id),
            ),
            by_the_agent,
        ),
    )
    return bool(session.scalar(select(settled)))
