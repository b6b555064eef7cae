"""What must hold before a business may call somebody, beyond the hours: data, checked when it is written."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEK: tuple[Weekday, ...] = get_args(Weekday)
"""Days in the order in which `date.weekday` counts them."""


class CallingRules(BaseModel):
    """The rules of one business; every moment is meant in the time of the person called."""

    # Frozen, so that what follows from them can be remembered by them.
    model_config = ConfigDict(extra="forbid", frozen=True)

    days: Annotated[tuple[Weekday, ...], Field(min_length=1)] = WEEK
    """On which days people may be called."""
    holidays: Annotated[tuple[date, ...], Field(max_length=400)] = ()
    """Days on which nobody is called."""
    public_holidays: bool = False
    """Nor is anybody on a public holiday of the country of their number."""
    attempts_per_day: Annotated[int, Field(ge=1, le=20)] | None = 3
    """How often one number may be dialled in a day of its own, by all runs together."""
    attempts_in_all: Annotated[int, Field(ge=1, le=1_000)] | None = None
    """How often it may ever be dialled."""
    minimum_gap_minutes: Annotated[int, Field(ge=0, le=30 * 24 * 60)] = 0
    """How long after a dial to it a number is left alone."""
    consent_required: bool = False
    """Only who has agreed to be called by an AI is called (47 CFR 64.1200(a); FCC 24-17)."""
    disclosure: Annotated[str, Field(max_length=500)] = ""
    """What is said before all else in a call that we make: that an AI speaks, for instance."""

    def without_counts(self) -> CallingRules:
        """Return these rules without those that count dials: somebody has asked for this one."""
        none = {"attempts_per_day": None, "attempts_in_all": None, "minimum_gap_minutes": 0}
        return self.model_copy(update=none)


class CallingRulesChange(CallingRules):
    """The rules that change: those that were named, in `model_fields_set`; the others stay as they are."""

    @model_validator(mode="before")
    @classmethod
    def _null_puts_back(cls, said: Any) -> Any:
        """Take null for what a business begins with, where null is no rule of its own (as no limit is)."""
        if not isinstance(said, dict):
            return said
        fields = cls.model_fields
        return {
            name: fields[name].default if value is None and name in fields and name not in _LIMITS else value
            for name, value in said.items()
        }


_LIMITS = frozenset({"attempts_per_day", "attempts_in_all"})
"""Of these, null says that there is none."""
