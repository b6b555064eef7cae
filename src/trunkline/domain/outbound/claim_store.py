"""The SQL of the committing transaction of a dial. All of it runs with the business's slots locked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from trunkline.domain.outbound import store
from trunkline.domain.outbound.compliance import Ruling
from trunkline.domain.outbound.rules import Turn
from trunkline.kit.ids import new_id

REMEMBERED = timedelta(hours=50)
"""Dials this old can lie in no time zone's today."""

_MOST_WOKEN = 500

_LOCK = text(
    """
    select pg_advisory_xact_lock(hashtextextended(:key, 0)),
           set_config('plan_cache_mode', 'force_generic_plan', true),
           set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),
           set_config('enable_sort', 'off', true)
    """
)

_RUNNING = text(
    """
    with live as materialized (
        select run_id, count(*)::int as attempts from outbound_attempts
        where business_id = :business_id and not released
          and state in ('submitting', 'placed', 'ringing', 'answered', 'unknown')
          and (state <> 'unknown' or created_at > :live_since)
        group by run_id
    )
    select r.id, r.options, o.ramp_from, o.held_until, coalesce(live.attempts, 0) as live,
           coalesce((select sum(attempts) from live), 0)::int as live_in_all,
           -- The first of each by its index: of `exists` a hash over all who wait may be made.
           coalesce((select true from outbound_items i
                     where i.business_id = :business_id and i.run_id = r.id and i.state = 'queued'
                     order by i.rank, i.position limit 1), false) as has_queued,
           coalesce((select i.not_before <= :now from outbound_items i
                     where i.business_id = :business_id and i.run_id = r.id and i.state = 'retry_wait'
                     order by i.not_before, i.position limit 1), false) as has_due
    from runs r
    join outbound_runs o on o.business_id = r.business_id and o.run_id = r.id
    left join live on live.run_id = r.id
    where r.business_id = :business_id and r.kind = 'outbound' and r.state = 'running'
    order by o.priority desc, o.last_dial_at nulls first, r.started_at, r.id
    """
)

_WAKE = text(
    """
    update outbound_items set state = 'queued', not_before = null, waits_for = null
    where business_id = :business_id and id in (
        select due.id from unnest(cast(:run_ids as uuid[])) wanted (id)
        cross join lateral (
            select i.id, i.not_before, i.position from outbound_items i
            where i.business_id = :business_id and i.run_id = wanted.id and i.state = 'retry_wait'
              and i.not_before <= :now
            order by i.not_before, i.position limit :most
        ) due
        order by due.not_before, due.position limit :most
    )
    """
)

_LIVE = text(
    """
    select run_id, count(*) as live from outbound_attempts
    where business_id = :business_id and not released
      and state in ('submitting', 'placed', 'ringing', 'answered', 'unknown')
      and (state <> 'unknown' or created_at > :live_since)
    group by run_id
    """
)

_NEXT = text(
    """
    with next as materialized (
        select id, lead_id, phone, position, rank from outbound_items
        where business_id = :business_id and run_id = :run_id and state = 'queued'
        order by rank, position limit :limit
        for update skip locked
    )
    select i.id, i.phone, i.position, i.rank,
           (select l.consent from leads l where l.business_id = :business_id and l.id = i.lead_id) as consent,
           exists (select from suppressions s
                   where s.business_id = :business_id and s.phone = i.phone) as suppressed,
           exists (select from system_suppressions s where s.phone = i.phone) as suppressed_everywhere,
           exists (select from outbound_attempts a
                   where a.business_id = :business_id and a.phone = i.phone and not a.released
                     and a.state in ('submitting', 'placed', 'ringing', 'answered', 'unknown')) as fenced,
           dials.dialled_at, dials.dialled_in_all
    from next i
    cross join lateral (
        select coalesce(
                   (array_agg(a.created_at order by a.created_at desc)
                    filter (where a.created_at > :remembered))[1:50], '{}'
               ) as dialled_at,
               count(*) as dialled_in_all
        from outbound_attempts a
        where a.business_id = :business_id and a.phone = i.phone and a.state <> 'rejected'
    ) dials
    order by i.rank, i.position
    """
)

_ACCOUNT = text(
    """
    select a.account, a.next_dial_at, a.last_dial_at, a.closed_until, t.turn_at
    from carrier_accounts a
    left join dial_turns t on t.business_id = :business_id and t.account = a.account
    where a.account = :account
    for update of a
    """
)

_LET_WAIT = text(
    """
    update outbound_items i
    set state = 'retry_wait', not_before = w.until, waits_for = w.reason, updated_at = :now
    from unnest(cast(:ids as uuid[]), cast(:untils as timestamptz[]), cast(:reasons as text[]))
         as w (id, until, reason)
    where i.business_id = :business_id and i.id = w.id and i.state = 'queued'
    """
)

_REFUSE = text(
    """
    update outbound_items i set state = 'failed', disposition = w.reason, updated_at = :now
    from unnest(cast(:ids as uuid[]), cast(:reasons as text[])) as w (id, reason)
    where i.business_id = :business_id and i.id = w.id and i.state = 'queued'
    """
)

_BEGIN = text(
    """
    with attempt as (
        insert into outbound_attempts (
            id, business_id, run_id, item_id, phone, from_number, account, state, job_id, lease_epoch,
            created_at
        )
        values (
            :id, :business_id, :run_id, :item_id, :phone, :from_number, :account, 'submitting', :job_id,
            :lease_epoch, :now
        )
        on conflict do nothing returning id
    ), item as (
        update outbound_items
        set state = 'dialling', attempts_used = attempts_used + 1, callback_at = null, updated_at = :now
        where business_id = :business_id and id = :item_id and exists (select from attempt)
    ), of_run as (
        update outbound_runs set last_dial_at = :now
        where business_id = :business_id and run_id = :run_id and exists (select from attempt)
    ), run as (
        update runs set cursor = greatest(cursor, :position)
        where business_id = :business_id and id = :run_id and exists (select from attempt)
    ), turn as (
        delete from dial_turns
        where business_id = :business_id and account = :account and exists (select from attempt)
    ), pace as (
        update carrier_accounts set next_dial_at = :next_free, last_dial_at = :reckoned_at
        where account = :account and exists (select from attempt)
    )
    select id from attempt
    """
)

_WAIT_FOR_LINE = text(
    """
    insert into dial_turns (business_id, account, waiting_since, seen_at)
    values (:business_id, :account, :now, :now)
    on conflict (business_id, account) do update
    set waiting_since = coalesce(dial_turns.waiting_since, excluded.waiting_since), seen_at = excluded.seen_at
    returning waiting_since
    """
)

_KEEP_TURN = text(
    """
    with pace as (update carrier_accounts set next_dial_at = :next_free where account = :account)
    insert into dial_turns (business_id, account, turn_at) values (:business_id, :account, :turn_at)
    on conflict (business_id, account) do update
    set turn_at = excluded.turn_at, waiting_since = null, seen_at = null
    """
)

_KEEP_WAITING = text(
    """
    update dial_turns set seen_at = :now
    where business_id = :business_id and account = :account and waiting_since is not null
    """
)

_HAS_ASKED = text(
    """
    select account from dial_turns
    where business_id = :business_id and account = :account and waiting_since is not null and seen_at > :since
    """
)

_STOP_WAITING = text(
    """
    update dial_turns set waiting_since = null, seen_at = null
    where business_id = :business_id and account = :account and waiting_since is not null
    returning account
    """
)


def lock_business(session: Session, business_id: UUID) -> None:
    """Lock the business's slots as `store.lock_business` does, and settle how the claim's statements go.

    Each is planned once a connection, by index and by the order of an index: to plan them takes longer
    than to run them, and a plan made while the tables were empty, or not looked at for long, must do.
    """
    session.execute(_LOCK, {"key": store.slots_key(business_id)})


def running_runs(
    session: Session, business_id: UUID, *, live_since: datetime, now: datetime
) -> Sequence[Row[Any]]:
    """Return the business's running runs, the one to be served first in front, with what each has to do.

    `live` counts the attempts of a run that hold a slot, `live_in_all` those of the business.
    """
    values = {"business_id": business_id, "live_since": live_since, "now": now}
    return session.execute(_RUNNING, values).all()


def wake_due_items(session: Session, business_id: UUID, run_ids: Sequence[UUID], *, now: datetime) -> None:
    """Queue the items whose wait is over, some hundred at a time."""
    session.execute(
        _WAKE, {"business_id": business_id, "run_ids": list(run_ids), "now": now, "most": _MOST_WOKEN}
    )


def live_by_run(session: Session, business_id: UUID, *, live_since: datetime) -> dict[UUID, int]:
    """Count the attempts that hold a slot: unresolved ones, and of the unknown only the young."""
    rows = session.execute(_LIVE, {"business_id": business_id, "live_since": live_since})
    return {row.run_id: row.live for row in rows}


def next_items(
    session: Session, business_id: UUID, run_id: UUID, *, limit: int, now: datetime, gap: timedelta
) -> Sequence[Row[Any]]:
    """Return the run's next queued items in their order, locked, with what the rules ask about them.

    Dials are remembered for two days, and longer where the `gap` between two of them is.
    """
    remembered = now - max(REMEMBERED, gap)
    return session.execute(
        _NEXT, {"business_id": business_id, "run_id": run_id, "limit": limit, "remembered": remembered}
    ).all()


def let_wait(
    session: Session, business_id: UUID, waits: Sequence[tuple[UUID, Ruling]], *, now: datetime
) -> None:
    """Set queued items aside until their ruling's moment."""
    if waits:
        session.execute(
            _LET_WAIT,
            {
                "business_id": business_id, "ids": [item_id for item_id, _ in waits],
                "untils": [ruling.until for _, ruling in waits],
                "reasons": [ruling.reason for _, ruling in waits], "now": now,
            },
        )  # fmt: skip


def refuse_items(
    session: Session, business_id: UUID, refused: Sequence[tuple[UUID, Ruling]], *, now: datetime
) -> None:
    """End queued items that may not be dialled, with their ruling's reason as the disposition."""
    if refused:
        session.execute(
            _REFUSE,
            {
                "business_id": business_id, "ids": [item_id for item_id, _ in refused],
                "reasons": [ruling.reason for _, ruling in refused], "now": now,
            },
        )  # fmt: skip


def lock_account(session: Session, business_id: UUID, account: str) -> Row[Any]:
    """Return the pace row of a carrier account, locked, with the business's turn at it, if it has one."""
    values = {"business_id": business_id, "account": account}
    row = session.execute(_ACCOUNT, values).one_or_none()
    if row is None:
        store.lock_account(session, account)
        row = session.execute(_ACCOUNT, values).one()
    return row


def begin_dial(
    session: Session, business_id: UUID, run_id: UUID, account: str, item: Row[Any], *, turn: Turn,
    now: datetime, **values: Any,
) -> UUID | None:  # fmt: skip
    """Write a submitting attempt, count the item's try, move the run's cursor and spend the turn.

    None, and nothing is written: another dial to this number is unresolved, the fence holds.
    """
    written: UUID | None = session.execute(
        _BEGIN,
        {
            "id": new_id(), "business_id": business_id, "run_id": run_id, "item_id": item.id,
            "phone": item.phone, "position": item.position, "account": account,
            "next_free": turn.next_free, "reckoned_at": turn.reckoned_at, "now": now, **values,
        },
    ).scalar_one_or_none()  # fmt: skip
    return written


def keep_turn(session: Session, business_id: UUID, account: str, turn: Turn) -> None:
    """Note when it is the business's turn; its wait for a line is over."""
    session.execute(
        _KEEP_TURN,
        {
            "business_id": business_id, "account": account, "turn_at": turn.dial_at,
            "next_free": turn.next_free,
        },
    )  # fmt: skip


def wait_for_line(session: Session, business_id: UUID, account: str, *, now: datetime) -> datetime:
    """Note that the business wants a line, and return since when it has."""
    since: datetime = session.execute(
        _WAIT_FOR_LINE, {"business_id": business_id, "account": account, "now": now}
    ).scalar_one()
    return since


def keep_waiting(session: Session, business_id: UUID, account: str, *, now: datetime) -> None:
    """Note that the business, which waits for a line, still wants one."""
    session.execute(_KEEP_WAITING, {"business_id": business_id, "account": account, "now": now})


def has_asked(session: Session, business_id: UUID, account: str, *, since: datetime) -> bool:
    """Return whether the business waits for a line and has asked for one after `since`."""
    values = {"business_id": business_id, "account": account, "since": since}
    return session.execute(_HAS_ASKED, values).scalar_one_or_none() is not None


def stop_waiting(session: Session, business_id: UUID, account: str) -> bool:
    """The business wants no line just now. Returns whether it did."""
    given_up = session.execute(_STOP_WAITING, {"business_id": business_id, "account": account})
    return given_up.scalar_one_or_none() is not None
