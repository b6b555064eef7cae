"""Who is measured, what each promises, and how its side is started."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from harness.processes import SideProcess
from harness.servers import Servers

OURS = "ours"
PEERS_PYTHON = Path(sys.prefix) / "bench" / "bin" / "python"
HISTORY_ROWS = 1_000_000


@dataclass(frozen=True, slots=True)
class Promises:
    """What a system does by itself, as it is run here; what needs a plug-in or code of one's own is a no."""

    with_cause: bool
    """Enqueues in the caller's database transaction."""
    kill_9: str
    """What becomes of a job whose worker is killed."""
    fair: bool
    """One tenant's backlog does not hold up another's job."""
    unique: bool
    """Refuses a second active job of the same key."""
    cancel: str
    """Whether a running job can be told to stop."""
    record: bool
    """Every job's state can be read, while it waits and afterwards."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """One system in one configuration."""

    name: str
    module: str
    argument: str
    share: float
    """Which part of the jobs it gets, so that a slow one's pass does not take minutes."""
    promises: Promises
    enqueues: bool = True
    """False where another configuration enqueues in the same way."""


_OURS = Promises(True, "again in seconds", True, True, "asks, then kills", True)
_CELERY = Promises(False, "lost", False, False, "kill", False)
_CELERY_LATE = replace(_CELERY, kill_9="again in an hour")
_RQ = Promises(False, "lost or failed, late", False, True, "kill", True)
_RQ_SIMPLE = replace(_RQ, cancel="no")
_PROCRASTINATE = Promises(False, "if one wires it", False, True, "asks", True)
_DRAMATIQ = Promises(False, "again in a minute", False, False, "no", False)

CONTESTANTS = (
    Contestant(OURS, "ours", "0", 1.0, _OURS),
    Contestant("rq", "on_rq", "rq.worker.Worker", 0.05, _RQ),
    Contestant("rq-simple", "on_rq", "rq.worker.SimpleWorker", 0.2, _RQ_SIMPLE, enqueues=False),
    Contestant("procrastinate", "on_procrastinate", "thread", 0.2, _PROCRASTINATE),
    Contestant("procrastinate-async", "on_procrastinate", "async", 0.2, _PROCRASTINATE, enqueues=False),
    Contestant("procrastinate-relaxed", "on_procrastinate", "relaxed", 0.2, _PROCRASTINATE, enqueues=False),
    Contestant("celery", "on_celery", "early", 1.0, _CELERY),
    Contestant("celery-late", "on_celery", "late", 1.0, _CELERY_LATE, enqueues=False),
    Contestant("dramatiq", "on_dramatiq", "0", 0.1, _DRAMATIQ),
    Contestant("dramatiq-prefetch", "on_dramatiq", "1000", 1.0, _DRAMATIQ, enqueues=False),
)  # fmt: skip


class Sides:
    """Starts sides, each with databases of its own on the shared servers, and ends them."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self._environments: dict[str, dict[str, str]] = {}
        self._open: dict[str, SideProcess] = {}

    def of(self, contestant: Contestant, *, history: int = 0) -> SideProcess:
        """Return the side of a contestant, started if need be; `history`: finished rows in our ledger."""
        name = f"{contestant.name}_{history}" if history else contestant.name
        if name not in self._open:
            python = sys.executable if contestant.module == "ours" else str(PEERS_PYTHON)
            argument = str(history) if contestant.name == OURS else contestant.argument
            new = name not in self._environments
            if new:
                self._environments[name] = self._environment(contestant, name)
            self._open[name] = SideProcess(
                [python, "-m", "peers", contestant.module, argument],
                self._environments[name],
                self._servers.home / f"{name}.log",
            )
            if new:
                self._open[name].ask("prepare")
        return self._open[name]

    def close(self) -> None:
        """End all sides."""
        while self._open:
            self._open.popitem()[1].close()

    def _environment(self, contestant: Contestant, name: str) -> dict[str, str]:
        marks = self._servers.home / f"{name}.marks"
        marks.touch()
        redis_url = self._servers.redis_url(1 + len(self._environments))
        environment = {"BENCH_MARKS": str(marks), "BENCH_REDIS_URL": redis_url, "LOG_LEVEL": "WARNING"}
        database = "bench_" + name.replace("-", "_")
        if contestant.module == "ours":
            settings = {"REDIS_URL": redis_url, "TRUNKLINE_HOME": str(self._servers.home)}
            return {**environment, **settings, **self._servers.own_database(database)}
        if contestant.module == "on_procrastinate":
            environment["BENCH_DATABASE_URL"] = self._servers.peer_database(database)
        return environment


def chosen(names: str | None) -> list[Contestant]:
    """Return the contestants of these names, separated by commas; None: all. Ours is always among them."""
    known = {contestant.name: contestant for contestant in CONTESTANTS}
    wanted = list(known) if names is None else [OURS, *(n for n in names.split(",") if n != OURS)]
    if unknown := [name for name in wanted if name not in known]:
        raise SystemExit(f"there is no {', '.join(unknown)}; there are {', '.join(known)}")
    if any(known[name].module != "ours" for name in wanted) and not os.access(PEERS_PYTHON, os.X_OK):
        raise SystemExit(
            f"The peers are not installed in {PEERS_PYTHON.parents[1]}: run `make bench`, or --only ours"
        )
    return [known[name] for name in wanted]
