"""The SQL of figures: counting calls by the quarter of an hour, and adding quarters up.

One statement counts, whatever for: what the roll-up keeps and what is counted when it is asked for are
the same by construction.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from trunkline.core.events import Cursor
from trunkline.domain.reports.models import RollUp

SUMS = (
    "inbound, inbound_answered, inbound_seconds, outbound, outbound_answered, outbound_seconds, appointments"
)

NOBODY = "00000000-0000-0000-0000-000000000000"
"""Stands where a call has no agent, or is of no run."""

# A call's own, or that of the call in which an appointment was made. Whence a person came is said by them.
OF_CALL = f"""
    coalesce(c.agent_id, '{NOBODY}') as agent_id, coalesce(c.run_id, '{NOBODY}') as run_id,
    coalesce(l.source, '') as source
"""

COUNTED = f"""
    with kinds as (
        select date_bin('15 minutes', c.created_at, timestamptz 'epoch') as starts_at, {OF_CALL}, c.direction,
               c.disposition, count(*) as calls, count(c.answered_at) as answered,
               coalesce(sum(extract(epoch from c.ended_at - c.answered_at)), 0) as seconds
        from calls c left join leads l on l.business_id = c.business_id and l.id = c.lead_id
        where c.business_id = :business and c.created_at >= {{since}} and c.created_at < {{until}}
        group by 1, 2, 3, 4, 5, 6
    ), sides as (
        select starts_at, agent_id, run_id, source,
               coalesce(sum(calls) filter (where direction = 'inbound'), 0) as inbound,
               coalesce(sum(answered) filter (where direction = 'inbound'), 0) as inbound_answered,
               coalesce(sum(seconds) filter (where direction = 'inbound'), 0) as inbound_seconds,
               coalesce(sum(calls) filter (where direction = 'outbound'), 0) as outbound,
               coalesce(sum(answered) filter (where direction = 'outbound'), 0) as outbound_answered,
               coalesce(sum(seconds) filter (where direction = 'outbound'), 0) as outbound_seconds,
               0 as appointments, null::jsonb as outcomes
        from kinds group by 1, 2, 3, 4
        union all
        select starts_at, agent_id, run_id, source, 0, 0, 0, 0, 0, 0, 0, jsonb_object_agg(disposition, calls)
        from (select starts_at, agent_id, run_id, source, disposition, sum(calls) as calls from kinds
              where disposition is not null group by 1, 2, 3, 4, 5) by_disposition
        group by 1, 2, 3, 4
        union all
        select date_bin('15 minutes', a.created_at, timestamptz 'epoch'), {OF_CALL}, 0, 0, 0, 0, 0, 0,
               count(*), null
        from appointments a
        left join calls c on c.business_id = a.business_id and c.id = a.call_id
        left join leads l on l.business_id = a.business_id and l.id = a.lead_id
        where a.business_id = :business and a.created_at >= {{since}} and a.created_at < {{until}}
        group by 1, 2, 3, 4
    )
    select starts_at, sum(inbound)::int as inbound, sum(inbound_answered)::int as inbound_answered,
           sum(inbound_seconds)::float8 as inbound_seconds, sum(outbound)::int as outbound,
           sum(outbound_answered)::int as outbound_answered,
           sum(outbound_seconds)::float8 as outbound_seconds, sum(appointments)::int as appointments,
           coalesce((jsonb_agg(outcomes) filter (where outcomes is not null)) -> 0, '{{{{}}}}') as outcomes,
           agent_id, run_id, source
    from sides group by starts_at, agent_id, run_id, source
"""
"""Quarters as the calls themselves tell them, by agent, run and source. Public for the test that compares."""

_FORGET = text(
    "delete from call_quarters where business_id = :business and starts_at >= :since and starts_at < :until"
)
_COUNT = text(
    f"""
    insert into call_quarters (business_id, starts_at, {SUMS}, outcomes, agent_id, run_id, source)
    select :business, starts_at, {SUMS}, outcomes, agent_id, run_id, source
    from ({COUNTED.format(since=":since", until=":until")}) counted
    """
)
_SUM_MONTH = text(
    """
    insert into call_months (business_id, month, inbound, inbound_seconds, outbound, outbound_seconds,
                             appointments)
    select :business, cast(:month as date), coalesce(sum(inbound), 0), coalesce(sum(inbound_seconds), 0),
           coalesce(sum(outbound), 0), coalesce(sum(outbound_seconds), 0), coalesce(sum(appointments), 0)
    from call_quarters
    where business_id = :business and starts_at >= cast(cast(:month as date) as timestamp) at time zone 'UTC'
      and starts_at < (cast(cast(:month as date) as timestamp) + interval '1 month') at time zone 'UTC'
    on conflict (business_id, month) do update set inbound = excluded.inbound,
        inbound_seconds = excluded.inbound_seconds, outbound = excluded.outbound,
        outbound_seconds = excluded.outbound_seconds, appointments = excluded.appointments
    """
)
_BEGIN = text(
    """
    insert into roll_ups (business_id, rolled_until, transaction_id, event_id)
    select :business, date_bin('15 minutes', least(
               (select min(created_at) from calls where business_id = :business),
               (select min(created_at) from appointments where business_id = :business),
               cast(:upto as timestamptz)), timestamptz 'epoch'), :transaction_id, :event_id
    on conflict do nothing
    """
)
_IS_BEHIND = text(
    """
    select case when r.business_id is null
        then exists (select from calls where business_id = :business)
          or exists (select from appointments where business_id = :business)
        else exists (select from events e where e.business_id = :business
                     and (e.transaction_id, e.id) > (r.transaction_id, r.event_id)
                     and e.transaction_id < pg_snapshot_xmin(pg_current_snapshot())::text::bigint)
          or exists (select from calls where business_id = :business
                     and created_at >= r.rolled_until and created_at < :upto)
          or exists (select from appointments where business_id = :business
                     and created_at >= r.rolled_until and created_at < :upto) end
    from (select cast(:business as uuid) as asked) one left join roll_ups r on r.business_id = one.asked
    """
)
_QUARTERS_OF = text(
    """
    select distinct date_bin('15 minutes', created_at, timestamptz 'epoch') from calls
    where business_id = :business and id = any(:calls) and created_at < :before order by 1
    """
)

# The table up to where it goes, and the calls themselves behind that: one statement, so one moment.
_UPTO = "(select coalesce(max(rolled_until), :since) from roll_ups where business_id = :business)"
KNOWN = f"""
    select starts_at, {SUMS}, outcomes, agent_id, run_id, source from call_quarters
    where business_id = :business and starts_at >= :since
      and starts_at < least({_UPTO}, cast(:until as timestamptz))
    union all
    select starts_at, {SUMS}, outcomes, agent_id, run_id, source
    from ({COUNTED.format(since=f"greatest(:since, {_UPTO})", until="cast(:until as timestamptz)")}) counted
"""
"""Quarters from one instant up to another. Public for the reports."""
_FOREVER = "infinity"
_BY_DAY = text(
    f"""
    with known as ({KNOWN})
    select cast(starts_at at time zone :zone as date) as day, sum(inbound)::int as inbound,
           sum(inbound_answered)::int as inbound_answered, sum(inbound_seconds) as inbound_seconds,
           sum(outbound)::int as outbound, sum(outbound_answered)::int as outbound_answered,
           sum(outbound_seconds) as outbound_seconds, sum(appointments)::int as appointments
    from known group by 1 order by 1
    """
)
_BY_HOUR = text(
    f"""
    with known as ({KNOWN})
    select date_trunc('hour', starts_at, :zone) as hour, sum(inbound)::int as inbound,
           sum(inbound_answered)::int as inbound_answered, sum(outbound)::int as outbound,
           sum(outbound_answered)::int as outbound_answered
    from known group by 1 order by 1
    """
)
_BY_OUTCOME = text(
    f"""
    with known as ({KNOWN})
    select o.key as disposition, sum(o.value::int)::int as calls
    from known, jsonb_each_text(outcomes) o group by 1 order by 2 desc, 1
    """
)


def roll_up_of(session: Session, business_id: UUID, *, lock: bool = False) -> RollUp | None:
    """Return how far a business is rolled up; `lock`: and let nobody else go on with it meanwhile."""
    found = session.query(RollUp).filter(RollUp.business_id == business_id).populate_existing()
    return (found.with_for_update() if lock else found).one_or_none()


def begin(session: Session, business_id: UUID, *, cursor: Cursor, upto: datetime) -> None:
    """Let a business's roll-up begin at its first call, if it has not begun."""
    values = {"transaction_id": cursor.transaction_id, "event_id": cursor.id, "upto": upto}
    session.execute(_BEGIN, {"business": business_id, **values})


def is_behind(session: Session, business_id: UUID, *, upto: datetime) -> bool:
    """Return whether anything has happened that the roll-up has not counted and, before `upto`, should."""
    return bool(session.scalar(_IS_BEHIND, {"business": business_id, "upto": upto}))


def recount(session: Session, business_id: UUID, *, since: datetime, until: datetime) -> None:
    """Count the quarters between two instants anew, and the months that they are in."""
    stretch = {"business": business_id, "since": since, "until": until}
    session.execute(_FORGET, stretch)
    session.execute(_COUNT, stretch)


def sum_month(session: Session, business_id: UUID, month: datetime) -> None:
    """Add a month's quarters up anew."""
    session.execute(_SUM_MONTH, {"business": business_id, "month": month.date().replace(day=1)})


def quarters_of(
    session: Session, business_id: UUID, call_ids: Collection[UUID], *, before: datetime
) -> list[datetime]:
    """Return in which quarters before an instant these calls began."""
    values = {"business": business_id, "calls": list(call_ids), "before": before}
    return list(session.scalars(_QUARTERS_OF, values))


def by_day(session: Session, business_id: UUID, *, since: datetime, zone: str) -> Sequence[Row[Any]]:
    """Return the sums of each local day on which something was."""
    return session.execute(
        _BY_DAY, {"business": business_id, "since": since, "until": _FOREVER, "zone": zone}
    ).all()


def by_hour(session: Session, business_id: UUID, *, since: datetime, zone: str) -> Sequence[Row[Any]]:
    """Return the sums of each local hour in which there was a call."""
    return session.execute(
        _BY_HOUR, {"business": business_id, "since": since, "until": _FOREVER, "zone": zone}
    ).all()


def by_outcome(session: Session, business_id: UUID, *, since: datetime) -> list[tuple[str, int]]:
    """Return how many calls came to what, the most first."""
    rows = session.execute(_BY_OUTCOME, {"business": business_id, "since": since, "until": _FOREVER})
    return [(row.disposition, row.calls) for row in rows]
