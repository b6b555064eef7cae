"""The verbs of outbound runs: make, start, schedule, pause, cancel, retry, and how far they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from trunkline.core import registry
from trunkline.core.errors import Conflict, InvalidInput, NotFound, TooManyRequests
from trunkline.core.events import announce
from trunkline.core.jobs import cancel_jobs_for_run, enqueue_job, enqueue_unique
from trunkline.core.runs import service as runs
from trunkline.core.runs.models import Run, RunState
from trunkline.domain.agents import service as agents
from trunkline.domain.calls import service as calls
from trunkline.domain.leads.selection import Whom, people_of
from trunkline.domain.outbound import claim_store, opting_out, run_store, store, suppressions, tallies
from trunkline.domain.outbound.compliance import RULE_REASONS
from trunkline.domain.outbound.hearing import FORCED
from trunkline.domain.outbound.models import (
    BEGUN_ITEM_STATES,
    AttemptState,
    ItemState,
    OutboundAttempt,
)
from trunkline.domain.outbound.options import RunOptions, installed_limits
from trunkline.domain.outbound.retrying import count_retryable, failed_leads, title_again
from trunkline.domain.tenants import service as tenants
from trunkline.kit import clock

# Whoever writes to people asks here who wants to hear no more, and says so.
is_opt_out = opting_out.is_opt_out
is_suppressed = store.is_suppressed
suppressed = store.suppressed
suppress = suppressions.suppress

KIND = "outbound"

MOST_AT_ONCE = 3
_AT_ONCE = {"en": "At once", "he": "מיד"}
_AT_ONCE_A_MINUTE = 20
"""How many calls to one to three people a business may begin in a minute, runs included."""
_FURTHEST = timedelta(days=366)
_RECHECKED_AT_ONCE = 1_000
_MISSED = timedelta(minutes=1)
"""How late a scheduled run may start before its start is asked for again."""


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
    whom: Whom,
    subject: str | None = None,
    retry_of: UUID | None = None,
    rank: int = 1,
    actor: str,
) -> Run:
    """Make a pending run over a list, a filter's leads or chosen leads.

    Raises NotFound, InvalidInput, and Conflict for a list that is being imported or an archived agent.

    `subject` is what no two active runs may work on; of a run over a list, it is the list.
    """
    agents.get_working_agent(session, business_id, options.agent_id)
    ours = {row.e164 for row in tenants.list_numbers(session, business_id)}
    for number in options.numbers:
        if number not in ours:
            raise InvalidInput(
                f"{number} is not a number of this business.", reason="number_not_ours", number=number
            )
    people = people_of(session, business_id, whom)
    run = runs.create(
        session, business_id=business_id, kind=KIND, title=title, actor=actor,
        subject=subject if whom.list_id is None else f"list:{whom.list_id}",
        options=options.model_dump(mode="json"),
    )  # fmt: skip
    run_store.add_run(session, business_id, run.id, priority=options.priority, retry_of=retry_of)
    if not run_store.add_items(session, business_id, run.id, people, rank=rank):
        raise InvalidInput(
            "There is nobody to call: the list is empty, or the filter finds nobody.", reason="nobody_to_call"
        )
    return run


def dial_now(
    session: Session, business_id: UUID, *, lead_ids: Sequence[UUID], options: RunOptions,
    title: str | None = None, actor: str,
) -> Run:  # fmt: skip
    """Call one to three people at once: a run that is started as it is made. Raises as both do."""
    if not 1 <= len(set(lead_ids)) <= MOST_AT_ONCE:
        raise InvalidInput(
            f"At once, one to {MOST_AT_ONCE} people are called; for more, make a run.",
            reason="most_at_once",
            most=MOST_AT_ONCE,
        )
    ids = sorted(set(lead_ids))
    language = tenants.get_business(session, business_id).language
    run = create_run(
        session, business_id, title=title or _AT_ONCE[language], options=options,
        whom=Whom(lead_ids=list(lead_ids)),
        # A click that comes twice, or a request sent again, calls nobody again.
        subject="leads:" + ",".join(map(str, ids)), actor=actor,
    )  # fmt: skip
    return _start(session, run, a_minute=_AT_ONCE_A_MINUTE, actor=actor)


def start_run(session: Session, business_id: UUID, run_id: UUID, *, actor: str) -> Run:
    """Begin calling. Raises RunAlreadyActive with the active run's id before anything is written.

    Raises Archived where its agent was put away since, TooManyRequests for a business that starts too many
    runs in a minute.
    """
    run = get_run(session, business_id, run_id)
    if run.state == RunState.PENDING:
        agents.get_working_agent(session, business_id, RunOptions.model_validate(run.options).agent_id)
    return _start(session, run, a_minute=installed_limits().starts_per_minute, actor=actor)


def _start(session: Session, run: Run, *, a_minute: int, actor: str) -> Run:
    business_id = run.business_id
    registry.carrier(
        tenants.carrier_of(session, business_id)
    )  # that there is none is said now, not by a job that nobody reads
    runs.require_startable(session, run)
    try:
        runs.require_pace(
            session, business_id, kind=KIND, most=a_minute, within=timedelta(minutes=1), of_starts=True
        )
    except TooManyRequests:
        # Of many starts of one run at once, all but the first hear that it is active.
        runs.require_startable(session, run)
        raise
    return _begin(session, run, actor=actor)


def _begin(session: Session, run: Run, *, actor: str) -> Run:
    runs.start(session, run, actor=actor)
    run_store.begin_ramp(session, run.business_id, run.id)
    agents.have_ready(session, run.business_id, RunOptions.model_validate(run.options).agent_id)
    push()
    return run


def schedule_run(
    session: Session, business_id: UUID, run_id: UUID, *, starts_at: datetime | None, actor: str
) -> Run:
    """Let a pending run start by itself; None: only a person starts it. Raises Conflict, InvalidInput."""
    run = get_run(session, business_id, run_id)
    if run.state != RunState.PENDING:
        raise Conflict(
            f"The run is {run.state}; only one that has not begun can be scheduled.",
            state=run.state,
            reason="run_begun",
        )
    if starts_at is not None and starts_at <= clock.now():
        raise InvalidInput(
            "A run is scheduled for a moment to come; start it if it is to start now.", reason="moment_past"
        )
    if starts_at is not None and starts_at > clock.now() + _FURTHEST:
        raise InvalidInput("A run is scheduled for a moment within a year.", reason="moment_too_far")
    run_store.outbound_run(session, business_id, run_id).starts_at = starts_at
    if starts_at is not None:
        _enqueue_start(run_id, starts_at)
    announce("run.scheduled", subject_id=run.id, actor=actor, starts_at=starts_at and starts_at.isoformat())
    return run


def start_if_due(session: Session, business_id: UUID, run_id: UUID, starts_at: datetime) -> None:
    """Start a run that is still scheduled for this moment. Raises RunAlreadyActive while its list is busy."""
    run = get_run(session, business_id, run_id, fresh=True)
    due = run_store.outbound_run(session, business_id, run_id).starts_at
    if run.state == RunState.PENDING and due == starts_at:
        # The limit is for people who press a button; this was asked for earlier.
        _begin(session, run, actor=f"schedule:{run.created_by}")


def enqueue_missed_starts(session: Session, business_id: UUID) -> None:
    """Ask again for the starts of runs whose moment is past: a job that died starts nothing."""
    for run_id, starts_at in run_store.missed_starts(session, business_id, before=clock.now() - _MISSED):
        _enqueue_start(run_id, starts_at)


def _enqueue_start(run_id: UUID, starts_at: datetime) -> None:
    # One job for each moment chosen: the one of a moment that no longer holds finds that out.
    enqueue_unique(
        "high", "start_scheduled_run", f"start:{run_id}:{starts_at.isoformat()}", str(run_id),
        starts_at.isoformat(), run_id=run_id, run_in=max(0.0, (starts_at - clock.now()).total_seconds()),
    )  # fmt: skip


def recheck_waiting(session: Session, business_id: UUID, *, changed_at: datetime) -> bool:
    """Let some items that wait for a rule be judged anew after its change. False: there are no more."""
    # No lock: whoever claims meanwhile judges by the new rules anyway.
    found = run_store.recheck_waiting(
        session, business_id, reasons=RULE_REASONS, since=changed_at, most=_RECHECKED_AT_ONCE
    )
    if found:
        push()
    return found == _RECHECKED_AT_ONCE


def retry_failed(session: Session, business_id: UUID, run_id: UUID, *, actor: str) -> Run:
    """Call again whom a run did not reach: a new run over its failed leads, started. Raises Conflict."""
    run = get_run(session, business_id, run_id)
    if not RunState(run.state).is_final:
        raise Conflict(
            "The run is not over yet; cancel it first, or let it end.", state=run.state, reason="run_not_over"
        )
    failed = failed_leads(session, business_id, run_id)
    if not failed:
        raise Conflict("Nobody in this run was left unreached.", reason="nobody_unreached")
    again = create_run(
        session, business_id,
        title=title_again(run.title, tenants.get_business(session, business_id).language),
        options=RunOptions.model_validate(run.options),
        whom=Whom(lead_ids=failed), subject=f"retry:{run_id}", retry_of=run_id, actor=actor,
    )  # fmt: skip
    return start_run(session, business_id, again.id, actor=actor)


def change_run(
    session: Session, business_id: UUID, run_id: UUID, *, priority: int | None, concurrency: int | None,
    actor: str,
) -> Run:  # fmt: skip
    """Change how a run that is not over goes on; it holds from the next dial on. Raises Conflict."""
    store.lock_business(session, business_id)
    run = get_run(session, business_id, run_id, fresh=True)
    if RunState(run.state).is_final:
        raise Conflict(f"The run is {run.state}.", state=run.state, reason="run_state")
    changes = {
        name: value
        for name, value in (("priority", priority), ("concurrency", concurrency))
        if value is not None
    }
    run.options = RunOptions.model_validate({**run.options, **changes}).model_dump(mode="json")
    if priority is not None:
        run_store.outbound_run(session, business_id, run_id).priority = priority
    announce("run.changed", subject_id=run.id, actor=actor, **changes)
    if run.state == RunState.RUNNING:
        push()
    return run


def pause_run(session: Session, business_id: UUID, run_id: UUID, *, actor: str) -> Run:
    """Begin no more calls; those that are live go on. Raises Conflict.

    The business's slots are locked first, so every dial is committed before this or waits.
    """
    store.lock_business(session, business_id)
    run = get_run(session, business_id, run_id)
    runs.pause(session, run, actor=actor)
    return run


def resume_run(session: Session, business_id: UUID, run_id: UUID, *, actor: str) -> Run:
    """Go on where the run stood. Raises Conflict."""
    run = get_run(session, business_id, run_id)
    runs.resume(session, run, actor=actor)
    run_store.begin_ramp(session, business_id, run_id)
    push()
    return run


def cancel_run(session: Session, business_id: UUID, run_id: UUID, *, force: bool, actor: str) -> Cancelled:
    """End a run. Live calls finish, unless `force` hangs them up; the answer counts them. Raises Conflict.

    The business's slots are locked first, so every dial is committed before this or never begins.
    """
    if force and not registry.carrier(tenants.carrier_of(session, business_id)).capabilities.hangs_up:
        raise Conflict(
            "This carrier cannot hang up; without force, live calls come to their own end.",
            reason="cannot_hang_up",
        )
    store.lock_business(session, business_id)
    run = get_run(session, business_id, run_id)
    runs.cancel(session, run, actor=actor)
    cancelled = store.cancel_waiting_items(session, business_id, run_id)
    cancel_jobs_for_run(run_id, business_id)
    in_flight = run_store.unresolved_of_run(session, business_id, run_id)
    if force:
        run.options = {**run.options, FORCED: True}
        for sid in store.live_sids(session, business_id, run_id):
            enqueue_job("high", "hang_up_call", sid)
    # Whom another run waits for, because this one came first, may be dialled now.
    push()
    return Cancelled(cancelled, in_flight)


def release_attempt(
    session: Session, business_id: UUID, run_id: UUID, attempt_id: UUID, *, actor: str
) -> OutboundAttempt:
    """Let a number be dialled again of whose last dial nobody knows what became, before its fence ends.

    Raises NotFound, and Conflict for a dial that is not in doubt or may still ring.
    """
    store.lock_business(session, business_id)
    attempt = store.attempt_for_update(session, business_id, attempt_id)
    if attempt is None or attempt.run_id != run_id:
        raise NotFound("There is no such dial.")
    if attempt.state != AttemptState.UNKNOWN or attempt.released:
        raise Conflict(
            "Only a dial that nobody knows the end of is released.",
            state=attempt.state,
            reason="dial_not_in_doubt",
        )
    if attempt.created_at > clock.now() - installed_limits().longest_life:
        raise Conflict(
            "This dial may still ring or be talking; wait until it cannot.", reason="dial_may_ring"
        )
    attempt.released, attempt.resolved_at = True, clock.now()
    announce("dial.released", subject_id=attempt.item_id, actor=actor, attempt_id=str(attempt_id))
    return attempt


def progress_of(session: Session, business_id: UUID, run_ids: Sequence[UUID]) -> dict[UUID, Progress]:
    """Return each run's progress, counted from its items; of one that is over, as it is kept."""
    known = {run_id: tally["states"] for run_id, tally in tallies.kept(session, business_id, run_ids).items()}
    others = [run_id for run_id in run_ids if run_id not in known]
    counted = run_store.item_counts(session, business_id, others) if others else {}
    return {
        run_id: Progress(
            total=sum(counts.values()),
            queued=counts.get(ItemState.QUEUED, 0) + counts.get(ItemState.RETRY_WAIT, 0),
            active=sum(counts.get(state, 0) for state in BEGUN_ITEM_STATES),
            done=counts.get(ItemState.COMPLETED, 0),
            failed=counts.get(ItemState.FAILED, 0),
            cancelled=counts.get(ItemState.CANCELLED, 0),
            unknown=counts.get(ItemState.UNKNOWN, 0),
        )
        for run_id, counts in (known | counted).items()
    }


def keep_tallies(session: Session, business_id: UUID, rows: Sequence[Run]) -> None:
    """Count those of these runs that are over and have not been counted since anything of them changed."""
    over = [run.id for run in rows if RunState(run.state).is_final and not run.unsettled]
    if claimed := tallies.claim(session, business_id, over):
        counts = run_store.item_counts(session, business_id, claimed)
        again = count_retryable(session, business_id, claimed)
        found = {run_id: {"states": counts[run_id], "retryable": again[run_id]} for run_id in claimed}
        tallies.keep(session, business_id, found)


def push() -> None:
    """Let a worker dial for the business of the unit of work in hand."""
    enqueue_job("high", "dial_next")


def lock_slots(session: Session, business_id: UUID) -> None:
    """Let one transaction at a time count and fill the business's lines."""
    store.lock_business(session, business_id)


def lines_in_use(session: Session, business_id: UUID) -> int:
    """Return how many calls of the business, in and out, may be live now."""
    live_since = clock.now() - installed_limits().longest_life
    dials = claim_store.live_by_run(session, business_id, live_since=live_since)
    return sum(dials.values()) + calls.open_inbound_calls(session, business_id)


def get_run(session: Session, business_id: UUID, run_id: UUID, *, fresh: bool = False) -> Run:
    """Return an outbound run; a run of another kind is as little found as another business's."""
    run = runs.get(session, business_id, run_id, fresh=fresh)
    if run.kind != KIND:
        raise NotFound("There is no such run.")
    return run
