"""The ledger as the application writes it: rows in, rows cancelled, dead rows sent back.

Owns those statements; what workers do with the rows is in `relay`. Time is PostgreSQL's, which every
process shares; a test that holds the clock passes its instant.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from trunkline.kit import clock

NOW = "coalesce(cast(:now as timestamptz), statement_timestamp())"

_INSERT = text(
    f"""
    insert into jobs (id, business_id, run_id, name, queue, args, dedup_key, max_attempts, timeout_s,
                      backoff_s, run_at, expires_at, trace_id, created_at)
    values (:id, :business_id, :run_id, :name, :queue, :args, :dedup_key, :max_attempts, :timeout_s,
            :backoff_s, {NOW} + :run_in, {NOW} + cast(:ttl as interval), :trace_id, {NOW})
    on conflict do nothing
    returning id
    """
).bindparams(bindparam("args", type_=JSONB))

_INSERT_MANY = text(
    f"""
    insert into jobs (id, business_id, run_id, name, queue, args, max_attempts, timeout_s, backoff_s,
                      run_at, expires_at, trace_id, created_at)
    select u.id, :business_id, :run_id, :name, :queue, cast(u.args as jsonb), :max_attempts, :timeout_s,
           :backoff_s, {NOW} + :run_in, {NOW} + cast(:ttl as interval), :trace_id, {NOW}
    from unnest(cast(:ids as uuid[]), cast(:args as text[])) as u(id, args)
    """
)

_REVIVE = text(
    f"""
    update jobs set state = 'queued', attempt = 0, suspect = false, run_at = {NOW}, finished_at = null,
                    expires_at = null, cancel_requested_at = null, cancel_force_at = null
    where id = :id and state = 'failed'
    """
)

_DEAD = text(
    """
    select id from jobs
    where state = 'failed' and tenant_key = coalesce(cast(:business_id as uuid), cast(:nobody as uuid))
      and (cast(:queue as text) is null or queue = :queue)
      and (cast(:name as text) is null or name = :name)
      and (cast(:run_id as uuid) is null or run_id = :run_id)
    order by id limit :limit
    """
)

# Rows are locked in the order of their ids, as everything that locks several does.
_CANCEL = """
    with wanted as (
        select id from jobs
        where {which} and state in ('queued', 'running')
        order by id for update
    )
    update jobs set
        cancel_requested_at = coalesce(cancel_requested_at, {now}),
        cancel_force_at = least(cancel_force_at, {now} + :grace),
        state = case when state = 'queued' then 'cancelled' else state end,
        finished_at = case when state = 'queued' then {now} end
    where id in (select id from wanted)
    """

_CANCEL_ONE = text(_CANCEL.format(which="id = :id", now=NOW))

_CANCEL_OF_RUN = text(_CANCEL.format(which="run_id = :run_id and business_id = :business_id", now=NOW))


_COUNTS = text("select queue, state, count(*) as jobs from jobs group by queue, state")


def insert(session: Session, **values: Any) -> UUID | None:
    """Write a job row; None if an active row has its dedup key, or any row its id."""
    written: UUID | None = session.execute(_INSERT, {**values, "now": clock.frozen()}).scalar_one_or_none()
    return written


def insert_many(
    session: Session, *, ids: Sequence[UUID], args: Sequence[dict[str, Any]], **values: Any
) -> None:
    """Write rows that differ in their arguments alone, in one statement."""
    session.execute(
        _INSERT_MANY,
        {**values, "ids": list(ids), "args": [json.dumps(a) for a in args], "now": clock.frozen()},
    )


def revive(session: Session, job_id: UUID) -> bool:
    """Send a dead row back to its queue. False if it is not dead."""
    return count(session.execute(_REVIVE, {"id": job_id, "now": clock.frozen()})) == 1


def dead(
    session: Session, *, business_id: UUID | None, queue: str | None, name: str | None, run_id: UUID | None,
    limit: int,
) -> list[UUID]:  # fmt: skip
    """Return the oldest dead rows of a business, or of the system, that match."""
    values = {
        "business_id": business_id, "nobody": UUID(int=0), "queue": queue, "name": name, "run_id": run_id,
        "limit": limit,
    }  # fmt: skip
    return list(session.execute(_DEAD, values).scalars())


def cancel(session: Session, job_id: UUID, *, grace: timedelta) -> bool:
    """Cancel a queued row, or ask a running one to stop, by force after `grace`. False: it is over."""
    values = {"id": job_id, "grace": grace, "now": clock.frozen()}
    return count(session.execute(_CANCEL_ONE, values)) == 1


def cancel_of_run(session: Session, run_id: UUID, business_id: UUID, *, grace: timedelta) -> int:
    """Do the same to every active row of a run. Returns how many."""
    values = {"run_id": run_id, "business_id": business_id, "grace": grace, "now": clock.frozen()}
    return count(session.execute(_CANCEL_OF_RUN, values))


def counts(relay: Connection) -> dict[str, dict[str, int]]:
    """Return the number of rows by queue and state, over all businesses."""
    table: dict[str, dict[str, int]] = {}
    for row in relay.execute(_COUNTS):
        table.setdefault(row.queue, {})[row.state] = row.jobs
    return table


def count(result: Any) -> int:
    """Return how many rows a statement changed."""
    return int(result.rowcount)
