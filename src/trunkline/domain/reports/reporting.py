"""The verbs of reports: what a stretch of a business's days came to, by day, agent, run or source.

Figures are those of the overview over any stretch: sums of the same quarters, so they add up to the log.
A call belongs to the day on which it began, an appointment that was made to the day on which it was made, and
what became of it to the day for which it was made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from trunkline.core.errors import InvalidInput
from trunkline.domain.reports import report_store
from trunkline.domain.reports.revenue import Amount, revenue_of
from trunkline.domain.reports.rules import day_begins
from trunkline.domain.reports.service import Figures, figures_of, sum_of
from trunkline.domain.reports.store import NOBODY

Key = Literal["day", "month", "agent", "run", "source"]
MOST_DAYS = 366
MOST_ROWS = 500
"""What is beyond is told in one row."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a report is to be of: dates of the business's zone, both included."""

    first: date
    last: date
    by: Key = "day"
    agent_id: UUID | None = None
    run_id: UUID | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Meetings:
    """What became of the appointments that were to be in a stretch of time."""

    due: int = 0
    kept: int = 0
    no_show: int = 0
    cancelled: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """One day, month, agent, run or source."""

    key: str | None
    """Of a day or month its date; None: calls without an agent or run, or of people of unknown source."""
    name: str
    figures: Figures
    meetings: Meetings
    is_rest: bool = False
    """All that the report has no line for."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """What a stretch of days came to in all."""

    first: date
    last: date
    figures: Figures
    meetings: Meetings
    outcomes: list[tuple[str, int]]
    revenue: list[Amount] | None


@dataclass(frozen=True, slots=True)
class Report:
    """A report."""

    zone: str
    total: Stretch
    before: Stretch
    """As many days that came before."""
    lines: list[Line]


def report(session: Session, business_id: UUID, wanted: Wanted, *, zone: str) -> Report:
    """Return a report. Raises InvalidInput for days that are none or too many."""
    days = (wanted.last - wanted.first).days + 1
    if days < 1:
        raise InvalidInput("The last day of a report lies before its first.", reason="from_before_to")
    if days > MOST_DAYS:
        raise InvalidInput(
            f"A report has {MOST_DAYS} days at most.", reason="report_too_long", most=MOST_DAYS
        )
    if wanted.first.year < 2000:
        raise InvalidInput("A report begins in this century.", reason="from_before_to")
    here = ZoneInfo(zone)
    given = _given(business_id, wanted, wanted.first, wanted.last, here)
    lines = _lines(session, business_id, wanted, given)
    earlier = wanted.first - timedelta(days=1)
    before = _given(business_id, wanted, wanted.first - timedelta(days=days), earlier, here)
    return Report(
        zone,
        _stretch(session, business_id, wanted.first, wanted.last, given, lines),
        _stretch(
            session, business_id, wanted.first - timedelta(days=days), earlier, before,
            _read(session, "month", before),
        ),
        _shortened(lines),
    )  # fmt: skip


def table(found: Report, wanted: Wanted) -> Iterator[list[object]]:
    """Yield a report as rows of a table, its headings first and its sums last."""
    yield [
        wanted.by, "calls", "inbound", "outbound", "answered", "answer_rate", "minutes", "appointments_made",
        "appointments_due", "kept", "no_show", "cancelled",
    ]  # fmt: skip
    for line in found.lines:
        yield [line.name or line.key, *_cells(line.figures, line.meetings)]
    yield ["total", *_cells(found.total.figures, found.total.meetings)]


def _cells(figures: Figures, meetings: Meetings) -> list[object]:
    return [
        figures.calls, figures.inbound, figures.outbound, figures.answered, figures.answer_rate,
        figures.minutes, figures.appointments, meetings.due, meetings.kept, meetings.no_show,
        meetings.cancelled,
    ]  # fmt: skip


def _given(business_id: UUID, wanted: Wanted, first: date, last: date, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "business": business_id, "zone": zone.key, "since": day_begins(first, zone),
        "until": day_begins(last + timedelta(days=1), zone), "agent": wanted.agent_id, "run": wanted.run_id,
        "source": wanted.source,
    }  # fmt: skip


def _read(session: Session, by: Key, given: dict[str, Any]) -> list[Line]:
    calls = {row.key: figures_of(row) for row in report_store.by_key(session, by, given)}
    meetings = {
        key: Meetings(row.due, row.kept, row.no_show, row.cancelled)
        for key, row in report_store.meetings_by_key(session, by, given).items()
    }
    return [
        Line(key, "", calls.get(key, Figures()), meetings.get(key, Meetings()))
        for key in sorted(calls.keys() | meetings.keys())
    ]


def _lines(session: Session, business_id: UUID, wanted: Wanted, given: dict[str, Any]) -> list[Line]:
    found = _read(session, wanted.by, given)
    if wanted.by == "day":
        there = {line.key: line for line in found}
        days = [wanted.first + timedelta(days=n) for n in range((wanted.last - wanted.first).days + 1)]
        return [there.get(str(day), Line(str(day), "", Figures(), Meetings())) for day in days]
    if wanted.by == "month":
        return found
    names = report_store.names(session, business_id, wanted.by, [line.key or "" for line in found])
    told = [
        Line(
            None if line.key in {NOBODY, ""} else line.key, names.get(line.key or "", ""), line.figures,
            line.meetings,
        )
        for line in found
    ]  # fmt: skip
    return sorted(told, key=lambda line: (-line.figures.calls, line.name, line.key or ""))


def _shortened(lines: list[Line]) -> list[Line]:
    if len(lines) <= MOST_ROWS:
        return lines
    rest = lines[MOST_ROWS:]
    return [
        *lines[:MOST_ROWS],
        Line(None, "", sum_of(line.figures for line in rest), _sum(line.meetings for line in rest), True),
    ]


def _stretch(  # noqa: PLR0917 - each of them is another thing
    session: Session, business_id: UUID, first: date, last: date, given: dict[str, Any], lines: list[Line]
) -> Stretch:
    since: datetime = given["since"]
    until: datetime = given["until"]
    return Stretch(
        first, last, sum_of(line.figures for line in lines), _sum(line.meetings for line in lines),
        report_store.outcomes(session, given),
        revenue_of(session, business_id, since=since, until=until),
    )  # fmt: skip


def _sum(several: Iterable[Meetings]) -> Meetings:
    there = list(several)
    return Meetings(
        sum(one.due for one in there), sum(one.kept for one in there), sum(one.no_show for one in there),
        sum(one.cancelled for one in there),
    )  # fmt: skip
