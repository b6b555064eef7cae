"""The heartbeat: renews the lease of the job in hand from a thread of its own.

The one thread of a worker. It touches nothing of the job but its lease: when the lease is lost it
says so in the job's context, and when a job is deaf to its timeout it ends the process, whose
supervisor starts another.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from trunkline.core.jobs import ledger
from trunkline.core.jobs.handlers import JobContext
from trunkline.core.jobs.ledger import Lease
from trunkline.core.telemetry import get_logger

THREAD_NAME = "worker-heartbeat"
EXIT_DEAF = 70
"""Exit status of a process that was ended because its job ignored its timeout."""

_GRACE_S = 10.0

log = get_logger(__name__)


@dataclass(slots=True)
class _Kept:
    lease: Lease
    context: JobContext
    deadline: float


class Heartbeat:
    """Keeps one lease at a time. Start it once; it lives as long as the worker."""

    def __init__(self, relay: Engine, *, lease: timedelta) -> None:
        self._relay = relay.execution_options(isolation_level="AUTOCOMMIT")
        self._length = lease
        self._kept: _Kept | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=THREAD_NAME, daemon=True)

    def start(self) -> None:
        """Begin beating."""
        self._thread.start()

    def stop(self) -> None:
        """Stop beating and wait for the thread."""
        self._stopping.set()
        self._thread.join()

    @contextmanager
    def keeping(self, lease: Lease, context: JobContext, *, deadline_s: float) -> Iterator[None]:
        """Renew this lease while the block runs."""
        self._kept = _Kept(lease, context, time.monotonic() + deadline_s + _GRACE_S)
        try:
            yield
        finally:
            self._kept = None

    def _beat(self) -> None:
        while not self._stopping.wait(self._length.total_seconds() / 4):
            kept = self._kept
            if kept is None:
                continue
            if time.monotonic() > kept.deadline:
                log.critical("job_deaf_to_timeout", job_id=str(kept.lease.id))
                os._exit(EXIT_DEAF)
            try:
                with self._relay.connect() as connection:
                    held = ledger.renew(connection, kept.lease, length=self._length)
            except SQLAlchemyError:
                # Nobody can take the row while PostgreSQL is away; the next beat tries again.
                log.warning("lease_not_renewed", job_id=str(kept.lease.id), exc_info=True)
                continue
            if not held and self._kept is kept:
                kept.context.lease_lost = True
