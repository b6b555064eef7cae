"""One pass of one system: a full queue, then the time until the last job is recorded.

It trusts no system's word: the jobs leave marks of their own, and each count must be the number enqueued.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from harness.processes import Failed, SideProcess, Workers, cpu_s, family, machine_busy_s
from harness.servers import Servers

_WARM_UP = 20
"""Jobs before the pass, so that every process has loaded what it needs."""
_TRIES = 3
_PATIENCE_S = 10
_CALM_FOR_S = 0.5
_WITHIN_S = 300
_LOOK_EVERY_S = 10
"""How often it is seen whether the workers live; the end itself is seen at once."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What came of it. Processor time in microseconds a job."""

    per_second: float
    worker_us: float
    postgres_us: float
    redis_us: float
    others: float
    """The share of the machine that went to whoever else was at work."""


class _Spent:
    """Processor seconds so far: of the workers, the servers, the benchmark itself and the whole machine."""

    def __init__(self, servers: Servers, side: SideProcess, workers: Workers) -> None:
        postmaster, valkey = servers.pids()
        self.at = time.monotonic()
        self.workers = workers.cpu_s()
        self.postgres = sum(cpu_s(pid) for pid in family(postmaster))
        self.redis = cpu_s(valkey)
        self.benchmark = side.cpu_s() + time.process_time()
        self.machine = machine_busy_s()

    def others(self, before: _Spent) -> float:
        ours = sum(
            getattr(self, what) - getattr(before, what)
            for what in ("workers", "postgres", "redis", "benchmark")
        )
        whole = (self.at - before.at) * (os.cpu_count() or 1)
        return max(0.0, (self.machine - before.machine - ours) / whole)


def run_calm_pass(servers: Servers, side: SideProcess, *, jobs: int, workers: int, calm: float) -> Pass:
    """Measure a pass while others leave the machine alone, or else the least disturbed of a few.

    `calm` is the share of the machine that others may use. What is chosen by is theirs and not the result.
    """
    passes: list[Pass] = []
    while len(passes) < _TRIES:
        wait_for_calm(calm)
        passes.append(run_pass(servers, side, jobs=jobs, workers=workers))
        if passes[-1].others <= calm:
            break
    return min(passes, key=lambda done: done.others)


def wait_for_calm(calm: float) -> None:
    """Wait until others use no more than a share of the machine, but not for ever."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        busy = machine_busy_s()
        time.sleep(_CALM_FOR_S)
        if machine_busy_s() - busy <= calm * _CALM_FOR_S * (os.cpu_count() or 1):
            return


def run_pass(servers: Servers, side: SideProcess, *, jobs: int, workers: int) -> Pass:
    """Measure one pass of so many jobs with so many worker processes."""
    side.ask("reset")
    started = side.start_workers(side.ask("workers", count=workers))
    try:
        warm = warm_up(side, started, workers)
        started.hold_still()
        side.ask("fill", jobs=jobs)
        servers.checkpoint()
        before = _Spent(servers, side, started)
        begun = time.monotonic()
        started.let_go()
        ended = wait(side, started, warm + jobs)
        after = _Spent(servers, side, started)
        if not started.are_alive():
            raise Failed(f"a worker died on the way:\n{side.tail()}")
    finally:
        started.stop()
    check_counts(side, warm + jobs)
    micro = 1e6 / jobs
    return Pass(
        jobs / (ended - begun),
        (after.workers - before.workers) * micro,
        (after.postgres - before.postgres) * micro,
        (after.redis - before.redis) * micro,
        after.others(before),
    )


def warm_up(side: SideProcess, workers: Workers, count: int) -> int:
    """Run a few jobs and wait until the workers are at rest. Returns how many ran."""
    workers.settle()
    jobs = _WARM_UP * count
    side.ask("fill", jobs=jobs)
    wait(side, workers, jobs)
    workers.settle()
    return jobs


def wait(side: SideProcess, workers: Workers, jobs: int) -> float:
    """Wait until so many ran and are recorded, and return the instant."""
    deadline = time.monotonic() + _WITHIN_S
    while True:
        answer = side.ask("wait", jobs=jobs, within=_LOOK_EVERY_S)
        if answer["at"] is not None:
            return float(answer["at"])
        if not workers.are_alive() or time.monotonic() > deadline:
            raise Failed(f"{jobs} jobs were to run, but {answer}; the workers' log ends:\n{side.tail()}")


def check_counts(side: SideProcess, jobs: int) -> None:
    """See that every job ran once and was recorded once."""
    counts = side.ask("count")
    if counts["ran"] != jobs or counts["recorded"] not in {jobs, None}:
        raise Failed(f"{jobs} jobs were enqueued, but {counts}:\n{side.tail()}")
