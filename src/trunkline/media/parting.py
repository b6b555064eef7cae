"""How calls end in words: farewells, goodbyes to machines, and ends that are put off.

Owns the reasons that media itself ends a call for, and the acts of parting. Refuses to know when.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from trunkline.providers.ports import Act, HangUp, Note, Say

VOICEMAIL = "voicemail"
"""Disposition and end reason of a call that a machine has answered."""

MACHINE_NOTE = Note("disposition", VOICEMAIL)
"""How a brain says that by the words a machine has answered."""

BRAIN_FAILED = "brain_failed"
"""End reason of a call whose brain can not go on, and the trouble on record."""

LAST_WORDS = frozenset({VOICEMAIL, BRAIN_FAILED})
"""Ends of the agent's own that nothing said during the goodbye puts off."""


async def parting(farewell: str, reason: str) -> AsyncIterator[Act]:
    """End the call politely."""
    if farewell:
        yield Say(farewell)
    yield HangUp(reason)


async def goodbye_of(answer: AsyncIterator[Act]) -> AsyncIterator[Act]:
    """Yield what the brain answers to a machine if it ends the call by it; a machine is asked nothing."""
    acts = [act async for act in answer]
    if any(isinstance(act, HangUp) for act in acts):
        for act in acts:
            yield act


async def or_hang_up(answer: AsyncIterator[Act], reason: str) -> AsyncIterator[Act]:
    """Yield what the brain answers after its goodbye, or its hang-up again if that is nothing."""
    silent = True
    async for act in answer:
        silent = False
        yield act
    if silent:
        yield HangUp(reason)
