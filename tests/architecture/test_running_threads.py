"""Law, seen from outside: what threads the running processes have, by name and by the kernel's count.

Python's names of threads are not the kernel's. So every process writes down, as it starts a thread,
what that thread is called; the kernel's count then says whether anything else runs beside them.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from support.installation import Installation
from support.system import eventually, free_port
from support.world import PASSWORD, World
from trunkline.core.db import SYSTEM, unit_of_work
from trunkline.core.jobs import enqueue_job
from trunkline.core.jobs.models import Job, JobState
from trunkline.kit.processes import die_with_parent

WITNESS = """
import os, sys, threading
_start = threading.Thread.start
def _noted(thread):
    with open(os.environ["TEST_THREADS"], "a") as file:
        file.write(f"{os.getpid()}\\t{' '.join(sys.argv[1:])}\\t{thread.name}\\n")
    return _start(thread)
threading.Thread.start = _noted
"""
"""What every Python process of the test runs first. Executors and timers start their threads so too."""

OF_REQUESTS = "AnyIO worker thread"
ONE_EACH = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""Libraries' own pools kept to the thread that calls them, so that the kernel's count is ours."""


class Processes:
    """An API and a worker, and what they noted."""

    def __init__(self, notes: Path) -> None:
        self.notes = notes
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def threads(self, command: str) -> dict[int, list[str]]:
        """Return the names of the threads that processes of this command started, by process."""
        found: dict[int, list[str]] = defaultdict(list)
        for line in self.notes.read_text().splitlines() if self.notes.exists() else ():
            pid, arguments, name = line.split("\t")
            if arguments == command:
                found[int(pid)].append(name)
        return found

    def tasks(self, pid: int) -> int:
        """Return how many threads the kernel runs for a process."""
        return len(list(Path(f"/proc/{pid}/task").iterdir()))


@contextmanager
def running(installation: Installation, folder: Path, port: int) -> Iterator[Processes]:
    """Run `trunkline api` and `trunkline worker` on the test session's servers."""
    (folder / "sitecustomize.py").write_text(WITNESS)
    processes = Processes(folder / "threads")
    urls = installation.urls
    environment = {
        **os.environ,
        **ONE_EACH,
        "PYTHONPATH": os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "TEST_THREADS": str(processes.notes),
        "DATABASE_URL": str(urls.database_url),
        "DATABASE_RELAY_URL": str(urls.database_relay_url),
        "REDIS_URL": str(urls.redis_url),
        "TRUNKLINE_HOME": str(folder / "home"),
        "PORT": str(port),
        "WORKER_CONCURRENCY": "1",
        # A carrier where nobody answers: what is dialled is refused by the machine itself.
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": "a token for tests",
        "TWILIO_BASE_URL": "http://127.0.0.1:9",
    }
    for unwanted in ("ENABLE_SCHEDULERS", "SERVICE_ROLE", "DATABASE_OWNER_URL"):
        environment.pop(unwanted, None)
    with (folder / "log").open("ab") as log:
        for command in ("api", "worker"):
            processes.running[command] = subprocess.Popen(
                [sys.executable, "-m", "trunkline", command],
                env=environment, stdout=log, stderr=log, preexec_fn=die_with_parent,  # noqa: PLW1509
            )  # fmt: skip
    try:
        yield processes
    finally:
        for process in processes.running.values():
            process.send_signal(signal.SIGTERM)
        for process in processes.running.values():
            process.wait(30)


@pytest.mark.timeout(120)
def test_processes_run_the_threads_they_may_and_no_others(
    installation: Installation, acme: World, tmp_path: Path
) -> None:
    port = free_port()
    with running(installation, tmp_path, port) as processes:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"X-Trunkline": "1"}) as person:
            _wait_until_it_serves(person)
            health = _use(person, acme)
        _let_the_worker_work()
        _judge_the_api(processes, health)
        _judge_the_worker(processes)


def _wait_until_it_serves(person: httpx.Client) -> None:
    def serves() -> bool:
        try:
            return person.get("/ready").status_code == 200
        except httpx.TransportError:
            return False

    eventually(serves, "the API serves", within_s=60)


def _use(person: httpx.Client, world: World) -> dict[str, list[str]]:
    """Do what people do, background work included, and return the API's own account of itself."""
    person.post("/api/sign-in", json={"email": world.email, "password": PASSWORD}).raise_for_status()
    run = world.make_run()
    person.post(f"/api/runs/{run.id}/start").raise_for_status()
    person.get(f"/api/runs/{run.id}").raise_for_status()
    health: dict[str, list[str]] = person.get("/health").raise_for_status().json()
    return health


def _let_the_worker_work() -> None:
    with unit_of_work(SYSTEM):
        job_id = enqueue_job("maintenance", "tend_businesses")

    def done() -> bool:
        with unit_of_work(SYSTEM) as session:
            return session.get_one(Job, job_id).state == JobState.SUCCEEDED

    eventually(done, "the worker has worked", within_s=60)


def _judge_the_api(processes: Processes, health: dict[str, list[str]]) -> None:
    ((pid, noted),) = processes.threads("api").items()
    allowed = {name for name in noted if name == OF_REQUESTS or name.startswith("callroom_")}
    assert set(noted) == allowed, "the API started a thread of a kind that it may not have"
    assert set(health["threads"]) <= allowed | {"MainThread"}
    assert {"live-feed", "room-log", "room-replay", "room-reaper", "upkeep"} <= set(health["tasks"])
    assert pid == processes.running["api"].pid


def _judge_the_worker(processes: Processes) -> None:
    supervisor = processes.running["worker"].pid
    assert processes.threads("worker") == {}, "the supervisor started a thread"
    assert processes.tasks(supervisor) == 1
    ((child, noted),) = processes.threads("worker --child").items()
    assert noted == ["worker-heartbeat"]
    assert processes.tasks(child) == 2, "the worker has more threads than it started"


def test_the_witness_notes_whatever_starts_a_thread(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(WITNESS)
    script = (
        "import threading, asyncio, concurrent.futures as f\n"
        "threading.Timer(0, int).start()\n"
        "f.ThreadPoolExecutor(1, 'pool').submit(int).result()\n"
        "asyncio.run(asyncio.to_thread(int))\n"
        "threading.Thread(target=int, name='bare').start()\n"
    )
    subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": str(tmp_path), "TEST_THREADS": str(tmp_path / "threads")},
        check=True, timeout=30,
    )  # fmt: skip
    names = [line.split("\t")[2] for line in (tmp_path / "threads").read_text().splitlines()]
    assert {"Thread-1", "pool_0", "asyncio_0", "bare"} <= set(names)
