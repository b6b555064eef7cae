"""The ledger as workers use it: claiming, keeping, settling, sweeping. Speaks as the relay role alone.

Every statement that writes about a claimed row names its lease, epoch and owner, so that a worker
which lost the row writes nothing. Rows are locked in the order of their ids wherever several are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from trunkline.core.jobs.ledger import NOW, count
from trunkline.core.jobs.models import JobState
from trunkline.kit import clock

NO_TENANT = UUID(int=0)
"""Before every business's key, and the key of the system's own rows."""

# For each queue in order: walk from tenant to tenant over the ready index, beginning behind the
# tenant that was served first last time and going round once; of the first few tenants that have
# something ready take the oldest rows, as many of each. Every part stops as soon as enough is found,
# so the cost is that of the rows taken and not that of the backlog.
#
# A row that was in the hand of a worker that died is suspect and taken alone: what killed the worker may
# be the row itself, and may not cost its neighbours their attempts. Now and then a suspect goes first,
# or others could always stand before it. Only the first row of a hand is charged with its attempt here,
# because only that one is certain to begin; the others' is written when they are settled.
_CLAIM = text(
    f"""
    with wanted as (
        select * from unnest(cast(:queues as text[]), cast(:tenants as uuid[]), cast(:limits as int[]))
            with ordinality as w(queue, last_tenant, per_business, place)
    ), picked as (
        select q.place as queue_place, found.*
        from wanted q cross join lateral (
            with recursive walk(tenant_key, round) as (
                (
                    (select j.tenant_key, 1 from jobs j
                     where j.queue = q.queue and j.state = 'queued' and j.tenant_key > q.last_tenant
                     order by j.tenant_key limit 1)
                    union all
                    (select j.tenant_key, 2 from jobs j
                     where j.queue = q.queue and j.state = 'queued' and j.tenant_key <= q.last_tenant
                     order by j.tenant_key limit 1)
                    limit 1
                )
                union all
                select next.* from walk w cross join lateral (
                    (select j.tenant_key, w.round from jobs j
                     where j.queue = q.queue and j.state = 'queued' and j.tenant_key > w.tenant_key
                       and (w.round = 1 or j.tenant_key <= q.last_tenant)
                     order by j.tenant_key limit 1)
                    union all
                    (select j.tenant_key, 2 from jobs j
                     where j.queue = q.queue and j.state = 'queued' and w.round = 1
                       and j.tenant_key <= q.last_tenant
                     order by j.tenant_key limit 1)
                    limit 1
                ) next
            ), turns as materialized (
                select w.tenant_key, row_number() over () as place
                from walk w cross join lateral (
                    -- Not `exists`, which a planner that knows little of the table turns into a join
                    -- over all that is ready.
                    select from jobs j
                    where j.queue = q.queue and j.state = 'queued' and j.tenant_key = w.tenant_key
                      and j.run_at <= {NOW}
                      and (j.expires_at is null or j.attempt > 0 or j.expires_at > {NOW})
                    order by j.run_at, j.id limit 1
                ) ready
                where q.per_business = 0 or (
                    (select count(distinct r.lease_owner) from jobs r
                     where r.queue = q.queue and r.tenant_key = w.tenant_key and r.state = 'running'
                       and r.lease_owner <> :owner) < q.per_business
                    and pg_try_advisory_xact_lock(hashtextextended(q.queue || w.tenant_key, 0))
                )
                limit :size + 3 -- a few to spare, should others hold all that one of them has
            )
            select t.place as tenant_place, j.id, j.run_at, j.fresh
            from turns t cross join lateral (
                select j.id, j.run_at, not j.suspect and j.max_attempts > 1 as fresh
                from jobs j
                where j.queue = q.queue and j.state = 'queued' and j.tenant_key = t.tenant_key
                  and j.run_at <= {NOW} and (j.expires_at is null or j.attempt > 0 or j.expires_at > {NOW})
                order by j.run_at, j.id
                limit (select ceil(cast(:size as numeric) / count(*)) from turns)
                for update skip locked
            ) j
        ) found
        limit :size
    ), hand as (
        select id, tenant_place, fresh, row_number() over in_order as place,
               first_value(fresh) over in_order as first_is_fresh
        from picked
        window in_order as (
            order by (cast(:suspects_first as boolean) and not fresh) desc, queue_place, tenant_place,
                     run_at, id
        )
    )
    update jobs set
        state = 'running', attempt = attempt + case when hand.place = 1 then 1 else 0 end,
        lease_owner = :owner, lease_epoch = lease_epoch + 1, lease_expires_at = {NOW} + :lease,
        started_at = {NOW}, error = null
    from hand
    where jobs.id = hand.id and (hand.place = 1 or (hand.first_is_fresh and hand.fresh))
    returning hand.place, jobs.id, business_id, tenant_key, run_id, name, queue, args,
              attempt + case when hand.place = 1 then 0 else 1 end as attempt,
              max_attempts, timeout_s, backoff_s, lease_owner, lease_epoch, trace_id
    """
)

# A claim counts with the eyes of its own beginning; another one may have ended between that and its
# lock. Looked at again under the lock, with fresh eyes, the count is exact.
_OVER_LIMIT = text(
    """
    select count(distinct lease_owner) > :limit from jobs
    where queue = :queue and tenant_key = :tenant and state = 'running'
    """
)

_SETTLE = text(
    f"""
    with outcome as (
        select * from unnest(
            cast(:ids as uuid[]), cast(:epochs as int[]), cast(:states as text[]), cast(:attempts as int[]),
            cast(:delays as interval[]), cast(:errors as text[]), cast(:began as interval[]),
            cast(:ended as interval[])
        ) as o(id, epoch, state, attempt, delay, error, began, ended)
    ), held as (
        select j.id from jobs j join outcome o on j.id = o.id and j.lease_epoch = o.epoch
        where j.state = 'running' and j.lease_owner = :owner
        order by j.id for update of j
    )
    update jobs j set
        -- Who was asked to stop while it ran is not run again.
        state = case when o.state = 'queued' and j.cancel_requested_at is not null then 'cancelled'
                     else o.state end,
        attempt = o.attempt, suspect = false, error = o.error, lease_expires_at = null,
        lease_owner = case when o.state = 'queued' then null else j.lease_owner end,
        run_at = coalesce({NOW} + o.delay, j.run_at),
        started_at = coalesce({NOW} - o.began, j.started_at),
        finished_at = case when o.state = 'queued' and j.cancel_requested_at is null then null
                           else {NOW} - o.ended end
    from outcome o
    where j.id = o.id and j.lease_epoch = o.epoch and j.id in (select id from held)
    returning j.id
    """
)

# A row that somebody has locked is not waited for, or one transaction that dawdles would cost all the
# others their leases: it is still ours, and renewed the next time.
_RENEW = text(
    f"""
    with ours as (
        select j.id, j.lease_epoch, coalesce(j.cancel_force_at <= {NOW}, false) as force from jobs j
        join unnest(cast(:ids as uuid[]), cast(:epochs as int[])) as k(id, epoch)
          on j.id = k.id and j.lease_epoch = k.epoch
        where j.state = 'running' and j.lease_owner = :owner
    ), free as (
        select j.id from jobs j join ours on j.id = ours.id and j.lease_epoch = ours.lease_epoch
        where j.state = 'running'
        order by j.id for update of j skip locked
    ), renewed as (
        update jobs set lease_expires_at = {NOW} + :lease where id in (select id from free)
    )
    select id, lease_epoch, force from ours
    """
)

# A lease that ran out, or whose worker is known to be dead. The epoch is spent here, so should that
# worker wake up again, nothing it writes under the old one is accepted. The row keeps its place: it has
# waited once already.
_FREE = """
    with lost as (
        select id from jobs where state = 'running' and {which}
        order by id for update skip locked
    )
    update jobs set
        state = case when cancel_requested_at is not null then 'cancelled'
                     when attempt < max_attempts then 'queued' else 'failed' end,
        finished_at = case when cancel_requested_at is null and attempt < max_attempts
                           then null else {now} end,
        lease_epoch = lease_epoch + 1, lease_owner = null, lease_expires_at = null, suspect = true,
        error = :reason || lease_owner
    where id in (select id from lost)
    returning id, name, state, queue
    """

_FREE_LATE = text(_FREE.format(which=f"lease_expires_at < {NOW}", now=NOW))

_FREE_OWNER = text(_FREE.format(which="lease_owner = :owner", now=NOW))

_EXPIRE = text(
    f"""
    update jobs set state = 'expired', finished_at = {NOW}
    where id in (
        select id from jobs where state = 'queued' and expires_at < {NOW} and attempt = 0
        order by id for update skip locked
    )
    """
)

_PRUNE = text(
    f"""
    with old as materialized (
        select id from jobs
        where state in ('succeeded', 'cancelled', 'expired') and finished_at < {NOW} - :age
          and (cast(:queue as text) is null or queue = :queue)
        order by finished_at limit :limit for update skip locked
    )
    delete from jobs where id in (select id from old)
    """
)


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
    """The number of this attempt, from 1."""
    max_attempts: int
    timeout_s: float
    backoff_s: float
    lease_owner: str
    lease_epoch: int
    trace_id: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """A queue to claim from. `per_business`: workers a business may occupy in it; 0 for any number."""

    queue: str
    last_tenant: UUID = NO_TENANT
    per_business: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a claimed row: a final state, or `queued` again, after `delay_s` or in its old place."""

    id: UUID
    epoch: int
    state: JobState
    attempt: int
    delay_s: float | None = None
    error: str | None = None
    began_ago_s: float | None = None
    """None: it did not begin."""
    ended_ago_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Kept:
    """A lease that is still ours, and whether its job is to be stopped by force."""

    id: UUID
    epoch: int
    force: bool


@dataclass(frozen=True, slots=True)
class Freed:
    """A row taken from a worker that is dead or silent."""

    id: UUID
    name: str
    state: str
    queue: str


def claim(
    connection: Connection, wanted: Sequence[Wanted], *, owner: str, lease: timedelta, size: int,
    suspects_first: bool = False,
) -> list[Claimed]:  # fmt: skip
    """Take up to `size` ready rows, in the order in which they are to run.

    That is queue by queue, and fairly by business in each. Called inside a transaction, which must
    commit before anything of it is run.
    """
    rows = connection.execute(
        _CLAIM,
        {
            "queues": [w.queue for w in wanted], "tenants": [w.last_tenant for w in wanted],
            "limits": [w.per_business for w in wanted], "owner": owner, "lease": lease, "size": size,
            "suspects_first": suspects_first, "now": clock.frozen(),
        },
    ).all()  # fmt: skip
    claimed = []
    for row in sorted(rows, key=lambda row: row.place):
        facts = row._asdict()
        del facts["place"]
        claimed.append(Claimed(**facts))
    limits = {w.queue: w.per_business for w in wanted if w.per_business}
    return _within_limits(connection, claimed, limits, owner=owner) if limits else claimed


def settle(connection: Connection, outcomes: Sequence[Outcome], *, owner: str) -> set[UUID]:
    """Write what came of claimed rows. Returns those written; the others are not ours any more."""
    if not outcomes:
        return set()
    values = {
        "ids": [o.id for o in outcomes], "epochs": [o.epoch for o in outcomes],
        "states": [o.state.value for o in outcomes], "attempts": [o.attempt for o in outcomes],
        "delays": [_interval(o.delay_s) for o in outcomes], "errors": [o.error for o in outcomes],
        "began": [_interval(o.began_ago_s) for o in outcomes],
        "ended": [_interval(o.ended_ago_s) for o in outcomes], "owner": owner,
        "now": clock.frozen(),
    }  # fmt: skip
    return set(connection.execute(_SETTLE, values).scalars())


def renew(
    connection: Connection, leases: Sequence[tuple[UUID, int]], *, owner: str, length: timedelta
) -> list[Kept]:
    """Keep rows, given as (id, epoch), for another while. Those not returned are not ours any more."""
    values = {
        "ids": [id_ for id_, _ in leases], "epochs": [epoch for _, epoch in leases], "owner": owner,
        "lease": length, "now": clock.frozen(),
    }  # fmt: skip
    return [Kept(*row) for row in connection.execute(_RENEW, values)]


def sweep(connection: Connection) -> list[Freed]:
    """Requeue or fail what silent workers hold. Returns the rows freed."""
    reason = "the lease ran out of "
    return [Freed(*row) for row in connection.execute(_FREE_LATE, {"reason": reason, "now": clock.frozen()})]


def expire(connection: Connection) -> None:
    """End what has not begun in time."""
    connection.execute(_EXPIRE, {"now": clock.frozen()})


def free_owner(connection: Connection, owner: str) -> list[Freed]:
    """Requeue or fail what a worker that is certainly dead holds. Returns the rows freed."""
    values = {"owner": owner, "reason": "the worker died: ", "now": clock.frozen()}
    return [Freed(*row) for row in connection.execute(_FREE_OWNER, values)]


def prune(connection: Connection, *, age: timedelta, limit: int, queue: str | None = None) -> int:
    """Delete rows of a queue, or of all, that ended longer ago than `age`; the dead letter stays."""
    values = {"age": age, "limit": limit, "queue": queue, "now": clock.frozen()}
    return count(connection.execute(_PRUNE, values))


def _within_limits(
    connection: Connection, claimed: list[Claimed], limits: dict[str, int], *, owner: str
) -> list[Claimed]:
    """Put back what a claim took beyond a business's limit."""
    kept: list[Claimed] = []
    over: list[Claimed] = []
    verdicts: dict[tuple[str, UUID], bool] = {}
    for row in claimed:
        place = (row.queue, row.tenant_key)
        if row.queue in limits and place not in verdicts:
            values = {"queue": row.queue, "tenant": row.tenant_key, "limit": limits[row.queue]}
            verdicts[place] = connection.execute(_OVER_LIMIT, values).scalar_one()
        (over if verdicts.get(place) else kept).append(row)
    back = [Outcome(r.id, r.lease_epoch, JobState.QUEUED, r.attempt - 1) for r in over]
    settle(connection, back, owner=owner)
    return kept


def _interval(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)
