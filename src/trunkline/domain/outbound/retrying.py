"""Calling again whom a run did not reach: who that is, how many, and how the new run is called."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, not_, or_, select
from sqlalchemy.orm import Session

from trunkline.core.runs.models import Run, RunState
from trunkline.domain.outbound import tallies
from trunkline.domain.outbound.models import UNRESOLVED_STATES, ItemState, OutboundAttempt, OutboundItem

_NOT_TO_BE_CALLED = ("suppressed", "no_consent", "attempts_in_all", "no_calling_hours", "too_late")
"""Why a lead has failed who may not be called: another run would end it in the same way."""

_AGAIN = {"en": " (again)", "he": " (שוב)"}


def title_again(title: str, language: str) -> str:
    """Return what the run is called that calls again; of one that does so already, its own title."""
    mark = _AGAIN[language]
    return title if title.endswith(mark) else f"{title}{mark}"


def failed_leads(session: Session, business_id: UUID, run_id: UUID) -> list[UUID]:
    """Return the leads whom a run did not reach, in its order, those aside that may not be called."""
    found = session.scalars(
        select(OutboundItem.lead_id)
        .where(OutboundItem.business_id == business_id, OutboundItem.run_id == run_id, _unreached())
        .order_by(OutboundItem.position)
    )
    return [lead_id for lead_id in found if lead_id is not None]


def retryable(session: Session, business_id: UUID, rows: Sequence[Run]) -> dict[UUID, int]:
    """Return how many people each run could call again; none for a run that is not over."""
    over = [run.id for run in rows if RunState(run.state).is_final]
    kept = tallies.kept(session, business_id, over)
    known = {run_id: int(tally["retryable"]) for run_id, tally in kept.items() if tallies.is_settled(tally)}
    others = [run_id for run_id in over if run_id not in known]
    return {run.id: 0 for run in rows} | known | count_retryable(session, business_id, others)


def count_retryable(session: Session, business_id: UUID, run_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Count how many people each of these runs, which are over, could call again."""
    if not run_ids:
        return {}
    counted = session.execute(
        select(OutboundItem.run_id, func.count())
        .where(OutboundItem.business_id == business_id, OutboundItem.run_id.in_(run_ids), _unreached())
        .group_by(OutboundItem.run_id)
    )
    return dict.fromkeys(run_ids, 0) | dict(counted.all())


def _unreached() -> ColumnElement[bool]:
    """An item's lead is still there, was not reached, and may be called again.

    Of whom nobody knows whether they were rung, only those whose number has been released.
    """
    fenced = exists().where(
        OutboundAttempt.business_id == OutboundItem.business_id,
        OutboundAttempt.item_id == OutboundItem.id,
        OutboundAttempt.state.in_(UNRESOLVED_STATES), not_(OutboundAttempt.released),
    )  # fmt: skip
    return and_(
        OutboundItem.lead_id.is_not(None),
        or_(
            and_(OutboundItem.state == ItemState.FAILED, OutboundItem.disposition.not_in(_NOT_TO_BE_CALLED)),
            and_(OutboundItem.state == ItemState.UNKNOWN, not_(fenced)),
        ),
    )
