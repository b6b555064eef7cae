"""Waiting for, looking at and killing processes of a test's own."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

_LOOK_EVERY_S = 0.02
TWO_SECONDS = 2.0 if "PYTEST_XDIST_WORKER" not in os.environ else 15.0
"""Two seconds of a machine that does nothing else, as `make test-faults` has it.

Beside other tests a second has any length: there it tells only who waits for a lease's minute, or for ever.
"""


def eventually(condition: Callable[[], object], what: str, within_s: float = 60) -> None:
    """Wait until the condition holds; fail, saying what did not happen, if it never does."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {within_s:g} s: {what}"
        time.sleep(_LOOK_EVERY_S)


def is_alive(pid: int) -> bool:
    """Return whether a process runs or is stopped; a zombie does not."""
    return state_of(pid) not in {"Z", "X"}


def state_of(pid: int) -> str:
    """Return the kernel's letter for what a process is doing; `T` is stopped, `X` gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"


def memory_mb(pid: int, line: str) -> float:
    """Return what a process holds in memory now (VmRSS), or held at most since the last reset (VmHWM)."""
    (found,) = [row for row in Path(f"/proc/{pid}/status").read_text().splitlines() if row.startswith(line)]
    return int(found.split()[1]) / 1024


def grown_mb(act: Callable[[], object]) -> float:
    """Return by how much more memory than before this process held at most meanwhile."""
    # What earlier tests have freed would else be used again, and nothing seem to grow.
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # forget the most that there was
    before = memory_mb(os.getpid(), "VmRSS")
    act()
    return memory_mb(os.getpid(), "VmHWM") - before


def kill(pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    """Send one process of ours a signal; of a SIGKILL, see that it has worked."""
    assert pid > 1, pid
    os.kill(pid, number)
    if number == signal.SIGKILL:
        eventually(lambda: not is_alive(pid), f"process {pid} is gone")


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def children_of(pid: int) -> set[int]:
    """Return the process ids of a process's children."""
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}
