"""Dialling one item: the steps of a dial that happens at most once.

Claim commits the attempt, the job POSTs with no transaction open, and one of `bind`, `refuse` or
`leave_unknown` records what came of it. What is unknown is never dialled again by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from trunkline.core.jobs import enqueue_unique
from trunkline.core.runs import service as runs
from trunkline.core.runs.models import Run, RunState
from trunkline.core.tenancy import live_dials_of_system
from trunkline.domain.calls import service as calls
from trunkline.domain.outbound import store
from trunkline.domain.outbound.models import AttemptState, ItemState, OutboundItem
from trunkline.domain.outbound.options import DialLimits, RunOptions
from trunkline.domain.outbound.rules import Limits, Load, has_slot, may_ring_now, next_opening
from trunkline.domain.tenants import service as tenants
from trunkline.kit import clock
from trunkline.kit.phone import zones_of

_LOOK_AHEAD = 50
_FENCE_RECHECK = timedelta(seconds=30)
_RECONCILE_AFTER_S = 1.0


@dataclass(frozen=True, slots=True)
class Claim:
    """An attempt committed as submitting: the carrier may now be asked, once."""

    attempt_id: UUID
    phone: str
    from_number: str


@dataclass(frozen=True, slots=True)
class Denied:
    """No dial now. `retry_at` is set when only the carrier's pace stands in the way."""

    reason: str
    retry_at: datetime | None = None


def claim_next(
    session: Session, business_id: UUID, run_id: UUID, *, limits: DialLimits, job_id: UUID, lease_epoch: int
) -> Claim | Denied:
    """Write the run's next attempt, if state, slots, pace, suppression, hours and fence all allow it."""
    store.lock_business(session, business_id)
    run = runs.get(session, business_id, run_id, fresh=True)
    if run.state != RunState.RUNNING:
        return Denied(f"run_{run.state}")
    options = RunOptions.model_validate(run.options)
    business = tenants.get_business(session, business_id)
    account = store.lock_account(session, limits.account)
    live_since = clock.now() - limits.longest_life
    load = Load(
        run=store.live_attempts(session, business_id, live_since=live_since, run_id=run_id),
        business_outbound=store.live_attempts(session, business_id, live_since=live_since),
        business_inbound=calls.open_inbound_calls(session, business_id),
        system=live_dials_of_system(session, live_since=live_since),
    )
    allowed = Limits(
        run=options.concurrency,
        business_outbound=business.max_outbound_calls,
        business_all=business.max_calls,
        system=limits.system,
    )
    if not has_slot(load, allowed):
        return Denied("no_slot")
    now = clock.now()
    if account.next_dial_at > now:
        return Denied("pace", retry_at=account.next_dial_at)
    items = store.next_items(session, business_id, run_id, limit=_LOOK_AHEAD)
    for item in items:
        if not _is_dialable(session, item, business.calling_window, now=now):
            continue
        attempt_id = store.insert_attempt(
            session, item, from_number=options.from_number, job_id=job_id, lease_epoch=lease_epoch
        )
        if attempt_id is None:
            item.not_before = now + _FENCE_RECHECK
            continue
        item.state = ItemState.DIALLING
        item.attempts_used += 1
        item.updated_at = now
        runs.advance_cursor(session, run, item.position)
        account.next_dial_at = now + timedelta(seconds=1 / limits.per_second)
        return Claim(attempt_id, item.phone, options.from_number)
    return Denied("set_aside" if items else "nothing_to_dial")


def run_allows(session: Session, business_id: UUID, run_id: UUID, attempt_id: UUID) -> bool:
    """Read run and attempt once more before the POST; if the run has ended or paused, take it back.

    An attempt that is no longer submitting was given up by others while this process stood still.
    """
    store.lock_business(session, business_id)
    run = runs.get(session, business_id, run_id, fresh=True)
    attempt = store.attempt_for_update(session, business_id, attempt_id)
    if attempt is None or attempt.state != AttemptState.SUBMITTING:
        return False
    if run.state == RunState.RUNNING:
        return True
    attempt.state = AttemptState.REJECTED
    attempt.error = f"the run is {run.state}"
    attempt.resolved_at = clock.now()
    _give_back(session, run, attempt.item_id)
    return False


def bind(session: Session, business_id: UUID, attempt_id: UUID, *, sid: str) -> None:
    """The carrier took the call. A callback may have come first; then nothing regresses."""
    attempt = store.attempt_for_update(session, business_id, attempt_id)
    if attempt is None:
        return
    attempt.carrier_sid = attempt.carrier_sid or sid
    if attempt.state in {AttemptState.SUBMITTING, AttemptState.UNKNOWN}:
        attempt.state = AttemptState.PLACED


def refuse(
    session: Session, business_id: UUID, attempt_id: UUID, *, error: str, account: str,
    retry_after_s: float | None,
) -> None:  # fmt: skip
    """The carrier said a definite no: nothing rang, and the item has failed.

    With `retry_after_s` it was about the moment and not about the person: the item waits, and so
    does everybody who dials through this account.
    """
    # The business, so that no cancel comes between; the account before the attempt, as a claim locks them.
    store.lock_business(session, business_id)
    pace = None if retry_after_s is None else store.lock_account(session, account)
    attempt = store.attempt_for_update(session, business_id, attempt_id)
    if attempt is None or attempt.state not in {AttemptState.SUBMITTING, AttemptState.UNKNOWN}:
        return
    attempt.state = AttemptState.REJECTED
    attempt.error = error
    attempt.resolved_at = clock.now()
    run = runs.get(session, business_id, attempt.run_id, fresh=True)
    if pace is not None and retry_after_s is not None:
        pace.next_dial_at = max(pace.next_dial_at, clock.now() + timedelta(seconds=retry_after_s))
        _give_back(session, run, attempt.item_id)
    else:
        store.move_item(
            session, business_id, attempt.item_id,
            from_=[ItemState.DIALLING], to=ItemState.FAILED, disposition="refused",
        )  # fmt: skip


def leave_unknown(session: Session, business_id: UUID, attempt_id: UUID, *, error: str) -> None:
    """Nobody knows whether it rings: keep the fence, and ask the carrier what it knows."""
    attempt = store.attempt_for_update(session, business_id, attempt_id)
    if attempt is None or attempt.state != AttemptState.SUBMITTING:
        return
    attempt.state = AttemptState.UNKNOWN
    attempt.error = error
    enqueue_unique("high", "reconcile_attempt", str(attempt_id), str(attempt_id), run_in=_RECONCILE_AFTER_S)


def _is_dialable(session: Session, item: OutboundItem, window: dict[str, str], *, now: datetime) -> bool:
    """Check suppression and hours in the committing transaction; set aside what may not be dialled."""
    if store.is_suppressed(session, item.business_id, item.phone):
        item.state = ItemState.FAILED
        item.disposition = "suppressed"
        item.updated_at = now
        return False
    zones = zones_of(item.phone)
    if may_ring_now(zones, window, now=now):
        return True
    item.not_before = next_opening(zones, window, now=now)
    if item.not_before is None:
        item.state = ItemState.FAILED
        item.disposition = "no_calling_hours"
        item.updated_at = now
    return False


def _give_back(session: Session, run: Run, item_id: UUID) -> None:
    """An item whose dial never began waits again, or ends with its run; the attempt is not counted."""
    over = RunState(run.state).is_final
    store.move_item(
        session, run.business_id, item_id,
        from_=[ItemState.DIALLING], to=ItemState.CANCELLED if over else ItemState.QUEUED,
        attempts_used=OutboundItem.attempts_used - 1,
    )  # fmt: skip
