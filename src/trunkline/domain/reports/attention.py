"""What needs a person: what nobody but a person can settle, and what failed of late.

Each question reads a few rows of an index of its own, however much a business has behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from trunkline.domain.agents import service as agents
from trunkline.domain.tasks import service as tasks
from trunkline.kit import clock

_LATELY = timedelta(days=7)
_A_DAY = timedelta(days=1)
MOST = 1_000
"""More of a kind are not counted."""

_DOUBTS = text(
    """
    select a.run_id, r.title, count(*) as dials, max(a.created_at) as at
    from outbound_attempts a join runs r on r.business_id = a.business_id and r.id = a.run_id
    where a.business_id = :business and a.state = 'unknown' and not a.released
    group by a.run_id, r.title order by at desc limit 5
    """
)
_HELD = text(
    """
    select r.id, r.title, o.held_until
    from runs r join outbound_runs o on o.business_id = r.business_id and o.run_id = r.id
    where r.business_id = :business and r.kind = 'outbound' and r.state = 'running' and o.held_until > :now
    order by o.held_until limit 5
    """
)
_FAILED_RUNS = text(
    """
    select id, kind, title, finished_at from runs
    where business_id = :business and kind = any(:kinds) and state = 'failed' and created_at > :since
    order by created_at desc limit 5
    """
)
_REJECTED = text(
    """
    select a.run_id, r.title, count(*) as dials, max(a.resolved_at) as at from (
        select run_id, resolved_at from outbound_attempts
        where business_id = :business and state = 'rejected' and resolved_at > :since limit :most) a
    join runs r on r.business_id = :business and r.id = a.run_id
    group by a.run_id, r.title order by at desc limit 5
    """
)
_DEAD = text(
    """
    select count(*) as jobs, max(finished_at) as at from (
        select finished_at from jobs where tenant_key = :business and state = 'failed'
        order by id desc limit :most) dead
    """
)

_KINDS_OF_RUNS = {
    "outbound": "failed_run", "lead_import": "failed_import", "leads.update": "failed_bulk",
    "leads.delete": "failed_bulk",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Matter:
    """Something that needs a person: of what kind, how often, what it is about and when it last was so."""

    kind: str
    count: int
    subject_id: UUID | None = None
    title: str | None = None
    at: datetime | None = None


def matters(
    session: Session, business_id: UUID, *, outcomes: list[tuple[str, int]], with_jobs: bool
) -> list[Matter]:
    """Return what needs a person, the most pressing first.

    `outcomes` are today's, as the figures tell them; jobs are told to those alone who may see them.
    """
    now, here = clock.now(), {"business": business_id}
    found = [
        Matter("unknown_dials", row.dials, row.run_id, row.title, row.at)
        for row in session.execute(_DOUBTS, here)
    ]
    found += [
        Matter("held_run", 1, row.id, row.title, row.held_until)
        for row in session.execute(_HELD, {**here, "now": now})
    ]
    known = agents.list_agents(session, business_id)
    standing = agents.standing_of(session, business_id, known)
    found += [
        Matter("agent_warning", len(warnings), agent.id, agent.name)
        for agent in known
        if (warnings := standing[agent.id].warnings)
    ]
    found += [
        Matter("rejected_dials", row.dials, row.run_id, row.title, row.at)
        for row in session.execute(_REJECTED, {**here, "since": now - _A_DAY, "most": MOST})
    ]
    if overdue := tasks.count_overdue(session, business_id, most=MOST):
        found.append(Matter("overdue_tasks", overdue))
    if faults := dict(outcomes).get("our_fault", 0):
        found.append(Matter("call_faults", faults))
    found += [
        Matter(_KINDS_OF_RUNS[row.kind], 1, row.id, row.title, row.finished_at)
        for row in session.execute(
            _FAILED_RUNS, {**here, "kinds": list(_KINDS_OF_RUNS), "since": now - _LATELY}
        )
    ]
    if with_jobs:
        dead = session.execute(_DEAD, {**here, "most": MOST}).one()
        if dead.jobs:
            found.append(Matter("failed_jobs", dead.jobs, at=dead.at))
    return found
