"""The call log's way out of the clean room: takes events at once, writes them off the loop.

What media tells becomes jobs in the ledger. When the ledger cannot take it, the batch goes to a
file on disk, and is replayed when it can; when the disk cannot either, it waits in memory. Events
are idempotent, so a batch may come twice. A file that the ledger will never take is set aside
for a person to look at, and holds up nothing.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from contextvars import copy_context
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import structlog
from pydantic import TypeAdapter
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from trunkline.core.db import of_business, unit_of_work
from trunkline.core.errors import TrunklineError
from trunkline.core.jobs import enqueue_job
from trunkline.core.telemetry import get_logger
from trunkline.domain.calls.jobs import finalize_call_log, save_conversation_turn
from trunkline.kit.ids import new_id
from trunkline.media import CallEvent, EventKind
from trunkline.media.parting import LAST_WORDS
from trunkline.providers.ports import Line
from trunkline.web.live_ends import APOLOGIES, came_to

_GATHER_S = 0.2
_CALLS_REMEMBERED = 300
_REPLAY_EVERY_S = 2.0
_DISK_AGAIN_S = 1.0

_NOT_YET_MIGRATED = frozenset({"42P01", "42703"})
"""PostgreSQL's codes for a table and a column that are not there: this code is newer than the schema."""

_REFUSALS = (SQLAlchemyError, TrunklineError, ValueError, TypeError)
"""What writing to the ledger may raise. It leaves the batch where it was."""

log = get_logger(__name__)


@dataclass(slots=True)
class Batch:
    """Some events of one call, and its outcome if they end it. What a spool file holds."""

    business_id: UUID
    call_id: str
    events: list[dict[str, Any]] = field(default_factory=list)
    ended: dict[str, Any] | None = None


_spool_file = TypeAdapter(Batch)


class CallLog:
    """One process's log of its live calls."""

    def __init__(self, *, spool: Path, pool: Executor) -> None:
        self._spool = spool
        self._pool = pool
        self._waiting: dict[str, Batch] = {}
        self._dispositions: dict[str, str] = {}
        self._apologised: dict[str, str] = {}
        self._said: OrderedDict[str, list[Line]] = OrderedDict()
        self._news = asyncio.Event()

    def said_in(self, call_id: str) -> tuple[Line, ...]:
        """Return what was said in a call that this process held lately, also what is not written yet."""
        return tuple(self._said.get(call_id, ()))

    def _remember(self, event: CallEvent) -> None:
        """Keep what was said, for an agent to whom the call comes back before the record is written."""
        key = {EventKind.AGENT_SAID: "heard_text", EventKind.CALLER_SAID: "text"}.get(event.kind)
        if key is not None and event.data[key]:
            who: Literal["agent", "caller"] = "agent" if event.kind is EventKind.AGENT_SAID else "caller"
            self._said.setdefault(event.call_id, []).append(Line(who, str(event.data[key])))
            self._said.move_to_end(event.call_id)
            if len(self._said) > _CALLS_REMEMBERED:
                self._said.popitem(last=False)

    def _note_apology(self, event: CallEvent) -> None:
        """Keep for what trouble the agent takes its leave; a caller who speaks may yet put that off."""
        if event.kind is EventKind.TROUBLE and event.data["what"] in APOLOGIES:
            self._apologised[event.call_id] = str(event.data["what"])
        elif event.kind is EventKind.CALLER_SAID and self._apologised.get(event.call_id) not in LAST_WORDS:
            self._apologised.pop(event.call_id, None)

    def sink_for(self, business_id: UUID, *, after: int = 0) -> Callable[[CallEvent], None]:
        """Return the sink of one call of this business. It never blocks and never raises.

        Events are numbered on behind `after`: a call may have several stretches with its agent.
        """

        def take(event: CallEvent) -> None:
            self._remember(event)
            self._note_apology(event)
            batch = self._waiting.setdefault(event.call_id, Batch(business_id, event.call_id))
            batch.events.append(
                {
                    "sequence": after + event.sequence,
                    "kind": event.kind.value,
                    "at": event.at.isoformat(),
                    "data": dict(event.data),
                }
            )
            if event.kind is EventKind.NOTE and event.data["name"] == "disposition":
                self._dispositions[event.call_id] = str(event.data["value"])
            elif event.kind is EventKind.ENDED:
                reason = str(event.data["reason"])
                by_its_end = came_to(reason, apologised_for=self._apologised.pop(event.call_id, None))
                batch.ended = {
                    "end_reason": reason,
                    "disposition": self._dispositions.pop(event.call_id, by_its_end),
                    "events_total": after + event.sequence,
                }
            self._news.set()

        return take

    async def write_forever(self) -> None:
        """Write what comes in, several events at a time; the process runs this as one task."""
        while True:
            await self._news.wait()
            await asyncio.sleep(_GATHER_S)
            if not await self.flush():
                await asyncio.sleep(_DISK_AGAIN_S)

    async def replay_forever(self) -> None:
        """Bring what was spooled to the ledger; the process runs this as one task."""
        loop = asyncio.get_running_loop()
        while True:
            await loop.run_in_executor(self._pool, copy_context().run, self._replay)
            await asyncio.sleep(_REPLAY_EVERY_S)

    async def flush(self) -> bool:
        """Write everything that is waiting now. False: some of it goes on waiting, in memory."""
        self._news.clear()
        waiting, self._waiting = self._waiting, {}
        unwritten = list(waiting.values())
        try:
            if unwritten:
                unwritten = await asyncio.get_running_loop().run_in_executor(
                    self._pool, copy_context().run, self._write, unwritten
                )
        finally:
            # Also when we are cancelled and cannot know: what was written after all only comes twice.
            self._put_back(unwritten)
        return not unwritten

    def spooled(self) -> int:
        """Return how many batches wait on disk. It reads the disk: not for the loop."""
        return sum(1 for _ in self._spool.glob("*.json"))

    def refused(self) -> int:
        """Return how many files the ledger would not take. It reads the disk: not for the loop."""
        return sum(1 for _ in self._spool.glob("*.refused"))

    def _put_back(self, batches: list[Batch]) -> None:
        """Let batches wait again, in front of what has come in since."""
        for batch in batches:
            newer = self._waiting.get(batch.call_id)
            events = [*batch.events, *newer.events] if newer else list(batch.events)
            ended = (newer and newer.ended) or batch.ended
            self._waiting[batch.call_id] = replace(batch, events=events, ended=ended)
            self._news.set()

    def _write(self, batches: list[Batch]) -> list[Batch]:
        """Write batches to the ledger, else to disk. Returns those that neither could take."""
        unwritten = []
        for batch in batches:
            try:
                _to_ledger(batch)
                continue
            except _REFUSALS as error:
                log.warning("call_log_spooled", call_id=batch.call_id, error=type(error).__name__)
            try:
                self._to_disk(batch)
            except OSError as error:
                log.error("call_log_waits_in_memory", call_id=batch.call_id, error=str(error))
                unwritten.append(batch)
        return unwritten

    def _to_disk(self, batch: Batch) -> None:
        """Keep a batch in a file of its own, whole or not at all. Raises OSError."""
        self._spool.mkdir(parents=True, exist_ok=True)
        target = self._spool / f"{new_id()}.json"
        part = target.with_suffix(".part")
        try:
            with part.open("w") as file:
                # `str` only ever sees the business's id: an event holds what JSON can carry.
                json.dump(asdict(batch), file, default=str)
                file.flush()
                os.fsync(file.fileno())
            part.rename(target)
        except OSError:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise

    def _replay(self) -> None:
        """Bring every spooled batch to the ledger, unless the database is away."""
        for file in sorted(self._spool.glob("*.json")):
            try:
                _to_ledger(_spool_file.validate_json(file.read_bytes()))
                file.unlink(missing_ok=True)
                log.info("call_log_replayed", file=file.name)
            except FileNotFoundError:
                continue  # another process of this installation has replayed it
            except OSError as error:
                log.error("call_log_unreadable", file=file.name, error=str(error))
            except _REFUSALS as error:
                if _is_away(error):
                    return
                _set_aside(file, error)


def _is_away(error: Exception) -> bool:
    """Return whether it was the database that failed, and not the batch that cannot be written."""
    if isinstance(error, OperationalError | InterfaceError | PoolTimeout):
        return True
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in _NOT_YET_MIGRATED


def _set_aside(file: Path, error: Exception) -> None:
    """Take a file out of the replay's way, for a person to look at."""
    log.error("call_log_refused", file=file.name, error=f"{type(error).__name__}: {error}"[:500])
    try:
        file.rename(file.with_suffix(".refused"))
    except OSError as trouble:
        log.error("call_log_not_set_aside", file=file.name, error=str(trouble))


def _to_ledger(batch: Batch) -> None:
    """Enqueue the jobs that write a batch, under one trace id. Runs in a context of its own."""
    with (
        structlog.contextvars.bound_contextvars(trace_id=new_id().hex),
        unit_of_work(of_business(batch.business_id)),
    ):
        enqueue_job("high", save_conversation_turn, batch.call_id, batch.events)
        if batch.ended is not None:
            enqueue_job("high", finalize_call_log, batch.call_id, **batch.ended)
