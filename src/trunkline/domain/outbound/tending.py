"""Looking after runs: whatever a crash or a lost callback left behind is pushed on from here."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from trunkline.core.db import SYSTEM, of_business, unit_of_work
from trunkline.core.jobs import enqueue_unique
from trunkline.core.runs import service as runs
from trunkline.core.runs.models import RunState
from trunkline.domain.calls import service as calls
from trunkline.domain.outbound import claim, dialling, hearing, run_store, store
from trunkline.domain.outbound.models import BEGUN_ITEM_STATES, ItemState
from trunkline.domain.outbound.options import DialLimits
from trunkline.domain.tenants import service as tenants
from trunkline.kit import clock

_PATIENCE = timedelta(seconds=30)
"""How much longer than it may ring a call may be silent before the carrier is asked."""

_CALLBACK_PATIENCE = timedelta(seconds=15)
"""How long after a call is over for us its terminal callback is waited for."""

_LOST = "lost"
"""Disposition of an item of which nobody could find out whether it rang."""


def ask_about_live_calls() -> None:
    """Have the carrier asked about every call that rings or talks, in units of work of this one's own.

    For a process that takes callbacks and has just started: what was told while none did is lost, and
    without this a call that ended then would hold its line until the longest call would be over.
    """
    with unit_of_work(SYSTEM) as session:
        businesses = [business.id for business in tenants.list_businesses(session)]
    for business_id in businesses:
        with unit_of_work(of_business(business_id)) as session:
            for attempt_id in store.attempts_at_the_carrier(session, business_id):
                enqueue_unique("high", "reconcile_attempt", str(attempt_id), str(attempt_id))


def finish_if_done(session: Session, business_id: UUID, run_id: UUID) -> bool:
    """Complete a running run that has nothing left to do or to hear of."""
    run = runs.get(session, business_id, run_id, fresh=True)
    if run.state != RunState.RUNNING or run_store.has_open_items(session, business_id, run_id):
        return False
    return runs.complete(session, run, actor="system")


def tend_run(session: Session, business_id: UUID, run_id: UUID, *, limits: DialLimits) -> None:
    """Push a run on, whatever a crash or a lost callback left behind. Safe to do at any time.

    A paused or cancelled run dials no more, but what it dialled before is seen to its end.
    """
    # Before any row, as whoever hears of a call does: two who lock in different orders wait for each other.
    store.lock_business(session, business_id)
    for attempt in store.orphans(session, business_id, run_id):
        dialling.leave_unknown(session, business_id, attempt.id, error="the dialling process died")
    silent = store.silent_attempts(
        session, business_id, run_id, ring_limit=limits.ring_limit + _PATIENCE, call_limit=limits.call_limit
    )
    answered = store.answered_attempts(session, business_id, run_id)
    told = calls.told_before(session, business_id, list(answered), instant=clock.now() - _CALLBACK_PATIENCE)
    # Of a doubt the asker may have died so often that nobody asks any more.
    doubts = store.open_doubts(session, business_id, run_id)
    for attempt_id in [
        *silent, *(answered[call_id] for call_id in told), *(attempt.id for attempt in doubts)
    ]:  # fmt: skip
        enqueue_unique("high", "reconcile_attempt", str(attempt_id), str(attempt_id))
    live_since = clock.now() - limits.longest_life
    for attempt in doubts:
        if attempt.created_at <= live_since:
            store.move_item(
                session, business_id, attempt.item_id,
                from_=BEGUN_ITEM_STATES, to=ItemState.UNKNOWN, disposition=_LOST,
            )  # fmt: skip
    for call_id, dialled_at in store.wrapped_up(session, business_id, run_id):
        hearing.hear_outcome(session, business_id, call_id)
        if dialled_at < live_since:
            # Nobody tells of it any more, and who should have concluded that is gone too.
            enqueue_unique("high", "finalize_call_session", str(call_id), str(call_id))
    run = runs.get(session, business_id, run_id, fresh=True)
    if run.state == RunState.RUNNING:
        # Of a hundred who wait for a line each would else be denied again at every sweep.
        if run_store.has_waiting_items(session, business_id, run_id) and not claim.stands_in_line(
            session, business_id, limits=limits
        ):
            enqueue_unique("high", "dial_next", f"push:{business_id}")
        finish_if_done(session, business_id, run_id)
    elif not run_store.has_begun_items(session, business_id, run_id) and not store.live_sids(
        session, business_id, run_id
    ):
        runs.settle(session, run)
