"""What of outbound runs goes over HTTP."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from trunkline.domain.leads.selection_schemas import WhomIn
from trunkline.domain.outbound.options import MOST_ATTEMPTS, Detection, OnMachine, RunOptions


class RunOptionsIn(RunOptions):
    """A run's options as they are sent. What is kept with a run may hold more, and is read as it is."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="after")
    def _listens_for_the_machine(self) -> RunOptionsIn:
        if self.machines.detection is Detection.OFF and self.machines.action is OnMachine.LEAVE_MESSAGE:
            raise ValueError("a message is to be left on machines, and nobody listens for them")
        return self

    @model_validator(mode="after")
    def _allows_its_retries(self) -> RunOptionsIn:
        """Let `max_attempts`, if it is not given, be what the rules ask for; refuse it if it is less."""
        asks = {outcome: rule.times + 1 for outcome, rule in self.retries.items()}
        if asks and "max_attempts" not in self.model_fields_set:
            self.max_attempts = min(max(asks.values()), MOST_ATTEMPTS)
        for outcome, dials in asks.items():
            if dials > self.max_attempts:
                raise ValueError(
                    f"{outcome} is to be dialled again {dials - 1} times,"
                    f" and max_attempts allows {self.max_attempts - 1}"
                )
        return self


class RunIn(WhomIn):
    """A run to be made, and whom it calls."""

    title: str = Field(min_length=1, max_length=200)
    options: RunOptionsIn


class DialNowIn(BaseModel):
    """One to three people to be called at once."""

    model_config = ConfigDict(extra="forbid")

    lead_ids: list[UUID] = Field(max_length=1_000)
    options: RunOptionsIn


class ScheduleIn(BaseModel):
    """When a run starts by itself; null: it does not."""

    model_config = ConfigDict(extra="forbid")

    starts_at: AwareDatetime | None


class RunChangeIn(BaseModel):
    """What may be changed while a run goes on."""

    model_config = ConfigDict(extra="forbid")

    priority: int | None = Field(None, ge=-100, le=100)
    concurrency: int | None = Field(None, ge=1, le=10)


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


class RunOut(BaseModel):
    """A run and how far it is."""

    id: UUID
    title: str
    state: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    starts_at: datetime | None
    """When it starts by itself."""
    held_until: datetime | None
    held_reason: str | None
    """Why it dials nobody until then."""
    next_at: datetime | None
    """When the first of those who wait is due; of a run that nobody else waits in, when it goes on."""
    retry_of: UUID | None
    retryable: int
    """How many people a run that is over could call again."""
    options: RunOptions
    progress: ProgressOut


class ItemOut(BaseModel):
    """A lead of a run."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    lead_id: UUID | None
    phone: str
    position: int
    state: str
    attempts_used: int
    not_before: datetime | None
    waits_for: str | None
    disposition: str | None
    updated_at: datetime
    name: str | None = None
    """Null: the lead has been deleted since."""
    attempt_id: UUID | None = None
    """The last dial; `call_id` is the call that came of it."""
    call_id: UUID | None = None
    in_doubt: bool = False
    """Nobody knows what became of the last dial, and its number is not dialled again for now."""


class StepOut(BaseModel):
    """A dial came to a state (or was `released`) at a moment."""

    model_config = ConfigDict(from_attributes=True)

    state: str
    at: datetime


class AttemptOut(BaseModel):
    """A dial."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    item_id: UUID
    phone: str
    from_number: str
    state: str
    disposition: str | None
    released: bool
    carrier_sid: str | None
    call_id: UUID | None
    error: str | None
    """What the carrier said, or why nobody knows."""
    created_at: datetime
    resolved_at: datetime | None
    name: str | None = None
    """Null: the lead has been deleted since."""
    call_length_s: float | None = None
    """For how long its call went on, once that was answered and is over."""
    releasable_at: datetime | None = None
    """From when a person may release it; null for a dial that is not in doubt."""
    steps: list[StepOut] = []
    """Through which states it went, in order of time, as far as we were told."""


class ItemDetailOut(ItemOut):
    """A lead of a run, and its dials, the newest first."""

    attempts: list[AttemptOut]


class PlaceOut(BaseModel):
    """About how many people's numbers are at home in some zones, and when these may next be called."""

    model_config = ConfigDict(from_attributes=True)

    zones: list[str]
    people: int
    opens_at: datetime | None
    """Not later than now: they may be called. Null: never by the business's hours."""
    closes_at: datetime | None
    """Null: at no time within two weeks."""


class OutlookOut(BaseModel):
    """Who could be called; `suppressed`, `no_consent`, `now`, `later` and `never` add up to `people`."""

    model_config = ConfigDict(from_attributes=True)

    people: int
    suppressed: int
    no_consent: int
    now: int
    later: int
    never: int
    judged: int
    """By so many people `now`, `later` and `never` are known: by all that are left, or else about."""
    reasons: dict[str, int]
    """Why people are among `later` and `never`, and about how many."""
    next_at: datetime | None
    """When the first of `later` may be called."""
    places: list[PlaceOut]
    """Where most are at home, the most first; eight at most."""


class NumberOutlookOut(BaseModel):
    """Whether a number may be called now. `until`: when it may, if only time stands in the way."""

    phone: str
    zones: list[str]
    allowed: bool
    reason: str | None
    until: datetime | None
    opens_at: datetime | None
    closes_at: datetime | None


class CancelIn(BaseModel):
    """How to end a run."""

    model_config = ConfigDict(extra="forbid")

    force: bool = False


class CancelOut(BaseModel):
    """What a cancel stopped, and how many calls it let finish."""

    model_config = ConfigDict(from_attributes=True)

    items_cancelled: int
    calls_in_flight: int


class FaultOut(BaseModel):
    """A line of a file that could not be used, and why."""

    model_config = ConfigDict(from_attributes=True)

    line: int
    reason: str
    code: str
    facts: dict[str, str]
    """`reason` for pages: `code`, and what stands in its words."""


class UploadOut(BaseModel):
    """What became of a file of numbers that are not to be called."""

    model_config = ConfigDict(from_attributes=True)

    read: int
    """Lines with something in them, the heading aside."""
    added: int
    """Numbers that are new on the list."""
    unusable: int
    faults: list[FaultOut]
    """The first hundred of those that could not be used."""
