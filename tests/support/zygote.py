"""A warm process that forks workers, each with its own orders about dying; the test's end of it.

The other end is `barrier_worker`. A fork costs milliseconds where a start costs a second, which is
what makes a thousand deaths affordable.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.processes import eventually, is_alive, state_of
from trunkline.kit.processes import die_with_parent


@dataclass(slots=True)
class Worker:
    """One worker process. `mark` is a file that appears when it reaches the barrier it was given."""

    barrier: str
    number: signal.Signals
    pid: int
    log: Path
    mark: Path

    @property
    def has_reached(self) -> bool:
        return self.mark.exists()

    @property
    def reached_at(self) -> float:
        """When it reached its barrier, in seconds since 1970."""
        return float(self.mark.read_text())

    @property
    def is_stopped(self) -> bool:
        return state_of(self.pid) == "T"

    def wait_until_dead(self, within_s: float = 60) -> None:
        eventually(lambda: not is_alive(self.pid), f"worker {self.pid} has died", within_s)

    def wait_until_stopped(self, within_s: float = 60) -> None:
        eventually(lambda: state_of(self.pid) == "T", f"worker {self.pid} is stopped", within_s)


class Zygote:
    """The process that forks. It is started at the first order."""

    def __init__(self, environment: Mapping[str, str], log: Path, *, modules: tuple[str, ...] = ()) -> None:
        """`modules` are imported beside the worker's own: handlers that tests bring along."""
        path = os.pathsep.join(entry for entry in sys.path if entry)
        self._environment = {**environment, "PYTHONPATH": path}
        self._log = log
        self._modules = modules
        self._process: subprocess.Popen[bytes] | None = None

    def fork(self, order: Mapping[str, Any]) -> int:
        """Return the process id of a new process that does as ordered; see `barrier_worker`."""
        process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(order).encode() + b"\n")
        process.stdin.flush()
        return int(process.stdout.readline())

    def close(self) -> None:
        if self._process is not None:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.close()
            self._process.wait(10)
            self._process.stdout.close()
            self._process = None

    def _start(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "support.barrier_worker", *self._modules],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=self._environment,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - see OwnRedis
            )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n", (
            f"the worker's module cannot be loaded; see {self._log}"
        )
        return self._process
