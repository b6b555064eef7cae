"""All SQL of the ledger. Enqueuing speaks as the application, claiming and sweeping as the relay.

Time is PostgreSQL's, which every worker shares; a test that holds the clock passes its instant.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from trunkline.kit import clock

_NOW = "coalesce(cast(:now as timestamptz), statement_timestamp())"

_INSERT = text(
    f"""
    insert into jobs (id, business_id, run_id, name, queue, args, dedup_key, max_attempts, timeout_s,
                      backoff_s, run_at, expires_at, trace_id, created_at)
    values (:id, :business_id, :run_id, :name, :queue, :args, :dedup_key, :max_attempts, :timeout_s,
            :backoff_s, {_NOW} + :run_in, {_NOW} + cast(:ttl as interval), :trace_id, {_NOW})
    on conflict do nothing
    returning id
    """
).bindparams(bindparam("args", type_=JSONB))

# Walks from tenant to tenant over the ready index, beginning behind the tenant served last, and
# takes the first tenant's oldest row that no other worker holds: round robin at any backlog. The
# tenants are sorted before the join, so that it stops at the first and locks no row of the others.
_CLAIM = text(
    f"""
    with recursive tenants as (
        (select tenant_key from jobs where queue = :queue and state = 'queued'
         order by tenant_key limit 1)
        union all
        select (select j.tenant_key from jobs j
                where j.queue = :queue and j.state = 'queued' and j.tenant_key > t.tenant_key
                order by j.tenant_key limit 1)
        from tenants t where t.tenant_key is not null
    ), pick as (
        select j.id from (
            select tenant_key from tenants where tenant_key is not null
            order by tenant_key <= :last_tenant, tenant_key
        ) t cross join lateral (
            select id from jobs
            where queue = :queue and state = 'queued' and tenant_key = t.tenant_key and run_at <= {_NOW}
              and (expires_at is null or expires_at > {_NOW})
            order by run_at, id limit 1
            for update skip locked
        ) j
        limit 1
    )
    update jobs set
        state = 'running', attempt = attempt + 1, lease_owner = :owner, lease_epoch = lease_epoch + 1,
        lease_expires_at = {_NOW} + :lease, started_at = {_NOW}, error = null
    where id in (select id from pick)
    returning id, business_id, tenant_key, run_id, name, queue, args, attempt, max_attempts, timeout_s,
              backoff_s, lease_epoch, trace_id
    """
)

_RENEW = text(
    f"""
    update jobs set lease_expires_at = {_NOW} + :lease
    where id = :id and lease_epoch = :epoch and state = 'running'
    returning cancel_requested_at
    """
)

_FINISH = text(
    f"""
    update jobs set state = :state, finished_at = {_NOW}, lease_owner = null, lease_expires_at = null,
                    error = :error
    where id = :id and lease_epoch = :epoch and state = 'running'
    """
)

_SEND_BACK = text(
    f"""
    update jobs set state = 'queued', run_at = {_NOW} + :delay, lease_owner = null, lease_expires_at = null,
                    error = :error, attempt = attempt - :uncounted
    where id = :id and lease_epoch = :epoch and state = 'running'
    """
)

# A lease that ran out: the worker died or hung. Its epoch is spent by the next claim, so should it
# wake up again, nothing it writes under the old one is accepted.
_SWEEP_LEASES = text(
    f"""
    update jobs set
        state = case when cancel_requested_at is not null then 'cancelled'
                     when attempt < max_attempts then 'queued' else 'failed' end,
        finished_at = case when cancel_requested_at is null and attempt < max_attempts
                           then null else {_NOW} end,
        run_at = {_NOW},
        lease_epoch = lease_epoch + 1, lease_owner = null, lease_expires_at = null,
        error = 'the lease of ' || lease_owner || ' ran out'
    where state = 'running' and lease_expires_at < {_NOW}
    returning id, name, state, queue
    """
)

_SWEEP_EXPIRED = text(
    f"""
    update jobs set state = 'expired', finished_at = {_NOW}
    where state = 'queued' and expires_at < {_NOW}
    """
)

_PRUNE = text(
    f"""
    delete from jobs where id in (
        select id from jobs
        where state in ('succeeded', 'cancelled', 'expired') and finished_at < {_NOW} - :age
        limit :limit
    )
    """
)

_REVIVE = text(
    f"""
    update jobs set state = 'queued', attempt = 0, run_at = {_NOW}, finished_at = null,
                    cancel_requested_at = null
    where id = :id and state = 'failed'
    """
)

_CANCEL_OF_RUN = text(
    f"""
    update jobs set
        cancel_requested_at = {_NOW},
        state = case when state = 'queued' then 'cancelled' else state end,
        finished_at = case when state = 'queued' then {_NOW} end
    where run_id = :run_id and state in ('queued', 'running')
    """
)

_COUNTS = text("select queue, state, count(*) as jobs from jobs group by queue, state")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row that this worker may run, under its lease epoch."""

    id: UUID
    business_id: UUID | None
    tenant_key: UUID
    run_id: UUID | None
    name: str
    queue: str
    args: dict[str, Any]
    attempt: int
    max_attempts: int
    timeout_s: float
    backoff_s: float
    lease_epoch: int
    trace_id: str


@dataclass(frozen=True, slots=True)
class Lease:
    """Proof of being the one worker that may write about a row."""

    id: UUID
    epoch: int


def insert(session: Session, **values: Any) -> UUID | None:
    """Write a job row; None if an active row has its dedup key."""
    written: UUID | None = session.execute(_INSERT, {**values, "now": clock.frozen()}).scalar_one_or_none()
    return written


def claim(
    relay: Connection, *, queue: str, owner: str, lease: timedelta, last_tenant: UUID
) -> Claimed | None:
    """Take the next ready row of a queue, round robin over businesses behind `last_tenant`."""
    row = relay.execute(
        _CLAIM,
        {"queue": queue, "owner": owner, "lease": lease, "last_tenant": last_tenant, "now": clock.frozen()},
    ).one_or_none()
    return None if row is None else Claimed(**row._mapping)


def renew(relay: Connection, lease: Lease, *, length: timedelta) -> bool:
    """Keep a row for another while. False: it is not ours any more."""
    row = relay.execute(
        _RENEW, {"id": lease.id, "epoch": lease.epoch, "lease": length, "now": clock.frozen()}
    ).one_or_none()
    return row is not None


def finish(relay: Connection, lease: Lease, *, state: str, error: str | None = None) -> bool:
    """End a row. False: it is not ours any more, and nothing was written."""
    return _one_row(relay, _FINISH, lease, {"state": state, "error": error})


def send_back(relay: Connection, lease: Lease, *, delay: timedelta, error: str | None, counted: bool) -> bool:
    """Queue a row for its next attempt, counting this one or not. False: it is not ours any more."""
    values = {"delay": delay, "error": error, "uncounted": 0 if counted else 1}
    return _one_row(relay, _SEND_BACK, lease, values)


def sweep(relay: Connection) -> list[Any]:
    """Requeue or fail what dead workers left, expire what is late. Returns the rows freed."""
    freed = relay.execute(_SWEEP_LEASES, {"now": clock.frozen()}).all()
    relay.execute(_SWEEP_EXPIRED, {"now": clock.frozen()})
    return list(freed)


def prune(relay: Connection, *, age: timedelta, limit: int) -> int:
    """Delete finished rows older than `age`; the dead letter stays. Returns how many."""
    return _count(relay.execute(_PRUNE, {"age": age, "limit": limit, "now": clock.frozen()}))


def revive(session: Session, job_id: UUID) -> bool:
    """Send a dead row back to its queue. False if it is not dead."""
    result = session.execute(_REVIVE, {"id": job_id, "now": clock.frozen()})
    return _count(result) == 1


def cancel_of_run(session: Session, run_id: UUID) -> int:
    """Cancel a run's queued rows and ask its running ones to stop. Returns how many."""
    return _count(session.execute(_CANCEL_OF_RUN, {"run_id": run_id, "now": clock.frozen()}))


def counts(relay: Connection) -> dict[str, dict[str, int]]:
    """Return the number of rows by queue and state, over all businesses."""
    table: dict[str, dict[str, int]] = {}
    for row in relay.execute(_COUNTS):
        table.setdefault(row.queue, {})[row.state] = row.jobs
    return table


def _one_row(relay: Connection, statement: Any, lease: Lease, values: dict[str, Any]) -> bool:
    result = relay.execute(statement, {**values, "id": lease.id, "epoch": lease.epoch, "now": clock.frozen()})
    return _count(result) == 1


def _count(result: Any) -> int:
    return int(result.rowcount)
