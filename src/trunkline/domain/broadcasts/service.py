"""The verbs of broadcasts: make, preview, start, schedule, pause, resume, cancel, and how far they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from trunkline.core.errors import Conflict, InvalidInput, NotFound
from trunkline.core.events import announce
from trunkline.core.jobs import enqueue_unique
from trunkline.core.runs import service as runs
from trunkline.core.runs.models import Run, RunState
from trunkline.domain.broadcasts import store
from trunkline.domain.broadcasts.models import Broadcast, RecipientState
from trunkline.domain.broadcasts.options import BroadcastOptions
from trunkline.domain.broadcasts.results import JOB
from trunkline.domain.broadcasts.stepping import QUEUE
from trunkline.domain.broadcasts.wording import Writer
from trunkline.domain.inbox import service as inbox
from trunkline.domain.leads import service as leads
from trunkline.domain.leads.selection import Whom, people_of
from trunkline.domain.outbound import service as outbound
from trunkline.kit import clock

KIND = "broadcast"
_STARTS_A_MINUTE = 5
_FURTHEST = timedelta(days=366)
_MISSED = timedelta(minutes=1)
_SAMPLES = 3


@dataclass(frozen=True, slots=True)
class Progress:
    """Exact counts of a broadcast's people; the others add up to `total`."""

    total: int
    queued: int
    sending: int
    sent: int
    failed: int
    uncertain: int
    skipped: int
    cancelled: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What a broadcast would do: to how many, how many of them want no messages, and what some would read."""

    people: int
    opted_out: int
    samples: Sequence[tuple[str, str]]
    """Name and text, or in brackets why they would be skipped."""


def preview(session: Session, business_id: UUID, *, options: BroadcastOptions, whom: Whom) -> Preview:
    """Return what a broadcast of this would do; nothing is written. Raises as `create_broadcast`."""
    writer = _writer(session, business_id, options)
    people = people_of(session, business_id, whom).subquery()
    lead_id, phone, order = people.c
    number, out = session.execute(
        select(func.count(), func.count().filter(outbound.suppressed(business_id, phone))).select_from(people)
    ).one()
    first = session.scalars(select(lead_id).order_by(order).limit(_SAMPLES)).all()
    names = leads.names_of(session, business_id, first)
    samples = []
    for lead in first:
        content = writer.content_for(session, lead)
        samples.append((names.get(lead, ""), content if isinstance(content, str) else content.text))
    return Preview(number, out, samples)


def create_broadcast(
    session: Session, business_id: UUID, *, title: str, options: BroadcastOptions, whom: Whom, actor: str
) -> Run:
    """Make a broadcast that has not begun, to a list, a filter's leads or chosen leads.

    Raises NotFound, InvalidInput, and Conflict for a list that is being imported.
    """
    _writer(session, business_id, options)
    people = people_of(session, business_id, whom)
    run = runs.create(
        session, business_id=business_id, kind=KIND, title=title, actor=actor,
        subject=None if whom.list_id is None else f"list:{whom.list_id}",
        options=options.model_dump(mode="json"),
    )  # fmt: skip
    session.add(Broadcast(business_id=business_id, run_id=run.id, chat_account_id=options.account_id))
    session.flush()
    if not store.add_recipients(session, business_id, run.id, people):
        raise InvalidInput(
            "There is nobody to write to: the list is empty, or the filter finds nobody.",
            reason="nobody_to_write_to",
        )
    announce("run.created", subject_id=run.id, actor=actor)
    return run


def start_broadcast(session: Session, business_id: UUID, run_id: UUID, *, actor: str) -> Run:
    """Begin writing. Raises RunAlreadyActive, TooManyRequests, and InvalidInput where it cannot be sent."""
    run = get_broadcast(session, business_id, run_id)
    runs.require_startable(session, run)
    _writer(session, business_id, BroadcastOptions.model_validate(run.options))
    runs.require_pace(
        session, business_id, kind=KIND, most=_STARTS_A_MINUTE, within=timedelta(minutes=1), of_starts=True,
        what="broadcasts",
    )  # fmt: skip
    return _begin(session, run, actor=actor)


def schedule_broadcast(
    session: Session, business_id: UUID, run_id: UUID, *, starts_at: datetime | None, actor: str
) -> Run:
    """Let one that has not begun start by itself; None: it does not. Raises Conflict, InvalidInput."""
    run = get_broadcast(session, business_id, run_id)
    if run.state != RunState.PENDING:
        raise Conflict(f"The broadcast is {run.state}.", state=run.state, reason="run_begun")
    now = clock.now()
    if starts_at is not None and not now < starts_at <= now + _FURTHEST:
        raise InvalidInput(
            "A broadcast is scheduled for a moment to come, within a year.", reason="moment_past"
        )
    store.get(session, business_id, run_id).starts_at = starts_at
    if starts_at is not None:
        _enqueue_start(run_id, starts_at)
    announce("run.scheduled", subject_id=run.id, actor=actor, starts_at=starts_at and starts_at.isoformat())
    return run


def start_if_due(session: Session, business_id: UUID, run_id: UUID, starts_at: datetime) -> None:
    """Start a broadcast that is still scheduled for this moment. Raises RunAlreadyActive."""
    run = get_broadcast(session, business_id, run_id, fresh=True)
    if run.state == RunState.PENDING and store.get(session, business_id, run_id).starts_at == starts_at:
        _begin(session, run, actor=f"schedule:{run.created_by}")


def enqueue_missed_starts(session: Session, business_id: UUID) -> None:
    """Ask again for the starts of broadcasts whose moment is past."""
    for run_id, starts_at in store.missed_starts(session, business_id, before=clock.now() - _MISSED):
        _enqueue_start(run_id, starts_at)


def pause_broadcast(session: Session, business_id: UUID, run_id: UUID, *, actor: str) -> Run:
    """Write to nobody more; what is being handed over goes. Raises NotFound, Conflict."""
    run = _locked(session, business_id, run_id)
    runs.pause(session, run, actor=actor)
    return run


def resume_broadcast(session: Session, business_id: UUID, run_id: UUID, *, actor: str) -> Run:
    """Go on where it stood. Raises NotFound, Conflict."""
    run = _locked(session, business_id, run_id)
    runs.resume(session, run, actor=actor)
    broadcast = store.get(session, business_id, run_id)
    # A person who says go on has seen what it was held for.
    broadcast.held_until, broadcast.hold_reason = clock.now(), None
    push(run)
    return run


def cancel_broadcast(session: Session, business_id: UUID, run_id: UUID, *, actor: str) -> tuple[int, int]:
    """End it: return how many go without, and how many are on their way as it ends. Raises Conflict."""
    run = _locked(session, business_id, run_id)
    runs.cancel(session, run, actor=actor)
    without = store.cancel_queued(session, business_id, run_id)
    return without, store.under_way(session, business_id, run_id)


def retry_failed(session: Session, business_id: UUID, run_id: UUID, *, actor: str) -> Run:
    """Make a broadcast to whom the last one certainly did not reach; it has not begun. Raises Conflict."""
    run = get_broadcast(session, business_id, run_id)
    if not RunState(run.state).is_final:
        raise Conflict("The broadcast is not over yet.", state=run.state, reason="run_not_over")
    failed = store.failed_leads(session, business_id, run_id)
    if not failed:
        raise Conflict("Nobody in this broadcast was left without.", reason="nobody_unreached")
    return create_broadcast(
        session, business_id, title=run.title, options=BroadcastOptions.model_validate(run.options),
        whom=Whom(lead_ids=failed), actor=actor,
    )  # fmt: skip


def progress_of(session: Session, business_id: UUID, run_ids: Sequence[UUID]) -> dict[UUID, Progress]:
    """Return how far each of these is, counted from its people in one statement."""
    return {
        run_id: Progress(
            total=sum(found.values()), **{state.value: found.get(state, 0) for state in RecipientState}
        )
        for run_id, found in store.counts(session, business_id, run_ids).items()
    }


def get_broadcast(session: Session, business_id: UUID, run_id: UUID, *, fresh: bool = False) -> Run:
    """Return a broadcast; a run of another kind is as little found as another business's. Raises NotFound."""
    run = runs.get(session, business_id, run_id, fresh=fresh)
    if run.kind != KIND:
        raise NotFound("There is no such broadcast.")
    return run


def push(run: Run) -> None:
    """Let a worker take the broadcast up, unless one has."""
    enqueue_unique(QUEUE, JOB, str(run.id), str(run.id), run_id=run.id)


def _begin(session: Session, run: Run, *, actor: str) -> Run:
    runs.start(session, run, actor=actor)
    push(run)
    return run


def _writer(session: Session, business_id: UUID, options: BroadcastOptions) -> Writer:
    """Return the writer of words that can be sent. Raises NotFound, InvalidInput."""
    inbox.get_account(session, business_id, options.account_id)
    writer = Writer.of(session, business_id, options)
    writer.check(session)
    return writer


def _locked(session: Session, business_id: UUID, run_id: UUID) -> Run:
    run = store.lock_run(session, business_id, run_id)
    if run is None or run.kind != KIND:
        raise NotFound("There is no such broadcast.")
    return run


def _enqueue_start(run_id: UUID, starts_at: datetime) -> None:
    # One job for each moment chosen: the one of a moment that no longer holds finds that out.
    enqueue_unique(
        "default", "start_scheduled_broadcast", f"start:{run_id}:{starts_at.isoformat()}", str(run_id),
        starts_at.isoformat(), run_id=run_id, run_in=max(0.0, (starts_at - clock.now()).total_seconds()),
    )  # fmt: skip
