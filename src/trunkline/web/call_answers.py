"""Who has answered: the carrier's word, on its way to the live call that it is about.

The carrier tells any process, and the call is held by one. The word is written to the call's row
first, so it is never lost. If the process that took it holds the call, it tells the session at
once. Each process also reads, twice a second, the rows of those of its calls that still wait for a
word: one small query a business, off the loop, for the call's first minute at most. A notification
would come half a second sooner and may be lost with its connection; then the reading would be
needed all the same. Nothing in a call ever waits for the word.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from contextvars import copy_context
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from trunkline.core.db import of_business, unit_of_work
from trunkline.core.telemetry import get_logger
from trunkline.domain.calls import service as calls
from trunkline.media import LiveSessions
from trunkline.providers.ports import AnsweredBy

_LOOK_EVERY_S = 0.5
_WORD_WITHIN_S = 75.0
"""Longer than any carrier's detection lasts; what comes later is in the record alone."""

log = get_logger(__name__)


class CallAnswers:
    """One process's calls that wait for the carrier's word. `watch_forever` is a task of the room."""

    def __init__(self, *, live: LiveSessions, pool: Executor) -> None:
        self._live = live
        self._pool = pool
        self._waiting: dict[UUID, tuple[UUID, float]] = {}
        self._any = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    @contextmanager
    def awaited(self, business_id: UUID, call_id: UUID) -> Iterator[None]:
        """Look for the word on this call while the block runs."""
        self._waiting[call_id] = (business_id, asyncio.get_running_loop().time() + _WORD_WITHIN_S)
        self._any.set()
        try:
            yield
        finally:
            self._waiting.pop(call_id, None)

    def tell(self, call_id: UUID, who: AnsweredBy) -> None:
        """Pass the word on if the call is held here; from any thread."""
        loop = self._loop
        if loop is not None:
            loop.call_soon_threadsafe(self._pass_on, call_id, who)

    async def watch_forever(self) -> None:
        """Look for words that other processes were told; the process runs this as one task."""
        self._loop = loop = asyncio.get_running_loop()
        while True:
            await self._any.wait()
            await asyncio.sleep(_LOOK_EVERY_S)
            for call_id, (_, until) in list(self._waiting.items()):
                if loop.time() >= until:
                    del self._waiting[call_id]
            waiting: dict[UUID, list[UUID]] = defaultdict(list)
            for call_id, (business_id, _) in self._waiting.items():
                waiting[business_id].append(call_id)
            if not waiting:
                self._any.clear()
                continue
            for call_id, who in await loop.run_in_executor(
                self._pool, copy_context().run, _read, dict(waiting)
            ):
                self._pass_on(call_id, who)

    def _pass_on(self, call_id: UUID, who: AnsweredBy) -> None:
        session = self._live.of_call(str(call_id))
        if session is not None and call_id in self._waiting:
            if who is not AnsweredBy.UNKNOWN:
                del self._waiting[call_id]
            session.answered_by(who)


def _read(waiting: dict[UUID, list[UUID]]) -> list[tuple[UUID, AnsweredBy]]:
    """Return the words on these calls, by business. What cannot be read now is read the next time."""
    words: list[tuple[UUID, AnsweredBy]] = []
    for business_id, call_ids in waiting.items():
        try:
            with unit_of_work(of_business(business_id)) as session:
                words += calls.answered_by(session, business_id, call_ids).items()
        except SQLAlchemyError as error:
            log.warning("answers_unread", business_id=str(business_id), error=type(error).__name__)
    return words
