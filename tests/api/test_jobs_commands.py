"""`trunkline jobs`: what is told to whoever runs the installation, and whose jobs a command touches."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from sqlalchemy import select, text

from jobs.handlers import fail_until, leave_mark
from support.commands import trunkline
from support.installation import Installation
from support.world import World
from trunkline import schedule
from trunkline.core.db import SYSTEM, Scope, unit_of_work
from trunkline.core.events import Event
from trunkline.core.jobs import enqueue_job, views
from trunkline.kit.ids import new_id


def jobs(installation: Installation, *arguments: object) -> str:
    """Run a command that ought to do; return what it wrote."""
    status, said, complaint = trunkline(installation, "jobs", *map(str, arguments), COLUMNS="200")
    assert (status, complaint) == (0, "")
    return said


def read(installation: Installation, *arguments: object) -> Any:
    return json.loads(jobs(installation, *arguments, "--json"))


def refusal(installation: Installation, *arguments: object) -> str:
    status, _, complaint = trunkline(installation, "jobs", *map(str, arguments))
    assert status == 1
    return complaint


def cells(said: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("│").split("│")] for line in said.splitlines() if "│" in line
    ]


def kill(installation: Installation, job_id: UUID) -> None:
    """Put a job into the dead letter."""
    assert installation.database.relay is not None
    with installation.database.relay.begin() as relay:
        relay.execute(
            text("update jobs set state = 'failed', error = E'Trace [back]\\nOops: it broke' where id = :id"),
            {"id": job_id},
        )


def state_of(scope: Scope, job_id: UUID) -> str:
    with unit_of_work(scope) as session:
        return views.one(session, scope, job_id).state.value


def test_the_ledger_is_counted_by_queue(installation: Installation, acme: World, umbrella: World) -> None:
    assert jobs(installation, "stats") == "The ledger is empty."
    with unit_of_work(acme.scope):
        enqueue_job("high", leave_mark, "one")
        kill_me = enqueue_job("low", leave_mark, "two")
    with unit_of_work(umbrella.scope):
        enqueue_job("high", leave_mark, "three", run_in=60)
    kill(installation, kill_me)
    high, low = cells(jobs(installation, "stats"))
    assert (high[:5], low[:5]) == (["high", "1", "1", "0", "0"], ["low", "0", "0", "0", "1"])
    told = read(installation, "stats")
    assert told["queues"]["low"]["dead"] == 1
    assert told["ended"] == {}


def test_a_list_is_of_one_business_or_of_the_system(
    installation: Installation, acme: World, umbrella: World
) -> None:
    with unit_of_work(acme.scope):
        mine = enqueue_job("high", leave_mark, "one")
        dead = enqueue_job("low", fail_until, 2)
    with unit_of_work(SYSTEM):
        ours = enqueue_job("default", leave_mark, "the system's")
    kill(installation, dead)
    business = ("--business", acme.business_id)
    assert {job["id"] for job in read(installation, "list", *business)} == {str(mine), str(dead)}
    (only,) = read(
        installation, "list", *business, "--state", "failed", "--queue", "low", "--name", "fail_until"
    )
    assert (only["id"], only["error"]) == (str(dead), "Oops: it broke")
    assert read(installation, "list", *business, "--run", new_id()) == []
    assert [job["id"] for job in read(installation, "list")] == [str(ours)]
    said = jobs(installation, "list")
    assert said.startswith("The system's own jobs; --business shows those of a business.")
    assert str(ours) in said
    assert refusal(installation, "list", "--business", new_id()) == "trunkline: There is no such business."


def test_a_job_is_found_by_its_id_whosever_it_is(installation: Installation, acme: World) -> None:
    with unit_of_work(acme.scope):
        dead = enqueue_job("low", leave_mark, "what he said")
    kill(installation, dead)
    said = jobs(installation, "show", dead)
    assert "Trace [back]\nOops: it broke" in said
    assert "what he said" not in said
    assert "what he said" in jobs(installation, "show", dead, "--arguments")
    assert read(installation, "show", dead)["business_id"] == str(acme.business_id)
    assert refusal(installation, "show", new_id()) == "trunkline: There is no such job."


def test_a_dead_job_is_sent_back_and_the_business_s_record_tells(
    installation: Installation, acme: World, umbrella: World
) -> None:
    with unit_of_work(acme.scope):
        one, two, three = (enqueue_job("low", leave_mark, str(n)) for n in range(3))
    with unit_of_work(umbrella.scope):
        theirs = enqueue_job("low", leave_mark, "theirs")
    for job_id in (one, two, three, theirs):
        kill(installation, job_id)
    assert jobs(installation, "retry", one) == "The job is queued again."
    assert refusal(installation, "retry", one).startswith("trunkline: The job is queued;")
    assert refusal(installation, "retry") == (
        "trunkline: Say which: a job's id, --queue, --name, --run or --all."
    )
    said = jobs(installation, "retry", "--business", acme.business_id, "--queue", "low")
    assert said == "2 dead jobs are queued again."
    assert state_of(umbrella.scope, theirs) == "failed"
    with unit_of_work(acme.scope) as session:
        told = session.scalars(select(Event).where(Event.kind.like("job%"))).all()
        assert {(event.kind, event.actor) for event in told} == {
            ("job.retried", "cli"),
            ("jobs.retried", "cli"),
        }


def test_a_job_is_cancelled_in_its_own_scope(installation: Installation, acme: World) -> None:
    with unit_of_work(acme.scope):
        mine = enqueue_job("low", leave_mark, "one")
    with unit_of_work(SYSTEM):
        ours = enqueue_job("low", leave_mark, "two")
    for job_id in (mine, ours):
        assert jobs(installation, "cancel", job_id) == "The job is cancelled."
    assert (state_of(acme.scope, mine), state_of(SYSTEM, ours)) == ("cancelled", "cancelled")
    assert refusal(installation, "cancel", mine) == "trunkline: The job is cancelled and cannot be cancelled."


def test_workers_are_shown(installation: Installation) -> None:
    assert jobs(installation, "workers") == "No worker runs."
    assert installation.database.relay is not None
    with installation.database.relay.begin() as relay:
        relay.execute(
            text(
                "insert into workers (name, host, pid, version, queues, state, started_at, beat_at, jobs_run,"
                " rss_bytes) values ('w', 'box', 7, '0', '[\"high\"]', 'idle', now(), now(), 41, 73400320)"
            )
        )
    ((host, pid, state, _, jobs_run, memory, _, queues),) = cells(jobs(installation, "workers"))
    assert (host, pid, state, jobs_run, memory, queues) == ("box", "7", "idle", "41", "70 MiB", "high")
    assert read(installation, "workers")[0]["state"] == "idle"


def test_recurring_jobs_are_shown(installation: Installation) -> None:
    names = [entry.job for entry in schedule.RECURRING]
    assert names
    assert [entry["name"] for entry in read(installation, "schedules")] == names
    assert [row[0] for row in cells(jobs(installation, "schedules"))] == names
