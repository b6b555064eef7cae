"""Metrics and health: what a scrape tells, to whom, and that a long history does not make it slow."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Connection, text

from api.doorway import TestClient, build_app, open_door
from jobs.handlers import fail_until, leave_mark
from support.installation import Installation
from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.core.jobs import counters, enqueue_job, overview
from trunkline.core.jobs.executor import Executor
from trunkline.kit import clock

TOKEN = "scrape me"
SAID = {"Authorization": f"Bearer {TOKEN}"}
HISTORY = 200_000
LABELS = ("queue", "name", "outcome", "state", "le")


@pytest.fixture
def scraper(installation: Installation) -> Iterator[TestClient]:
    """Whoever knows the token."""
    with open_door(build_app(metrics_token=TOKEN)) as visitor:
        visitor.headers.update(SAID)
        yield visitor


def relay_of(installation: Installation) -> Any:
    assert installation.database.relay is not None
    return installation.database.relay


def scrape(scraper: TestClient) -> dict[str, dict[tuple[str, ...], float]]:
    """Read the metrics as Prometheus does: sample name -> label values -> value."""
    answer = scraper.get("/metrics")
    assert answer.status_code == 200, answer.text
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            labels = tuple(sample.labels[label] for label in LABELS if label in sample.labels)
            found.setdefault(sample.name, {})[labels] = sample.value
    return found


def test_without_a_token_set_there_are_no_metrics(visitor: TestClient) -> None:
    assert visitor.get("/metrics").status_code == 404
    assert visitor.get("/metrics", headers=SAID).status_code == 404


@pytest.mark.parametrize("said", ["", TOKEN, f"Basic {TOKEN}", "Bearer ", f"Bearer {TOKEN}x", "Bearer schön"])
def test_whoever_does_not_know_the_token_is_told_nothing(said: str, scraper: TestClient) -> None:
    answer = scraper.get("/metrics", headers={"Authorization": said.encode()})
    assert answer.status_code == 401
    assert "trunkline_" not in answer.text


def test_an_empty_installation_has_metrics(scraper: TestClient) -> None:
    found = scrape(scraper)
    assert found["trunkline_workers"] == {("idle",): 0, ("busy",): 0, ("stopping",): 0, ("silent",): 0}
    assert found["trunkline_workers_oldest_heartbeat_age_seconds"] == {(): 0}
    assert "trunkline_jobs" not in found


def test_depths_and_ages_are_of_all_businesses(
    installation: Installation, acme: World, umbrella: World, scraper: TestClient
) -> None:
    with unit_of_work(acme.scope):
        oldest = enqueue_job("default", leave_mark, "one")
        enqueue_job("default", leave_mark, "two", run_in=60)
        failed = enqueue_job("low", leave_mark, "three")
    with unit_of_work(umbrella.scope):
        enqueue_job("default", leave_mark, "four")
        running = enqueue_job("default", leave_mark, "five")
    with relay_of(installation).begin() as relay:
        relay.execute(text("update jobs set run_at = now() - interval '70 s' where id = :id"), {"id": oldest})
        relay.execute(text("update jobs set state = 'running' where id = :id"), {"id": running})
        relay.execute(text("update jobs set state = 'failed' where id = :id"), {"id": failed})
    found = scrape(scraper)
    assert found["trunkline_jobs"] == {
        ("default", "ready"): 2, ("default", "scheduled"): 1, ("default", "running"): 1,
        ("default", "dead"): 0,
        ("low", "ready"): 0, ("low", "scheduled"): 0, ("low", "running"): 0, ("low", "dead"): 1,
    }  # fmt: skip
    ages = found["trunkline_jobs_oldest_ready_age_seconds"]
    assert 70 <= ages["default",] < 100
    assert ages["low",] == 0


def test_what_came_of_jobs_and_how_long_they_took_is_counted(
    installation: Installation, scraper: TestClient
) -> None:
    tally = counters.Tally()
    for seconds in (0.001, 0.02, 0.02, 5_000):
        tally.add(queue="default", name="leave_mark", outcome="succeeded", seconds=seconds)
    tally.add(queue="default", name="fail_until", outcome="failed", seconds=0.3)
    tally.add(queue="low", name="leave_mark", outcome="succeeded", seconds=1)
    tally.write(relay_of(installation))
    found = scrape(scraper)
    assert found["trunkline_job_attempts_total"] == {
        ("default", "leave_mark", "succeeded"): 4, ("default", "fail_until", "failed"): 1,
        ("low", "leave_mark", "succeeded"): 1,
    }  # fmt: skip
    buckets = {
        labels[1]: n
        for labels, n in found["trunkline_job_run_seconds_bucket"].items()
        if labels[0] == "default"
    }
    assert {bound: buckets[bound] for bound in ("0.005", "0.025", "0.1", "0.5", "3600.0", "+Inf")} == {
        "0.005": 1, "0.025": 3, "0.1": 3, "0.5": 4, "3600.0": 4, "+Inf": 5
    }  # fmt: skip
    assert len(buckets) == len(counters.BOUNDS_S) + 1
    assert found["trunkline_job_run_seconds_sum"]["default",] == pytest.approx(5_000.341)
    assert found["trunkline_job_run_seconds_count"] == {("default",): 5, ("low",): 1}


def test_the_jobs_that_workers_run_are_what_is_counted(
    installation: Installation, acme: World, scraper: TestClient
) -> None:
    with unit_of_work(acme.scope):
        enqueue_job("default", leave_mark, "one")
        enqueue_job("default", fail_until, 9, retry=1)
    worker = Executor(relay_of(installation), name="test", lease=timedelta(seconds=15), queues=["default"])
    worker.work(seconds=30)
    worker.tally.write(relay_of(installation))
    found = scrape(scraper)
    assert found["trunkline_job_attempts_total"] == {
        ("default", "leave_mark", "succeeded"): 1, ("default", "fail_until", "failed"): 1
    }  # fmt: skip
    assert found["trunkline_jobs"]["default", "dead"] == 1
    health = scraper.get("/health").json()
    assert health["queues"]["default"] == {
        "ready": 0, "scheduled": 0, "running": 0, "dead": 1, "oldest_ready_s": None,
        "ended": {"succeeded": 1, "failed": 1},
    }  # fmt: skip
    assert set(health["workers"]) == {"idle", "busy", "stopping", "silent"}


def test_a_worker_that_says_nothing_any_more_is_silent(
    installation: Installation, scraper: TestClient
) -> None:
    with relay_of(installation).begin() as relay:
        relay.execute(
            text(
                "insert into workers (name, host, pid, version, queues, state, started_at, beat_at)"
                " select 'w' || n, 'box', n, '0', '[]', 'idle', now(), now() - make_interval(secs => n)"
                " from unnest(array[1, 2, 90]) n"
            )
        )
    found = scrape(scraper)
    assert found["trunkline_workers"] == {("idle",): 2, ("busy",): 0, ("stopping",): 0, ("silent",): 1}
    assert 90 <= found["trunkline_workers_oldest_heartbeat_age_seconds"][()] < 120


# --- A long history -------------------------------------------------------------------------


def plan_of(relay: Connection, statement: str) -> list[dict[str, Any]]:
    """Return every step of a statement's plan."""
    told = relay.execute(text(f"explain (format json) {statement}"), {"now": clock.frozen()}).scalar_one()
    steps = [(told if isinstance(told, list) else json.loads(told))[0]["Plan"]]
    for step in steps:
        steps.extend(step.get("Plans", []))
    return steps


@pytest.mark.timeout(300)
def test_a_long_history_is_neither_read_nor_slow(
    installation: Installation, acme: World, scraper: TestClient
) -> None:
    with unit_of_work(acme.scope):
        for number in range(200):
            enqueue_job("default", leave_mark, str(number), run_in=number % 2 * 60)
        dead = [enqueue_job("low", leave_mark, "dead") for _ in range(50)]
    with relay_of(installation).begin() as relay:
        relay.execute(text("update jobs set state = 'failed' where id = any(:ids)"), {"ids": dead})
    before = quickest_of(scraper)
    add_history(installation, acme)
    with relay_of(installation).begin() as relay:
        steps = plan_of(relay, overview.DEPTHS)
        scans = [step for step in steps if step.get("Relation Name") == "jobs" or "Index Name" in step]
        assert {step["Index Name"] for step in scans if "Index Name" in step} == {
            "ix_jobs_ready", "ix_jobs_running", "ix_jobs_dead"
        }  # fmt: skip
        assert not [step for step in scans if step["Node Type"].startswith(("Seq", "Parallel Seq"))]
    after = quickest_of(scraper)
    # To read the history would take a hundred times as long.
    assert after < 3 * before + 0.1, f"{before * 1000:.1f} ms became {after * 1000:.1f} ms"
    assert scrape(scraper)["trunkline_jobs"]["default", "ready"] == 100


def add_history(installation: Installation, world: World) -> None:
    """Write rows that are over, as many as would be noticed."""
    with installation.owner.begin() as owner:
        owner.execute(text("alter table jobs no force row level security"))
        owner.execute(
            text(
                "insert into jobs (id, business_id, name, queue, args, state, attempt, max_attempts,"
                " timeout_s, backoff_s, trace_id, run_at, started_at, finished_at)"
                " select gen_random_uuid(), :business, 'leave_mark', 'default', '{}', 'succeeded', 1, 3,"
                " 5, 1, 'x', now(), now(), now() from generate_series(1, :rows)"
            ),
            {"business": world.business_id, "rows": HISTORY},
        )
        owner.execute(text("alter table jobs force row level security"))
    with installation.owner.connect() as owner:
        owner.execution_options(isolation_level="AUTOCOMMIT").execute(text("vacuum analyze jobs"))


def quickest_of(scraper: TestClient) -> float:
    """Return how long a scrape takes, in seconds; a busy machine only ever adds."""
    times = []
    for _ in range(9):
        began = time.perf_counter()
        scrape(scraper)
        times.append(time.perf_counter() - began)
    return min(times)
