"""The SQL of the committing transaction of a dial. All of it runs with the business's slots locked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from trunkline.domain.outbound.compliance import Ruling
from trunkline.kit.ids import new_id

_REMEMBERED = timedelta(hours=50)
"""Dials this old can lie in no time zone's today."""

_MOST_WOKEN = 500

_RUNNING = text(
    """
    select r.id, r.options, o.ramp_from, o.held_until
    from runs r join outbound_runs o on o.business_id = r.business_id and o.run_id = r.id
    where r.business_id = :business_id and r.kind = 'outbound' and r.state = 'running'
    order by o.priority desc, o.last_dial_at nulls first, r.started_at, r.id
    """
)

_WAKE = text(
    """
    update outbound_items set state = 'queued', not_before = null, waits_for = null
    where business_id = :business_id and id in (
        select id from outbound_items
        where business_id = :business_id and run_id = any(:run_ids) and state = 'retry_wait'
          and not_before <= :now
        order by not_before, position limit :most
    )
    """
)

_LIVE = text(
    """
    select run_id, count(*) as live from outbound_attempts
    where business_id = :business_id and not released
      and (state in ('submitting', 'placed', 'ringing', 'answered')
           or (state = 'unknown' and created_at > :live_since))
    group by run_id
    """
)

_HAS_QUEUED = text(
    """
    select exists (
        select from unnest(cast(:run_ids as uuid[])) wanted (id)
        cross join lateral (
            select from outbound_items i
            where i.business_id = :business_id and i.run_id = wanted.id and i.state = 'queued' limit 1
        ) found
    )
    """
)

_NEXT = text(
    """
    select i.id, i.phone, i.position, i.rank, l.consent,
           exists (select from suppressions s
                   where s.business_id = i.business_id and s.phone = i.phone) as suppressed,
           exists (select from system_suppressions s where s.phone = i.phone) as suppressed_everywhere,
           array(select a.created_at from outbound_attempts a
                 where a.business_id = i.business_id and a.phone = i.phone and a.created_at > :remembered
                   and a.state <> 'rejected'
                 order by a.created_at desc limit 50) as dialled_at,
           (select count(*) from outbound_attempts a
            where a.business_id = i.business_id and a.phone = i.phone and a.state <> 'rejected')
               as dialled_in_all
    from outbound_items i
    left join leads l on l.business_id = i.business_id and l.id = i.lead_id
    where i.business_id = :business_id and i.run_id = :run_id and i.state = 'queued'
    order by i.rank, i.position limit :limit
    for update of i skip locked
    """
)

_LET_WAIT = text(
    """
    update outbound_items i
    set state = 'retry_wait', not_before = w.until, waits_for = w.reason, updated_at = :now
    from unnest(cast(:ids as uuid[]), cast(:untils as timestamptz[]), cast(:reasons as text[]))
         as w (id, until, reason)
    where i.id = w.id and i.state = 'queued'
    """
)

_REFUSE = text(
    """
    update outbound_items i set state = 'failed', disposition = w.reason, updated_at = :now
    from unnest(cast(:ids as uuid[]), cast(:reasons as text[])) as w (id, reason)
    where i.id = w.id and i.state = 'queued'
    """
)

_INSERT_ATTEMPT = text(
    """
    insert into outbound_attempts (
        id, business_id, run_id, item_id, phone, from_number, account, state, job_id, lease_epoch, created_at
    )
    values (
        :id, :business_id, :run_id, :item_id, :phone, :from_number, :account, 'submitting', :job_id,
        :lease_epoch, :now
    )
    on conflict do nothing returning id
    """
)

_BEGIN = text(
    """
    with item as (
        update outbound_items
        set state = 'dialling', attempts_used = attempts_used + 1, callback_at = null, updated_at = :now
        where business_id = :business_id and id = :item_id
    ), run as (
        update outbound_runs set last_dial_at = :now where business_id = :business_id and run_id = :run_id
    ), turn as (
        delete from dial_turns where business_id = :business_id and account = :account
    )
    update runs set cursor = greatest(cursor, :position) where business_id = :business_id and id = :run_id
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
    insert into dial_turns (business_id, account, turn_at) values (:business_id, :account, :turn_at)
    on conflict (business_id, account) do update
    set turn_at = excluded.turn_at, waiting_since = null, seen_at = null
    """
)

_STOP_WAITING = text(
    """
    update dial_turns set waiting_since = null, seen_at = null
    where business_id = :business_id and account = :account and waiting_since is not null
    """
)


def running_runs(session: Session, business_id: UUID) -> Sequence[Row[Any]]:
    """Return the business's running runs, the one to be served first in front."""
    return session.execute(_RUNNING, {"business_id": business_id}).all()


def wake_due_items(session: Session, business_id: UUID, run_ids: Sequence[UUID], *, now: datetime) -> None:
    """Queue the items whose wait is over, some hundred at a time."""
    session.execute(
        _WAKE, {"business_id": business_id, "run_ids": list(run_ids), "now": now, "most": _MOST_WOKEN}
    )


def live_by_run(session: Session, business_id: UUID, *, live_since: datetime) -> dict[UUID, int]:
    """Count the attempts that hold a slot: unresolved ones, and of the unknown only the young."""
    rows = session.execute(_LIVE, {"business_id": business_id, "live_since": live_since})
    return {row.run_id: row.live for row in rows}


def has_queued(session: Session, business_id: UUID, run_ids: Sequence[UUID]) -> bool:
    """Return whether one of these runs has an item that is queued."""
    found: bool = session.execute(
        _HAS_QUEUED, {"business_id": business_id, "run_ids": list(run_ids)}
    ).scalar_one()
    return found


def next_items(
    session: Session, business_id: UUID, run_id: UUID, *, limit: int, now: datetime, gap: timedelta
) -> Sequence[Row[Any]]:
    """Return the run's next queued items in their order, locked, with what the rules ask about them.

    Dials are remembered for two days, and longer where the `gap` between two of them is.
    """
    remembered = now - max(_REMEMBERED, gap)
    return session.execute(
        _NEXT, {"business_id": business_id, "run_id": run_id, "limit": limit, "remembered": remembered}
    ).all()


def let_wait(session: Session, waits: Sequence[tuple[UUID, Ruling]], *, now: datetime) -> None:
    """Set queued items aside until their ruling's moment."""
    if waits:
        session.execute(
            _LET_WAIT,
            {
                "ids": [item_id for item_id, _ in waits], "untils": [ruling.until for _, ruling in waits],
                "reasons": [ruling.reason for _, ruling in waits], "now": now,
            },
        )  # fmt: skip


def refuse_items(session: Session, refused: Sequence[tuple[UUID, Ruling]], *, now: datetime) -> None:
    """End queued items that may not be dialled, with their ruling's reason as the disposition."""
    if refused:
        session.execute(
            _REFUSE,
            {
                "ids": [item_id for item_id, _ in refused],
                "reasons": [ruling.reason for _, ruling in refused], "now": now,
            },
        )  # fmt: skip


def insert_attempt(
    session: Session, business_id: UUID, run_id: UUID, item: Row[Any], *, now: datetime, **values: Any
) -> UUID | None:
    """Write a submitting attempt. None: another dial to this number is unresolved, the fence holds."""
    written: UUID | None = session.execute(
        _INSERT_ATTEMPT,
        {
            "id": new_id(), "business_id": business_id, "run_id": run_id, "item_id": item.id,
            "phone": item.phone, "now": now, **values,
        },
    ).scalar_one_or_none()  # fmt: skip
    return written


def begin_item(
    session: Session, business_id: UUID, run_id: UUID, account: str, item: Row[Any], *, now: datetime
) -> None:
    """The item is being dialled: count the try, move the run's cursor, and spend the business's turn."""
    session.execute(
        _BEGIN,
        {
            "business_id": business_id, "run_id": run_id, "item_id": item.id, "position": item.position,
            "account": account, "now": now,
        },
    )  # fmt: skip


def turn_at(session: Session, business_id: UUID, account: str) -> datetime | None:
    """Return the business's turn at an account, if it has one."""
    found: datetime | None = session.execute(
        text("select turn_at from dial_turns where business_id = :business_id and account = :account"),
        {"business_id": business_id, "account": account},
    ).scalar_one_or_none()
    return found


def keep_turn(session: Session, business_id: UUID, account: str, turn_at: datetime) -> None:
    """Note when it is the business's turn; its wait for a line is over."""
    session.execute(_KEEP_TURN, {"business_id": business_id, "account": account, "turn_at": turn_at})


def wait_for_line(session: Session, business_id: UUID, account: str, *, now: datetime) -> datetime:
    """Note that the business wants a line, and return since when it has."""
    since: datetime = session.execute(
        _WAIT_FOR_LINE, {"business_id": business_id, "account": account, "now": now}
    ).scalar_one()
    return since


def stop_waiting(session: Session, business_id: UUID, account: str) -> None:
    """The business wants no line just now."""
    session.execute(_STOP_WAITING, {"business_id": business_id, "account": account})
