"""The SQL of reports: sums of quarters between two instants by a key, and what became of appointments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, TextClause, text
from sqlalchemy.orm import Session

from trunkline.domain.reports.store import KNOWN, NOBODY, OF_CALL

_ONLY = """
    (cast(:agent as uuid) is null or agent_id = :agent) and (cast(:run as uuid) is null or run_id = :run)
    and (cast(:source as text) is null or source = :source)
"""
_KEYS = {
    "day": "cast({at} at time zone :zone as date)::text",
    "month": "to_char({at} at time zone :zone, 'YYYY-MM')",
    "agent": "agent_id::text",
    "run": "run_id::text",
    "source": "source",
}
_MEETINGS = f"""
    select a.starts_at, a.ends_at, a.state, {OF_CALL}
    from appointments a
    left join calls c on c.business_id = a.business_id and c.id = a.call_id
    left join leads l on l.business_id = a.business_id and l.id = a.lead_id
    where a.business_id = :business and a.starts_at >= :since and a.starts_at < :until
"""


def _of_calls(key: str) -> TextClause:
    return text(
        f"""
        with known as ({KNOWN})
        select {_KEYS[key].format(at="starts_at")} as key, sum(inbound)::int as inbound,
               sum(inbound_answered)::int as inbound_answered, sum(inbound_seconds) as inbound_seconds,
               sum(outbound)::int as outbound, sum(outbound_answered)::int as outbound_answered,
               sum(outbound_seconds) as outbound_seconds, sum(appointments)::int as appointments
        from known where {_ONLY} group by 1 order by 1
        """
    )


def _of_meetings(key: str) -> TextClause:
    return text(
        f"""
        with meetings as ({_MEETINGS})
        select {_KEYS[key].format(at="starts_at")} as key, count(*)::int as due,
               count(*) filter (where state = 'arrived')::int as kept,
               count(*) filter (where state = 'no_show')::int as no_show,
               count(*) filter (where state = 'cancelled')::int as cancelled
        from meetings where {_ONLY} group by 1
        """
    )


_CALLS = {key: _of_calls(key) for key in _KEYS}
_BECAME = {key: _of_meetings(key) for key in _KEYS}
_OUTCOMES = text(
    f"""
    with known as ({KNOWN})
    select o.key as disposition, sum(o.value::int)::int as calls
    from known, jsonb_each_text(outcomes) o where {_ONLY} group by 1 order by 2 desc, 1
    """
)
_NAMES = {
    "agent": text("select id::text as key, name from agents where business_id = :business"),
    "run": text(
        "select id::text as key, title as name from runs"
        " where business_id = :business and id = any(cast(:keys as uuid[]))"
    ),
}


def by_key(session: Session, key: str, given: dict[str, Any]) -> Sequence[Row[Any]]:
    """Return the sums of calls by a day, month, agent, run or source."""
    return session.execute(_CALLS[key], given).all()


def meetings_by_key(session: Session, key: str, given: dict[str, Any]) -> dict[str, Row[Any]]:
    """Return what became of the appointments that were to be in that time, by the same keys."""
    return {row.key: row for row in session.execute(_BECAME[key], given)}


def outcomes(session: Session, given: dict[str, Any]) -> list[tuple[str, int]]:
    """Return how many calls came to what, the most first."""
    return [(row.disposition, row.calls) for row in session.execute(_OUTCOMES, given)]


def names(session: Session, business_id: UUID, key: str, keys: Sequence[str]) -> dict[str, str]:
    """Return how the agents or runs are called that some keys stand for."""
    if key not in _NAMES:
        return {}
    known = [one for one in keys if one != NOBODY]
    rows = session.execute(_NAMES[key], {"business": business_id, "keys": known})
    return {row.key: row.name for row in rows}
