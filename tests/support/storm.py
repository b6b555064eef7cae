"""A storm over the yard: workers die at their barriers one after another while jobs keep coming.

Owns who dies when and what is enqueued meanwhile. It judges nothing but whether each death was the
one that was ordered.
"""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import count, cycle
from typing import Any

from support.judge import Death, Verdict
from support.processes import eventually, is_alive, kill
from support.yard import Yard
from support.zygote import Worker

_READY = 60
"""So many jobs wait at least, that no worker is idle and none waits long."""
_LOOK_EVERY_S = 0.2
_NTH = {"job.claimed": 4, "job.settled": 4, "sql.commit": 80}
"""Up to which time at its barrier a worker lives; those of each job come more often."""
_NTH_OF_A_JOB = 25
_MAY_BE_STOPPED_AT = frozenset(
    {"job.claimed", "job.begun", "job.writing", "job.half", "job.done", "job.settled"}
)
"""Where a worker holds no lock: one that stands still before a commit keeps its rows from everybody."""


class Storm:
    """Kills in numbers. Entered with upkeep running; what it starts, the yard stops."""

    def __init__(
        self,
        yard: Yard,
        *,
        barriers: Sequence[str],
        victims: int,
        stop_every: int = 0,
        settings: Mapping[str, Any] | None = None,
        without: str | None = None,
    ) -> None:
        """`stop_every`: of so many workers one is stopped for longer than its lease instead of killed."""
        self._yard = yard
        self._barriers = cycle(barriers)
        self._how_many = victims
        self._stop_every = stop_every
        self._orders: dict[str, Any] = {"settings": dict(settings or {}), "without": without}
        self._lease_s = float(self._orders["settings"].get("lease_seconds", 15.0))
        self._chance = random.Random(20)
        self._started = count(1)
        self._victims: list[Worker] = []
        self._frozen: list[tuple[Worker, float]] = []
        self._woken: list[tuple[Worker, float]] = []
        self._upkeep: list[Worker] = []
        self._looked_at = 0.0
        self.kills = 0
        self.seconds = 0.0

    def rage(
        self, kills: int, *, within_s: float, events: Mapping[int, Callable[[], None]] | None = None
    ) -> None:
        """Kill so many workers; at each number of kills named in `events`, let that happen too."""
        began = time.monotonic()
        ahead = sorted((events or {}).items())
        while self.kills < kills:
            assert time.monotonic() - began < within_s, f"only {self.kills} kills: {dict(self._yard.toll)}"
            while ahead and self.kills >= ahead[0][0]:
                ahead.pop(0)[1]()
            self._sow()
            while len(self._victims) < self._how_many:
                self._victims.append(self._start())
            eventually(self._something_happened, "a worker dies", within_s=60)
            self._collect()
        self.seconds = time.monotonic() - began

    def calm(self, *, workers: int, within_s: float) -> Verdict:
        """Wake what is frozen, kill what is left, let others finish all jobs, and judge."""
        if self._frozen:
            longest = max(0.0, *(due - time.monotonic() for _, due in self._frozen))
            eventually(lambda: not self._wake(), "all that were frozen are awake", within_s=longest + 5)
        for worker in (*self._victims, *(worker for worker, _ in self._woken)):
            self._kill(worker, "anywhere")
        crew: list[Worker] = []

        def done() -> bool:
            # A poisoned job kills whoever takes it, and a supervisor replaces them.
            crew[:] = [worker for worker in crew if is_alive(worker.pid)]
            while len(crew) < workers:
                crew.append(self._yard.start_worker(**self._orders))
            return not self._yard.unfinished()

        eventually(done, "every job is at its end", within_s)
        # Who ran a poisoned job died by it, whatever else had been ordered.
        self._yard.deaths.extend(Death(n.pid, n.at) for n in self._yard.book.notes() if n.step == "killed")
        return self._yard.judged()

    def start_upkeep(self) -> None:
        """Start one more process that does the upkeep."""
        self._upkeep.append(self._yard.start_upkeep(settings=self._orders["settings"]))

    def replace_upkeep(self) -> None:
        """Kill the oldest upkeep and start another, as a service manager would."""
        kill(self._upkeep.pop(0).pid)
        self._yard.toll["supervisor killed"] += 1
        self.start_upkeep()

    # --- Inside --------------------------------------------------------------------------

    def _start(self) -> Worker:
        barrier = next(self._barriers)
        nth = self._chance.randint(1, _NTH.get(barrier, _NTH_OF_A_JOB))
        stops = self._stop_every and next(self._started) % self._stop_every == 0
        stops = stops and barrier in _MAY_BE_STOPPED_AT
        number = signal.SIGSTOP if stops else signal.SIGKILL
        return self._yard.start_worker(barrier=barrier, nth=nth, number=number, **self._orders)

    def _something_happened(self) -> bool:
        self._sow()
        return any(not is_alive(worker.pid) or worker.is_stopped for worker in self._victims)

    def _collect(self) -> None:
        for worker in tuple(self._victims):
            if not is_alive(worker.pid):
                self._bury(worker)
                self._victims.remove(worker)
            elif worker.is_stopped:
                self._yard.toll[f"stopped at {worker.barrier}"] += 1
                self._yard.deaths.append(Death(worker.pid, worker.reached_at))
                self._frozen.append((worker, time.monotonic() + 1.5 * self._lease_s))
                self._victims.remove(worker)
        self._wake()
        for worker, since in tuple(self._woken):
            if time.monotonic() - since > 1:
                self._kill(worker, "anywhere")
                self._woken.remove((worker, since))

    def _bury(self, worker: Worker) -> None:
        """Count a death at the barrier that was ordered; a poisoned job may have come before."""
        if worker.has_reached:
            self._yard.toll[f"killed at {worker.barrier}"] += 1
            self._yard.deaths.append(Death(worker.pid, worker.reached_at))
            self.kills += 1
        else:
            poisoned = any(n.pid == worker.pid for n in self._yard.book.notes() if n.step == "killed")
            self._yard.toll["killed by a job" if poisoned else "ended by itself"] += 1

    def _wake(self) -> bool:
        """Let those go on that have stood still for long enough. Returns whether any still does."""
        for worker, due in tuple(self._frozen):
            if time.monotonic() >= due:
                kill(worker.pid, signal.SIGCONT)
                self._woken.append((worker, time.monotonic()))
                self._frozen.remove((worker, due))
        return bool(self._frozen)

    def _kill(self, worker: Worker, where: str) -> None:
        if is_alive(worker.pid):
            at = time.time()
            kill(worker.pid)
            self._yard.toll[f"killed {where}"] += 1
            self._yard.deaths.append(Death(worker.pid, at))

    def _sow(self) -> None:
        """Keep enough jobs waiting, of every kind and every business."""
        if time.monotonic() - self._looked_at < _LOOK_EVERY_S:
            return
        self._looked_at = time.monotonic()
        if self._yard.book.count("state = 'queued'") >= _READY:
            return
        for scope in self._yard.scopes:
            calls: list[tuple[object, ...]] = [("yard_quick",)] * 12
            calls += [("yard_quick", 1), ("yard_quick", 2), ("yard_later",), ("yard_flaky", 1)]
            calls += [("yard_slow", 0.15)] * (self._chance.random() < 0.5)
            calls += [("yard_doomed",)] * (self._chance.random() < 0.2)
            calls += [("yard_poison",)] * (self._chance.random() < 0.05)
            self._chance.shuffle(calls)
            self._yard.sow(scope, *calls)
