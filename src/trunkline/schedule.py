"""Floor 5: the recurring jobs, all of them in one table, each firing once per tick.

A tick is a multiple of the period since 1970. After downtime only the newest tick is fired: what
was missed is made up for by the job, which looks at what is due and not at the clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from trunkline.core import ticks
from trunkline.core.db import SYSTEM, unit_of_work
from trunkline.core.jobs import enqueue_job
from trunkline.core.telemetry import get_logger
from trunkline.kit import clock

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Recurring:
    """A system job and how often it fires."""

    job: str
    queue: str
    every: timedelta


RECURRING = (Recurring("release_unknown_dials", "maintenance", timedelta(minutes=10)),)


def fire_due() -> list[str]:
    """Enqueue what is due and not yet fired by any scheduler. Returns the names fired."""
    fired = []
    for entry in RECURRING:
        tick = tick_of(clock.now(), entry.every)
        with unit_of_work(SYSTEM) as session:
            if ticks.take(session, name=entry.job, tick=tick):
                enqueue_job(entry.queue, entry.job)
                fired.append(entry.job)
    return fired


def tick_of(instant: datetime, every: timedelta) -> datetime:
    """Return the newest tick at or before an instant."""
    period = every.total_seconds()
    return datetime.fromtimestamp(instant.timestamp() // period * period, UTC)
