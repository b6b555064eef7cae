"""Where our worker's time goes: its stacks sampled, its statements counted, its handlers taken out.

py-spy looks at the worker from outside and stops it for each look, which costs it a little. What it sees is
sorted by the innermost library that somebody knows by name.
"""

from __future__ import annotations

import signal
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

from harness.contestants import OURS, PEERS_PYTHON
from harness.passes import wait, warm_up
from harness.processes import Failed, SideProcess
from harness.servers import Servers

_RATE = 200
_HANDS = (1, 10, 50)
_LONGEST_STATEMENT = 70
_PLACES = (
    ("psycopg/", "psycopg: values in and out"),
    ("sqlalchemy/", "SQLAlchemy"),
    ("/redis/", "Redis"),
    ("/rq/", "RQ"),
    ("structlog", "logging"),
    ("logging/", "logging"),
    ("trunkline/core/jobs/", "the engine: hand, limits, verdicts"),
    ("peers/", "the job itself"),
)
_STATEMENTS = """
    select s.calls, s.total_exec_time as ms, regexp_replace(s.query, '\\s+', ' ', 'g') as query
    from pg_stat_statements s join pg_database d on d.oid = s.dbid
    where d.datname = %s and s.query !~ 'pg_stat_statements|checkpoint'
    order by s.total_exec_time desc
"""


def measure(servers: Servers, side: SideProcess, *, jobs: int) -> dict[str, Any]:
    """Return shares of the wall clock, statements by job and rates of the bare exchange, for one worker."""
    side.ask("reset")
    workers = side.start_workers(side.ask("workers", count=1))
    stacks = servers.home / "stacks.txt"
    database = "bench_" + OURS
    try:
        warm = warm_up(side, workers, 1)
        workers.hold_still()
        side.ask("fill", jobs=jobs)
        with servers.admin(database) as admin:
            admin.execute("create extension if not exists pg_stat_statements")
            admin.execute("select pg_stat_statements_reset()")
        workers.let_go()
        sampler = _sample(workers.leaves()[0], stacks)
        wait(side, workers, warm + jobs)
        sampler.send_signal(signal.SIGINT)
        _, said = sampler.communicate(timeout=30)
        with servers.admin(database) as admin:
            rows = admin.execute(_STATEMENTS, [database]).fetchall()
    finally:
        workers.stop()
    if not stacks.exists():
        raise Failed(f"py-spy took no samples: {said}")
    return {
        "time": _shares(stacks.read_text()),
        "statements": [
            {
                "calls_per_job": round(calls / jobs, 3),
                "us_per_call": round(ms * 1_000 / calls),
                "us_per_job": round(ms * 1_000 / jobs, 1),
                "statement": query.strip()[:_LONGEST_STATEMENT],
            }
            for calls, ms, query in rows[:8]
        ],
        "ceiling_per_s": {
            f"{hand} at once": round(_ceiling(side, jobs=jobs if hand > 1 else jobs // 5, hand=hand))
            for hand in _HANDS
        },
    }


def _ceiling(side: SideProcess, *, jobs: int, hand: int) -> float:
    side.ask("reset")
    return float(side.ask("ceiling", jobs=jobs, hand=hand))


def _sample(pid: int, stacks: Path) -> subprocess.Popen[str]:
    program = str(PEERS_PYTHON.with_name("py-spy"))
    return subprocess.Popen(
        [program, "record", "--pid", str(pid), "--rate", str(_RATE), "--idle", "--threads",
         "--full-filenames", "--format", "raw", "--output", str(stacks)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def _shares(stacks: str) -> dict[str, float]:
    """Return the share of the main thread's samples by what it was at, the largest first."""
    counted: Counter[str] = Counter()
    for line in stacks.splitlines():
        stack, _, count = line.rpartition(" ")
        thread, *frames = stack.split(";")
        if "MainThread" in thread:
            counted[_place(frames)] += int(count)
    whole = counted.total()
    return {place: round(count / whole, 3) for place, count in counted.most_common()}


def _place(frames: list[str]) -> str:
    """Return what the innermost frame of a stack that is known belongs to."""
    if frames and "psycopg" in frames[-1] and "wait (" in frames[-1]:
        commits = any("commit (" in frame for frame in frames)
        return "PostgreSQL: commit" if commits else "PostgreSQL: statements"
    for frame in reversed(frames):
        for part, place in _PLACES:
            if part in frame:
                return place
    return "the rest"
