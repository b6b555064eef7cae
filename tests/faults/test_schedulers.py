"""Schedulers killed and stopped with a tick in hand: it is fired once, by whoever comes next."""

from __future__ import annotations

import signal
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text

from support.processes import eventually, kill, state_of
from support.schedulers import QUEUES, TABLES, schedulers, start_scheduler
from support.system import System
from trunkline.core.db import SYSTEM, unit_of_work
from trunkline.core.events import Event
from trunkline.core.jobs.models import Job
from trunkline.core.recurring.ticks import ScheduleTick

BARRIERS = ("schedule.taken", "schedule.fired")
NOON = datetime(2026, 3, 1, 12, 4, tzinfo=UTC)
TEN_MINUTES = timedelta(minutes=10)


@pytest.mark.parametrize(
    "kills", [pytest.param(4, id="a few"), pytest.param(30, id="many", marks=pytest.mark.soak)]
)
@pytest.mark.parametrize("barrier", BARRIERS)
def test_a_scheduler_killed_with_a_tick_in_hand_loses_and_doubles_nothing(
    system: System, barrier: str, kills: int
) -> None:
    entries = [entry.job for entry in TABLES["ten minutes"]]
    with schedulers(1, url(system), "ten minutes") as (survivor,):
        survivor.fire(NOON)
        for number in range(1, kills + 1):
            now = NOON + number * TEN_MINUTES
            victim = start_scheduler(url(system), "ten minutes")
            victim.look(now, barrier=barrier, then=signal.SIGKILL)
            victim.wait_until_dead()
            victim.end()
            system.toll[f"killed at {barrier}"] += 1
            # PostgreSQL may need a moment to see that the victim is gone.
            fired: set[str] = set()
            eventually(
                lambda: fired.update(survivor.fire(now)) or fired_so_far() == dict.fromkeys(entries, number),  # noqa: B023
                "every entry is fired",
            )  # fmt: skip
            # It died with the first entry in hand, and had not come to the others.
            assert fired == set(entries if barrier == "schedule.taken" else entries[1:])
            system.installation.run_jobs(*QUEUES)
    assert jobs() == dict.fromkeys(entries, kills)
    with unit_of_work(SYSTEM) as session:
        assert session.scalar(select(func.sum(ScheduleTick.missed))) == 0
        marks = select(func.count()).where(Event.kind == "test.tick")
        ours = [job for job in entries if job in {"strike", "chime"}]
        assert session.scalar(marks) == kills * len(ours)


def test_where_tick_and_job_do_not_commit_together_a_kill_loses_the_tick(system: System) -> None:
    """The same death without the safeguard, and the same count sees it."""
    with schedulers(1, url(system), "one") as (survivor,):
        survivor.fire(NOON)
        with schedulers(1, url(system), "one", without="transaction") as (victim,):
            victim.look(NOON + TEN_MINUTES, barrier="schedule.taken", then=signal.SIGKILL)
            victim.wait_until_dead()
        system.toll["killed at schedule.taken, as a control"] += 1
        eventually(lambda: nobody_is_within(system), "PostgreSQL has seen that the victim is gone")
        assert survivor.fire(NOON + TEN_MINUTES) == []
    assert jobs() == {}
    assert fired_so_far() == {"strike": 0}


def test_a_scheduler_that_stands_still_loses_its_tick_to_another(system: System) -> None:
    with schedulers(2, url(system), "one") as (sleeper, other):
        other.fire(NOON)
        now = NOON + TEN_MINUTES
        sleeper.look(now, barrier="schedule.taken", then=signal.SIGSTOP)
        eventually(lambda: state_of(sleeper.pid) == "T", "it is stopped")
        system.toll["stopped at schedule.taken"] += 1
        # While it holds the tick, nobody else waits for it.
        assert other.fire(now) == []
        eventually(lambda: other.fire(now) == ["strike"], "PostgreSQL takes the tick from it", within_s=60)
        kill(sleeper.pid, signal.SIGCONT)
        assert sleeper.answer() == []
        assert fired_so_far() == {"strike": 1}
        system.installation.run_jobs(*QUEUES)
        assert sleeper.fire(now + TEN_MINUTES) == ["strike"]
    assert jobs() == {"strike": 2}


def url(system: System) -> str:
    assert system.installation.urls.database_url
    return system.installation.urls.database_url


def jobs() -> dict[str, int]:
    """Count the system's jobs by name."""
    with unit_of_work(SYSTEM) as session:
        return dict(session.execute(select(Job.name, func.count()).group_by(Job.name)).all())  # type: ignore[arg-type]


def fired_so_far() -> dict[str, int]:
    """Return how often each entry was fired, as the table has it."""
    with unit_of_work(SYSTEM) as session:
        return {row.name: row.fired for row in session.scalars(select(ScheduleTick))}


def nobody_is_within(system: System) -> bool:
    """Return whether no transaction is open in the database."""
    with system.installation.owner.connect() as connection:
        open_ones = text("select count(*) from pg_stat_activity where state like 'idle in transaction%'")
        return connection.execute(open_ones).scalar_one() == 0
