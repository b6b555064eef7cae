"""The verbs of figures: how a business stands now, today, and in the last thirty days."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from trunkline.domain.outbound import service as outbound
from trunkline.domain.reports import store
from trunkline.domain.reports.rules import day_begins, hours_of, rate
from trunkline.kit import clock

DAYS = 30
_LIVE_SHOWN = 50

_LIVE = text(
    """
    select c.id, c.direction, c.theirs, c.lead_id, l.name, a.name as agent, c.state, c.away, c.created_at,
           c.answered_at, count(*) over () as live
    from calls c
    left join leads l on l.business_id = c.business_id and l.id = c.lead_id
    left join agents a on a.business_id = c.business_id and a.id = c.agent_id
    where c.business_id = :business and c.state <> 'ended'
    order by c.created_at, c.id limit :limit
    """
)

_ACTIVE_RUNS = text(
    """
    select r.id, r.title, r.state, o.held_until
    from runs r join outbound_runs o on o.business_id = r.business_id and o.run_id = r.id
    where r.business_id = :business and r.kind = 'outbound' and r.state in ('running', 'paused')
    order by r.started_at, r.id
    """
)

_USAGE = text("select * from usage_since(:since) order by month desc, outbound + inbound desc, business_id")


@dataclass(frozen=True, slots=True)
class Figures:
    """What a stretch of time came to."""

    inbound: int = 0
    inbound_answered: int = 0
    inbound_seconds: float = 0.0
    outbound: int = 0
    outbound_answered: int = 0
    outbound_seconds: float = 0.0
    appointments: int = 0

    @property
    def calls(self) -> int:
        return self.inbound + self.outbound

    @property
    def answered(self) -> int:
        return self.inbound_answered + self.outbound_answered

    @property
    def answer_rate(self) -> float | None:
        return rate(self.outbound_answered, self.outbound)

    @property
    def minutes(self) -> float:
        return round((self.inbound_seconds + self.outbound_seconds) / 60, 1)


_COUNTED = [field.name for field in fields(Figures)]


@dataclass(frozen=True, slots=True)
class Hour:
    """The calls that began in an hour."""

    starts_at: datetime
    inbound: int = 0
    outbound: int = 0
    answered: int = 0


@dataclass(frozen=True, slots=True)
class Times:
    """A business's figures by time."""

    day: date
    """Today, in its zone."""
    days: list[tuple[date, Figures]]
    """Each of the last thirty, today last."""
    hours: list[Hour]
    """Each hour of today."""
    outcomes: list[tuple[str, int]]
    """Of today: disposition and calls, the most frequent first."""

    def of_last(self, days: int) -> Figures:
        """Return the sums of the last so many days, today included."""
        return sum_of(figures for _, figures in self.days[-days:])


@dataclass(frozen=True, slots=True)
class LiveCall:
    """A call that is not over."""

    id: UUID
    direction: str
    theirs: str
    lead_id: UUID | None
    name: str | None
    agent: str | None
    state: str
    away: str | None
    created_at: datetime
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class ActiveRun:
    """A run that calls people, and how far it is."""

    id: UUID
    title: str
    state: str
    held_until: datetime | None
    """It dials nobody until then, for too many dials failed."""
    progress: outbound.Progress


@dataclass(frozen=True, slots=True)
class Usage:
    """What a business used in a month."""

    business_id: UUID
    month: date
    inbound: int
    inbound_seconds: float
    outbound: int
    outbound_seconds: float
    appointments: int

    @property
    def minutes(self) -> float:
        return round((self.inbound_seconds + self.outbound_seconds) / 60, 1)


def times(session: Session, business_id: UUID, *, zone: str) -> Times:
    """Return what the last thirty days of a zone came to, and today by the hour and by outcome."""
    here = ZoneInfo(zone)
    today = clock.now().astimezone(here).date()
    first = today - timedelta(days=DAYS - 1)
    midnight = day_begins(today, here)
    found = {
        row.day: figures_of(row)
        for row in store.by_day(session, business_id, since=day_begins(first, here), zone=zone)
    }
    by_hour = {
        row.hour: Hour(row.hour, row.inbound, row.outbound, row.inbound_answered + row.outbound_answered)
        for row in store.by_hour(session, business_id, since=midnight, zone=zone)
    }
    dates = [first + timedelta(days=number) for number in range(DAYS)]
    return Times(
        today,
        [(day, found.get(day, Figures())) for day in dates],
        [by_hour.get(begins, Hour(begins)) for begins in hours_of(today, here)],
        store.by_outcome(session, business_id, since=midnight),
    )


def live_calls(session: Session, business_id: UUID) -> tuple[list[LiveCall], int]:
    """Return the calls that are not over, the oldest first and fifty at most, and how many there are."""
    rows = session.execute(_LIVE, {"business": business_id, "limit": _LIVE_SHOWN}).all()
    shown = [LiveCall(*row[:-1]) for row in rows]
    return shown, rows[0].live if rows else 0


def active_runs(session: Session, business_id: UUID) -> list[ActiveRun]:
    """Return the outbound runs that go on, with their exact progress."""
    rows = session.execute(_ACTIVE_RUNS, {"business": business_id}).all()
    progress = outbound.progress_of(session, business_id, [row.id for row in rows])
    return [ActiveRun(row.id, row.title, row.state, row.held_until, progress[row.id]) for row in rows]


def usage(session: Session, *, since: date) -> list[Usage]:
    """Return what each business used in each month, by UTC, since one's first day; the newest months first.

    Speaks in any scope, for those alone who may see all businesses. What began in the last hour or so is
    not in it yet.
    """
    rows = session.execute(_USAGE, {"since": since})
    return [Usage(**row._asdict()) for row in rows]


def figures_of(row: Any) -> Figures:
    """Return the figures of a row that has each of them."""
    return Figures(**{name: getattr(row, name) for name in _COUNTED})


def sum_of(several: Iterable[Figures]) -> Figures:
    """Return what several stretches came to together."""
    added = list(several)
    return Figures(**{name: sum(getattr(one, name) for one in added) for name in _COUNTED})
