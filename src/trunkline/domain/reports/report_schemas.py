"""What of reports goes over HTTP."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from trunkline.core.times import Day
from trunkline.domain.reports.reporting import Key, Line, Report, Stretch, Wanted
from trunkline.domain.reports.schemas import FiguresOut


class ReportQuery(BaseModel):
    """What a report is to be of."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    first: Annotated[Day, Field(alias="from")]
    """The first day, by the business's zone."""
    last: Annotated[Day, Field(alias="to")]
    """The last one; both are included, and there are 366 at most."""
    by: Key = "day"
    agent_id: UUID | None = None
    run_id: UUID | None = None
    source: Annotated[str | None, Field(max_length=500)] = None
    """Whence people came; empty: those of whom nobody knows."""

    def wanted(self) -> Wanted:
        """Return this as the verbs take it."""
        return Wanted(self.first, self.last, self.by, self.agent_id, self.run_id, self.source)


class ReportFileQuery(ReportQuery):
    """What a file is to be of. A link bears no headers: it says of whose page it is beside that."""

    acting: Annotated[str | None, Field(max_length=200)] = None
    """The gate has read it."""


class MeetingsOut(BaseModel):
    """What became of the appointments that were to be in that time."""

    model_config = ConfigDict(from_attributes=True)

    due: int
    kept: int
    no_show: int
    cancelled: int


class LineOut(BaseModel):
    """One day, month, agent, run or source."""

    key: str | None
    """Of a day or month its date, of a source itself, else an id; null: no agent, no run, nobody knows."""
    name: str
    figures: FiguresOut
    meetings: MeetingsOut
    is_rest: bool
    """All that there is no line for, as there are more than 500."""

    @classmethod
    def of(cls, line: Line) -> LineOut:
        """Return a line as it goes over HTTP."""
        return cls(
            key=line.key, name=line.name, figures=FiguresOut.of(line.figures),
            meetings=MeetingsOut.model_validate(line.meetings), is_rest=line.is_rest,
        )  # fmt: skip


class CameToOut(BaseModel):
    """How many calls came to this."""

    disposition: str
    calls: int


class AmountOut(BaseModel):
    """A sum of money."""

    model_config = ConfigDict(from_attributes=True)

    currency: str
    minor: int
    """In the currency's smallest unit."""


class StretchOut(BaseModel):
    """What a stretch of days came to in all."""

    first: date
    last: date
    figures: FiguresOut
    meetings: MeetingsOut
    outcomes: list[CameToOut]
    """The most frequent first."""
    revenue: list[AmountOut] | None
    """Null: nothing that is used here tells what came in."""

    @classmethod
    def of(cls, stretch: Stretch) -> StretchOut:
        """Return a stretch as it goes over HTTP."""
        return cls(
            first=stretch.first, last=stretch.last, figures=FiguresOut.of(stretch.figures),
            meetings=MeetingsOut.model_validate(stretch.meetings),
            outcomes=[CameToOut(disposition=name, calls=calls) for name, calls in stretch.outcomes],
            revenue=None if stretch.revenue is None
            else [AmountOut.model_validate(amount) for amount in stretch.revenue],
        )  # fmt: skip


class ReportOut(BaseModel):
    """A report."""

    zone: str
    by: Key
    total: StretchOut
    before: StretchOut
    """As many days that came before, by the same conditions."""
    lines: list[LineOut]
    """Days and months in their order, without a gap between days; all else by calls, the most first."""

    @classmethod
    def of(cls, report: Report, by: Key) -> ReportOut:
        """Return a report as it goes over HTTP."""
        return cls(
            zone=report.zone, by=by, total=StretchOut.of(report.total), before=StretchOut.of(report.before),
            lines=[LineOut.of(line) for line in report.lines],
        )  # fmt: skip
