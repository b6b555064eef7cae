"""When a process that is to stop may do so: with no call held, on its way, or away from here for a while.

Owns what is known of calls that have left. A call that is on hold, in a conference or handed on is still
to be asked about, so it is waited for as if it were held. Reads the calls, decides nothing about them.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from trunkline.core.db import of_business, unit_of_work
from trunkline.core.telemetry import get_logger
from trunkline.domain.calls import service as calls
from trunkline.kit import clock

_LAST_QUESTION_S = 3.0
"""How long after a stream has closed the carrier may still ask what is next with its call."""
_SOCKET_WITHIN_S = 5.0
"""How long after a carrier was told to connect a call its socket is waited for before the process stops."""
_LOOK_EVERY_S = 0.5
_KEPT_S = 4 * 3600.0
"""How long a call may be away: the carrier's own limit of a dialled leg."""

OffLoop = Callable[[Callable[[], dict[UUID, bool]]], Awaitable[dict[UUID, bool]]]
"""Runs work that reads the database where it does not hold up the loop."""

log = get_logger(__name__)


class Draining:
    """One process's way to its end."""

    def __init__(self, off_loop: OffLoop) -> None:
        self.since: datetime | None = None
        """When the process began to take no new call; None: it takes them."""
        self._off_loop = off_loop
        self._left: dict[UUID, tuple[UUID, float]] = {}
        """Calls whose stretch with the agent ended here: their business, and when."""
        self._last_left_at = self._last_expected_at = -math.inf

    def begin(self) -> None:
        """Take no new call from now on."""
        self.since = self.since or clock.now()

    def expect(self) -> None:
        """A carrier has been told to connect a call to us. From any thread."""
        self._last_expected_at = time.monotonic()

    def place_left(self) -> None:
        """A call, or what wanted to be one, has given its place back."""
        self._last_left_at = time.monotonic()

    def leg_left(self, business_id: UUID, call_id: UUID) -> None:
        """A call's stretch with the agent is over; the call may go on without it."""
        now = time.monotonic()
        self._left.pop(call_id, None)
        self._left[call_id] = (business_id, now)
        while self._left and now - next(iter(self._left.values()))[1] > _KEPT_S:
            del self._left[next(iter(self._left))]

    @property
    def is_quiet(self) -> bool:
        """True when no call has just left, is on its way or is away."""
        now = time.monotonic()
        asked = now - self._last_left_at >= _LAST_QUESTION_S
        return asked and now - self._last_expected_at >= _SOCKET_WITHIN_S and not self._left

    async def watch_forever(self) -> None:
        """Once the process is to stop, see which of the calls that have left are still to be waited for."""
        while True:
            if self.since is not None and self._left:
                await self._look()
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _look(self) -> None:
        left = dict(self._left)
        try:
            live = await self._off_loop(partial(_live_ones, left))
        except SQLAlchemyError as error:
            log.warning("calls_away_unread", error=str(error)[:300])
            return
        for call_id, entry in left.items():
            if live.get(call_id) or self._left.get(call_id) != entry:
                continue
            del self._left[call_id]
            if call_id in live:
                self.expect()  # brought back: its socket may be on its way to us


def _live_ones(left: dict[UUID, tuple[UUID, float]]) -> dict[UUID, bool]:
    """Return which of these calls are not over, and whether they are away."""
    live: dict[UUID, bool] = {}
    for business_id in {business_id for business_id, _ in left.values()}:
        theirs = [call_id for call_id, (whose, _) in left.items() if whose == business_id]
        with unit_of_work(of_business(business_id)) as session:
            live |= calls.live_ones(session, business_id, theirs)
    return live
