"""One side of the benchmark: a process that enqueues into one system and reads what it recorded.

It owns the orders by which the harness drives a system, and the measuring of what happens within one process.
Standard library only, so that it runs in any environment. Orders are lines of JSON on standard input, answers
lines of JSON on standard output.
"""

from __future__ import annotations

import json
import os
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from peers import noop

_LOOK_EVERY_S = 0.002


class Side(ABC):
    """What each system is asked to do."""

    @abstractmethod
    def prepare(self) -> None:
        """Make what must be there before the first job; harmless when it is there."""

    @abstractmethod
    def reset(self) -> None:
        """Forget every job of earlier passes."""

    @abstractmethod
    def workers(self, count: int) -> list[list[str]]:
        """Return the command lines that work the queue with `count` processes of one job at a time."""

    @abstractmethod
    def fill(self, jobs: int) -> None:
        """Enqueue so many, as fast as the system can."""

    @abstractmethod
    def is_drained(self) -> bool:
        """Whether the system's own record says that nothing is queued or under way; cheap enough to poll."""

    @abstractmethod
    def recorded(self) -> int | None:
        """Return how many jobs the system has recorded as done, None where it keeps no record."""

    @abstractmethod
    def enqueue(self) -> dict[str, float]:
        """Enqueue one job. Returns seconds by what was timed."""

    def bulk(self, jobs: int) -> bool:
        """Enqueue so many by the system's own call for many. False: it has none."""
        return False

    def extras(self) -> dict[str, Callable[..., Any]]:
        """Return orders that only this side knows."""
        return {}

    def orders(self) -> dict[str, Callable[..., Any]]:
        """Return what it obeys."""
        return {
            "prepare": self.prepare,
            "reset": lambda: _reset(self),
            "workers": self.workers,
            "fill": lambda jobs: _timed(lambda: self.fill(jobs)),
            "bulk": lambda jobs: _timed(lambda: self.bulk(jobs)),
            "latency": lambda samples: _latency(self, samples),
            "wait": lambda jobs, within: _wait(self, jobs, within),
            "count": lambda: {"ran": noop.marked(), "recorded": self.recorded()},
            **self.extras(),
        }


def obey(orders: dict[str, Callable[..., Any]]) -> None:
    """Obey orders until standard input ends."""
    # Whatever a library prints goes to the log, not among the answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    for line in sys.stdin:
        order = json.loads(line)
        answer = orders[order.pop("order")](**order)
        answers.write(json.dumps(answer) + "\n")


def _reset(side: Side) -> None:
    side.reset()
    noop.forget()


def _timed(action: Callable[[], object]) -> dict[str, Any]:
    begun = time.monotonic()
    result = action()
    return {"seconds": time.monotonic() - begun, "result": result}


def _latency(side: Side, samples: int) -> dict[str, list[float]]:
    """Return microseconds by what was timed, after some tries that do not count."""
    for _ in range(min(samples, 50)):
        side.enqueue()
    timed: dict[str, list[float]] = {}
    for _ in range(samples):
        for what, seconds in side.enqueue().items():
            timed.setdefault(what, []).append(round(seconds * 1e6, 1))
    return timed


def _wait(side: Side, jobs: int, within: float) -> dict[str, Any]:
    """Wait until so many ran and all are recorded. The instant is of the clock that all processes share."""
    deadline = time.monotonic() + within
    while noop.marked() < jobs or not side.is_drained():
        if time.monotonic() > deadline:
            return {"at": None, "ran": noop.marked(), "recorded": side.recorded()}
        time.sleep(_LOOK_EVERY_S)
    return {"at": time.monotonic()}
