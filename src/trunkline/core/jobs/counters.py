"""What is counted of jobs: how many attempts came to which end, and how long they took.

A worker counts in memory and adds to the table every few seconds, so that a counter costs a job
nothing. What a killed worker had not written yet is missing from the figures, and from nothing else.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from dataclasses import dataclass, field

from sqlalchemy import Engine, text

BOUNDS_S = (0.005, 0.025, 0.1, 0.5, 2.5, 10.0, 60.0, 600.0, 3_600.0)
"""Upper bounds of the run times' buckets in seconds; one more bucket is open."""

_ADD = text(
    """
    insert into job_counters (queue, name, outcome, jobs, seconds, buckets)
    values (:queue, :name, :outcome, :jobs, :seconds, :buckets)
    on conflict (queue, name, outcome) do update set
        jobs = job_counters.jobs + excluded.jobs,
        seconds = job_counters.seconds + excluded.seconds,
        buckets = (select array_agg(u.a + u.b order by u.place)
                   from unnest(job_counters.buckets, excluded.buckets) with ordinality as u(a, b, place))
    """
)


@dataclass(slots=True)
class _Count:
    jobs: int = 0
    seconds: float = 0.0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_S) + 1))


class Tally:
    """What one worker has counted and not yet written."""

    def __init__(self) -> None:
        self.jobs_run = 0
        """Since the worker began."""
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, str, str], _Count] = {}

    def add(self, *, queue: str, name: str, outcome: str, seconds: float) -> None:
        """Count one attempt."""
        with self._lock:
            self.jobs_run += 1
            count = self._counts.setdefault((queue, name, outcome), _Count())
            count.jobs += 1
            count.seconds += seconds
            count.buckets[bisect_left(BOUNDS_S, seconds)] += 1

    def write(self, relay: Engine) -> None:
        """Add what was counted to the table, in one transaction. What cannot be written is kept."""
        with self._lock:
            counts, self._counts = self._counts, {}
        try:
            with relay.begin() as connection:
                # In the order of the key, as every worker does: two that write at once wait in line.
                for (queue, name, outcome), count in sorted(counts.items(), key=lambda item: item[0]):
                    connection.execute(
                        _ADD,
                        {
                            "queue": queue, "name": name, "outcome": outcome, "jobs": count.jobs,
                            "seconds": count.seconds, "buckets": count.buckets,
                        },
                    )  # fmt: skip
        except Exception:
            self._put_back(counts)
            raise

    def _put_back(self, counts: dict[tuple[str, str, str], _Count]) -> None:
        with self._lock:
            for key, old in counts.items():
                count = self._counts.setdefault(key, _Count())
                count.jobs += old.jobs
                count.seconds += old.seconds
                count.buckets = [a + b for a, b in zip(count.buckets, old.buckets, strict=True)]
