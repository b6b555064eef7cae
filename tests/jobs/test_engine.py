"""The worker's engine: its upkeep under load, and its life without Redis."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

from support.installation import Installation
from support.processes import eventually
from trunkline.core.jobs.engine import WorkerEngine
from trunkline.core.jobs.executor import Executor
from trunkline.core.jobs.heartbeat import Heartbeat
from trunkline.core.jobs.standing import Standing

_CLOSED_PORT = "redis://127.0.0.1:1/0"


def test_no_stream_of_wake_ups_keeps_the_upkeep_from_being_done(installation: Installation) -> None:
    assert installation.database.relay is not None
    assert installation.urls.redis_url is not None
    relay, lease = installation.database.relay, timedelta(seconds=5)
    executor = Executor(relay, name="w", lease=lease, queues=("default",))
    done: list[None] = []

    def between() -> bool:
        done.append(None)
        return True

    engine = WorkerEngine(
        executor=executor,
        heartbeat=Heartbeat(
            relay, executor, lease=lease, standing=Standing(name="w", host="h", queues=("default",))
        ),
        redis_url=installation.urls.redis_url,
        queues=("default",),
        between=between,
    )
    for _ in range(5):
        engine.heard("default")
    assert len(done) == 5


def test_a_worker_without_redis_waits_quietly_and_stops_when_told(
    installation: Installation, tmp_path: Path
) -> None:
    urls = installation.urls
    assert urls.database_url
    assert urls.database_relay_url
    log = tmp_path / "worker.log"
    with log.open("wb") as output:
        worker = subprocess.Popen(
            [sys.executable, "-m", "trunkline", "worker", "--child"],
            env={
                **os.environ,
                "DATABASE_URL": urls.database_url, "DATABASE_RELAY_URL": urls.database_relay_url,
                "REDIS_URL": _CLOSED_PORT, "TRUNKLINE_HOME": str(tmp_path), "SERVICE_ROLE": "worker",
            },
            stdout=output, stderr=output,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + 30
        while "redis_unreachable" not in log.read_text():
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        # Who does not wait works all the time; on a busy machine it may take a while until all is loaded.
        eventually(lambda: _cpu_seconds_in_a_second(worker.pid) < 0.1, "it waits quietly")
        assert log.read_text().count("redis_unreachable") == 1
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(30) == 0
    finally:
        worker.kill()
        worker.wait()


def _cpu_seconds_in_a_second(pid: int) -> float:
    def used() -> float:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    before = used()
    time.sleep(1)  # the figure is a rate: time has to pass
    return used() - before
