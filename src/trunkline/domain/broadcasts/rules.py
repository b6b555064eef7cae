"""Pure decisions of a broadcast: what a message's state makes of its recipient, and when it rests."""

from __future__ import annotations

from dataclasses import dataclass

from trunkline.domain.broadcasts.models import RecipientState
from trunkline.domain.broadcasts.options import Breaker
from trunkline.domain.inbox.service import MessageState

MOST_UNDER_WAY = 20
"""Messages of one broadcast that are written and not settled: what a pause may find under way."""

OUR_FAULTS = frozenset({"rate", "later", "account", "message", "disconnected", "uncertain"})
"""Reasons that tell of us and of the way to the people, not of the people."""

_MEANS = {
    MessageState.QUEUED: RecipientState.SENDING,
    MessageState.SENDING: RecipientState.SENDING,
    MessageState.SENT: RecipientState.SENT,
    MessageState.DELIVERED: RecipientState.SENT,
    MessageState.READ: RecipientState.SENT,
    MessageState.FAILED: RecipientState.FAILED,
    MessageState.UNCERTAIN: RecipientState.UNCERTAIN,
}


def recipient_after(state: MessageState, *, run_is_over: bool) -> RecipientState:
    """Return where a person stands whose message stands there.

    One that was taken back before it went is written anew, unless the run is over.
    """
    if state is MessageState.CANCELLED:
        return RecipientState.CANCELLED if run_is_over else RecipientState.QUEUED
    return _MEANS[state]


@dataclass(frozen=True, slots=True)
class Trouble:
    """The newest messages of a broadcast that came to an end, and how many failed on the way."""

    ended: int
    failed: int


def breaks(trouble: Trouble, breaker: Breaker) -> bool:
    """Return whether so many fail that a broadcast should let the way to the people recover."""
    return trouble.ended >= breaker.of_last and trouble.failed > breaker.share * trouble.ended
