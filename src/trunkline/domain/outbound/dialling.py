"""Dialling one item: what follows a committed attempt, at most once.

`claim` has committed it; the job POSTs with no transaction open, and one of `bind`, `refuse` or
`leave_unknown` records what came of it. What is unknown is never dialled again by itself.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.orm import Session

from trunkline.core.events import announce
from trunkline.core.jobs import enqueue_unique
from trunkline.core.runs import service as runs
from trunkline.core.runs.models import Run, RunState
from trunkline.domain.outbound import causes, run_store, store
from trunkline.domain.outbound.models import AttemptState, ItemState, OutboundItem
from trunkline.domain.outbound.options import RunOptions
from trunkline.domain.outbound.rules import breaks
from trunkline.domain.outbound.suppressions import SUPPRESSED
from trunkline.kit import clock

REFUSED, DEFERRED = "refused", "deferred"
"""Dispositions of a dial that the carrier would not make: at all; just then."""

TOO_MANY_FAILURES = "too_many_failures"

_RECONCILE_AFTER_S = 1.0

_TAKEN = frozenset({AttemptState.PLACED, AttemptState.RINGING, AttemptState.ANSWERED})


def run_allows(session: Session, business_id: UUID, run_id: UUID, attempt_id: UUID) -> bool:
    """Read run, attempt, suppression and cause once more before the POST; where one forbids it, take it back.

    An attempt that is no longer submitting was given up by others while this process stood still.
    """
    store.lock_business(session, business_id)
    run = runs.get(session, business_id, run_id, fresh=True)
    attempt = store.attempt_for_update(session, business_id, attempt_id)
    if attempt is None or attempt.state != AttemptState.SUBMITTING:
        return False
    why_not = _why_not(session, run, attempt.phone)
    if why_not is None:
        return True
    reason, error = why_not
    attempt.reach(AttemptState.REJECTED, at=clock.now())
    attempt.error = error
    _give_back(session, run, attempt.item_id, gone=reason == causes.GONE)
    announce(
        "dial.taken_back", subject_id=attempt.item_id, actor="dialler", attempt_id=str(attempt_id),
        run_id=str(run_id), phone=attempt.phone, item_id=str(attempt.item_id), reason=reason,
    )  # fmt: skip
    return False


def bind(session: Session, business_id: UUID, attempt_id: UUID, *, sid: str) -> None:
    """The carrier took the call. A callback may have come first; then nothing regresses."""
    attempt = store.attempt_for_update(session, business_id, attempt_id)
    if attempt is None:
        return
    attempt.carrier_sid = attempt.carrier_sid or sid
    if attempt.state in {AttemptState.SUBMITTING, AttemptState.UNKNOWN}:
        attempt.reach(AttemptState.PLACED, at=clock.now())


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
    attempt.reach(AttemptState.REJECTED, at=clock.now())
    attempt.error = error
    run = runs.get(session, business_id, attempt.run_id, fresh=True)
    if pace is not None and retry_after_s is not None:
        attempt.disposition = DEFERRED
        until = clock.now() + timedelta(seconds=retry_after_s)
        pace.closed_until = max(pace.closed_until or until, until)
        _give_back(session, run, attempt.item_id)
    else:
        attempt.disposition = REFUSED
        hold_if_failing(session, run)
        store.move_item(
            session, business_id, attempt.item_id,
            from_=[ItemState.DIALLING], to=ItemState.FAILED, disposition=REFUSED,
        )  # fmt: skip


def leave_unknown(session: Session, business_id: UUID, attempt_id: UUID, *, error: str) -> None:
    """Nobody knows whether it rings: keep the fence, and ask the carrier what it knows."""
    attempt = store.attempt_for_update(session, business_id, attempt_id)
    if attempt is None or attempt.state != AttemptState.SUBMITTING:
        return
    attempt.reach(AttemptState.UNKNOWN, at=clock.now())
    attempt.error = error
    hold_if_failing(session, runs.get(session, business_id, attempt.run_id))
    enqueue_unique("high", "reconcile_attempt", str(attempt_id), str(attempt_id), run_in=_RECONCILE_AFTER_S)


def lose(session: Session, business_id: UUID, attempt_id: UUID) -> None:
    """The carrier took the call and no longer knows it, and it cannot be live: nobody will tell its end."""
    store.lock_business(session, business_id)
    attempt = store.attempt_for_update(session, business_id, attempt_id)
    if attempt is not None and attempt.state in _TAKEN:
        attempt.reach(AttemptState.UNKNOWN, at=clock.now())
        attempt.error = "the carrier no longer knows the call"


def hold_if_failing(session: Session, run: Run) -> None:
    """Let a run rest whose dials fail: what is in the way is in the way of the next one too."""
    session.flush()
    breaker = RunOptions.model_validate(run.options).breaker
    now = clock.now()
    trouble = run_store.trouble_of(
        session,
        run.business_id,
        run.id,
        of_last=breaker.of_last,
        since=now - timedelta(seconds=breaker.within_s),
    )
    until = now + timedelta(seconds=breaker.pause_s)
    if breaks(trouble, breaker) and run_store.hold_run(
        session, run.business_id, run.id, until=until, reason=TOO_MANY_FAILURES, now=now
    ):
        announce(
            "run.held", subject_id=run.id, actor="dialler", reason=TOO_MANY_FAILURES,
            until=until.isoformat(), failed=trouble.failed, dials=trouble.dials,
        )  # fmt: skip


def _why_not(session: Session, run: Run, phone: str) -> tuple[str, str] | None:
    """Return why a dial that is committed is not to be made after all, as a word and as a sentence."""
    if store.is_suppressed(session, run.business_id, phone):
        return SUPPRESSED, "the number is suppressed"
    if run.state != RunState.RUNNING:
        return f"run_{run.state}", f"the run is {run.state}"
    if not causes.stands(session, run.business_id, run.id, created_by=run.created_by):
        return causes.GONE, "what it was about has changed"
    return None


def _give_back(session: Session, run: Run, item_id: UUID, *, gone: bool = False) -> None:
    """An item whose dial never began waits again, or ends with its run or cause; it is not counted."""
    over = gone or RunState(run.state).is_final
    why = {"disposition": causes.GONE} if gone else {}
    store.move_item(
        session, run.business_id, item_id,
        from_=[ItemState.DIALLING], to=ItemState.CANCELLED if over else ItemState.QUEUED,
        attempts_used=func.greatest(OutboundItem.attempts_used - 1, 0), **why,
    )  # fmt: skip
