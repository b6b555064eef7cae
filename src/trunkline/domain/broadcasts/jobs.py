"""The workers' door to broadcasts."""

from __future__ import annotations

import time
from datetime import datetime
from uuid import UUID

from trunkline.core.errors import RunAlreadyActive
from trunkline.core.jobs import JobContext, TryLater, job
from trunkline.domain.broadcasts import service, stepping

_TURN_S = 3.0
"""How long a worker stays with one broadcast before others have their turn."""
_BUSY_LIST_S = 60.0
_LONGEST_NAP_S = 10.0
"""A broadcast that waits is looked after by the sweeper meanwhile, so no job need wait for longer."""


@job(queue="broadcasts", timeout=60, retries=3)
def step_broadcast(ctx: JobContext, run: str) -> None:
    """Write a broadcast's next messages, as its pace and what is under way allow."""
    ends = time.monotonic() + _TURN_S
    while True:
        with ctx.unit_of_work() as session:
            wait_s = stepping.step(session, ctx.business, UUID(run))
        if wait_s is None:
            return
        if wait_s > 0 or time.monotonic() > ends:
            raise TryLater(min(wait_s, _LONGEST_NAP_S))
        ctx.check_cancelled()


@job(queue="default", timeout=60, retries=3)
def start_scheduled_broadcast(ctx: JobContext, run: str, starts_at: str) -> None:
    """Start a broadcast whose moment has come; while its list is written to by another, wait for that."""
    try:
        with ctx.unit_of_work() as session:
            service.start_if_due(session, ctx.business, UUID(run), datetime.fromisoformat(starts_at))
    except RunAlreadyActive as error:
        raise TryLater(_BUSY_LIST_S) from error
