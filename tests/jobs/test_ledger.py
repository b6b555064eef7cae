"""The ledger: written with its cause, claimed once, fenced by its lease, swept when its worker dies."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text

from jobs.handlers import (
    come_back_once,
    fail_until,
    have_a_child,
    leave_mark,
    lose_lease_then_mark,
    query_long,
    sleep_long,
)
from support.installation import Installation
from support.world import World
from trunkline.core.db import NoUnitOfWork, of_business, unit_of_work
from trunkline.core.events import Event
from trunkline.core.jobs import (
    JobContext,
    cancel_job,
    cleanup_old_jobs,
    enqueue_job,
    enqueue_unique,
    job,
    relay,
    retry_job,
)
from trunkline.core.jobs.handlers import JobCancelled
from trunkline.core.jobs.models import Job, JobState
from trunkline.core.jobs.relay import Claimed, Outcome, Wanted
from trunkline.kit import clock

_LEASE = timedelta(seconds=15)


def marks(world: World) -> list[str]:
    with unit_of_work(world.scope) as session:
        rows = session.scalars(select(Event).where(Event.kind == "test.mark").order_by(Event.id))
        return [row.data["mark"] for row in rows]


def job_row(world: World, job_id: UUID) -> Job:
    with unit_of_work(world.scope) as session:
        return session.get_one(Job, job_id)


def claim(installation: Installation, owner: str, last: UUID = UUID(int=0)) -> Claimed | None:
    assert installation.database.relay is not None
    with installation.database.relay.begin() as connection:
        hand = relay.claim(connection, [Wanted("default", last)], owner=owner, lease=_LEASE, size=1)
    return hand[0] if hand else None


def settle(installation: Installation, claimed: Claimed, state: JobState, **facts: object) -> bool:
    assert installation.database.relay is not None
    outcome = Outcome(claimed.id, claimed.lease_epoch, state, claimed.attempt, **facts)  # type: ignore[arg-type]
    with installation.database.relay.begin() as connection:
        return claimed.id in relay.settle(connection, [outcome], owner=claimed.lease_owner)


def test_a_job_exists_exactly_if_its_transaction_commits(installation: Installation, acme: World) -> None:
    def change_my_mind() -> None:
        with unit_of_work(acme.scope):
            enqueue_job("default", leave_mark, "rolled back")
            raise RuntimeError("changed my mind")

    with pytest.raises(RuntimeError, match="changed my mind"):
        change_my_mind()
    with unit_of_work(acme.scope):
        enqueue_job("default", leave_mark, "kept")
    installation.run_jobs()
    assert marks(acme) == ["kept"]


def test_enqueuing_outside_a_transaction_is_an_error(acme: World) -> None:
    with pytest.raises(NoUnitOfWork):
        enqueue_job("default", leave_mark, "nowhere")


def test_a_job_cannot_be_written_into_another_business(acme: World, umbrella: World) -> None:
    with unit_of_work(acme.scope), pytest.raises(ValueError, match="belongs to the business"):
        enqueue_job("default", leave_mark, "theirs", business_id=umbrella.business_id)


def test_a_unique_job_is_queued_once_while_active_and_again_afterwards(
    installation: Installation, acme: World
) -> None:
    with unit_of_work(acme.scope):
        first = enqueue_unique("default", leave_mark, "key", "one")
        assert first is not None
        assert enqueue_unique("default", leave_mark, "key", "two") is None
        assert enqueue_unique("default", leave_mark, "other key", "three") is not None
    installation.run_jobs()
    with unit_of_work(acme.scope):
        assert enqueue_unique("default", leave_mark, "key", "four") is not None
    installation.run_jobs()
    assert marks(acme) == ["one", "three", "four"]


def test_a_dedup_key_is_one_business_s_own(acme: World, umbrella: World) -> None:
    for world in (acme, umbrella):
        with unit_of_work(world.scope):
            assert enqueue_unique("default", leave_mark, "key", "mine") is not None


def test_a_failing_job_is_tried_again_and_its_attempts_counted(
    installation: Installation, acme: World
) -> None:
    with unit_of_work(acme.scope):
        job_id = enqueue_job("default", fail_until, 3)
    with clock.frozen_at(clock.now() + timedelta(hours=1)):
        # Held an hour ahead, each wait for the next attempt is over at once only if time moves with it.
        installation.run_jobs()
    assert job_row(acme, job_id).state == JobState.QUEUED
    for hours in (2, 3):
        with clock.frozen_at(clock.now() + timedelta(hours=hours)):
            installation.run_jobs()
    assert marks(acme) == ["attempt 3"]
    assert job_row(acme, job_id).attempt == 3


def test_the_dead_letter_keeps_the_trace_and_can_be_sent_back(
    installation: Installation, acme: World
) -> None:
    with unit_of_work(acme.scope):
        job_id = enqueue_job("default", fail_until, 2, retry=1)
    installation.run_jobs()
    dead = job_row(acme, job_id)
    assert dead.state == JobState.FAILED
    assert "attempt 1 fails" in (dead.error or "")
    assert "Traceback" in (dead.error or "")
    with unit_of_work(acme.scope):
        retry_job(job_id)
    assert job_row(acme, job_id).state == JobState.QUEUED


def test_a_timeout_ends_the_work(installation: Installation, acme: World) -> None:
    with unit_of_work(acme.scope):
        job_id = enqueue_job("default", sleep_long)
    installation.run_jobs()
    row = job_row(acme, job_id)
    assert row.state == JobState.FAILED
    assert "JobTimedOut" in (row.error or "")


def test_a_claimed_row_is_claimed_by_nobody_else(installation: Installation, acme: World) -> None:
    with unit_of_work(acme.scope):
        enqueue_job("default", leave_mark, "once")
    assert claim(installation, "first") is not None
    assert claim(installation, "second") is None


def test_claims_go_round_the_businesses(installation: Installation, acme: World, umbrella: World) -> None:
    with unit_of_work(acme.scope):
        for number in range(20):
            enqueue_job("default", leave_mark, str(number))
    with unit_of_work(umbrella.scope):
        enqueue_job("default", leave_mark, "the other's only one")
    last, served = UUID(int=0), []
    for _ in range(3):
        claimed = claim(installation, "worker", last)
        assert claimed is not None
        last = claimed.tenant_key
        served.append(claimed.business_id)
    assert umbrella.business_id in served[:2]


def test_a_claim_locks_no_other_business_s_row(
    installation: Installation, acme: World, umbrella: World
) -> None:
    for world in (acme, umbrella):
        with unit_of_work(world.scope):
            enqueue_job("default", leave_mark, "mine")
    assert installation.database.relay is not None
    with installation.database.relay.begin() as one, installation.database.relay.begin() as two:
        claimed = [
            relay.claim(connection, [Wanted("default")], owner="w", lease=_LEASE, size=1)
            for connection in (one, two)
        ]
        assert {row.business_id for (row,) in claimed} == {acme.business_id, umbrella.business_id}


def test_what_a_handler_writes_after_it_lost_its_lease_is_rolled_back(
    installation: Installation, acme: World
) -> None:
    with unit_of_work(acme.scope):
        job_id = enqueue_job("default", lose_lease_then_mark)
    installation.run_jobs()
    assert marks(acme) == []
    assert job_row(acme, job_id).lease_epoch == 2


def test_a_job_that_asks_for_later_is_run_again_uncounted(installation: Installation, acme: World) -> None:
    with unit_of_work(acme.scope):
        job_id = enqueue_job("default", come_back_once, retry=1)
    installation.run_jobs()
    row = job_row(acme, job_id)
    assert (row.state, row.attempt) == (JobState.QUEUED, 0)
    with clock.frozen_at(clock.now() + timedelta(minutes=1)):
        installation.run_jobs()
    assert job_row(acme, job_id).state == JobState.SUCCEEDED


def test_a_query_that_outlasts_its_job_is_ended_in_postgresql_too(
    installation: Installation, acme: World
) -> None:
    with unit_of_work(acme.scope):
        job_id = enqueue_job("default", query_long)
    installation.run_jobs()
    assert job_row(acme, job_id).state == JobState.FAILED
    with installation.owner.connect() as connection:
        running = connection.scalar(
            text(
                "select count(*) from pg_stat_activity where state = 'active' "
                "and query like '%pg_sleep(5)%' and pid <> pg_backend_pid()"
            )
        )
    assert running == 0


def test_finished_jobs_are_pruned_and_the_dead_letter_is_kept(
    installation: Installation, acme: World
) -> None:
    with unit_of_work(acme.scope):
        done = enqueue_job("default", leave_mark, "done")
        dead = enqueue_job("default", fail_until, 9, retry=1)
    installation.run_jobs()
    assert installation.database.relay is not None
    with clock.frozen_at(clock.now() + timedelta(days=4)):
        kept_for = timedelta(days=3)
        assert cleanup_old_jobs("high", kept_for, relay_engine=installation.database.relay) == 0
        assert cleanup_old_jobs("default", kept_for, relay_engine=installation.database.relay) == 1
    with unit_of_work(acme.scope) as session:
        assert session.get(Job, done) is None
        assert session.get(Job, dead) is not None


def test_a_worker_whose_lease_ran_out_can_write_nothing(installation: Installation, acme: World) -> None:
    with unit_of_work(acme.scope):
        job_id = enqueue_job("default", leave_mark, "contested")
    slow = claim(installation, "slow")
    assert slow is not None
    assert installation.database.relay is not None
    with clock.frozen_at(clock.now() + timedelta(minutes=1)):
        with installation.database.relay.begin() as connection:
            assert [row.id for row in relay.sweep(connection)] == [job_id]
        quick = claim(installation, "quick")
    assert quick is not None
    assert quick.attempt == 2
    with installation.database.relay.begin() as connection:
        assert relay.renew(connection, [(slow.id, slow.lease_epoch)], owner="slow", length=_LEASE) == []
    assert not settle(installation, slow, JobState.FAILED)
    assert not settle(installation, slow, JobState.QUEUED, delay_s=0.0)
    assert settle(installation, quick, JobState.SUCCEEDED)
    assert job_row(acme, job_id).state == JobState.SUCCEEDED


def test_a_claim_of_the_same_number_by_another_worker_fences_too(
    installation: Installation, acme: World
) -> None:
    """As after a crash of PostgreSQL that forgot the first claim: its epoch is given out again."""
    with unit_of_work(acme.scope):
        job_id = enqueue_job("default", leave_mark, "contested")
    first = claim(installation, "first")
    assert first is not None
    assert installation.database.relay is not None
    with installation.database.relay.begin() as connection:
        connection.execute(
            text("update jobs set state = 'queued', lease_epoch = 0, attempt = 0, lease_owner = null")
        )
    second = claim(installation, "second")
    assert second is not None
    assert second.lease_epoch == first.lease_epoch
    assert not settle(installation, first, JobState.FAILED)
    context = JobContext(
        job_id, acme.business_id, None, "trace", 1, lease_owner="first", lease_epoch=first.lease_epoch
    )
    with pytest.raises(JobCancelled, match="the lease was lost"):
        leave_mark(context, "of the first")
    assert marks(acme) == []
    assert settle(installation, second, JobState.SUCCEEDED)


def test_a_job_that_was_asked_to_stop_is_not_sent_back(installation: Installation, acme: World) -> None:
    with unit_of_work(acme.scope):
        job_id = enqueue_job("default", leave_mark, "stopped")
    claimed = claim(installation, "w")
    assert claimed is not None
    with unit_of_work(acme.scope):
        assert cancel_job(job_id) is JobState.RUNNING
    assert settle(installation, claimed, JobState.QUEUED, delay_s=5.0, error="it failed")
    row = job_row(acme, job_id)
    assert row.state == JobState.CANCELLED
    assert row.finished_at is not None


def test_a_job_whose_worker_keeps_dying_ends_in_the_dead_letter(
    installation: Installation, acme: World
) -> None:
    with unit_of_work(acme.scope):
        job_id = enqueue_job("default", leave_mark, "deadly", retry=2)
    assert installation.database.relay is not None
    for minutes in (0, 1):
        with clock.frozen_at(clock.now() + timedelta(minutes=minutes)):
            assert claim(installation, f"victim {minutes}") is not None
        with (
            clock.frozen_at(clock.now() + timedelta(minutes=minutes + 0.5)),
            installation.database.relay.begin() as connection,
        ):
            relay.sweep(connection)
    row = job_row(acme, job_id)
    assert row.state == JobState.FAILED
    assert "ran out" in (row.error or "")


def test_a_job_not_begun_within_its_ttl_expires_and_is_seen(installation: Installation, acme: World) -> None:
    with unit_of_work(acme.scope):
        job_id = enqueue_job("default", leave_mark, "too late", ttl=5)
    assert installation.database.relay is not None
    with clock.frozen_at(clock.now() + timedelta(minutes=1)):
        installation.run_jobs()
        with installation.database.relay.begin() as connection:
            relay.expire(connection)
    assert job_row(acme, job_id).state == JobState.EXPIRED
    assert marks(acme) == []


def test_a_job_that_began_in_time_does_not_expire_between_its_attempts(
    installation: Installation, acme: World
) -> None:
    with unit_of_work(acme.scope):
        job_id = enqueue_job("default", fail_until, 2, ttl=5)
    installation.run_jobs()
    assert installation.database.relay is not None
    with clock.frozen_at(clock.now() + timedelta(minutes=1)):
        with installation.database.relay.begin() as connection:
            relay.expire(connection)
        installation.run_jobs()
    assert job_row(acme, job_id).state == JobState.SUCCEEDED


def test_the_trace_goes_from_a_job_to_the_jobs_it_enqueues(installation: Installation, acme: World) -> None:
    with unit_of_work(acme.scope):
        parent = enqueue_job("default", have_a_child)
    installation.run_jobs()
    with unit_of_work(acme.scope) as session:
        traces = set(session.scalars(select(Job.trace_id)))
        assert session.scalar(text("select count(*) from jobs")) == 2
    assert traces == {job_row(acme, parent).trace_id}


def test_handlers_with_reserved_parameters_are_refused() -> None:
    with pytest.raises(TypeError, match="ttl belongs to the queue"):

        @job(queue="default", timeout=1)
        def greedy(ctx: JobContext, ttl: int) -> None: ...


def test_another_business_s_job_is_not_found(
    installation: Installation, acme: World, umbrella: World
) -> None:
    with unit_of_work(acme.scope):
        job_id = enqueue_job("default", leave_mark, "mine")
    with unit_of_work(of_business(umbrella.business_id)) as session:
        assert session.get(Job, job_id) is None
