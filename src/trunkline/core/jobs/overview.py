"""What is seen over all businesses: depths, workers, and what has been counted. Speaks as the relay.

Gives numbers and names of queues, handlers and workers, never a job's arguments or error. Nothing
here reads a finished row: depths come from the partial indexes, what is over from the counters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, text

from trunkline.core.jobs.ledger import NOW
from trunkline.core.jobs.models import JobState, WorkerState
from trunkline.core.jobs.views import Depth
from trunkline.kit import clock

SILENT_AFTER = timedelta(seconds=20)
"""A worker tells of itself every five seconds. One that has not for so long hangs, or is dead."""
SILENT = "silent"

# From queue to queue over an index that begins with it: as many steps as there are queues.
_WALK = """
    (with recursive queues as (
        (select queue from jobs where state = '{state}' order by queue limit 1)
        union all
        select (select j.queue from jobs j where j.state = '{state}' and j.queue > q.queue
                order by j.queue limit 1)
        from queues q where q.queue is not null
    ) select queue from queues where queue is not null)
"""

_QUEUES = text(
    f"{_WALK.format(state=JobState.QUEUED)} union {_WALK.format(state=JobState.RUNNING)} order by queue"
)

DEPTHS = f"""
    select queue, tenant_key, 'queued' as state,
           count(*) filter (where run_at <= {NOW}) as jobs,
           count(*) filter (where run_at > {NOW}) as scheduled,
           extract(epoch from {NOW} - min(run_at) filter (where run_at <= {NOW})) as oldest_s
    from jobs where state = 'queued' group by queue, tenant_key
    union all
    select queue, tenant_key, 'running', count(*), 0, null
    from jobs where state = 'running' group by queue, tenant_key
    union all
    select queue, tenant_key, 'failed', count(*), 0, null
    from jobs where state = 'failed' group by queue, tenant_key
"""
"""Every row of it stands in one of three partial indexes. Public for the test of its plan."""

_DEPTHS = text(DEPTHS)

_ENDED = text("select queue, name, outcome, jobs, seconds, buckets from job_counters order by 1, 2, 3")

_WORKERS = text(
    f"""
    select name, host, pid, version, queues, state, started_at, beat_at, job_id, job_name, jobs_run,
           rss_bytes, greatest(0, extract(epoch from {NOW} - beat_at)) as silent_s
    from workers order by host, pid, name
    """
)

_BUSINESS_OF = text("select business_id from jobs where id = :id")


@dataclass(frozen=True, slots=True)
class Ended:
    """How many attempts of a job came to one end, and how long they took; buckets are not cumulated."""

    queue: str
    name: str
    outcome: str
    jobs: int
    seconds: float
    buckets: Sequence[int]


@dataclass(frozen=True, slots=True)
class WorkerView:
    """A worker process as its heartbeat tells it. `silent_s`: seconds since it last did."""

    name: str
    host: str
    pid: int
    version: str
    queues: list[str]
    state: str
    started_at: datetime
    beat_at: datetime
    job_id: UUID | None
    job_name: str | None
    jobs_run: int
    rss_bytes: int
    silent_s: float


def queue_names(relay: Connection) -> list[str]:
    """Return the queues in which anything waits or runs."""
    return list(relay.execute(_QUEUES).scalars())


def depths(relay: Connection) -> dict[tuple[str, UUID], Depth]:
    """Return what stands where, by queue and tenant; the system's own under `views.NO_BUSINESS`."""
    found: dict[tuple[str, UUID], Depth] = {}
    for row in relay.execute(_DEPTHS, {"now": clock.frozen()}):
        here = found.setdefault((row.queue, row.tenant_key), Depth())
        if row.state == JobState.QUEUED:
            here.ready, here.scheduled = row.jobs, row.scheduled
            here.oldest_ready_s = None if row.oldest_s is None else float(row.oldest_s)
        elif row.state == JobState.RUNNING:
            here.running = row.jobs
        else:
            here.dead = row.jobs
    return found


def by_queue(found: dict[tuple[str, UUID], Depth]) -> dict[str, Depth]:
    """Add depths up by queue, in the order of its name."""
    sums: dict[str, Depth] = {}
    for (queue, _), here in sorted(found.items()):
        total = sums.setdefault(queue, Depth())
        total.ready += here.ready
        total.scheduled += here.scheduled
        total.running += here.running
        total.dead += here.dead
        ages = [age for age in (total.oldest_ready_s, here.oldest_ready_s) if age is not None]
        total.oldest_ready_s = max(ages, default=None)
    return sums


def ended(relay: Connection) -> list[Ended]:
    """Return what has been counted since the installation's first job."""
    return [Ended(*row) for row in relay.execute(_ENDED)]


def ends_by_queue(counted: Sequence[Ended]) -> dict[str, dict[str, int]]:
    """Add up how many attempts of each queue came to which end."""
    sums: dict[str, dict[str, int]] = {}
    for count in counted:
        outcomes = sums.setdefault(count.queue, {})
        outcomes[count.outcome] = outcomes.get(count.outcome, 0) + count.jobs
    return sums


def workers(relay: Connection) -> list[WorkerView]:
    """Return the worker processes that have a heartbeat row; one that tells nothing any more as `silent`."""
    found = []
    for row in relay.execute(_WORKERS, {"now": clock.frozen()}):
        facts = row._asdict() | {"silent_s": float(row.silent_s)}
        if facts["silent_s"] > SILENT_AFTER.total_seconds():
            facts["state"] = SILENT
        found.append(WorkerView(**facts))
    return found


def workers_by_state(found: Sequence[WorkerView]) -> dict[str, int]:
    """Count workers by state; every state is there, if with none."""
    counts = dict.fromkeys([*(state.value for state in WorkerState), SILENT], 0)
    for worker in found:
        counts[worker.state] += 1
    return counts


def business_of(relay: Connection, job_id: UUID) -> tuple[bool, UUID | None]:
    """Return (whether there is such a job, its business; None for the system's own)."""
    row = relay.execute(_BUSINESS_OF, {"id": job_id}).one_or_none()
    return (False, None) if row is None else (True, row.business_id)
