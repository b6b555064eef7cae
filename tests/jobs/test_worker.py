"""A worker's inner life: what a long job holds up, what is written in its own transaction, its own row."""

from __future__ import annotations

import threading
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from jobs.handlers import fail_with, finish_and_fail, leave_a_unit_open, leave_mark, marks, spin
from support.installation import Installation
from support.processes import eventually
from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.core.jobs import enqueue_job, enqueue_many, get_job_status, relay
from trunkline.core.jobs.executor import Executor
from trunkline.core.jobs.heartbeat import Heartbeat
from trunkline.core.jobs.models import Job, JobState
from trunkline.core.jobs.standing import Standing, forget
from trunkline.core.jobs.upkeep import Upkeep

_LEASE = timedelta(seconds=15)


class Hands:
    """A worker of the test's own, its heartbeat included."""

    def __init__(self, installation: Installation) -> None:
        relay = installation.database.relay
        assert relay is not None
        self.relay = relay
        self.executor = Executor(relay, name="w", lease=_LEASE, queues=("default",))
        self.heartbeat = Heartbeat(
            relay, self.executor, lease=_LEASE, standing=Standing(name="w", host="h", queues=("default",))
        )

    def work(self, *, seconds: float = 30) -> int:
        self.heartbeat.start()
        try:
            return self.executor.work(seconds=seconds)
        finally:
            self.heartbeat.stop()

    def make_hasty(self) -> None:
        """Let it take a full hand at once, as after many quick jobs."""
        self.executor._job_takes_s = 0.001


def states(world: World, ids: list[UUID]) -> list[JobState]:
    with unit_of_work(world.scope):
        return [get_job_status(job_id) for job_id in ids]


def test_a_job_that_takes_long_holds_up_neither_the_done_nor_the_waiting(
    installation: Installation, acme: World
) -> None:
    with unit_of_work(acme.scope):
        quick = [enqueue_job("default", leave_mark, "before") for _ in range(2)]
        slow = enqueue_job("default", spin, 3)
        waiting = enqueue_many("default", leave_mark, ({"mark": "after"} for _ in range(3)))
    hands = Hands(installation)
    hands.make_hasty()
    seen: list[list[JobState]] = []

    def look() -> None:
        eventually(lambda: states(acme, quick) == [JobState.SUCCEEDED] * 2, "what is done is written")
        eventually(lambda: states(acme, waiting) == [JobState.QUEUED] * 3, "what waits is given back")
        seen.append(states(acme, [slow]))

    looking = threading.Thread(target=look)
    looking.start()
    hands.work()
    looking.join()
    assert seen == [[JobState.RUNNING]]
    with unit_of_work(acme.scope) as session:
        rows = [session.get_one(Job, job_id) for job_id in waiting]
    # Given back uncharged, and claimed again afterwards.
    assert [(row.state, row.attempt, row.lease_epoch) for row in rows] == [(JobState.SUCCEEDED, 1, 2)] * 3


def test_a_job_that_ends_in_its_own_transaction_is_not_undone_by_what_comes_after(
    installation: Installation, acme: World
) -> None:
    with unit_of_work(acme.scope):
        job_id = enqueue_job("default", finish_and_fail, "once")
    installation.run_jobs()
    assert states(acme, [job_id]) == [JobState.SUCCEEDED]
    assert marks(acme.scope) == ["once"]


def test_the_moments_of_a_job_in_a_hand_are_its_own(installation: Installation, acme: World) -> None:
    with unit_of_work(acme.scope):
        ids = [enqueue_job("default", spin, 0.06) for _ in range(3)]
    hands = Hands(installation)
    hands.make_hasty()
    hands.work()
    with unit_of_work(acme.scope) as session:
        rows = [session.get_one(Job, job_id) for job_id in ids]
    for row in rows:
        assert row.started_at is not None
        assert row.finished_at is not None
        assert timedelta(seconds=0.05) < row.finished_at - row.started_at < timedelta(seconds=0.5)
    starts = [row.started_at for row in rows]
    assert starts == sorted(starts, key=lambda at: at or 0)  # type: ignore[arg-type, return-value]
    assert starts[2] - starts[0] > timedelta(seconds=0.1)  # type: ignore[operator]


def test_a_worker_s_row_says_what_it_does_and_goes_with_it(installation: Installation, acme: World) -> None:
    with unit_of_work(acme.scope):
        job_id = enqueue_job("default", spin, 2)
    hands = Hands(installation)
    rows: list[tuple[str, str, UUID, int]] = []

    def look() -> None:
        def told() -> bool:
            with hands.relay.connect() as connection:
                rows[:] = [
                    tuple(row)  # type: ignore[misc]
                    for row in connection.execute(
                        text("select name, state, job_id, rss_bytes from workers where job_id is not null")
                    )
                ]
            return bool(rows)

        eventually(told, "the worker tells what it does")

    looking = threading.Thread(target=look)
    looking.start()
    # The first beat comes with the first job in hand.
    hands.work()
    looking.join()
    ((name, state, running, rss),) = rows
    assert (name, state, running) == ("w", "busy", job_id)
    assert rss > 10_000_000
    with hands.relay.connect() as connection:
        assert connection.scalar(text("select count(*) from workers")) == 0


@pytest.mark.parametrize("odd", ["a \0 in it", "a lone \udcff", "line\n" * 4_000])
def test_an_error_of_any_text_is_written_and_costs_the_others_nothing(
    installation: Installation, acme: World, odd: str
) -> None:
    with unit_of_work(acme.scope):
        before = enqueue_job("default", leave_mark, "before")
        failed = enqueue_job("default", fail_with, ascii(odd), retry=2)
        after = enqueue_job("default", leave_mark, "after")
    hands = Hands(installation)
    hands.make_hasty()
    hands.work()
    assert states(acme, [before, failed, after]) == [JobState.SUCCEEDED, JobState.QUEUED, JobState.SUCCEEDED]
    with unit_of_work(acme.scope) as session:
        error = session.get_one(Job, failed).error or ""
    assert "RuntimeError" in error
    assert len(error) < 20_000


def test_a_context_that_a_job_leaves_open_is_not_the_next_one_s(
    installation: Installation, acme: World
) -> None:
    """As when a signal's exception comes between the two halves of opening a unit of work."""
    with unit_of_work(acme.scope):
        leaky = enqueue_job("default", leave_a_unit_open)
        after = enqueue_job("default", leave_mark, "after")
    installation.run_jobs()
    assert states(acme, [leaky, after]) == [JobState.SUCCEEDED] * 2


def test_a_job_of_a_newer_version_waits_for_a_worker_that_knows_it(
    installation: Installation, acme: World
) -> None:
    with unit_of_work(acme.scope) as session:
        job_id = enqueue_job("default", leave_mark, "later", retry=1)
        session.execute(text("update jobs set name = 'of_tomorrow'"))
    installation.run_jobs()
    with unit_of_work(acme.scope) as session:
        row = session.get_one(Job, job_id)
    assert (row.state, row.attempt) == (JobState.QUEUED, 0)


def test_a_renewal_waits_for_nobody_and_loses_nothing(installation: Installation, acme: World) -> None:
    """A request that dawdles with one of the rows locked costs none of the others its lease."""
    with unit_of_work(acme.scope):
        enqueue_many("default", leave_mark, ({"mark": "held"} for _ in range(3)))
    relay_engine = installation.database.relay
    assert relay_engine is not None
    lease = timedelta(seconds=15)
    with relay_engine.begin() as connection:
        hand = relay.claim(connection, [relay.Wanted("default")], owner="w", lease=lease, size=10)
    leases = [(row.id, row.lease_epoch) for row in hand]
    with unit_of_work(acme.scope) as session:
        session.execute(text("select 1 from jobs where id = :id for update"), {"id": hand[0].id})
        with relay_engine.begin() as connection:
            kept = relay.renew(connection, leases, owner="w", length=timedelta(hours=1))
        assert {row.id for row in kept} == {row.id for row in hand}
    with relay_engine.connect() as connection:
        far = connection.scalar(
            text("select count(*) from jobs where lease_expires_at > now() + interval '50 min'")
        )
    assert far == 2


def test_after_an_outage_workers_have_a_moment_to_renew(installation: Installation, acme: World) -> None:
    with unit_of_work(acme.scope):
        job_id = enqueue_job("default", leave_mark, "alive", retry=1)
    relay_engine = installation.database.relay
    assert relay_engine is not None
    with relay_engine.begin() as connection:
        relay.claim(connection, [relay.Wanted("default")], owner="w", lease=timedelta(0), size=1)
    upkeep = Upkeep(relay_engine, sweep_every_s=0, keep_finished=timedelta(days=3))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(relay, "_FREE_LATE", text("select this is no SQL"))
        upkeep()
    upkeep()
    assert states(acme, [job_id]) == [JobState.RUNNING]
    upkeep._free_from = 0.0
    upkeep()
    assert states(acme, [job_id]) == [JobState.FAILED]


def test_what_else_fails_in_the_upkeep_keeps_no_dead_worker_s_job(
    installation: Installation, acme: World
) -> None:
    with unit_of_work(acme.scope):
        job_id = enqueue_job("default", leave_mark, "dead", retry=1)
    relay_engine = installation.database.relay
    assert relay_engine is not None
    upkeep = Upkeep(relay_engine, sweep_every_s=0, keep_finished=timedelta(days=3))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(relay, "_EXPIRE", text("select this is no SQL"))
        upkeep()
        with relay_engine.begin() as connection:
            relay.claim(connection, [relay.Wanted("default")], owner="w", lease=timedelta(0), size=1)
        upkeep()
    assert states(acme, [job_id]) == [JobState.FAILED]


def test_what_was_counted_adds_up_over_workers(installation: Installation, acme: World) -> None:
    for _ in range(2):
        with unit_of_work(acme.scope):
            enqueue_many("default", leave_mark, ({"mark": "counted"} for _ in range(5)))
            enqueue_job("default", "fail_until", 9, retry=1)
        Hands(installation).work()
    assert installation.database.relay is not None
    with installation.database.relay.connect() as connection:
        counts = {
            (row.name, row.outcome): row
            for row in connection.execute(text("select * from job_counters where queue = 'default'"))
        }
    assert {key: row.jobs for key, row in counts.items()} == {
        ("leave_mark", "succeeded"): 10,
        ("fail_until", "failed"): 2,
    }
    assert sum(counts["leave_mark", "succeeded"].buckets) == 10
    assert counts["leave_mark", "succeeded"].seconds > 0


def test_a_worker_that_has_been_silent_is_forgotten(installation: Installation) -> None:
    relay = installation.database.relay
    assert relay is not None
    with relay.begin() as connection:
        for name in ("w1", "w2"):
            Standing(name=name, host="h", queues=()).write(connection, job=None, jobs_run=0)
        connection.execute(text("update workers set beat_at = now() - interval '1 hour' where name = 'w1'"))
        forget(connection, silent_for=timedelta(minutes=10))
        assert connection.execute(text("select name from workers")).scalars().all() == ["w2"]
