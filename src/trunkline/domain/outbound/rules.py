"""Pure decisions of the dialler: is there a slot, whose turn is it, what comes of a disposition."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from trunkline.domain.outbound.models import AttemptState, ItemState
from trunkline.domain.outbound.options import Breaker, RetryRule, RunOptions
from trunkline.providers.ports import CallStatus

_NEVER = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Load:
    """Calls of one business that may be live now, counted from unresolved attempts and open inbound calls."""

    business_outbound: int
    business_inbound: int


@dataclass(frozen=True, slots=True)
class Limits:
    """How many of each there may be."""

    business_outbound: int
    business_all: int


def has_slot(load: Load, limits: Limits) -> bool:
    """Return whether one more dial is within every limit of the business."""
    return (
        load.business_outbound < limits.business_outbound
        and load.business_outbound + load.business_inbound < limits.business_all
    )


def lines_of(most: int, per_minute: int | None, *, since: datetime | None, now: datetime) -> int:
    """Return how many lines a run may use by now: one at first, then so many more each minute."""
    if per_minute is None:
        return most
    if since is None or now < since:
        return 1
    return min(most, 1 + int((now - since).total_seconds() * per_minute / 60))


_LEEWAY = 0.8
"""By how much of a pace a dial may be late for its turn without the next one having to wait for that."""


@dataclass(frozen=True, slots=True)
class Turn:
    """When a business may dial at an account, and the account's next moment that is nobody's turn.

    `reckoned_at` is the moment from which the pace to the next dial counts, if this one is made.
    """

    dial_at: datetime
    next_free: datetime
    reckoned_at: datetime


def turn_of(
    *, own: datetime | None, next_free: datetime, last_dial: datetime | None, closed_until: datetime | None,
    per_second: float, now: datetime,
) -> Turn:  # fmt: skip
    """Place a business in an account's queue of moments, a pace apart.

    Who has a turn keeps it, and dials from then on, once; who has none gets the next free one. Who
    would have to wait until more than a pace past their turn goes to the end of the queue, to a
    moment of their own: else all who are late come at one moment, and all but one of them in vain.

    The pace is reckoned from turns, so that no dial is lost by workers who are a little late for
    each. No two dials are closer than the rest of the leeway to a pace, and in no stretch of time is
    there more than one more than the pace allows.
    """
    pace = timedelta(seconds=1 / per_second)
    earliest = max(closed_until or _NEVER, _NEVER if last_dial is None else last_dial + pace)
    if own is None or (earliest > now and earliest > own + pace):
        dial_at = max(next_free, earliest, now)
        return Turn(dial_at, dial_at + pace, dial_at)
    return Turn(max(own, earliest, now), next_free, max(own, earliest, now - pace * _LEEWAY))


@dataclass(frozen=True, slots=True)
class Trouble:
    """The newest dials of a run that came to an end, and how many of them failed on the way."""

    dials: int
    failed: int


def breaks(trouble: Trouble, breaker: Breaker) -> bool:
    """Return whether so many dials fail that a run should let the way to the people recover."""
    return trouble.dials >= breaker.of_last and trouble.failed > breaker.share * trouble.dials


_ATTEMPT_OF_STATUS = {
    CallStatus.QUEUED: AttemptState.PLACED,
    CallStatus.INITIATED: AttemptState.PLACED,
    CallStatus.RINGING: AttemptState.RINGING,
    CallStatus.IN_PROGRESS: AttemptState.ANSWERED,
}

_DISPOSITIONS = {
    CallStatus.COMPLETED: "answered",
    CallStatus.BUSY: "busy",
    CallStatus.NO_ANSWER: "no_answer",
    CallStatus.FAILED: "failed",
    CallStatus.CANCELED: "cancelled",
}

FAILURES = frozenset({"failed", "refused", "unknown", "our_fault"})
"""Dispositions of a dial that tell of us and of the way to the people, not of the people."""


def attempt_state_of(status: CallStatus) -> AttemptState:
    """Return where an attempt stands when the carrier reports this."""
    return AttemptState.ENDED if status.is_final else _ATTEMPT_OF_STATUS[status]


def disposition_of(status: CallStatus) -> str:
    """Return what a dial came to, as far as the carrier can tell."""
    return _DISPOSITIONS[status]


@dataclass(frozen=True, slots=True)
class ItemVerdict:
    """Where an item goes after its attempt has ended, and in how many seconds it is tried again."""

    state: ItemState
    retry_in_s: float | None = None


_UNREACHED = frozenset(
    {
        "busy", "no_answer", "failed", "refused", "cancelled", "rejected_capacity", "no_conversation",
        "cut_off", "our_fault",
    }
)  # fmt: skip
"""Dispositions that leave a lead not called, as the run's list of leads shows it."""


def item_after(
    disposition: str, *, options: RunOptions, attempts_used: int, tries_of_this: int, run_is_over: bool
) -> ItemVerdict:
    """Decide whether a lead is done with, failed, or tried again.

    `tries_of_this` counts the lead's dials in this run that came to the same disposition, this one
    included.
    """
    rule = options.retries.get(disposition)
    if rule is None and disposition in _RETRIED_UNASKED:
        rule = RetryRule(times=options.max_attempts, delay_s=options.retry_delay_s)
    over = run_is_over or attempts_used >= options.max_attempts
    if rule is not None and not over and tries_of_this <= rule.times:
        return ItemVerdict(ItemState.RETRY_WAIT, rule.delay_s)
    return ItemVerdict(settled_state(disposition))


def settled_state(disposition: str) -> ItemState:
    """Return how a lead is done with that is not tried again: reached, or not."""
    return ItemState.FAILED if disposition in _UNREACHED else ItemState.COMPLETED


_RETRIED_UNASKED = frozenset({"busy", "no_answer", "failed", "our_fault"})
"""After these a run that allows more attempts tries again without being told."""
