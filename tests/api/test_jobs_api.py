"""The jobs of a business over HTTP: who sees them, what is told, what sending back and stopping does."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from api.doorway import TestClient, sign_in
from jobs.handlers import fail_until, leave_mark
from support.installation import Installation
from support.world import PASSWORD, World
from trunkline import schedule
from trunkline.core.access import Role
from trunkline.core.db import SYSTEM, unit_of_work
from trunkline.core.jobs import enqueue_job, enqueue_unique, views
from trunkline.core.recurring import service as recurring
from trunkline.domain.people import service as people
from trunkline.kit import clock
from trunkline.kit.ids import new_id

ADMIN = "admin@trunkline.example"


@pytest.fixture
def owner(acme: World, visitor: TestClient) -> TestClient:
    """Acme's owner."""
    sign_in(visitor, acme.email)
    return visitor


@pytest.fixture
def system_admin(installation: Installation, visitor: TestClient) -> TestClient:
    """A system admin who has entered no business."""
    with unit_of_work(SYSTEM) as session:
        people.create_user(
            session, business_id=None, email=ADMIN, name="A", password=PASSWORD, role=None, actor="test"
        )
    sign_in(visitor, ADMIN)
    return visitor


def settle(installation: Installation, job_id: UUID, **columns: Any) -> None:
    """Give a row what a worker would have given it."""
    assert installation.database.relay is not None
    values = ", ".join(f"{name} = :{name}" for name in columns)
    with installation.database.relay.begin() as relay:
        relay.execute(text(f"update jobs set {values} where id = :id"), {**columns, "id": job_id})


def dead(installation: Installation, world: World, mark: str, *, queue: str = "default") -> UUID:
    """Put a job into the dead letter."""
    with unit_of_work(world.scope):
        job_id = enqueue_job(queue, leave_mark, mark)
    now = clock.now()
    settle(
        installation, job_id, state="failed", attempt=3, started_at=now, finished_at=now,
        error="Traceback (most recent call last):\n  ...\nRuntimeError: the printer is on fire\n",
    )  # fmt: skip
    return job_id


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [job["id"] for job in answer.json()["jobs"]]


# --- Seeing ---------------------------------------------------------------------------------


def test_a_list_tells_of_each_job_how_it_stands_and_how_long_it_took(
    installation: Installation, acme: World, owner: TestClient
) -> None:
    with unit_of_work(acme.scope):
        queued = enqueue_job("high", leave_mark, "one", run_id=(run_id := new_id()))
        later = enqueue_job("low", leave_mark, "two", run_in=600)
        running = enqueue_job("default", leave_mark, "three")
    due = clock.now() - timedelta(minutes=1)
    settle(
        installation, running, state="running", attempt=2, run_at=due, started_at=due + timedelta(seconds=20),
        progress_done=3, progress_total=10,
    )  # fmt: skip
    failed = dead(installation, acme, "four")
    settle(
        installation, failed, run_at=due, started_at=due + timedelta(seconds=2),
        finished_at=due + timedelta(seconds=5.5),
    )  # fmt: skip
    jobs = {job["id"]: job for job in owner.get("/api/jobs").json()["jobs"]}
    assert list(jobs) == sorted((str(j) for j in (failed, running, later, queued)), reverse=True)

    first = jobs[str(queued)]
    assert (first["queue"], first["state"], first["name"]) == ("high", "queued", "leave_mark")
    assert (first["run_id"], first["attempt"], first["max_attempts"]) == (str(run_id), 0, 3)
    assert not first["scheduled"]
    assert 0 <= first["waited_s"] < 30
    assert first["ran_s"] is None
    assert len(first["trace_id"]) == 32
    assert jobs[str(later)]["scheduled"]
    assert jobs[str(later)]["waited_s"] == 0

    third = jobs[str(running)]
    assert third["waited_s"] == pytest.approx(20)
    assert 39 < third["ran_s"] < 70
    assert (third["progress_done"], third["progress_total"]) == (3, 10)

    fourth = jobs[str(failed)]
    assert (fourth["waited_s"], fourth["ran_s"]) == (pytest.approx(2), pytest.approx(3.5))
    assert fourth["error_line"] == "RuntimeError: the printer is on fire"
    assert all("args" not in job and "error" not in job for job in jobs.values())


def test_one_job_is_told_whole(installation: Installation, acme: World, owner: TestClient) -> None:
    job_id = dead(installation, acme, "hers")
    job = owner.get(f"/api/jobs/{job_id}").json()
    assert job["args"] == {"args": ["hers"], "kwargs": {}}
    assert job["error"].startswith("Traceback (most recent call last):")
    assert (job["timeout_s"], job["backoff_s"], job["dedup_key"]) == (5, 0.01, None)


def test_filters_narrow_the_list(installation: Installation, acme: World, owner: TestClient) -> None:
    run_id = new_id()
    with unit_of_work(acme.scope):
        high = enqueue_job("high", leave_mark, "one")
        of_run = enqueue_job("default", fail_until, 2, run_id=run_id)
        done = enqueue_job("default", leave_mark, "three", run_id=run_id)
        running = enqueue_job("low", leave_mark, "four")
    settle(installation, done, state="succeeded", finished_at=clock.now())
    settle(installation, running, state="running", started_at=clock.now())
    failed = dead(installation, acme, "five", queue="high")

    def asked(**query: Any) -> set[str]:
        return set(ids(owner.get("/api/jobs", params=query)))

    def named(*job_ids: UUID) -> set[str]:
        return {str(job_id) for job_id in job_ids}

    assert asked(queue="high") == named(high, failed)
    assert asked(state="queued") == named(high, of_run)
    assert asked(state="queued", queue="high") == named(high)
    assert asked(state="running") == named(running)
    assert asked(state="running", queue="high") == set()
    assert asked(state="failed") == named(failed)
    assert asked(state="failed", queue="low") == set()
    assert asked(state="succeeded") == named(done)
    assert asked(name="fail_until") == named(of_run)
    assert asked(run_id=run_id) == named(of_run, done)
    assert asked(run_id=run_id, state="queued") == named(of_run)
    assert asked(run_id=run_id, state="succeeded", queue="default", name="leave_mark") == named(done)
    assert asked(run_id=new_id()) == set()


@pytest.mark.parametrize(
    "query", [{}, {"state": "queued"}, {"queue": "default"}, {"name": "leave_mark"}], ids=str
)
def test_pages_follow_each_other_without_a_gap_or_a_repeat(
    query: dict[str, str], acme: World, owner: TestClient
) -> None:
    with unit_of_work(acme.scope):
        made = [str(enqueue_job("default", leave_mark, str(n))) for n in range(7)]
    seen: list[str] = []
    before: dict[str, str] = {}
    for _ in range(4):
        answer = owner.get("/api/jobs", params={**query, **before, "limit": 3})
        seen += ids(answer)
        following = answer.json()["next"]
        # One that is written meanwhile is newer, and comes on no later page.
        with unit_of_work(acme.scope):
            enqueue_job("default", leave_mark, "newer")
        if following is None:
            break
        before = {"before": following}
    # Ids are in the order of time, to the millisecond.
    assert seen == sorted(made, reverse=True)


def test_a_filter_that_no_index_answers_looks_a_limited_way_and_says_where_it_stopped(
    acme: World, owner: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "WALK", 5)
    with unit_of_work(acme.scope):
        wanted = enqueue_job("default", fail_until, 2)
        for number in range(12):
            enqueue_job("default", leave_mark, str(number))
    found, asked, before = [], 0, {}
    while True:
        answer = owner.get("/api/jobs", params={"name": "fail_until", **before})
        found += ids(answer)
        asked += 1
        following = answer.json()["next"]
        if following is None:
            break
        before = {"before": following}
    assert found == [str(wanted)]
    assert asked == 3


def test_stats_count_what_waits_runs_and_is_dead(
    installation: Installation, acme: World, umbrella: World, owner: TestClient
) -> None:
    assert owner.get("/api/jobs/stats").json() == {"queues": {}}
    with unit_of_work(acme.scope):
        oldest = enqueue_job("default", leave_mark, "one")
        enqueue_job("default", leave_mark, "two")
        enqueue_job("default", leave_mark, "three", run_in=60)
        running = enqueue_job("high", leave_mark, "four")
        done = enqueue_job("high", leave_mark, "five")
    with unit_of_work(umbrella.scope):
        enqueue_job("default", leave_mark, "another business's")
        enqueue_job("broadcasts", leave_mark, "another business's")
    settle(installation, oldest, run_at=clock.now() - timedelta(seconds=90))
    settle(installation, running, state="running")
    settle(installation, done, state="succeeded")
    dead(installation, acme, "six", queue="low")
    queues = owner.get("/api/jobs/stats").json()["queues"]
    age = queues["default"].pop("oldest_ready_s")
    assert 89 < age < 120
    assert queues == {
        "default": {"ready": 2, "scheduled": 1, "running": 0, "dead": 0},
        "high": {"ready": 0, "scheduled": 0, "running": 1, "dead": 0, "oldest_ready_s": None},
        "low": {"ready": 0, "scheduled": 0, "running": 0, "dead": 1, "oldest_ready_s": None},
    }


@pytest.mark.parametrize(
    "query",
    [
        {"state": "sleeping"}, {"run_id": "x"}, {"before": "x"}, {"limit": "0"}, {"limit": "201"},
        {"queue": ""}, {"name": "x" * 201}, {"queue": "a\0b"},
    ],
    ids=str,
)  # fmt: skip
def test_a_filter_that_cannot_be_meant_is_refused(query: dict[str, str], owner: TestClient) -> None:
    answer = owner.get("/api/jobs", params=query)
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "invalid_input"


@pytest.mark.parametrize(("role", "status"), [(Role.VIEWER, 403), (Role.AGENT, 403), (Role.ADMIN, 200)])
def test_jobs_are_for_admins_and_owners(
    role: Role, status: int, installation: Installation, acme: World, visitor: TestClient
) -> None:
    job_id = dead(installation, acme, "hers")
    with unit_of_work(acme.scope) as session:
        people.create_user(
            session, business_id=acme.business_id, email="x@acme.example", name="X", password=PASSWORD,
            role=role, actor="test",
        )  # fmt: skip
    sign_in(visitor, "x@acme.example")
    for method, path in (
        ("GET", ""), ("GET", "/stats"), ("GET", f"/{job_id}"), ("POST", f"/{job_id}/retry"),
        ("POST", f"/{job_id}/cancel"), ("POST", "/retry"),
    ):  # fmt: skip
        answer = visitor.request(method, f"/api/jobs{path}", json={} if method == "POST" else None)
        assert answer.status_code == status, answer.text


# --- Sending back and stopping --------------------------------------------------------------


def test_a_dead_job_is_sent_back_and_it_is_on_record_who_did(
    installation: Installation, acme: World, owner: TestClient
) -> None:
    job_id = dead(installation, acme, "again")
    answer = owner.post(f"/api/jobs/{job_id}/retry")
    assert (answer.status_code, answer.json()) == (200, {"state": "queued"})
    installation.run_jobs()
    assert owner.get(f"/api/jobs/{job_id}").json()["state"] == "succeeded"
    kinds = {event["kind"]: event for event in owner.get("/api/events").json()["events"]}
    assert (kinds["job.retried"]["actor"], kinds["job.retried"]["subject_id"]) == (acme.email, str(job_id))
    assert kinds["test.mark"]["data"] == {"mark": "again"}


def test_what_is_not_dead_cannot_be_sent_back(acme: World, owner: TestClient) -> None:
    with unit_of_work(acme.scope):
        job_id = enqueue_job("default", leave_mark, "one")
    answer = owner.post(f"/api/jobs/{job_id}/retry")
    assert answer.status_code == 409
    assert answer.json()["error"]["data"] == {"state": "queued", "reason": "job_state"}


def test_a_dead_job_whose_like_is_active_stays_dead(
    installation: Installation, acme: World, owner: TestClient
) -> None:
    with unit_of_work(acme.scope):
        job_id = enqueue_unique("default", leave_mark, "key", "one")
        assert job_id is not None
    settle(installation, job_id, state="failed")
    with unit_of_work(acme.scope):
        enqueue_unique("default", leave_mark, "key", "two")
    assert owner.post(f"/api/jobs/{job_id}/retry").status_code == 409
    assert owner.post("/api/jobs/retry", json={}).json() == {"retried": 0}


def test_dead_jobs_are_sent_back_by_queue_name_and_run(
    installation: Installation, acme: World, umbrella: World, owner: TestClient
) -> None:
    run_id = new_id()
    low = dead(installation, acme, "one", queue="low")
    of_run = dead(installation, acme, "two")
    settle(installation, of_run, run_id=run_id)
    theirs = dead(installation, umbrella, "three", queue="low")
    assert owner.post("/api/jobs/retry", json={"name": "fail_until"}).json() == {"retried": 0}
    assert owner.post("/api/jobs/retry", json={"run_id": str(run_id)}).json() == {"retried": 1}
    assert owner.post("/api/jobs/retry", json={"queue": "low"}).json() == {"retried": 1}
    assert set(ids(owner.get("/api/jobs?state=queued"))) == {str(low), str(of_run)}
    with unit_of_work(umbrella.scope) as session:
        assert views.one(session, umbrella.scope, theirs).state == "failed"


def test_a_queued_job_is_cancelled_and_a_running_one_is_asked_to_stop(
    installation: Installation, acme: World, owner: TestClient
) -> None:
    with unit_of_work(acme.scope):
        queued = enqueue_job("default", leave_mark, "one")
        running = enqueue_job("default", leave_mark, "two")
    settle(installation, running, state="running", started_at=clock.now())
    assert owner.post(f"/api/jobs/{queued}/cancel", json={}).json() == {"state": "cancelled"}
    assert owner.post(f"/api/jobs/{running}/cancel", json={"force": False}).json() == {"state": "running"}
    asked = owner.get(f"/api/jobs/{running}").json()
    assert asked["cancel_requested_at"] < asked["cancel_force_at"]
    assert owner.post(f"/api/jobs/{running}/cancel", json={"force": True}).json() == {"state": "running"}
    assert owner.get(f"/api/jobs/{running}").json()["cancel_force_at"] < asked["cancel_force_at"]
    again = owner.post(f"/api/jobs/{queued}/cancel", json={})
    assert again.status_code == 409
    assert again.json()["error"]["data"] == {"state": "cancelled", "reason": "job_state"}
    told = [e["data"] for e in owner.get("/api/events").json()["events"] if e["kind"] == "job.cancelled"]
    assert [data["force"] for data in told] == [False, False, True]


def test_another_business_s_job_and_the_system_s_are_not_there(
    acme: World, umbrella: World, owner: TestClient
) -> None:
    with unit_of_work(umbrella.scope):
        theirs = enqueue_job("default", leave_mark, "theirs")
    with unit_of_work(SYSTEM):
        systems = enqueue_job("default", leave_mark, "the system's")
    assert ids(owner.get("/api/jobs")) == []
    for job_id in (theirs, systems, new_id()):
        assert owner.get(f"/api/jobs/{job_id}").status_code == 404
        assert owner.post(f"/api/jobs/{job_id}/retry").status_code == 404
        assert owner.post(f"/api/jobs/{job_id}/cancel", json={}).status_code == 404


# --- For system admins ----------------------------------------------------------------------


@pytest.fixture
def settled_jobs(installation: Installation, acme: World, umbrella: World) -> dict[str, UUID]:
    """One job of each of the three scopes."""
    with unit_of_work(acme.scope):
        of_acme = enqueue_job("default", leave_mark, "Acme's secret")
        enqueue_job("default", leave_mark, "Acme's secret", run_in=60)
    of_umbrella = dead(installation, umbrella, "Umbrella's secret")
    with unit_of_work(SYSTEM):
        of_system = enqueue_job("maintenance", leave_mark, "ours")
    return {"acme": of_acme, "umbrella": of_umbrella, "system": of_system}


def test_a_system_admin_sees_every_queue_in_numbers(
    acme: World, umbrella: World, settled_jobs: dict[str, UUID], system_admin: TestClient
) -> None:
    answer = system_admin.get("/api/admin/queues")
    told = answer.json()
    assert told["queues"]["default"] | {"oldest_ready_s": None} == {
        "ready": 1, "scheduled": 1, "running": 0, "dead": 1, "oldest_ready_s": None
    }  # fmt: skip
    rows = {(row["queue"], row["business"]): row for row in told["businesses"]}
    assert set(rows) == {("default", "Acme"), ("default", "Umbrella"), ("maintenance", None)}
    assert rows["default", "Acme"]["business_id"] == str(acme.business_id)
    assert (rows["default", "Acme"]["ready"], rows["default", "Umbrella"]["dead"]) == (1, 1)
    assert 0 <= rows["maintenance", None]["oldest_ready_s"] < 60
    assert "secret" not in answer.text


def test_a_system_admin_sees_and_drives_the_system_s_own_jobs(
    installation: Installation, settled_jobs: dict[str, UUID], system_admin: TestClient
) -> None:
    mine = settled_jobs["system"]
    assert ids(system_admin.get("/api/admin/jobs")) == [str(mine)]
    assert ids(system_admin.get("/api/admin/jobs", params={"run_id": str(new_id())})) == []
    assert system_admin.get("/api/admin/jobs/stats").json()["queues"]["maintenance"]["ready"] == 1
    assert system_admin.get(f"/api/admin/jobs/{mine}").json()["args"]["args"] == ["ours"]
    settle(installation, mine, state="failed")
    assert system_admin.post(f"/api/admin/jobs/{mine}/retry").json() == {"state": "queued"}
    settle(installation, mine, state="failed")
    assert system_admin.post("/api/admin/jobs/retry", json={}).json() == {"retried": 1}
    assert system_admin.post(f"/api/admin/jobs/{mine}/cancel", json={}).json() == {"state": "cancelled"}
    for job_id in (settled_jobs["acme"], settled_jobs["umbrella"]):
        assert system_admin.get(f"/api/admin/jobs/{job_id}").status_code == 404
        assert system_admin.post(f"/api/admin/jobs/{job_id}/cancel", json={}).status_code == 404


def test_a_system_admin_sees_a_business_s_jobs_on_its_pages_alone(
    acme: World, settled_jobs: dict[str, UUID], system_admin: TestClient
) -> None:
    assert system_admin.get("/api/jobs").json()["error"]["data"] == {"reason": "no_business"}
    system_admin.post("/api/admin/enter-business", json={"business_id": str(acme.business_id)})
    assert str(settled_jobs["acme"]) in ids(system_admin.get("/api/jobs"))


def test_a_system_admin_sees_the_workers(installation: Installation, system_admin: TestClient) -> None:
    assert system_admin.get("/api/admin/workers").json() == []
    assert installation.database.relay is not None
    with installation.database.relay.begin() as relay:
        for name, age in (("a", 1), ("b", 300)):
            relay.execute(
                text(
                    "insert into workers (name, host, pid, version, queues, state, started_at, beat_at,"
                    " job_name, jobs_run, rss_bytes) values (:name, 'box', 7, '0.1', '[\"high\"]', 'busy',"
                    " now(), now() - make_interval(secs => :age), 'dial_next', 41, 1048576)"
                ),
                {"name": name, "age": age},
            )
    fresh, silent = system_admin.get("/api/admin/workers").json()
    assert (fresh["state"], fresh["queues"], fresh["job_name"], fresh["jobs_run"]) == (
        "busy", ["high"], "dial_next", 41
    )  # fmt: skip
    assert (silent["state"], silent["silent_s"] > 299) == ("silent", True)


def test_a_system_admin_sees_the_recurring_jobs(system_admin: TestClient) -> None:
    assert recurring.fire_due() == []  # a new entry begins with its next tick
    found = system_admin.get("/api/admin/schedules").json()
    assert [row["name"] for row in found] == [entry.job for entry in schedule.RECURRING]
    # One that ticks before the session ends.
    (first,) = [row for row in found if row["name"] == "tend_businesses"]
    assert (first["fired"], first["missed"], first["fired_at"]) == (0, 0, None)
    with clock.frozen_at(datetime.fromisoformat(first["next_tick"])):
        assert first["name"] in recurring.fire_due()
        now = system_admin.get("/api/admin/schedules").json()
    after = next(row for row in now if row["name"] == first["name"])
    assert (after["fired"], after["last_tick"]) == (1, first["next_tick"])
    (job,) = system_admin.get("/api/admin/jobs", params={"name": first["name"]}).json()["jobs"]
    assert job["id"] == after["job_id"]


@pytest.mark.parametrize("path", ["workers", "queues", "schedules", "jobs", "jobs/stats"])
def test_a_person_of_a_business_sees_nothing_of_the_system(path: str, owner: TestClient) -> None:
    assert owner.get(f"/api/admin/{path}").status_code == 403


def test_a_request_s_trace_goes_to_its_job(
    owner: TestClient, acme: World, installation: Installation
) -> None:
    asked = owner.post(
        "/api/leads/bulk-update", json={"list_id": str(acme.list_id), "changes": {"notes": "Traced"}}
    )
    assert asked.status_code == 202
    trace = asked.headers["x-trace-id"]
    (job,) = owner.get("/api/jobs").json()["jobs"]
    assert job["trace_id"] == trace
    assert owner.get("/api/jobs").headers["x-trace-id"] != trace
