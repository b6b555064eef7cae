"""A worker's hand: the rows it has claimed, between the main thread and the heartbeat.

The main thread takes rows from it one by one and puts in what came of each. The heartbeat keeps the
leases of all of it and, when one job takes long, writes what is done and gives back what has not
begun. Whoever writes about the rows holds `writing`, so that the two never do it at once.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from uuid import UUID

from trunkline.core.jobs.handlers import JobContext
from trunkline.core.jobs.models import JobState
from trunkline.core.jobs.relay import Claimed, Outcome


class Hand:
    """The rows in hand. Every method may be called from either thread."""

    def __init__(self) -> None:
        self.writing = threading.Lock()
        """Held while the rows are claimed, renewed or settled."""
        self._lock = threading.Lock()
        self._waiting: deque[Claimed] = deque()
        self._current: Claimed | None = None
        self._outcomes: list[tuple[Outcome, float]] = []
        self.context: JobContext | None = None
        """The context of the job that is running."""
        self.began_at = 0.0
        """When it began, on the monotonic clock."""

    def deal(self, claimed: Sequence[Claimed]) -> None:
        """Put freshly claimed rows in."""
        with self._lock:
            self._waiting.extend(claimed)

    def take(self) -> Claimed | None:
        """Return the next row to run; from here on it is the one that has begun."""
        with self._lock:
            self._current = self._waiting.popleft() if self._waiting else None
            return self._current

    def begin(self, context: JobContext) -> None:
        """Note that the row taken is running."""
        self.began_at = time.monotonic()
        self.context = context

    def end(self, outcome: Outcome | None) -> None:
        """Put in what came of the row taken; None where that is written already."""
        with self._lock:
            self.context = None
            self._current = None
            if outcome is not None:
                self._outcomes.append((outcome, time.monotonic()))

    def current(self) -> Claimed | None:
        """Return the row that has begun."""
        return self._current

    def give_back(self) -> int:
        """Let every row that has not begun go back to its old place in the queue. Returns how many."""
        with self._lock:
            rows, self._waiting = self._waiting, deque()
            now = time.monotonic()
            for row in rows:
                outcome = Outcome(row.id, row.lease_epoch, JobState.QUEUED, row.attempt - 1)
                self._outcomes.append((outcome, now))
            return len(rows)

    def outcomes(self) -> list[Outcome]:
        """Return what is to be written, with ages as of now. It stays in until `written`."""
        now = time.monotonic()
        with self._lock:
            return [
                Outcome(
                    o.id, o.epoch, o.state, o.attempt, o.delay_s, o.error,
                    None if o.began_ago_s is None else o.began_ago_s + now - at, now - at,
                )
                for o, at in self._outcomes
            ]  # fmt: skip

    def written(self, outcomes: Sequence[Outcome]) -> None:
        """Take out what has been written."""
        ids = {(o.id, o.epoch) for o in outcomes}
        with self._lock:
            self._outcomes = [kept for kept in self._outcomes if (kept[0].id, kept[0].epoch) not in ids]

    def leases(self) -> list[tuple[UUID, int]]:
        """Return (id, epoch) of every row in hand, whatever came of it."""
        with self._lock:
            rows = [(row.id, row.lease_epoch) for row in self._waiting]
            if self._current is not None:
                rows.append((self._current.id, self._current.lease_epoch))
            return rows + [(o.id, o.epoch) for o, _ in self._outcomes]

    def drop(self, leases: set[tuple[UUID, int]]) -> None:
        """Forget rows, given as (id, epoch), that have not begun and are not ours any more."""
        with self._lock:
            self._waiting = deque(row for row in self._waiting if (row.id, row.lease_epoch) not in leases)
