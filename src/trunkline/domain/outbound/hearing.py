"""What the carrier and the conversations tell of dials, and what becomes of the leads by it.

Late, repeated and reordered reports change nothing. Owns the way of an item from its dial to its end
or its next try; knows no HTTP.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from trunkline.core.errors import Conflict
from trunkline.core.events import announce
from trunkline.core.jobs import enqueue_job
from trunkline.core.runs import service as runs
from trunkline.core.runs.models import Run, RunState
from trunkline.domain.calls import service as calls
from trunkline.domain.calls.models import Call
from trunkline.domain.outbound import dialling, run_store, store
from trunkline.domain.outbound.models import (
    BEGUN_ITEM_STATES,
    WAITING_ITEM_STATES,
    AttemptState,
    ItemState,
    OutboundAttempt,
    OutboundItem,
)
from trunkline.domain.outbound.options import RunOptions
from trunkline.domain.outbound.rules import (
    FAILURES,
    attempt_state_of,
    disposition_of,
    item_after,
    settled_state,
)
from trunkline.kit import clock
from trunkline.providers.ports import CallReport, CallStatus

CALLBACK = "callback"

_RETRY = "retry"
"""What an item waits for: the moment that the person named; another try."""

NOBODY_TO_TALK = "nobody_to_talk"
"""Why a run is held whose answered calls come to a process that is about to stop."""
_REST = timedelta(minutes=2)

FORCED = "forced"
"""Option of a run that was cancelled by force."""


_BEGUN_OR_UNKNOWN = (*BEGUN_ITEM_STATES, ItemState.UNKNOWN)
_SETTLED = (ItemState.COMPLETED, ItemState.FAILED)


class SecondCall(Conflict):
    """The carrier placed two calls for one attempt; the later one is hung up."""

    code = "second_call"


def hear_report(
    session: Session,
    business_id: UUID,
    attempt_id: UUID,
    report: CallReport,
    *,
    carrier: str = calls.TWILIO,
) -> Call | None:
    """Take a signed report about an attempt's call; late, repeated and reordered ones change nothing.

    Returns the call's row, or None for an attempt that is not this business's. Raises SecondCall.
    """
    # So that no cancel comes between what is read of the run and what becomes of the item.
    store.lock_business(session, business_id)
    attempt = store.attempt_for_update(session, business_id, attempt_id)
    if attempt is None:
        return None
    if attempt.carrier_sid is not None and attempt.carrier_sid != report.sid:
        raise SecondCall("This attempt has another call.")
    run = runs.get(session, business_id, attempt.run_id, fresh=True)
    if attempt.released and not report.status.is_final:
        _fence_again(session, attempt)
    if run.state != RunState.RUNNING and not report.status.is_final:
        # A call that is heard of after its run is over is seen to its end all the same.
        runs.unsettle(session, run)
    attempt.carrier_sid = report.sid
    if not report.status.is_final:
        hang_up_if_forced(session, business_id, attempt.run_id, attempt_id, report.sid)
    call = _call_of(session, run, attempt, report, carrier)
    attempt.call_id = call.id
    calls.note_status(session, call, report.status)
    state = attempt_state_of(report.status)
    if state.rank > AttemptState(attempt.state).rank:
        attempt.reach(state, at=clock.now())
        if state is AttemptState.ANSWERED:
            store.move_item(
                session, business_id, attempt.item_id, from_=[ItemState.DIALLING], to=ItemState.IN_CALL
            )
        elif state is AttemptState.ENDED:
            _resolve(session, run, attempt, call, report.status)
    return call


def hear_outcome(session: Session, business_id: UUID, call_id: UUID) -> None:
    """Take what a finished conversation came to; nothing, if the call is not ours or not that far."""
    store.lock_business(session, business_id)
    attempt = store.attempt_of_call(session, business_id, call_id)
    if attempt is None or attempt.state != AttemptState.ENDED:
        return
    call = calls.get_call(session, business_id, call_id)
    if call.finalized_at is None:
        return
    item = session.get_one(OutboundItem, attempt.item_id, populate_existing=True)
    if item.state != ItemState.WRAP_UP and call.disposition in (None, attempt.disposition):
        return
    attempt.disposition = call.disposition or attempt.disposition
    if item.state == ItemState.WRAP_UP or _tries_again_after(session, item, attempt):
        run = runs.get(session, business_id, attempt.run_id, fresh=True)
        _settle(session, run, attempt, from_=[ItemState(item.state)])
        _dial_on(run)
    elif item.state in _SETTLED and store.is_newest(session, attempt):
        # Done with, by what was concluded from silence: it stays so, under its true name.
        store.move_item(
            session, business_id, item.id, from_=_SETTLED, to=settled_state(attempt.disposition or ""),
            disposition=attempt.disposition,
        )  # fmt: skip


def dialled_at(session: Session, business_id: UUID, attempt_id: UUID) -> datetime:
    """Return when an attempt was committed, which has been heard of."""
    attempt = store.attempt_for_update(session, business_id, attempt_id)
    assert attempt is not None
    return attempt.created_at


def rest(session: Session, business_id: UUID, attempt_id: UUID) -> None:
    """Let the run of an attempt dial nobody for a while: who answered now would find nobody here."""
    attempt = store.attempt_for_update(session, business_id, attempt_id)
    if attempt is not None:
        now = clock.now()
        run_store.hold_run(
            session, business_id, attempt.run_id, until=now + _REST, reason=NOBODY_TO_TALK, now=now
        )


def hang_up_if_forced(session: Session, business_id: UUID, run_id: UUID, attempt_id: UUID, sid: str) -> None:
    """Hang up a call that came to be known after its run was cancelled by force."""
    run = runs.get(session, business_id, run_id, fresh=True)
    if run.state == RunState.CANCELLED and run.options.get(FORCED):
        enqueue_job("high", "hang_up_call", sid, str(attempt_id))


def report_of_listing(sid: str, status: CallStatus, attempt: OutboundAttempt) -> CallReport:
    """Return what the carrier's listing says of a call in the form of a report."""
    return CallReport(
        sid=sid, status=status, to=attempt.phone, from_=attempt.from_number, direction="outbound-api"
    )


def _fence_again(session: Session, attempt: OutboundAttempt) -> None:
    """A call thought dead is alive: it holds its line and number again. Raises SecondCall if another does."""
    try:
        with session.begin_nested():
            attempt.released = False
            attempt.resolved_at = None
            session.flush()
    except IntegrityError as error:
        raise SecondCall("This number has another call.") from error


def _resolve(session: Session, run: Run, attempt: OutboundAttempt, call: Call, status: CallStatus) -> None:
    """An attempt has ended: its slot is free and the run dials on.

    What a conversation came to is told by the call itself, a moment later; the item waits for that.
    """
    attempt.disposition = disposition_of(status)
    if status is CallStatus.COMPLETED:
        if call.finalized_at is not None:
            attempt.disposition = call.disposition or attempt.disposition
        elif call.media_opened_at is not None:
            store.move_item(
                session, run.business_id, attempt.item_id,
                from_=[ItemState.DIALLING, ItemState.IN_CALL, ItemState.UNKNOWN], to=ItemState.WRAP_UP,
            )  # fmt: skip
            _dial_on(run)
            return
    _settle(session, run, attempt)
    _dial_on(run)


def _tries_again_after(session: Session, item: OutboundItem, attempt: OutboundAttempt) -> bool:
    """Return whether an item waits for another try because of what this attempt was thought to come to."""
    was_asked_for = item.rank == 0
    return item.state in WAITING_ITEM_STATES and not was_asked_for and store.is_newest(session, attempt)


def _settle(
    session: Session, run: Run, attempt: OutboundAttempt, *, from_: Sequence[ItemState] = _BEGUN_OR_UNKNOWN
) -> None:
    """What came of an attempt is known: its item is done with, fails, or is called again."""
    session.flush()
    disposition = attempt.disposition or ""
    item = session.get_one(OutboundItem, attempt.item_id, populate_existing=True)
    values: dict[str, Any] = {"disposition": disposition, "waits_for": None, "not_before": None}
    over = RunState(run.state).is_final
    if item.callback_at is not None and not over:
        # They have asked for it, so it counts as no try of ours.
        state = ItemState.RETRY_WAIT
        values |= {
            "not_before": max(item.callback_at, clock.now()), "waits_for": CALLBACK, "rank": 0,
            "callback_at": None, "attempts_used": func.greatest(OutboundItem.attempts_used - 1, 0),
        }  # fmt: skip
    else:
        verdict = item_after(
            disposition, options=RunOptions.model_validate(run.options), attempts_used=item.attempts_used,
            tries_of_this=store.tries_with(session, run.business_id, item.id, disposition), run_is_over=over,
        )  # fmt: skip
        state = verdict.state
        if verdict.retry_in_s is not None:
            values |= {
                "not_before": clock.now() + timedelta(seconds=verdict.retry_in_s), "waits_for": _RETRY,
                "rank": 1,
            }  # fmt: skip
    store.move_item(
        session, run.business_id, item.id,
        from_=from_, to=state, **values,
    )  # fmt: skip
    announce(
        "item.settled", subject_id=item.id, actor="dialler", run_id=str(run.id), state=state,
        disposition=disposition,
    )  # fmt: skip
    if disposition in FAILURES:
        dialling.hold_if_failing(session, run)


def _dial_on(run: Run) -> None:
    enqueue_job("high", "release_and_process_next", str(run.id), run_id=run.id)


def _call_of(session: Session, run: Run, attempt: OutboundAttempt, report: CallReport, carrier: str) -> Call:
    options = RunOptions.model_validate(run.options)
    item = session.get_one(OutboundItem, attempt.item_id)
    return calls.open_call(
        session,
        run.business_id,
        sid=report.sid,
        direction="outbound",
        ours=attempt.from_number,
        theirs=attempt.phone,
        agent_id=options.agent_id,
        lead_id=item.lead_id,
        run_id=run.id,
        carrier=carrier,
    )
