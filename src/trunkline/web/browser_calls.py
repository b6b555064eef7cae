"""What a carrier does for a call, done here for calls from the page: ending them, and telling of their end.

Nobody can be asked about a browser's call, so the process that holds it says what there is to say: once a
second it looks whether somebody wants one of its calls hung up, and now and then it writes that they
live. One whose process died is closed soon after, as the last of these said. Off the loop; where the
database is away, the call goes on, and its end is told by its events alone.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from contextvars import copy_context
from functools import partial
from math import inf
from typing import TypeVar
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from trunkline.core.db import of_business, unit_of_work
from trunkline.core.errors import NotFound
from trunkline.core.telemetry import get_logger
from trunkline.domain.calls import service as calls
from trunkline.domain.calls.tickets import MediaTicket
from trunkline.domain.control.answers import next_answer
from trunkline.media import LiveSessions
from trunkline.providers.ports import CallStatus

_LOOK_EVERY_S = 1.0
_TELL_EVERY_S = 40.0
"""From one word that a call lives to the next; one that could not be written is due at every look."""
_LIVES_S = 120.0
"""After a word that a call lives, so long without another is its end."""

Came = TypeVar("Came")

log = get_logger(__name__)


class BrowserCalls:
    """One process's calls from the page. `watch_forever` is a task of the room."""

    def __init__(self, *, live: LiveSessions, pool: Executor) -> None:
        self._live = live
        self._pool = pool
        self._held: dict[UUID, UUID] = {}
        """Businesses by call."""
        self._told_at: dict[UUID, float] = {}
        """When it was last written that a call lives, on the loop's clock; of a new one it never was."""
        self._any = asyncio.Event()

    @asynccontextmanager
    async def held(self, ticket: MediaTicket) -> AsyncIterator[None]:
        """Look after a call while the block runs; then its socket is gone, and its end is told."""
        self._held[ticket.call_id] = ticket.business_id
        self._any.set()
        try:
            yield
        finally:
            del self._held[ticket.call_id]
            self._told_at.pop(ticket.call_id, None)
            await self._off_loop(partial(_conclude, ticket))

    async def withdraw(self, ticket: MediaTicket) -> None:
        """Close a call that could not begin, and give its line back; one that has begun stays."""
        await self._off_loop(partial(_withdraw, ticket))

    async def watch_forever(self) -> None:
        """Look after the calls that are held; the process runs this as one task."""
        while True:
            await self._any.wait()
            await asyncio.sleep(_LOOK_EVERY_S)
            if not self._held:
                self._any.clear()
                continue
            looked_at: dict[UUID, list[UUID]] = defaultdict(list)
            due: dict[UUID, list[UUID]] = defaultdict(list)
            now = asyncio.get_running_loop().time()
            for call_id, business_id in self._held.items():
                looked_at[business_id].append(call_id)
                if now - self._told_at.get(call_id, -inf) >= _TELL_EVERY_S:
                    due[business_id].append(call_id)
            to_end, told = await self._off_loop(partial(_look, dict(looked_at), dict(due)))
            self._told_at |= dict.fromkeys(told & self._held.keys(), now)
            for call_id in to_end:
                session = self._live.of_call(str(call_id))
                if session is not None:
                    session.stop(calls.HUNG_UP)

    async def _off_loop(self, work: Callable[[], Came]) -> Came:
        return await asyncio.get_running_loop().run_in_executor(self._pool, copy_context().run, work)


def _look(looked_at: dict[UUID, list[UUID]], due: dict[UUID, list[UUID]]) -> tuple[set[UUID], set[UUID]]:
    """Write of those due that they live. Returns which are to end, and of which it was written."""
    to_end: set[UUID] = set()
    told: set[UUID] = set()
    for business_id, call_ids in looked_at.items():
        try:
            with unit_of_work(of_business(business_id)) as session:
                to_end |= calls.hung_up(session, business_id, call_ids)
                for call_id in due.get(business_id, ()):
                    calls.expect_end(calls.get_call(session, business_id, call_id), within_s=_LIVES_S)
            told.update(due.get(business_id, ()))
        except SQLAlchemyError as error:
            log.warning("browser_calls_unread", business_id=str(business_id), error=type(error).__name__)
    return to_end, told


def _withdraw(ticket: MediaTicket) -> None:
    try:
        with unit_of_work(of_business(ticket.business_id)) as session:
            calls.withdraw(session, ticket.business_id, ticket.call_id)
    except (NotFound, SQLAlchemyError) as error:
        # It is closed when its socket's time is over.
        log.warning("browser_call_not_withdrawn", call_id=str(ticket.call_id), error=type(error).__name__)


def _conclude(ticket: MediaTicket) -> None:
    """Tell of a call's end as a carrier would, and do what its agent asked for with its last words."""
    try:
        with unit_of_work(of_business(ticket.business_id)) as session:
            call = calls.lock_call(session, ticket.business_id, ticket.call_id)
            next_answer(session, call)
            calls.note_status(session, call, CallStatus.COMPLETED)
    except SQLAlchemyError as error:
        # Its events are on disk by then and tell the same, when the database is there again.
        log.warning("browser_call_end_untold", call_id=str(ticket.call_id), error=type(error).__name__)
