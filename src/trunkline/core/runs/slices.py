"""Sliced runs: work on many rows of a domain, some hundred at a time, each slice in one transaction.

Owns the set of items, which is fixed when the run starts; the loop over it; cursor and counts, which
commit with what they count; pause, cancel and resume. The domain supplies the step. Knows neither
what the items are nor who may ask for what.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, insert, literal, select, text, update
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from trunkline.core.errors import InvalidInput, NotFound
from trunkline.core.events import announce
from trunkline.core.jobs import JobContext, TryLater, enqueue_unique
from trunkline.core.jobs.handlers import JobCancelled, JobTimedOut
from trunkline.core.runs import service as runs
from trunkline.core.runs.models import Run, RunSlice, RunState
from trunkline.core.runs.sweeper import step_of
from trunkline.kit import barriers, clock

_TURN_S = 3.0
"""How long a worker stays with one run before others have their turn."""

_TRIES = 3
"""How often a slice is tried before the run fails."""

_GIVEN_WAY_S = 0.5
_GIVES_WAY = frozenset({"55P03", "40P01"})
"""No lock within the limit below, and a deadlock: somebody else is at these rows."""

# Half of PostgreSQL's deadlock_timeout: where a slice and a request stand in each other's way, the slice
# goes back and the request never knows. A worker that hangs in the middle of a slice loses its
# connection, and with it its locks, after the second.
_LIMITS = text("set local lock_timeout = '500ms'; set local idle_in_transaction_session_timeout = '5s'")

_COUNTS = text(
    """
    select run_id, what, reason, sum(items) as items
    from run_slices cross join lateral (
        select 'total' as what, null as reason, size as items
        union all select 'left', null, size where worked_at is null
        union all select 'done', null, done
        union all select 'skipped', s.key, jsonb_array_length(s.value) from jsonb_each(skipped) s
    ) parts
    where business_id = :business_id and run_id = any(:run_ids)
    group by run_id, what, reason
    """
)


@dataclass(frozen=True, slots=True)
class Worked:
    """What a step did with its items: how many it worked, and which it left as they are, by reason."""

    done: int
    skipped: Mapping[str, Collection[UUID]]


Step = Callable[[Session, Run, Sequence[UUID]], Worked]
"""Works some items of a run in the transaction given, and accounts for every one of them."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Exact counts of a run's items; the others add up to `total`. `reasons` divides `skipped`."""

    total: int
    queued: int
    done: int
    skipped: int
    failed: int
    cancelled: int
    reasons: Mapping[str, int]


def begin(
    session: Session, *, business_id: UUID, kind: str, title: str, subject: str, options: dict[str, Any],
    items: Select[UUID], slice_size: int, actor: str,
) -> Run:  # fmt: skip
    """Make a run over what `items` selects now, and start it.

    Whatever comes, goes or changes later, the run is over exactly these, in the order of their ids,
    so that two runs over the same rows lock them in the same order. Raises RunAlreadyActive, and
    InvalidInput where nothing is selected.
    """
    run = runs.create(
        session, business_id=business_id, kind=kind, title=title, subject=subject, options=options,
        actor=actor,
    )  # fmt: skip
    runs.start(session, run, actor=actor)
    if not _fix_items(session, run, items, slice_size=slice_size):
        raise InvalidInput("Nothing is selected.", reason="nothing_selected")
    _push(run)
    return run


def work(ctx: JobContext, run_id: UUID, *, kind: str, step: Step) -> None:
    """Be the job of a sliced run: work slice after slice until it is done, stopped, or others wait.

    After a few seconds the same job goes back to its queue, behind whoever waits there. Raises
    NotFound for a run that is not this business's or not of this kind.
    """
    ends = time.monotonic() + _TURN_S
    while _work_slice(ctx, run_id, kind, step):
        barriers.reached("slice.done")
        ctx.check_cancelled()
        if time.monotonic() > ends:
            raise TryLater(0)


def get(session: Session, business_id: UUID, run_id: UUID, *, kinds: Collection[str]) -> Run:
    """Return a run of this business and of one of these kinds, as it is now. Raises NotFound."""
    run = runs.get(session, business_id, run_id, fresh=True)
    if run.kind not in kinds:
        raise NotFound("There is no such run.")
    return run


def pause(session: Session, run: Run, *, actor: str) -> None:
    """Begin no slice more; waits for the one in hand. Raises Conflict."""
    runs.pause(session, run, actor=actor)
    runs.settle(session, run)


def cancel(session: Session, run: Run, *, actor: str) -> None:
    """End the run behind the slice in hand, which it waits for; what is done stays. Raises Conflict."""
    runs.cancel(session, run, actor=actor)
    runs.settle(session, run)


def resume(session: Session, run: Run, *, actor: str) -> None:
    """Go on behind the last slice done: a paused, cancelled or failed run. Raises Conflict."""
    if run.state == RunState.PAUSED:
        runs.resume(session, run, actor=actor)
    else:
        runs.restart(session, run, actor=actor)
    of_run = (RunSlice.business_id == run.business_id, RunSlice.run_id == run.id)
    session.execute(update(RunSlice).where(*of_run, RunSlice.failures > 0).values(failures=0))
    _push(run)


def progress_of(session: Session, business_id: UUID, rows: Sequence[Run]) -> dict[UUID, Progress]:
    """Return each run's progress, counted from its slices in one statement."""
    counts: dict[UUID, dict[str, int]] = {run.id: dict.fromkeys(("total", "left", "done"), 0) for run in rows}
    reasons: dict[UUID, dict[str, int]] = {run.id: {} for run in rows}
    found = session.execute(_COUNTS, {"business_id": business_id, "run_ids": list(counts)})
    for run_id, what, reason, items in found:
        (counts if reason is None else reasons)[run_id][reason or what] = items
    return {run.id: _progress(RunState(run.state), counts[run.id], reasons[run.id]) for run in rows}


def _progress(state: RunState, counts: Mapping[str, int], reasons: Mapping[str, int]) -> Progress:
    """What is not done waits, or, where the run is over, is left undone under the name of its end."""
    left = counts["left"]
    is_left = state in {RunState.FAILED, RunState.CANCELLED}
    return Progress(
        total=counts["total"],
        queued=0 if is_left else left,
        done=counts["done"],
        skipped=sum(reasons.values()),
        failed=left if state == RunState.FAILED else 0,
        cancelled=left if state == RunState.CANCELLED else 0,
        reasons=reasons,
    )


def _fix_items(session: Session, run: Run, items: Select[UUID], *, slice_size: int) -> int:
    """Write the run's slices in one statement, which sees one moment. Returns how many."""
    chosen = items.subquery()
    (item,) = chosen.c
    number = func.row_number().over(order_by=item) - 1
    numbered = select(item.label("id"), (number // slice_size + 1).label("position")).subquery()
    ids = func.array_agg(aggregate_order_by(numbered.c.id, numbered.c.id))
    slices = select(
        literal(run.business_id), literal(run.id), numbered.c.position, ids, func.count()
    ).group_by(numbered.c.position)  # fmt: skip
    columns = ["business_id", "run_id", "position", "item_ids", "size"]
    written = session.execute(
        insert(RunSlice).from_select(columns, slices, include_defaults=False).returning(RunSlice.position)
    )
    return len(written.all())


def _push(run: Run) -> None:
    """Let a worker take the run up, unless its job waits or runs already; then the sweeper sees to it."""
    queue, job_name = step_of(run.kind)
    enqueue_unique(queue, job_name, str(run.id), str(run.id), run_id=run.id)


def _work_slice(ctx: JobContext, run_id: UUID, kind: str, step: Step) -> bool:
    """Work the next slice. False: there is none, or the run is not running."""
    try:
        with ctx.unit_of_work() as session:
            return _advance(session, ctx.business, run_id, kind, step)
    except OperationalError as error:
        # What PostgreSQL could not do just now says nothing about the slice.
        if getattr(error.orig, "sqlstate", None) in _GIVES_WAY:
            raise TryLater(_GIVEN_WAY_S) from error
        raise
    except (NotFound, JobCancelled, JobTimedOut):
        raise
    except Exception as error:
        _note_failure(ctx, run_id, error)
        raise


def _advance(session: Session, business_id: UUID, run_id: UUID, kind: str, step: Step) -> bool:
    session.execute(_LIMITS)
    run = _locked(session, business_id, run_id)
    if run is None or run.kind != kind:
        raise NotFound("There is no such run.")
    if run.state != RunState.RUNNING:
        return False
    piece = session.get_one(RunSlice, (business_id, run_id, run.cursor + 1))
    barriers.reached("slice.begun")
    worked = step(session, run, piece.item_ids)
    skipped = {reason: sorted(map(str, ids)) for reason, ids in worked.skipped.items() if ids}
    if worked.done + sum(map(len, skipped.values())) != piece.size:
        raise RuntimeError(f"the step accounts for {worked.done} and {skipped} of {piece.size} items")
    written = session.execute(
        update(RunSlice)
        .where(
            RunSlice.business_id == business_id, RunSlice.run_id == run_id,
            RunSlice.position == piece.position, RunSlice.worked_at.is_(None),
        )
        .values(done=worked.done, skipped=skipped, worked_at=clock.now())
        .returning(RunSlice.position)
    )  # fmt: skip
    written.one()  # a slice is worked once, whatever becomes of the cursor
    runs.advance_cursor(session, run, piece.position)
    announce(
        "run.progressed", subject_id=run.id, actor=run.created_by, slice=piece.position, done=worked.done,
        skipped={reason: len(ids) for reason, ids in skipped.items()},
    )  # fmt: skip
    has_more = session.get(RunSlice, (business_id, run_id, piece.position + 1)) is not None
    if not has_more:
        runs.complete(session, run, actor="system")
    session.flush()
    barriers.reached("slice.worked")
    return has_more


def _locked(session: Session, business_id: UUID, run_id: UUID) -> Run | None:
    """Return the run as it stands, which nobody moves until this transaction ends."""
    return session.scalar(
        select(Run)
        .where(Run.business_id == business_id, Run.id == run_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )


def _note_failure(ctx: JobContext, run_id: UUID, error: Exception) -> None:
    """Count a slice that could not be worked; after the last try the run fails and says where."""
    with ctx.unit_of_work() as session:
        run = _locked(session, ctx.business, run_id)
        if run is None or run.state != RunState.RUNNING:
            return
        piece = session.get_one(RunSlice, (ctx.business, run_id, run.cursor + 1))
        piece.failures += 1
        if piece.failures >= _TRIES:
            what = f"Slice {piece.position} could not be done: {type(error).__name__}. Its job has the trace."
            runs.fail(session, run, error=what, actor="system")
