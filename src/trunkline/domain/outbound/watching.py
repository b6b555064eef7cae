"""How far the runs are that somebody watches: exact counts, to be told as they change."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from trunkline.core.runs.models import Run, RunState
from trunkline.domain.outbound.service import KIND, Progress, progress_of


@dataclass(frozen=True, slots=True)
class Watched:
    """A run as it stands."""

    run_id: UUID
    state: str
    over: bool
    """It has ended, and no call of it is under way any more: its figures change no more."""
    progress: Progress


def watched_runs(session: Session, business_id: UUID, also: Collection[UUID]) -> list[Watched]:
    """Return the business's active outbound runs, and `also` those of these that are outbound runs of it."""
    states = {
        run_id: RunState(state)
        for run_id, state in session.execute(
            select(Run.id, Run.state).where(
                Run.business_id == business_id,
                Run.kind == KIND,
                or_(Run.state.in_([RunState.RUNNING, RunState.PAUSED]), Run.id.in_(also)),
            )
        )
    }
    if not states:
        return []
    return [
        Watched(run_id, states[run_id].value, states[run_id].is_final and progress.active == 0, progress)
        for run_id, progress in progress_of(session, business_id, list(states)).items()
    ]
