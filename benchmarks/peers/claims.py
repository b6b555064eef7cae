"""A side that claims: it takes one thing to do at a time, and times each taking from begin to commit.

Owns the orders by which the harness drives it. Whoever claims does nothing else meanwhile: what was
claimed is ended afterwards, many at once and untimed. Standard library only.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

_SPIN_S = 0.002


class Claims(ABC):
    """What each system is asked to do."""

    @abstractmethod
    def prepare(self) -> None:
        """Make what must be there before the first claim, the finished ones of the past included."""

    @abstractmethod
    def reset(self, queued: int) -> None:
        """Forget the claims of earlier passes and queue at least so many, with statistics up to date."""

    @abstractmethod
    def settle(self) -> int:
        """End all that is claimed, as the system itself would leave it. Returns how many."""

    @abstractmethod
    def claim(self, count: int, at: float) -> dict[str, Any]:
        """Claim so many, from an instant of the monotonic clock on. See `burst`."""

    def extras(self) -> dict[str, Callable[..., Any]]:
        """Return orders that only this side knows."""
        return {}

    def orders(self) -> dict[str, Callable[..., Any]]:
        """Return what it obeys."""
        return {
            "prepare": self.prepare, "reset": self.reset, "settle": self.settle, "claim": self.claim,
            **self.extras(),
        }  # fmt: skip


def burst(count: int, at: float, claim_one: Callable[[], None]) -> dict[str, Any]:
    """Claim one after another. Returns microseconds by claim, and the instants of begin and end."""
    wait_until(at)
    timed: list[float] = []
    for _ in range(count):
        begun = time.perf_counter()
        claim_one()
        timed.append(round((time.perf_counter() - begun) * 1e6, 1))
    return {"us": timed, "begun": at, "ended": time.monotonic()}


def wait_until(at: float) -> None:
    """Stand ready until this instant, so that several claimers begin together."""
    while (left := at - time.monotonic()) > 0:
        time.sleep(max(0.0, left - _SPIN_S))
