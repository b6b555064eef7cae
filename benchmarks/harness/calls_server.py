"""Starts the server of one system on a processor of its own, and the load on another."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.calls_script import REPLY_MS
from harness.processes import Failed

_HERE = Path(__file__).parents[1]
_UP_WITHIN_S = 60
PEERS_PYTHON = Path(sys.prefix) / "bench" / "bin" / "python"


@dataclass(frozen=True, slots=True)
class System:
    """One server: its module below `peers`, the socket's path, and further arguments."""

    name: str
    module: str
    path: str
    python: Path
    arguments: tuple[str, ...] = ()


@dataclass(slots=True)
class Running:
    """A server that runs. `told` is what it printed at its end."""

    pid: int
    port: int
    told: dict[str, Any]


def cores() -> tuple[int, int]:
    """Return the processor of the server and that of the load; the same one where there is only one."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[-1]


def _bound(core: int) -> None:
    os.sched_setaffinity(0, {core})


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(system: System, log: Path, *, arguments: Sequence[str] = ()) -> Iterator[Running]:
    """Run a system's server while the block lasts. `arguments` stand for the usual ones."""
    port = free_port()
    more = arguments or (str(REPLY_MS), *system.arguments)
    command = [str(system.python), "-m", f"peers.{system.module}", str(port), *more]
    with log.open("ab") as errors:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, cwd=_HERE, env=environment(),
            preexec_fn=lambda: _bound(cores()[0]),  # noqa: PLW1509 - no threads
        )  # fmt: skip
    running = Running(process.pid, port, {})
    try:
        _await_port(process, port, log)
        yield running
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
        lines = out.decode().splitlines()
        running.told |= json.loads(lines[-1]) if lines else {}
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def load(system: System, running: Running, *, calls: int, seconds: float, script: Path) -> dict[str, Any]:
    """Hold this many calls for this long and return what they saw."""
    command = [
        sys.executable, "-m", "harness.calls_load", str(running.port), system.path, str(calls),
        str(seconds), str(script), str(running.pid),
    ]  # fmt: skip
    done = subprocess.run(
        command, stdout=subprocess.PIPE, cwd=_HERE, env=environment(), check=False,
        preexec_fn=lambda: _bound(cores()[1]),
    )  # fmt: skip
    if done.returncode:
        raise Failed(f"the load on {system.name} failed; see above")
    figures: dict[str, Any] = json.loads(done.stdout.decode().splitlines()[-1])
    return figures


def environment() -> dict[str, str]:
    """Return the environment of both: our modules found, one thread for each library."""
    path = os.pathsep.join(filter(None, (str(_HERE), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}


def _await_port(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _UP_WITHIN_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise Failed(f"the server ended at once; see {log}")
        with socket.socket() as probe:
            if not probe.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.1)
    raise Failed(f"the server did not open its port; see {log}")
