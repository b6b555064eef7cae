"""Who listens in on a process's calls: by each token once, and for as long as the session behind it goes on.

Owns what is remembered of used tokens and the asking after sessions. Knows neither sockets nor sound.
"""

from __future__ import annotations

import asyncio
import time
from functools import partial

from anyio import CapacityLimiter, to_thread
from sqlalchemy.exc import SQLAlchemyError

from trunkline.core.db import SYSTEM, of_business, unit_of_work
from trunkline.core.events import announce
from trunkline.core.telemetry import get_logger
from trunkline.domain.calls.tickets import MEDIA_TOKEN_LIFETIME_S, ListenTicket
from trunkline.domain.people import service as people
from trunkline.kit import tokens

_LOOK_EVERY_S = 1.0

log = get_logger(__name__)


class Listeners:
    """Those of one process. A call is heard where it is held, so nobody else need know what is used up."""

    def __init__(self) -> None:
        self._spent: dict[object, float] = {}
        self._one_at_a_time = CapacityLimiter(1)

    def spend(self, ticket: ListenTicket) -> None:
        """Use a token up. Raises InvalidToken for one that was used."""
        now = time.monotonic()
        # What has expired opens nothing anyway; a second more, for tokens count in whole ones.
        self._spent = {one: until for one, until in self._spent.items() if until > now}
        if ticket.id in self._spent:
            raise tokens.InvalidToken("token was used")
        self._spent[ticket.id] = now + MEDIA_TOKEN_LIFETIME_S + 1

    async def begin(self, ticket: ListenTicket) -> bool:
        """Put on record that somebody listens. False: their session is over, or nobody can tell."""
        return await self._ask(ticket, is_new=True)

    async def until_over(self, ticket: ListenTicket) -> None:
        """Wait until the session is over, or nobody can tell any more."""
        holds = True
        while holds:
            await asyncio.sleep(_LOOK_EVERY_S)
            holds = await self._ask(ticket)

    async def _ask(self, ticket: ListenTicket, *, is_new: bool = False) -> bool:
        try:
            return await to_thread.run_sync(
                partial(_holds, ticket, is_new=is_new), limiter=self._one_at_a_time
            )
        except SQLAlchemyError as error:
            log.warning("listener_unasked", call_id=str(ticket.call_id), error=str(error))
            return False


def _holds(ticket: ListenTicket, *, is_new: bool) -> bool:
    """Return whether the listener's session goes on in the call's business. Blocks."""
    business = of_business(ticket.business_id)
    with unit_of_work(SYSTEM if ticket.by_system_admin else business) as session:
        if not people.sessions_that_hold(session, ticket.business_id, [ticket.session_hash]):
            return False
    if is_new:
        with unit_of_work(business):
            announce("call.listened_in", subject_id=ticket.call_id, actor=ticket.email)
    return True
