"""The verbs of outbound runs: make, start, pause, cancel, and hear what the carrier reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from trunkline.core import registry
from trunkline.core.errors import Conflict, InvalidInput, NotFound
from trunkline.core.jobs import cancel_jobs_for_run, enqueue_job, enqueue_unique
from trunkline.core.runs import service as runs
from trunkline.core.runs.models import Run, RunState
from trunkline.domain.agents import service as agents
from trunkline.domain.calls import service as calls
from trunkline.domain.calls.models import Call
from trunkline.domain.leads import service as leads
from trunkline.domain.outbound import store
from trunkline.domain.outbound.dialling import Claim, leave_unknown
from trunkline.domain.outbound.models import AttemptState, ItemState, OutboundAttempt, OutboundItem
from trunkline.domain.outbound.options import DialLimits, RunOptions, installed_limits
from trunkline.domain.outbound.rules import attempt_state_of, disposition_of, item_after
from trunkline.domain.tenants import service as tenants
from trunkline.kit import clock, tokens
from trunkline.providers.ports import CallOrder, CallReport, CallStatus

KIND = "outbound"
ATTEMPT_TOKEN = "attempt"  # noqa: S105 - the purpose of a token, not one

_CARRIER_QUEUE = timedelta(hours=24)
"""How long a carrier may keep a call in its queue before it rings; its callbacks must still be heard."""

_PATIENCE = timedelta(seconds=30)
"""How much longer than it may ring a call may be silent before the carrier is asked."""

_CALLBACK_PATIENCE = timedelta(seconds=15)
"""How long after a call is over for us its terminal callback is waited for."""

_FORCED = "forced"
"""Option of a run that was cancelled by force."""

_LOST = "lost"
"""Disposition of an item of which nobody could find out whether it rang."""


class SecondCall(Conflict):
    """The carrier placed two calls for one attempt; the later one is hung up."""

    code = "second_call"


@dataclass(frozen=True, slots=True)
class Progress:
    """Exact counts of a run's items; they always add up to `total`."""

    total: int
    queued: int
    active: int
    done: int
    failed: int
    cancelled: int
    unknown: int


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What a cancel stopped and what it let finish."""

    items_cancelled: int
    calls_in_flight: int


def create_run(
    session: Session,
    business_id: UUID,
    *,
    title: str,
    options: RunOptions,
    list_id: UUID | None = None,
    lead_ids: Sequence[UUID] = (),
    actor: str,
) -> Run:
    """Make a pending run over a list or over chosen leads. Raises NotFound, InvalidInput."""
    agents.get_agent(session, business_id, options.agent_id)
    if options.from_number not in {row.e164 for row in tenants.list_numbers(session, business_id)}:
        raise InvalidInput(f"{options.from_number} is not a number of this business.")
    if (list_id is None) == (not lead_ids):
        raise InvalidInput("A run is over a list or over chosen leads: give one of the two.")
    people = (
        leads.leads_of_list(session, business_id, list_id)
        if list_id is not None
        else leads.leads_by_id(session, business_id, lead_ids)
    )
    if not people:
        raise InvalidInput("There is nobody in this list.")
    run = runs.create(
        session, business_id=business_id, kind=KIND, title=title, actor=actor,
        subject=None if list_id is None else f"list:{list_id}", options=options.model_dump(mode="json"),
    )  # fmt: skip
    store.add_items(session, business_id, run.id, [(lead.id, lead.phone) for lead in people])
    return run


def start_run(session: Session, business_id: UUID, run_id: UUID, *, actor: str) -> Run:
    """Begin calling. Raises RunAlreadyActive with the active run's id, before anything is written."""
    run = get_run(session, business_id, run_id)
    registry.carrier()  # that there is none is said now, not by a job that nobody reads
    runs.start(session, run, actor=actor)
    enqueue_job("high", "dial_next", str(run_id), run_id=run_id)
    return run


def pause_run(session: Session, business_id: UUID, run_id: UUID, *, actor: str) -> Run:
    """Begin no more calls; those that are live go on. Raises Conflict."""
    run = get_run(session, business_id, run_id)
    runs.pause(session, run, actor=actor)
    return run


def resume_run(session: Session, business_id: UUID, run_id: UUID, *, actor: str) -> Run:
    """Go on where the run stood. Raises Conflict."""
    run = get_run(session, business_id, run_id)
    runs.resume(session, run, actor=actor)
    enqueue_job("high", "dial_next", str(run_id), run_id=run_id)
    return run


def cancel_run(session: Session, business_id: UUID, run_id: UUID, *, force: bool, actor: str) -> Cancelled:
    """End a run. Live calls finish, unless `force` hangs them up; the answer counts them. Raises Conflict.

    The business's slots are locked first, so every dial is committed before this or never begins.
    """
    store.lock_business(session, business_id)
    run = get_run(session, business_id, run_id)
    runs.cancel(session, run, actor=actor)
    cancelled = store.cancel_waiting_items(session, business_id, run_id)
    cancel_jobs_for_run(run_id, business_id)
    in_flight = store.unresolved_of_run(session, business_id, run_id)
    if force:
        run.options = {**run.options, _FORCED: True}
        for sid in store.live_sids(session, business_id, run_id):
            enqueue_job("high", "hang_up_call", sid)
    return Cancelled(cancelled, in_flight)


def progress_of(session: Session, business_id: UUID, run_ids: Sequence[UUID]) -> dict[UUID, Progress]:
    """Return each run's progress, counted from its items."""
    return {
        run_id: Progress(
            total=sum(counts.values()),
            queued=counts.get(ItemState.QUEUED, 0) + counts.get(ItemState.RETRY_WAIT, 0),
            active=counts.get(ItemState.DIALLING, 0) + counts.get(ItemState.IN_CALL, 0),
            done=counts.get(ItemState.COMPLETED, 0),
            failed=counts.get(ItemState.FAILED, 0),
            cancelled=counts.get(ItemState.CANCELLED, 0),
            unknown=counts.get(ItemState.UNKNOWN, 0),
        )
        for run_id, counts in store.item_counts(session, business_id, run_ids).items()
    }


def hear_report(session: Session, business_id: UUID, attempt_id: UUID, report: CallReport) -> Call | None:
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
    attempt.carrier_sid = report.sid
    if not report.status.is_final:
        hang_up_if_forced(session, business_id, attempt.run_id, report.sid)
    call = _call_of(session, run, attempt, report)
    attempt.call_id = call.id
    calls.note_status(session, call, report.status)
    state = attempt_state_of(report.status)
    if state.rank > AttemptState(attempt.state).rank:
        attempt.state = state
        if state is AttemptState.ANSWERED:
            store.move_item(
                session, business_id, attempt.item_id, from_=[ItemState.DIALLING], to=ItemState.IN_CALL
            )
        elif state is AttemptState.ENDED:
            _resolve(session, run, attempt, disposition_of(report.status))
    return call


def hang_up_if_forced(session: Session, business_id: UUID, run_id: UUID, sid: str) -> None:
    """Hang up a call that came to be known after its run was cancelled by force."""
    run = runs.get(session, business_id, run_id, fresh=True)
    if run.state == RunState.CANCELLED and run.options.get(_FORCED):
        enqueue_job("high", "hang_up_call", sid)


def finish_if_done(session: Session, business_id: UUID, run_id: UUID) -> bool:
    """Complete a running run that has nothing left to do or to hear of."""
    run = runs.get(session, business_id, run_id, fresh=True)
    if run.state != RunState.RUNNING or store.has_open_items(session, business_id, run_id):
        return False
    return runs.complete(session, run, actor="system")


def tend_run(session: Session, business_id: UUID, run_id: UUID, *, limits: DialLimits) -> None:
    """Push a run on, whatever a crash or a lost callback left behind. Safe to do at any time.

    A paused or cancelled run dials no more, but what it dialled before is seen to its end.
    """
    for attempt in store.orphans(session, business_id, run_id):
        leave_unknown(session, business_id, attempt.id, error="the dialling process died")
    silent = store.silent_attempts(
        session, business_id, run_id, ring_limit=limits.ring_limit + _PATIENCE, call_limit=limits.call_limit
    )
    answered = store.answered_attempts(session, business_id, run_id)
    told = calls.told_before(session, business_id, list(answered), instant=clock.now() - _CALLBACK_PATIENCE)
    for attempt_id in [*silent, *(answered[call_id] for call_id in told)]:
        enqueue_unique("high", "reconcile_attempt", str(attempt_id), str(attempt_id))
    live_since = clock.now() - limits.longest_life
    for attempt in store.dead_unknowns(session, business_id, run_id, live_since=live_since):
        store.move_item(
            session, business_id, attempt.item_id,
            from_=[ItemState.DIALLING, ItemState.IN_CALL], to=ItemState.UNKNOWN, disposition=_LOST,
        )  # fmt: skip
    run = runs.get(session, business_id, run_id, fresh=True)
    if run.state == RunState.RUNNING:
        if store.has_waiting_items(session, business_id, run_id):
            enqueue_unique("high", "dial_next", f"push:{run_id}", str(run_id), run_id=run_id)
        finish_if_done(session, business_id, run_id)
    elif not store.has_begun_items(session, business_id, run_id):
        runs.settle(session, run)


def _fence_again(session: Session, attempt: OutboundAttempt) -> None:
    """A call thought dead is alive: it holds its line and number again. Raises SecondCall if another does."""
    try:
        with session.begin_nested():
            attempt.released = False
            attempt.resolved_at = None
            session.flush()
    except IntegrityError as error:
        raise SecondCall("This number has another call.") from error


def _resolve(session: Session, run: Run, attempt: OutboundAttempt, disposition: str) -> None:
    """An attempt has ended: its slot is free, its item goes on, and the run dials its next."""
    attempt.resolved_at = clock.now()
    item = session.get_one(OutboundItem, attempt.item_id)
    options = RunOptions.model_validate(run.options)
    verdict = item_after(
        disposition,
        attempts_used=item.attempts_used,
        max_attempts=options.max_attempts,
        run_is_over=RunState(run.state).is_final,
    )
    store.move_item(
        session, run.business_id, item.id,
        from_=[ItemState.DIALLING, ItemState.IN_CALL, ItemState.UNKNOWN], to=verdict.state,
        disposition=disposition,
        not_before=clock.now() + timedelta(seconds=options.retry_delay_s) if verdict.retries else None,
    )  # fmt: skip
    enqueue_job("high", "release_and_process_next", str(run.id), run_id=run.id)


def _call_of(session: Session, run: Run, attempt: OutboundAttempt, report: CallReport) -> Call:
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
    )


def lock_slots(session: Session, business_id: UUID) -> None:
    """Let one transaction at a time count and fill the business's lines."""
    store.lock_business(session, business_id)


def lines_in_use(session: Session, business_id: UUID) -> int:
    """Return how many calls of the business, in and out, may be live now."""
    live_since = clock.now() - installed_limits().longest_life
    return store.live_attempts(session, business_id, live_since=live_since) + calls.open_inbound_calls(
        session, business_id
    )


def order_of(business_id: UUID, claim: Claim) -> CallOrder:
    """Return what the carrier is asked for: the number, and addresses that carry the attempt's token."""
    limits = installed_limits()
    token = tokens.sign(
        {"business_id": str(business_id), "attempt_id": str(claim.attempt_id)},
        key=limits.token_key, purpose=ATTEMPT_TOKEN,
        lifetime_s=(_CARRIER_QUEUE + limits.longest_life).total_seconds(),
    )  # fmt: skip
    return CallOrder(
        to=claim.phone,
        from_=claim.from_number,
        answer_url=f"{limits.public_url}/hooks/carrier/outbound/answer?token={token}",
        status_url=f"{limits.public_url}/hooks/carrier/outbound/status?token={token}",
        ring_timeout_s=int(limits.ring_limit.total_seconds()),
    )


def report_of_listing(sid: str, status: CallStatus, attempt: OutboundAttempt) -> CallReport:
    """Return what the carrier's listing says of a call in the form of a report."""
    return CallReport(
        sid=sid, status=status, to=attempt.phone, from_=attempt.from_number, direction="outbound-api"
    )


def get_run(session: Session, business_id: UUID, run_id: UUID, *, fresh: bool = False) -> Run:
    """Return an outbound run; a run of another kind is as little found as another business's."""
    run = runs.get(session, business_id, run_id, fresh=fresh)
    if run.kind != KIND:
        raise NotFound("There is no such run.")
    return run
