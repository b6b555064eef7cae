"""What a run is told and what the installation allows, as data."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from trunkline.core.times import Moment

MOST_ATTEMPTS = 10
"""Dials that a run may be allowed for one lead."""


class RetryRule(BaseModel):
    """How often a lead is called again after one disposition, and when."""

    model_config = ConfigDict(extra="forbid")

    times: Annotated[int, Field(ge=0, le=10)]
    delay_s: Annotated[float, Field(ge=0, le=30 * 86_400)] = 1_800


class Breaker(BaseModel):
    """When a run stops dialling for a while because its dials fail: not the people, but the way to them."""

    model_config = ConfigDict(extra="forbid")

    share: Annotated[float, Field(gt=0, le=1)] = 0.5
    of_last: Annotated[int, Field(ge=4, le=100)] = 20
    """Judged by this many dials, the newest, once there are so many."""
    within_s: Annotated[float, Field(gt=0, le=86_400)] = 600
    pause_s: Annotated[float, Field(gt=0, le=86_400)] = 120


class Detection(enum.StrEnum):
    """Who listens for an answering machine."""

    OFF = "off"
    HEARD = "heard"
    """We, from what is heard in the call's first seconds."""
    CARRIER = "carrier"
    """The carrier, which tells us while the call goes on; and we as well."""


class OnMachine(enum.StrEnum):
    """What is done when a machine has answered."""

    HANG_UP = "hang_up"
    LEAVE_MESSAGE = "leave_message"
    CARRY_ON = "carry_on"


class Machines(BaseModel):
    """What a run does about answering machines."""

    model_config = ConfigDict(extra="forbid")

    detection: Detection = Detection.HEARD
    action: OnMachine = OnMachine.HANG_UP
    message: Annotated[str, Field(max_length=1_000)] = ""
    """What is left on the machine, in the agent's language."""

    @model_validator(mode="after")
    def _has_a_message_to_leave(self) -> Machines:
        if self.action is OnMachine.LEAVE_MESSAGE and not self.message.strip():
            raise ValueError("a message is to be left, and there is none")
        return self


class RunOptions(BaseModel):
    """How one run calls; kept with the run."""

    agent_id: UUID
    from_number: str
    caller_ids: Annotated[list[str], Field(max_length=200)] = []
    """More numbers to call from, in turn with `from_number`."""
    local_presence: bool = False
    """Prefer the number that is nearest to the person called."""
    concurrency: Annotated[int, Field(ge=1, le=10)] = 3
    priority: Annotated[int, Field(ge=-100, le=100)] = 0
    max_attempts: Annotated[int, Field(ge=1, le=MOST_ATTEMPTS)] = 1
    """How often one lead is dialled at most; a call that they asked for themselves is not counted."""
    retry_delay_s: Annotated[float, Field(ge=0, le=30 * 86_400)] = 1_800
    """When a lead is called again after busy, no answer or a failure, if `retries` is silent on it."""
    retries: dict[str, RetryRule] = {}
    """Disposition -> what follows it. `max_attempts` is the limit of them all."""
    ramp_up_per_minute: Annotated[int, Field(ge=1, le=10)] | None = None
    """Lines that come into use each minute, from one on; none: all at once."""
    breaker: Breaker = Breaker()
    machines: Machines = Machines()
    not_after: Moment | None = None
    """From when on nobody is called any more; who waits beyond it ends as `too_late`."""

    @field_validator("retries")
    @classmethod
    def _names_dispositions(cls, rules: dict[str, RetryRule]) -> dict[str, RetryRule]:
        if unknown := sorted(set(rules) - RETRYABLE):
            raise ValueError(f"{unknown[0]!r} is not one of {', '.join(sorted(RETRYABLE))}")
        return rules

    @property
    def numbers(self) -> list[str]:
        """Every number that it may call from, each once."""
        return list(dict.fromkeys([self.from_number, *self.caller_ids]))


RETRYABLE = frozenset(
    {
        "busy", "no_answer", "failed", "voicemail", "no_response", "no_conversation", "cut_off", "our_fault",
    }
)  # fmt: skip
"""Dispositions that may be followed by another dial: nobody has spoken with the person to the end."""


@dataclass(frozen=True, slots=True)
class DialLimits:
    """What the installation allows, from the settings."""

    account: str
    """The carrier account whose pace counts."""
    per_second: float
    account_lines: int
    """Calls of one carrier account at a time."""
    system: int
    starts_per_minute: int
    """Runs that one business may start."""
    ring_limit: timedelta
    call_limit: timedelta
    fence: timedelta
    """How long an unknown attempt keeps its number from being dialled again."""
    public_url: str
    """Where the carrier reaches us."""
    token_key: bytes
    """Signs the attempt's token in the addresses that the carrier is given."""

    @property
    def longest_life(self) -> timedelta:
        """After this long without a word, an unknown attempt cannot be live."""
        return self.ring_limit + self.call_limit


_limits: DialLimits | None = None


def install_limits(limits: DialLimits) -> None:
    """Set what this process's dialler obeys. Called once at start."""
    global _limits  # noqa: PLW0603 - one set of limits a process
    _limits = limits


def installed_limits() -> DialLimits:
    """Return what this process's dialler obeys."""
    if _limits is None:
        raise RuntimeError("the dialler's limits were not installed in this process")
    return _limits
