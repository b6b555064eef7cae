"""What a run is told and what the installation allows, as data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field


class RunOptions(BaseModel):
    """How one run calls; kept with the run."""

    agent_id: UUID
    from_number: str
    concurrency: Annotated[int, Field(ge=1, le=10)] = 3
    max_attempts: Annotated[int, Field(ge=1, le=10)] = 1
    retry_delay_s: Annotated[float, Field(ge=0, le=30 * 86_400)] = 1_800


@dataclass(frozen=True, slots=True)
class DialLimits:
    """What the installation allows, from the settings."""

    account: str
    """The carrier account whose pace counts."""
    per_second: float
    system: int
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
