"""Trunkline's worker with the benchmark's job among its handlers.

Run as it is, it is the real supervisor, whose children are this program with `--child`; everything
else is `trunkline worker` untouched.
"""

from __future__ import annotations

import sys

from peers.noop import mark
from trunkline import worker
from trunkline.core.jobs import JobContext, job
from trunkline.core.settings import load_settings

QUEUE = "default"
NAME = "bench_noop"


@job(queue=QUEUE, timeout=30, retries=3)
def bench_noop(ctx: JobContext) -> None:
    """Run once."""
    mark()


def _own_command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "peers.ours_worker", *arguments]


def main() -> None:
    """Be the supervisor, or with `--child` one of its workers."""
    if "--child" in sys.argv:
        worker.work(load_settings())
        return
    if not hasattr(worker, "own_command"):
        raise SystemExit(
            "trunkline.worker no longer starts its children by own_command: mend peers/ours_worker.py"
        )
    worker.own_command = _own_command
    worker.supervise(load_settings())


if __name__ == "__main__":
    main()
