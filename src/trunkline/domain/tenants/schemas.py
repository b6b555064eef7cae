"""What of businesses goes over HTTP."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from trunkline.domain.tenants.calling_rules import CallingRules, CallingRulesChange, Weekday
from trunkline.domain.tenants.extensions import Extension, WhenFull

Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
ClockOrEnd = Annotated[str, Field(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$")]
Region = Annotated[str, Field(pattern="^[A-Z]{2}$")]
"""An ISO 3166 country."""


class BusinessOut(BaseModel):
    """A business as its people see it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    time_zone: str
    language: str
    region: str
    working_hours: dict[str, Any]
    calling_window: dict[str, Any]
    calling_rules: CallingRules
    slot_minutes: int
    max_outbound_calls: int
    max_calls: int
    extensions: list[Extension]
    transfer_numbers: list[str]
    when_full: WhenFull
    record_calls: bool
    carrier: str | None


class BusinessIn(BaseModel):
    """A business to be founded."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=200)
    time_zone: str = "UTC"
    language: str = "en"
    region: Region | None = None
    """Missing: the country of the time zone, and US where that is in none."""


class ClockRange(BaseModel):
    """From one local time to another; 24:00 is the day's end."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    from_: Clock = Field(alias="from")
    to: ClockOrEnd

    @model_validator(mode="after")
    def _has_a_length(self) -> ClockRange:
        if self.from_ >= self.to:
            raise ValueError("`from` must come before `to`, on the same day")
        return self


class BusinessChange(BaseModel):
    """The settings of a business that change; those that are not named stay as they are.

    Of working hours, a missing day is closed. Of `calling_rules`, too, only what is named changes.
    """

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(None, min_length=1, max_length=200)
    time_zone: str | None = None
    language: str | None = None
    region: Region | None = None
    working_hours: dict[Weekday, list[tuple[Clock, Clock]]] | None = None
    calling_window: ClockRange | None = None
    calling_rules: CallingRulesChange | None = None
    slot_minutes: int | None = Field(None, ge=15, le=240)
    max_outbound_calls: int | None = Field(None, ge=1, le=100)
    max_calls: int | None = Field(None, ge=1, le=200)
    extensions: list[Extension] | None = Field(None, max_length=500)
    transfer_numbers: list[Annotated[str, Field(max_length=40)]] | None = Field(None, max_length=500)
    """Numbers that calls may be handed to beside the extensions; premium-rate and foreign ones only so."""
    when_full: WhenFull | None = None
    record_calls: bool | None = None
    """Whether calls are recorded, from the next one on."""
    carrier: str | None = Field(None, max_length=40)
    """By which of the installation's carriers it calls; null: its first."""


class NumberChange(BaseModel):
    """Who answers a number; null: calls to it are rejected."""

    model_config = ConfigDict(extra="forbid")

    agent_id: UUID | None


class NumberOut(BaseModel):
    """A number of the business."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    e164: str
    agent_id: UUID | None


class NumberIn(BaseModel):
    """A number to be added."""

    model_config = ConfigDict(extra="forbid")

    number: str
    agent_id: UUID | None = None
