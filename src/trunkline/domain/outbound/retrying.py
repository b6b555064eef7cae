"""Calling again whom a run did not reach: how many that would be, and how the new run is called.

Whom exactly the new run calls is `run_store.failed_leads`; this counts the same people for many runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import and_, exists, func, not_, or_, select
from sqlalchemy.orm import Session

from trunkline.core.runs.models import Run, RunState
from trunkline.domain.outbound.models import UNRESOLVED_STATES, ItemState, OutboundAttempt, OutboundItem

NOT_TO_BE_CALLED = ("suppressed", "no_consent", "attempts_in_all", "no_calling_hours")
"""Why a lead has failed who may not be called: another run would end it in the same way."""

_AGAIN = {"en": " (again)", "he": " (שוב)"}


def title_again(title: str, language: str) -> str:
    """Return what the run is called that calls again; of one that does so already, its own title."""
    mark = _AGAIN[language]
    return title if title.endswith(mark) else f"{title}{mark}"


def retryable(session: Session, business_id: UUID, rows: Sequence[Run]) -> dict[UUID, int]:
    """Return how many people each run could call again; none for a run that is not over."""
    over = [run.id for run in rows if RunState(run.state).is_final]
    fenced = exists().where(
        OutboundAttempt.business_id == business_id, OutboundAttempt.item_id == OutboundItem.id,
        OutboundAttempt.state.in_(UNRESOLVED_STATES), not_(OutboundAttempt.released),
    )  # fmt: skip
    unreached = or_(
        and_(OutboundItem.state == ItemState.FAILED, OutboundItem.disposition.not_in(NOT_TO_BE_CALLED)),
        and_(OutboundItem.state == ItemState.UNKNOWN, not_(fenced)),
    )
    counted = session.execute(
        select(OutboundItem.run_id, func.count())
        .where(
            OutboundItem.business_id == business_id, OutboundItem.run_id.in_(over),
            OutboundItem.lead_id.is_not(None), unreached,
        )
        .group_by(OutboundItem.run_id)
    )  # fmt: skip
    return {run.id: 0 for run in rows} | dict(counted.all())
