"""What of figures goes over HTTP."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from trunkline.domain.reports.attention import Matter
from trunkline.domain.reports.service import ActiveRun, Figures, Hour, LiveCall


class FiguresOut(BaseModel):
    """What a stretch of time came to."""

    model_config = ConfigDict(from_attributes=True)

    calls: int
    inbound: int
    outbound: int
    answered: int
    """Of both directions."""
    answer_rate: float | None
    """The share of outbound calls that somebody or something answered, 0 to 1; null where there were none."""
    minutes: float
    """From the answer to the end, of both directions."""
    appointments: int
    """Made in that time, whatever became of them."""
    cost: float | None = None
    """Null: calls are not priced yet."""

    @classmethod
    def of(cls, figures: Figures) -> FiguresOut:
        """Return figures as they go over HTTP."""
        return cls.model_validate(figures)


class DayOut(FiguresOut):
    """The figures of a date of the business's zone."""

    day: date


class HourOut(BaseModel):
    """An hour of today by the business's clock; a day on which it is changed has 23 or 25."""

    model_config = ConfigDict(from_attributes=True)

    starts_at: datetime
    inbound: int
    outbound: int
    answered: int

    @classmethod
    def of(cls, hour: Hour) -> HourOut:
        """Return an hour as it goes over HTTP."""
        return cls.model_validate(hour)


class OutcomeOut(BaseModel):
    """How many of today's calls came to this."""

    disposition: str
    calls: int


class LiveCallOut(BaseModel):
    """A call that is not over."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    direction: str
    theirs: str
    lead_id: UUID | None
    name: str | None
    """The lead's; null where there is none."""
    agent: str | None
    state: str
    away: str | None
    created_at: datetime
    answered_at: datetime | None

    @classmethod
    def of(cls, call: LiveCall) -> LiveCallOut:
        """Return a live call as it goes over HTTP."""
        return cls.model_validate(call)


class ProgressOut(BaseModel):
    """Exact counts of a run's items."""

    model_config = ConfigDict(from_attributes=True)

    total: int
    queued: int
    active: int
    done: int
    failed: int
    cancelled: int
    unknown: int


class ActiveRunOut(BaseModel):
    """A run that is going on."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    title: str
    state: str
    held_until: datetime | None
    progress: ProgressOut

    @classmethod
    def of(cls, run: ActiveRun) -> ActiveRunOut:
        """Return a run as it goes over HTTP."""
        return cls.model_validate(run)


class MatterOut(BaseModel):
    """Something that needs a person, and what it is about."""

    model_config = ConfigDict(from_attributes=True)

    kind: str
    """unknown_dials, held_run, failed_run, failed_import, failed_bulk, rejected_dials, call_faults,
    failed_jobs or agent_warning."""
    count: int
    subject_id: UUID | None
    """The run, import or agent that it is about."""
    title: str | None
    """Its name."""
    at: datetime | None

    @classmethod
    def of(cls, matter: Matter) -> MatterOut:
        """Return a matter as it goes over HTTP."""
        return cls.model_validate(matter)


class OverviewOut(BaseModel):
    """How a business stands now."""

    zone: str
    day: date
    """Today, in the business's zone."""
    live_calls: list[LiveCallOut]
    """The oldest first, fifty at most."""
    live_count: int
    runs: list[ActiveRunOut]
    today: FiguresOut
    last_7_days: FiguresOut
    """Today included."""
    last_30_days: FiguresOut
    outcomes: list[OutcomeOut]
    """Of today, the most frequent first."""
    hours: list[HourOut]
    days: list[DayOut]
    """The last thirty, today last."""
    attention: list[MatterOut]
