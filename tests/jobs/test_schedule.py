"""Recurring jobs: five schedulers and fifty ticks, downtime, and what keeps a tick from being fired."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from support.installation import Installation
from support.processes import eventually
from support.schedulers import QUEUES, TABLES, Scheduler, schedulers
from trunkline import schedule
from trunkline.core.db import SYSTEM, unit_of_work
from trunkline.core.errors import StartRefused
from trunkline.core.events import Event
from trunkline.core.jobs import enqueue_job
from trunkline.core.jobs.models import Job
from trunkline.core.recurring import service, ticks
from trunkline.core.recurring.rules import Every
from trunkline.core.recurring.service import Recurring, Standing, install_recurring, standing
from trunkline.kit import clock

TEN_MINUTES = timedelta(minutes=10)
SHIPPED = [entry.job for entry in schedule.RECURRING if entry.rule == Every(TEN_MINUTES)]
"""Those of the installation's own that fire every ten minutes."""
A_DAY = timedelta(days=1)
NOON = datetime(2026, 3, 1, 12, 4, tzinfo=UTC)
"""A minute after the tick of the latest entry, so that no instant of a test is a tick itself."""


@contextmanager
def table(name: str) -> Iterator[None]:
    """Let this process have one of the tests' tables instead of the product's."""
    install_recurring(TABLES[name], queues=QUEUES)
    try:
        yield
    finally:
        schedule.install()


def fire(at: datetime) -> list[str]:
    """Look once, as a scheduler of this process."""
    with clock.frozen_at(at):
        return service.fire_due()


def standings(at: datetime) -> dict[str, Standing]:
    """Return how each entry stands at an instant."""
    with clock.frozen_at(at), unit_of_work(SYSTEM) as session:
        return {found.name: found for found in standing(session)}


def jobs_by_name() -> dict[str, int]:
    """Count the ledger's rows by their name."""
    with unit_of_work(SYSTEM) as session:
        return dict(session.execute(select(Job.name, func.count()).group_by(Job.name)).all())  # type: ignore[arg-type]


# --- Many schedulers ---------------------------------------------------------------------


def race(
    installation: Installation, all_of_them: list[Scheduler], *, step: timedelta, number: int, together: bool
) -> None:
    """Let every scheduler find each tick due before any takes it; then all at once, or one by one."""
    now = NOON
    for one in all_of_them:
        one.fire(now)  # they see the entries for the first time
    for _ in range(number):
        now += step
        for one in all_of_them:
            one.look(now, barrier="schedule.due")
        assert [one.answer() for one in all_of_them] == ["schedule.due"] * len(all_of_them)
        for one in all_of_them:
            one.go_on()
            if not together:
                one.answer()
                # Nothing is left active that would keep a second firing from being seen.
                installation.run_jobs(*QUEUES)
        if together:
            for one in all_of_them:
                one.answer()
            installation.run_jobs(*QUEUES)


@pytest.mark.parametrize(
    ("name", "step", "together", "number"),
    [
        pytest.param("ten minutes", TEN_MINUTES, True, 50, id="fifty at once"),
        pytest.param("a day", A_DAY, False, 8, id="a few one by one"),
        pytest.param("a day", A_DAY, False, 50, id="fifty one by one", marks=pytest.mark.soak),
    ],
)
def test_five_schedulers_fire_each_tick_once(
    installation: Installation, name: str, step: timedelta, together: bool, number: int
) -> None:
    assert installation.urls.database_url
    with schedulers(5, installation.urls.database_url, name) as five, table(name):
        race(installation, five, step=step, number=number, together=together)
        found = standings(NOON + number * step)
    names = [entry.job for entry in TABLES[name]]
    assert jobs_by_name() == dict.fromkeys(names, number)
    assert [(found[name].fired, found[name].missed, found[name].overdue) for name in names] == [
        (number, 0, 0)
    ] * len(names)
    marks = sum(name not in SHIPPED for name in names)
    with unit_of_work(SYSTEM) as session:
        assert session.scalar(select(func.count()).where(Event.kind == "test.tick")) == number * marks


def test_without_the_guard_each_scheduler_fires_each_tick(installation: Installation) -> None:
    """The same race convicts: this is what those above are worth."""
    assert installation.urls.database_url
    with schedulers(5, installation.urls.database_url, "a day", without="guard") as five:
        race(installation, five, step=A_DAY, number=4, together=False)
    assert jobs_by_name() == dict.fromkeys((entry.job for entry in TABLES["a day"]), 20)


# --- Downtime ----------------------------------------------------------------------------


def test_after_a_day_s_downtime_latest_fires_once_and_skip_not_at_all(installation: Installation) -> None:
    with table("ten minutes"):
        assert fire(NOON) == []
        assert set(fire(NOON + TEN_MINUTES)) == {*SHIPPED, "strike", "chime"}
        installation.run_jobs(*QUEUES)
        # The newest tick of `chime` was a minute and a second ago, and a minute is its grace.
        back = NOON + TEN_MINUTES + A_DAY + timedelta(seconds=1)
        before = standings(back)
        assert set(fire(back)) == {*SHIPPED, "strike"}
        assert fire(back) == []
        installation.run_jobs(*QUEUES)
        found = standings(back)
    assert {name: row.overdue for name, row in before.items()} == dict.fromkeys(found, 144)
    assert {name: (row.fired, row.missed, row.overdue) for name, row in found.items()} == {
        **dict.fromkeys(SHIPPED, (2, 143, 0)),
        "strike": (2, 143, 0),
        "chime": (1, 144, 0),
    }
    assert jobs_by_name() == {**dict.fromkeys(SHIPPED, 2), "strike": 2, "chime": 1}


def test_skip_fires_a_tick_that_is_found_within_its_grace(installation: Installation) -> None:
    with table("ten minutes"):
        fire(NOON)
        assert "chime" in fire(NOON + A_DAY - timedelta(seconds=1))
        assert standings(NOON + A_DAY)["chime"].missed == 143


def test_an_entry_that_is_new_begins_with_its_next_tick(installation: Installation) -> None:
    with table("one"):
        assert standings(NOON)["strike"].last_tick is None
        assert fire(NOON) == []
        found = standings(NOON)["strike"]
        assert (found.last_tick, found.fired, found.missed) == (NOON - timedelta(minutes=4), 0, 0)
        assert fire(NOON + timedelta(minutes=6)) == ["strike"]


# --- One entry ---------------------------------------------------------------------------


def test_a_tick_whose_predecessor_is_still_active_enqueues_nothing(installation: Installation) -> None:
    with table("one"):
        fire(NOON)
        assert fire(NOON + TEN_MINUTES) == ["strike"]
        assert fire(NOON + 2 * TEN_MINUTES) == []
        held = standings(NOON + 2 * TEN_MINUTES)["strike"]
        assert (held.fired, held.missed, held.overdue) == (1, 1, 0)
        installation.run_jobs(*QUEUES)
        assert fire(NOON + 2 * TEN_MINUTES) == []
        assert fire(NOON + 3 * TEN_MINUTES) == ["strike"]
    assert jobs_by_name() == {"strike": 2}


def test_an_entry_that_cannot_be_fired_keeps_no_other_from_it(installation: Installation) -> None:
    with table("ten minutes"):
        fire(NOON)
        with installation.owner.begin() as owner:
            owner.execute(
                text(
                    "create function refuse_strike() returns trigger language plpgsql as $$ begin"
                    " if new.name = 'strike' then raise 'not this one'; end if; return new; end $$"
                )
            )
            owner.execute(
                text(
                    "create trigger refuse_strike before insert on jobs"
                    " for each row execute function refuse_strike()"
                )
            )
        try:
            assert fire(NOON + TEN_MINUTES) == [*SHIPPED, "chime"]
        finally:
            with installation.owner.begin() as owner:
                owner.execute(text("drop function refuse_strike() cascade"))
        # Nothing of the failed firing stayed, so the tick is still to be had.
        assert fire(NOON + TEN_MINUTES) == ["strike"]
        assert standings(NOON + TEN_MINUTES)["strike"].missed == 0


def test_people_see_the_last_firing_and_the_next(installation: Installation) -> None:
    with table("a day"):
        now = datetime(2026, 3, 7, 12, tzinfo=UTC)
        fire(now)
        assert "ring_in_the_day" in fire(now + A_DAY)
        found = standings(now + A_DAY)["ring_in_the_day"]
    with unit_of_work(SYSTEM) as session:
        job_id = session.scalars(select(Job.id).where(Job.name == "ring_in_the_day")).one()
    # On the eighth New York's clock went from two to three.
    assert found == Standing(
        name="ring_in_the_day", queue="low", rule="daily at 02:30 America/New_York", misfire="latest",
        last_tick=datetime(2026, 3, 8, 7, 30, tzinfo=UTC), fired_at=now + A_DAY, job_id=job_id, fired=1,
        missed=0, overdue=0, next_tick=datetime(2026, 3, 9, 6, 30, tzinfo=UTC),
    )  # fmt: skip


def test_every_process_has_the_product_s_table(installation: Installation) -> None:
    """What put this installation together registered it, as it does in every process."""
    with unit_of_work(SYSTEM) as session:
        assert [found.name for found in standing(session)] == [entry.job for entry in schedule.RECURRING]


@pytest.mark.parametrize("enabled", ["true", "false"])
def test_a_worker_fires_if_it_is_told_to(installation: Installation, tmp_path: Path, enabled: str) -> None:
    with unit_of_work(SYSTEM) as session:
        an_hour_ago = clock.now() - timedelta(hours=1)
        ticks.begin(session, name="tend_businesses", tick=an_hour_ago)
    with worker(installation, tmp_path, enabled):
        if enabled == "true":
            eventually(lambda: states_of("tend_businesses") == ["succeeded"], "it fires", within_s=60)
            fired_at = standings(clock.now())["tend_businesses"].fired_at
            assert fired_at is not None
            # Its next tick may have come since.
            found = standings(fired_at)["tend_businesses"]
            assert (found.fired, found.overdue) == (1, 0)
            return
        # It works; and then it has looked three times, had it been told to look.
        for number, delay_s in enumerate((0, 3), 1):
            with unit_of_work(SYSTEM):
                enqueue_job("low", "tend_businesses", run_in=delay_s)
            eventually(
                lambda: states_of("tend_businesses") == ["succeeded"] * number,  # noqa: B023
                "a job is run", within_s=60,
            )  # fmt: skip
    found = standings(clock.now())["tend_businesses"]
    assert (found.fired, found.missed) == (0, 0)
    assert found.overdue >= 6


@contextmanager
def worker(installation: Installation, folder: Path, enabled: str) -> Iterator[None]:
    """Run `trunkline worker` itself."""
    urls = installation.urls
    assert urls.database_url
    assert urls.database_relay_url
    assert urls.redis_url
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_OWNER_URL"} | {
        "DATABASE_URL": urls.database_url, "DATABASE_RELAY_URL": urls.database_relay_url,
        "REDIS_URL": urls.redis_url, "TRUNKLINE_HOME": str(folder), "SERVICE_ROLE": "worker",
        "WORKER_CONCURRENCY": "1", "ENABLE_SCHEDULERS": enabled,
    }  # fmt: skip
    with (folder / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "trunkline", "worker"], env=environment, stdout=log, stderr=log
        )
    try:
        yield
        process.terminate()
        assert process.wait(30) == 0, (folder / "worker.log").read_text()
    finally:
        process.kill()
        process.wait()


def states_of(name: str) -> list[str]:
    """Return the states of the jobs of this name."""
    with unit_of_work(SYSTEM) as session:
        return list(session.scalars(select(Job.state).where(Job.name == name)))


EVERY_HOUR = Every(timedelta(hours=1))


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([Recurring("polish", "low", EVERY_HOUR)], "polish cannot fire: no handler of this name"),
        ([Recurring("strike", "slow", EVERY_HOUR)], "no queue slow; there are maintenance, low"),
        ([Recurring("sweep_outbound", "low", EVERY_HOUR)], "wants arguments"),
        ([Recurring("strike", "low", EVERY_HOUR)] * 2, "twice"),
    ],
)
def test_a_table_that_cannot_be_kept_is_refused_at_start(entries: list[Recurring], said: str) -> None:
    with pytest.raises(StartRefused, match=said):
        install_recurring(entries, queues=QUEUES)
