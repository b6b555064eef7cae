"""The recurring jobs of this installation: registering, firing what is due, telling how each stands.

A tick and the job that it enqueues commit together, so a scheduler that dies has done both or neither.
Which jobs recur is not known here: `trunkline.schedule` registers its table at start.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from trunkline.core.db import SYSTEM, unit_of_work
from trunkline.core.errors import StartRefused
from trunkline.core.jobs import enqueue_unique
from trunkline.core.jobs.handlers import handler_named, handler_names
from trunkline.core.recurring import rules, ticks
from trunkline.core.recurring.rules import Due, Misfire, Rule
from trunkline.core.telemetry import get_logger
from trunkline.kit import barriers

_DEDUP_KEY = "tick"
"""One key for all ticks of an entry: while the job of one is active, the next enqueues none."""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Recurring:
    """A system job without arguments, when it fires, and what becomes of ticks that nobody was there for."""

    job: str
    queue: str
    rule: Rule
    misfire: Misfire = Misfire.LATEST
    grace: timedelta = timedelta(minutes=1)
    """How late SKIP still fires a tick."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a recurring job stands, for people to read."""

    name: str
    queue: str
    rule: str
    """In words, such as `every 10 minutes`."""
    misfire: str
    """In words: `latest`, or `skip after` and the grace."""
    last_tick: datetime | None
    """The last tick that was fired or missed; None before any scheduler has seen the entry."""
    fired_at: datetime | None
    job_id: UUID | None
    """The job of the last firing; the ledger may have pruned it."""
    fired: int
    missed: int
    """Ticks that passed unfired, as far as a scheduler has counted them."""
    overdue: int
    """Ticks since `last_tick` that nobody has counted yet. More than one: no scheduler runs."""
    next_tick: datetime


_entries: tuple[Recurring, ...] = ()


def install_recurring(entries: Iterable[Recurring], *, queues: Collection[str]) -> None:
    """Make these the installation's recurring jobs. Raises StartRefused that names what is wrong with one."""
    global _entries  # noqa: PLW0603 - one table a process, set at start
    entries = tuple(entries)
    for entry in entries:
        if fault := _fault(entry, queues):
            raise StartRefused(f"The recurring job {entry.job} cannot fire: {fault}.")
        if sum(other.job == entry.job for other in entries) > 1:
            raise StartRefused(f"The recurring job {entry.job} is in the table twice.")
    _entries = entries


def fire_due() -> list[str]:
    """Enqueue what is due and not fired by any other scheduler. Returns the names fired.

    That one entry cannot be fired is logged and keeps no other from it; it is due again at the next
    look. Raises SQLAlchemyError where the database cannot be asked at all.
    """
    with unit_of_work(SYSTEM) as session:
        now, rows = ticks.instant(session), ticks.rows(session)
    found = {entry: _found(entry, rows.get(entry.job), now) for entry in _entries}
    if any(found.values()):
        barriers.reached("schedule.due")
    fired = []
    for entry, due in found.items():
        try:
            if entry.job not in rows:
                _begin(entry, now)
            elif due is not None and _fire(entry, due, seen=rows[entry.job].last_tick):
                fired.append(entry.job)
        except SQLAlchemyError:
            log.exception("schedule_entry_not_fired", recurring=entry.job)
    return fired


def standing(session: Session) -> list[Standing]:
    """Return how each recurring job stands, in the order of the table. Any scope may ask."""
    now, rows = ticks.instant(session), ticks.rows(session)
    return [_standing(entry, rows.get(entry.job), now) for entry in _entries]


def _fault(entry: Recurring, queues: Collection[str]) -> str | None:
    if entry.job not in handler_names():
        return "no handler of this name is registered"
    if entry.queue not in queues:
        return f"there is no queue {entry.queue}; there are {', '.join(queues)}"
    _, *more = inspect.signature(handler_named(entry.job).function).parameters.values()
    if any(parameter.default is parameter.empty for parameter in more):
        return "its handler wants arguments, and a tick has none"
    return None


def _found(entry: Recurring, row: ticks.ScheduleTick | None, now: datetime) -> Due | None:
    if row is None:
        return None
    return rules.due(entry.rule, entry.misfire, grace=entry.grace, last_tick=row.last_tick, now=now)


def _begin(entry: Recurring, now: datetime) -> None:
    """Let a new entry stand at its newest tick: it was not there to miss it, and begins with the next."""
    with unit_of_work(SYSTEM) as session:
        ticks.begin(session, name=entry.job, tick=entry.rule.newest(now))


def _fire(entry: Recurring, due: Due, *, seen: datetime) -> bool:
    """Take the tick and enqueue its job, both or neither. False: it is another's, or fires nothing."""
    with unit_of_work(SYSTEM) as session:
        if not ticks.take(session, name=entry.job, seen=seen, tick=due.tick, missed=due.missed):
            return False
        job_id = enqueue_unique(entry.queue, entry.job, _DEDUP_KEY) if due.fires else None
        if job_id is not None:
            ticks.note_fired(session, name=entry.job, job_id=job_id)
        elif due.fires:
            ticks.note_missed(session, name=entry.job)
        barriers.reached("schedule.taken")
    barriers.reached("schedule.fired")
    if due.missed or job_id is None:
        log.warning(
            "schedule_ticks_missed",
            recurring=entry.job,
            missed=due.missed + (due.fires and job_id is None),
            still_active=due.fires and job_id is None,
        )
    return job_id is not None


def _standing(entry: Recurring, row: ticks.ScheduleTick | None, now: datetime) -> Standing:
    late = f"skip after {rules.length_in_words(entry.grace)}"
    return Standing(
        name=entry.job,
        queue=entry.queue,
        rule=str(entry.rule),
        misfire="latest" if entry.misfire is Misfire.LATEST else late,
        last_tick=row.last_tick if row else None,
        fired_at=row.fired_at if row else None,
        job_id=row.job_id if row else None,
        fired=row.fired if row else 0,
        missed=row.missed if row else 0,
        overdue=entry.rule.count(after=row.last_tick, until=now) if row and row.last_tick < now else 0,
        next_tick=entry.rule.following(now),
    )
