"""The call log's way out of the clean room: takes events at once, writes them off the loop.

What media tells becomes jobs in the ledger. When the ledger cannot take it, the batch goes to a
file on disk, and is replayed when it can; events are idempotent, so a batch may come twice.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from trunkline.core.db import of_business, unit_of_work
from trunkline.core.jobs import enqueue_job
from trunkline.core.telemetry import get_logger
from trunkline.domain.calls.jobs import NO_OUTCOME, finalize_call_log, save_conversation_turn
from trunkline.kit.ids import new_id
from trunkline.media import CallEvent, EventKind

_GATHER_S = 0.2
_REPLAY_EVERY_S = 2.0

log = get_logger(__name__)


@dataclass(slots=True)
class Batch:
    """Some events of one call, and its outcome if they end it. What a spool file holds."""

    business_id: str
    call_id: str
    events: list[dict[str, Any]] = field(default_factory=list)
    ended: dict[str, Any] | None = None


class CallLog:
    """One process's log of its live calls."""

    def __init__(self, *, spool: Path, pool: Executor) -> None:
        self._spool = spool
        self._pool = pool
        self._waiting: dict[str, Batch] = {}
        self._dispositions: dict[str, str] = {}
        self._news = asyncio.Event()

    def sink_for(self, business_id: UUID) -> Callable[[CallEvent], None]:
        """Return the sink of one call of this business. It never blocks and never raises."""

        def take(event: CallEvent) -> None:
            batch = self._waiting.setdefault(event.call_id, Batch(str(business_id), event.call_id))
            batch.events.append(
                {
                    "sequence": event.sequence,
                    "kind": event.kind.value,
                    "at": event.at.isoformat(),
                    "data": dict(event.data),
                }
            )
            if event.kind is EventKind.NOTE and event.data["name"] == "disposition":
                self._dispositions[event.call_id] = str(event.data["value"])
            elif event.kind is EventKind.ENDED:
                batch.ended = {
                    "end_reason": str(event.data["reason"]),
                    "disposition": self._dispositions.pop(event.call_id, NO_OUTCOME),
                    "events_total": event.sequence,
                }
            self._news.set()

        return take

    async def write_forever(self) -> None:
        """Write what comes in, several events at a time; the process runs this as one task."""
        while True:
            await self._news.wait()
            await asyncio.sleep(_GATHER_S)
            await self.flush()

    async def replay_forever(self) -> None:
        """Bring what was spooled to the ledger; the process runs this as one task."""
        loop = asyncio.get_running_loop()
        while True:
            await loop.run_in_executor(self._pool, self._replay)
            await asyncio.sleep(_REPLAY_EVERY_S)

    async def flush(self) -> None:
        """Write everything that is waiting now."""
        self._news.clear()
        waiting, self._waiting = self._waiting, {}
        if waiting:
            await asyncio.get_running_loop().run_in_executor(self._pool, self._write, list(waiting.values()))

    def spooled(self) -> int:
        """Return how many batches wait on disk."""
        return sum(1 for _ in self._spool.glob("*.json"))

    def _write(self, batches: list[Batch]) -> None:
        for batch in batches:
            try:
                _to_ledger(batch)
            except SQLAlchemyError as error:
                log.warning("call_log_spooled", call_id=batch.call_id, error=type(error).__name__)
                self._to_disk(batch)

    def _to_disk(self, batch: Batch) -> None:
        """Keep a batch in a file of its own, whole or not at all."""
        self._spool.mkdir(parents=True, exist_ok=True)
        target = self._spool / f"{new_id()}.json"
        part = target.with_suffix(".part")
        with part.open("w") as file:
            json.dump(asdict(batch), file)
            file.flush()
            os.fsync(file.fileno())
        part.rename(target)

    def _replay(self) -> None:
        for file in sorted(self._spool.glob("*.json")):
            try:
                _to_ledger(Batch(**json.loads(file.read_text())))
            except FileNotFoundError:
                continue  # another process of this installation has replayed it
            except SQLAlchemyError:
                return
            file.unlink(missing_ok=True)
            log.info("call_log_replayed", file=file.name)


def _to_ledger(batch: Batch) -> None:
    with unit_of_work(of_business(UUID(batch.business_id))):
        enqueue_job("high", save_conversation_turn, batch.call_id, batch.events)
        if batch.ended is not None:
            enqueue_job("high", finalize_call_log, batch.call_id, **batch.ended)
