"""The runs' sweeper: gives every run that has something to do a push now and then.

Speaks as the relay to find the runs, and as the business to enqueue the step, so that a crash
leaves no run idle for longer than a few seconds.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from trunkline.core.db import of_business, unit_of_work
from trunkline.core.jobs import enqueue_unique
from trunkline.core.telemetry import get_logger

_DUE = text(
    """
    update runs set swept_at = statement_timestamp()
    where id in (
        select id from runs
        where (state = 'running' or unsettled)
          and (swept_at is null or swept_at < statement_timestamp() - :pause)
        order by swept_at nulls first limit 100
        for update skip locked
    )
    returning id, business_id, kind
    """
)

log = get_logger(__name__)

_steps: dict[str, tuple[str, str]] = {}


def register_step(kind: str, *, queue: str, job_name: str) -> None:
    """Name the job that pushes a run of this kind; it takes the run's id."""
    _steps[kind] = (queue, job_name)


def step_of(kind: str) -> tuple[str, str]:
    """Return queue and name of the job that pushes a run of this kind. Raises KeyError."""
    return _steps[kind]


def sweep(relay: Engine, *, pause: timedelta) -> int:
    """Push every running or unsettled run not pushed within `pause`. Returns how many."""
    with relay.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        due = connection.execute(_DUE, {"pause": pause}).all()
    for run in due:
        if run.kind not in _steps:
            # Made by a newer version, whose own sweepers look after it; ours go on to the others.
            log.warning("run_of_unknown_kind", run_id=str(run.id), kind=run.kind)
            continue
        queue, job_name = _steps[run.kind]
        try:
            with unit_of_work(of_business(run.business_id)) as session:
                # Another sweeper that stands still with the same row in hand is not waited for.
                session.execute(text("set local lock_timeout = '500ms'"))
                enqueue_unique(queue, job_name, str(run.id), str(run.id), run_id=run.id)
        except OperationalError:
            log.warning("run_not_pushed", run_id=str(run.id), exc_info=True)
    return len(due)
