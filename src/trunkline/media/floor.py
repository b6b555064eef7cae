"""Who has the floor: whether the caller is speaking, or has spoken and is not understood yet.

Owns the wait that keeps the agent from beginning over the caller. Refuses to know what is said.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_LOOK_S = 0.02
"""How often one looks whether the caller is still speaking."""


class Floor:
    """One call's floor.

    `waiting` tells whether turns of the caller wait for an answer, `wanted` whether whoever takes one of
    them waits until the agent has done what cannot be broken off.
    """

    def __init__(self, *, waiting: Callable[[], bool], wanted: Callable[[], bool]) -> None:
        self._waiting = waiting
        self._wanted = wanted
        self.caller_speaks: Callable[[], bool] = lambda: False
        """Told by whoever listens: the caller's turn is open."""
        self.taken = False
        """A turn of the caller is being understood."""

    async def until_free(self, enough: Callable[[], bool]) -> None:
        """Wait until the caller has finished and been understood, or until `enough` is true."""
        while self.caller_speaks() or self.taken or self._waiting():
            if self._wanted() or enough():
                return
            await asyncio.sleep(_LOOK_S)
