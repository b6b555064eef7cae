"""Pure decisions of the dialler: may this number be called now, is there a slot, what comes of a status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from trunkline.domain.outbound.models import AttemptState, ItemState
from trunkline.providers.ports import CallStatus

_QUARTERS_AHEAD = 2 * 24 * 4 + 1


def may_ring_now(zones: Sequence[str], window: Mapping[str, str], *, now: datetime) -> bool:
    """Return whether it is calling time wherever the number may be at home.

    Fails closed: of a number that nobody can place, False. A window of 00:00 to 24:00 is all day.
    """
    opens, closes = time.fromisoformat(window["from"]), window["to"]
    if not zones:
        return opens == time(0) and closes == "24:00"
    last = time.max if closes == "24:00" else time.fromisoformat(closes)
    return all(opens <= now.astimezone(ZoneInfo(zone)).time() < last for zone in zones)


def next_opening(zones: Sequence[str], window: Mapping[str, str], *, now: datetime) -> datetime | None:
    """Return when the number may next be rung, to a quarter of an hour, within two days.

    None: never by this window, because nobody can place the number or its zones share no hour.
    """
    quarter = timedelta(minutes=15)
    start = datetime.fromtimestamp(now.timestamp() // quarter.total_seconds() * quarter.total_seconds(), UTC)
    for step in range(_QUARTERS_AHEAD):
        at = max(start + step * quarter, now)
        if may_ring_now(zones, window, now=at):
            return at
    return None


@dataclass(frozen=True, slots=True)
class Load:
    """Calls that may be live now, counted from unresolved attempts and open inbound calls."""

    run: int
    business_outbound: int
    business_inbound: int
    system: int


@dataclass(frozen=True, slots=True)
class Limits:
    """How many of each there may be."""

    run: int
    business_outbound: int
    business_all: int
    system: int


def has_slot(load: Load, limits: Limits) -> bool:
    """Return whether one more dial is within every limit."""
    return (
        load.run < limits.run
        and load.business_outbound < limits.business_outbound
        and load.business_outbound + load.business_inbound < limits.business_all
        and load.system < limits.system
    )


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

RETRIED = frozenset({"busy", "no_answer", "failed"})
"""Dispositions after which a run that allows more attempts tries again."""


def attempt_state_of(status: CallStatus) -> AttemptState:
    """Return where an attempt stands when the carrier reports this."""
    return AttemptState.ENDED if status.is_final else _ATTEMPT_OF_STATUS[status]


def disposition_of(status: CallStatus) -> str:
    """Return what a dial came to, as far as the carrier can tell."""
    return _DISPOSITIONS[status]


@dataclass(frozen=True, slots=True)
class ItemVerdict:
    """Where an item goes after its attempt has ended."""

    state: ItemState
    retries: bool


def item_after(disposition: str, *, attempts_used: int, max_attempts: int, run_is_over: bool) -> ItemVerdict:
    """Decide whether a lead is done with, failed, or tried again."""
    if disposition == "answered":
        return ItemVerdict(ItemState.COMPLETED, retries=False)
    if disposition in RETRIED and attempts_used < max_attempts and not run_is_over:
        return ItemVerdict(ItemState.RETRY_WAIT, retries=True)
    return ItemVerdict(ItemState.FAILED, retries=False)
