"""How many imports a business may begin, and have open: each keeps its file in the database to its end."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from trunkline.core.errors import Conflict
from trunkline.core.runs import service as runs
from trunkline.core.runs.models import Run, RunState
from trunkline.domain.leads import imports

_A_MINUTE = 10
_OPEN = 20


def require_room(session: Session, business_id: UUID) -> None:
    """Go on only if the business may begin an import now. Raises TooManyRequests, or Conflict."""
    # One asker at a time from here on, so that none slips past the count.
    runs.require_pace(
        session, business_id, kind=imports.KIND, most=_A_MINUTE, within=timedelta(minutes=1), what="imports"
    )
    unfinished = (
        select(func.count())
        .select_from(Run)
        .where(
            Run.business_id == business_id, Run.kind == imports.KIND,
            Run.state.in_([RunState.RUNNING, RunState.PAUSED]),
        )
    )  # fmt: skip
    if (session.scalar(unfinished) or 0) >= _OPEN:
        raise Conflict(
            f"{_OPEN} imports are open already; let one end, or cancel it.", open=_OPEN, reason="most_imports"
        )
