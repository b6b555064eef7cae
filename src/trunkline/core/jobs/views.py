"""What people are shown of one scope's jobs: a page of them, one of them, how many stand where.

Reads as the application, so a business sees its own and the system its own. No question reads more
than a bounded part of the ledger, however much of it is finished: active and dead rows are found by
their partial indexes, the others by walking back from the newest for a limited way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from trunkline.core.db import Scope
from trunkline.core.errors import NotFound
from trunkline.core.jobs.ledger import NOW
from trunkline.core.jobs.models import JobState
from trunkline.kit import clock

WALK = 20_000
"""How many rows a page with filters looks at before it ends where it stands."""

NO_BUSINESS = UUID(int=0)
"""The key of the system's own rows."""

_COLUMNS = f"""
    j.id, j.business_id, j.run_id, j.name, j.queue, j.state, j.attempt, j.max_attempts, j.progress_done,
    j.progress_total, j.trace_id, j.created_at, j.run_at, j.started_at, j.finished_at,
    j.cancel_requested_at, j.error,
    j.state = 'queued' and j.run_at > {NOW} as scheduled,
    greatest(0, extract(epoch from case j.state when 'queued' then {NOW}
        else coalesce(j.started_at, j.finished_at, {NOW}) end - j.run_at)) as waited_s,
    case when j.state <> 'queued'
         then extract(epoch from coalesce(j.finished_at, {NOW}) - j.started_at) end as ran_s
"""

_MATCHES = """
    (cast(:queue as text) is null or j.queue = :queue)
    and (cast(:name as text) is null or j.name = :name)
    and (cast(:run_id as uuid) is null or j.run_id = :run_id)
    and (cast(:state as text) is null or j.state = :state)
"""

# Each begins with the rows of one index and nothing else, so that no plan can walk the finished rows.
# The states are written out: a partial index is used only where its condition is known beforehand.
_SOURCES = {
    "newest": """
        select * from jobs
        where tenant_key = :tenant and id < :before order by id desc limit :walk
    """,
    "run": """
        select * from jobs
        where business_id = :tenant and run_id = :run_id and id < :before
    """,
    JobState.FAILED: """
        select * from jobs
        where tenant_key = :tenant and state = 'failed' and id < :before order by id desc limit :walk
    """,
    JobState.RUNNING: """
        select r.* from unnest(cast(:queues as text[])) q(queue) join jobs r on r.queue = q.queue
        where r.tenant_key = :tenant and r.state = 'running' and r.id < :before
    """,
    JobState.QUEUED: """
        select r.* from unnest(cast(:queues as text[])) q(queue) join jobs r on r.queue = q.queue
        where r.tenant_key = :tenant and r.state = 'queued' and r.id < :before
    """,
}
_WALKS = frozenset({"newest", JobState.FAILED})

_PAGES = {
    source: text(f"select {_COLUMNS} from ({rows}) j where {_MATCHES} order by j.id desc limit :limit")
    for source, rows in _SOURCES.items()
}
_ENDS = {
    source: text(f"select id from ({_SOURCES[source]}) j order by id limit 1") for source in _WALKS
}  # fmt: skip

_ONE = text(
    f"""
    select {_COLUMNS}, j.args, j.dedup_key, j.timeout_s, j.backoff_s, j.expires_at, j.lease_owner,
           j.lease_expires_at, j.cancel_force_at
    from jobs j where j.id = :id and j.tenant_key = :tenant
    """
)

_STANDING = text(
    f"""
    select q.queue, 'queued' as state, c.* from unnest(cast(:queues as text[])) q(queue) cross join lateral (
        select count(*) filter (where run_at <= {NOW}) as ready,
               count(*) filter (where run_at > {NOW}) as others,
               extract(epoch from {NOW} - min(run_at) filter (where run_at <= {NOW})) as oldest_s
        from jobs where queue = q.queue and tenant_key = :tenant and state = 'queued') c
    union all
    select q.queue, 'running', 0, c.running, null from unnest(cast(:queues as text[])) q(queue)
    cross join lateral (
        select count(*) as running from jobs
        where queue = q.queue and tenant_key = :tenant and state = 'running') c
    union all
    select queue, 'failed', 0, count(*), null from jobs
    where tenant_key = :tenant and state = 'failed' group by queue
    """
)


@dataclass(frozen=True, slots=True)
class Filters:
    """Which jobs are asked for; what is None is not asked about."""

    queue: str | None = None
    state: JobState | None = None
    name: str | None = None
    run_id: UUID | None = None

    @property
    def are_none(self) -> bool:
        return self == Filters()


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as a list shows it. Times with `_s` are seconds."""

    id: UUID
    business_id: UUID | None
    run_id: UUID | None
    name: str
    queue: str
    state: JobState
    scheduled: bool
    """Queued, and not yet due."""
    attempt: int
    max_attempts: int
    progress_done: int
    progress_total: int
    trace_id: str
    created_at: datetime
    run_at: datetime
    started_at: datetime | None
    """When the newest attempt began."""
    finished_at: datetime | None
    cancel_requested_at: datetime | None
    waited_s: float
    """From when it was due until it began, or until now."""
    ran_s: float | None
    """How long the newest attempt took, or has been at it."""
    error: str | None

    @property
    def error_line(self) -> str | None:
        """The error's last line, which names it."""
        lines = (self.error or "").strip().splitlines()
        return lines[-1] if lines else None


@dataclass(frozen=True, slots=True)
class JobDetail(JobView):
    """All of a job. Its arguments and its trace may hold what people said of themselves."""

    args: dict[str, Any]
    dedup_key: str | None
    timeout_s: float
    backoff_s: float
    expires_at: datetime | None
    lease_owner: str | None
    """The worker that holds it or held it last."""
    lease_expires_at: datetime | None
    cancel_force_at: datetime | None


_View = TypeVar("_View", bound=JobView)


@dataclass(frozen=True, slots=True)
class Page:
    """Jobs, newest first. `next` is where the following page begins; None where nothing follows."""

    jobs: list[JobView]
    next: UUID | None


@dataclass(slots=True)
class Depth:
    """How many jobs of a queue wait, run and are dead, and for how long the oldest could have begun."""

    ready: int = 0
    scheduled: int = 0
    running: int = 0
    dead: int = 0
    oldest_ready_s: float | None = None


def page(
    session: Session,
    scope: Scope,
    filters: Filters,
    *,
    queues: Sequence[str],
    before: UUID | None,
    limit: int,
) -> Page:
    """Return a page of the scope's jobs, newest first, of those whose id is below `before`.

    `queues` are the names of all queues in use; active jobs are found by them. With filters that no
    index answers, a page may be short or empty and still have a next one.
    """
    source = _source(scope, filters)
    walk = limit + 1 if filters.are_none else WALK
    values = {
        "tenant": scope.business_id or NO_BUSINESS, "before": before or UUID(int=2**128 - 1),
        "queue": filters.queue, "state": filters.state, "name": filters.name, "run_id": filters.run_id,
        "queues": [filters.queue] if filters.queue else list(queues), "walk": walk, "limit": limit + 1,
        "now": clock.frozen(),
    }  # fmt: skip
    rows = [_view(JobView, row) for row in session.execute(_PAGES[source], values)]
    if len(rows) > limit:
        return Page(rows[:limit], rows[limit - 1].id)
    if source not in _WALKS or filters.are_none:
        return Page(rows, None)
    # Fewer than asked for: either nothing follows, or the walk was over before enough were found.
    walked_to: UUID | None = session.execute(_ENDS[source], values).scalar_one_or_none()
    if walked_to is not None:
        beyond = session.execute(_ENDS[source], {**values, "before": walked_to, "walk": 1})
        walked_to = None if beyond.scalar_one_or_none() is None else walked_to
    return Page(rows, walked_to)


def one(session: Session, scope: Scope, job_id: UUID) -> JobDetail:
    """Return all of a job of this scope. Raises NotFound."""
    values = {"id": job_id, "tenant": scope.business_id or NO_BUSINESS, "now": clock.frozen()}
    row = session.execute(_ONE, values).one_or_none()
    if row is None:
        raise NotFound("There is no such job.")
    return _view(JobDetail, row)


def depth(session: Session, scope: Scope, *, queues: Sequence[str]) -> dict[str, Depth]:
    """Return how many of the scope's jobs stand where, by queue. What is finished is not counted."""
    values = {"queues": list(queues), "tenant": scope.business_id or NO_BUSINESS, "now": clock.frozen()}
    found: dict[str, Depth] = {}
    for row in session.execute(_STANDING, values):
        if row.ready + row.others == 0:
            continue
        here = found.setdefault(row.queue, Depth())
        if row.state == JobState.QUEUED:
            here.ready, here.scheduled = row.ready, row.others
            here.oldest_ready_s = None if row.oldest_s is None else float(row.oldest_s)
        elif row.state == JobState.RUNNING:
            here.running = row.others
        else:
            here.dead = row.others
    return dict(sorted(found.items()))


def _source(scope: Scope, filters: Filters) -> str:
    """Return the index that answers best. The system's jobs have no run."""
    if filters.state in {JobState.QUEUED, JobState.RUNNING}:
        return str(filters.state)
    if filters.run_id is not None and scope.business_id is not None:
        return "run"
    return str(filters.state) if filters.state is JobState.FAILED else "newest"


def _view(kind: type[_View], row: Any) -> _View:
    facts = row._asdict()
    ran_s = facts["ran_s"]
    facts |= {
        "state": JobState(facts["state"]), "waited_s": float(facts["waited_s"]),
        "ran_s": None if ran_s is None else float(ran_s),
    }  # fmt: skip
    return kind(**facts)
