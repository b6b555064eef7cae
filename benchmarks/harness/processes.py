"""The processes of a pass: the side that enqueues, and the workers, with all that they start.

A system's workers are held still (SIGSTOP) while its queue is filled, so that each begins with a full queue
and a warm process. What they and the servers cost is read from /proc.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trunkline.kit.processes import die_with_parent

_HERE = Path(__file__).parents[1]
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_QUIET_FOR_S = 0.5
_QUIET_CPU_S = 0.05
"""A tree that used no more than this in the half second before is at rest."""
_STOP_WITHIN_S = 15


class Failed(SystemExit):
    """A process of the benchmark did not do its part."""


class SideProcess:
    """A side of the benchmark in its own environment, and the log that its workers share."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        # A program of a peer's own does not look for modules in the folder where it is started.
        self._environment = {**os.environ, "PYTHONPATH": _path(), **environment}
        self._command = command
        self._order = ""
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command, env=self._environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=output,
                text=True, cwd=_HERE, preexec_fn=die_with_parent,  # noqa: PLW1509 - no threads
            )  # fmt: skip

    def ask(self, order: str, **values: Any) -> Any:
        """Give an order and return the answer."""
        self.tell(order, **values)
        return self.hear()

    def tell(self, order: str, **values: Any) -> None:
        """Give an order whose answer is heard later, so that several sides work at once."""
        assert self._process.stdin
        self._order = order
        self._process.stdin.write(json.dumps({"order": order, **values}) + "\n")
        self._process.stdin.flush()

    def hear(self) -> Any:
        """Return the answer to the last order."""
        assert self._process.stdout
        answer = self._process.stdout.readline()
        if not answer:
            raise Failed(f"{' '.join(self._command)} died at {self._order!r}:\n{self.tail()}")
        return json.loads(answer)

    def start_workers(self, commands: Sequence[Sequence[str]]) -> Workers:
        """Start these command lines with the side's environment."""
        return Workers(commands, self._environment, self.log)

    def cpu_s(self) -> float:
        """Return its processor time."""
        return cpu_s(self._process.pid)

    def tail(self) -> str:
        """Return the end of the log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-25:])

    def close(self) -> None:
        """Let it end."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(timeout=_STOP_WITHIN_S)
        assert self._process.stdout
        self._process.stdout.close()


class Workers:
    """The processes that work a queue, and whatever those have started."""

    def __init__(self, commands: Sequence[Sequence[str]], environment: Mapping[str, str], log: Path) -> None:
        with log.open("ab") as output:
            self._processes = [
                subprocess.Popen(
                    command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                    cwd=_HERE, start_new_session=True, preexec_fn=die_with_parent,  # noqa: PLW1509 - no threads
                )
                for command in commands
            ]  # fmt: skip

    def pids(self) -> list[int]:
        """Return the ids of all of them, parents first."""
        return [pid for process in self._processes for pid in family(process.pid)]

    def leaves(self) -> list[int]:
        """Return the ids of those that have no children: the ones that run jobs."""
        return [pid for pid in self.pids() if len(family(pid)) == 1]

    def settle(self, within_s: float = 30) -> None:
        """Wait until they have started and are at rest."""
        deadline = time.monotonic() + within_s
        used = self.cpu_s()
        while True:
            time.sleep(_QUIET_FOR_S)
            used, before = self.cpu_s(), used
            if used - before <= _QUIET_CPU_S:
                return
            if time.monotonic() > deadline:
                raise Failed("workers did not come to rest")

    def hold_still(self) -> None:
        """Stop them where they are."""
        for pid in self.pids():
            os.kill(pid, signal.SIGSTOP)

    def let_go(self) -> None:
        """Let them run on."""
        for pid in self.pids():
            os.kill(pid, signal.SIGCONT)

    def cpu_s(self) -> float:
        """Return the processor time of all of them, with that of children that have ended."""
        return sum(cpu_s(pid) for pid in self.pids())

    def are_alive(self) -> bool:
        """Whether none of those that were started has ended."""
        return all(process.poll() is None for process in self._processes)

    def stop(self) -> None:
        """End them, by force where asking does not help."""
        pids = self.pids()
        self.let_go()
        for process in self._processes:
            process.terminate()
        deadline = time.monotonic() + _STOP_WITHIN_S
        for process in self._processes:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                for pid in pids:
                    if Path(f"/proc/{pid}").exists():
                        os.kill(pid, signal.SIGKILL)
                process.wait()


def _path() -> str:
    """Return where Python finds our modules, before what it was told already."""
    return os.pathsep.join(filter(None, (str(_HERE), os.environ.get("PYTHONPATH"))))


def family(pid: int) -> list[int]:
    """Return a process and all below it, parents first; empty if it is gone."""
    if not Path(f"/proc/{pid}").exists():
        return []
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                found += [int(child) for child in task.read_text().split()]
            except FileNotFoundError:
                continue
    return found


def machine_busy_s() -> float:
    """Return the processor time that the whole machine has spent, stolen time included."""
    user, nice, system, _idle, _waiting, irq, softirq, steal, *_ = (
        int(value) for value in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    )
    return (user + nice + system + irq + softirq + steal) * _TICK_S


def cpu_s(pid: int) -> float:
    """Return the processor time of a process and of its children that have ended; 0 if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(int(value) for value in fields[11:15]) * _TICK_S
