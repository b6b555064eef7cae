"""Sliced runs: a set that stays what it was, every item worked once, stopped and resumed between slices."""

from __future__ import annotations

import contextvars
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from support.installation import Installation
from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.core.errors import Conflict, InvalidInput, NotFound, RunAlreadyActive, TooManyRequests
from trunkline.core.events import Event, announce
from trunkline.core.jobs import JobContext, enqueue_job, job
from trunkline.core.jobs.models import Job, JobState
from trunkline.core.runs import service as runs
from trunkline.core.runs import slices, sweeper
from trunkline.core.runs.models import Run, RunSlice
from trunkline.core.runs.slices import Progress, Worked
from trunkline.domain.leads.models import Lead
from trunkline.kit import barriers, clock
from trunkline.kit.ids import new_id

KIND, OTHER_KIND = "test.slices", "test.other_slices"
SIZE = 3


@dataclass
class Step:
    """What the test's job does with a slice: puts each item on record, and what the test adds."""

    before: Callable[[Session, Run, Sequence[UUID]], None] = lambda *_: None
    skipped: dict[str, set[UUID]] = field(default_factory=dict)
    miscounts_by: int = 0

    def __call__(self, session: Session, run: Run, item_ids: Sequence[UUID]) -> Worked:
        self.before(session, run, item_ids)
        skipped = {reason: ids & set(item_ids) for reason, ids in self.skipped.items()}
        worked = set(item_ids) - set().union(*skipped.values())
        for item_id in worked:
            announce("test.worked", subject_id=item_id, actor="test", run_id=str(run.id))
        return Worked(len(worked) + self.miscounts_by, skipped)


_in_force: list[Step] = []


@job(queue="maintenance", timeout=60, retries=3, backoff=0.0)
def work_test_slices(ctx: JobContext, run: str) -> None:
    """The job of the test's kind of run."""
    slices.work(ctx, UUID(run), kind=KIND, step=_in_force[-1])


@pytest.fixture
def step() -> Iterator[Step]:
    """The step of the test's kind of run, anew."""
    _in_force.append(Step())
    sweeper.register_step(KIND, queue="maintenance", job_name="work_test_slices")
    yield _in_force[-1]
    _in_force.clear()
    barriers.install(None)


@pytest.fixture
def acme(acme: World) -> World:
    """A business with ten leads: four slices."""
    add_leads(acme, 7)
    return acme


def add_leads(world: World, how_many: int) -> None:
    with unit_of_work(world.scope) as session:
        for number in range(how_many):
            phone = f"+1212556{world.number[2:4]}{number:02}"
            session.add(Lead(business_id=world.business_id, phone=phone, name="New", source="test"))


def begun(world: World, *, subject: str = "everybody", name: str | None = None) -> Run:
    """Begin a run over the business's leads, or those of a name."""
    query = select(Lead.id).where(Lead.business_id == world.business_id)
    with unit_of_work(world.scope) as session:
        return slices.begin(
            session, business_id=world.business_id, kind=KIND, title="Test", subject=subject, options={},
            items=query if name is None else query.where(Lead.name == name), slice_size=SIZE, actor="test",
        )  # fmt: skip


def leads_of(world: World) -> list[UUID]:
    with unit_of_work(world.scope) as session:
        return sorted(session.scalars(select(Lead.id)))


def worked(world: World, run: Run) -> Counter[UUID]:
    """How often each item was worked, by what was committed."""
    with unit_of_work(world.scope) as session:
        rows = session.scalars(select(Event).where(Event.kind == "test.worked"))
        return Counter(row.subject_id for row in rows if row.data["run_id"] == str(run.id))  # type: ignore[misc]


def state_of(world: World, run: Run) -> str:
    with unit_of_work(world.scope) as session:
        return runs.get(session, world.business_id, run.id).state


def progress(world: World, run: Run) -> Progress:
    with unit_of_work(world.scope) as session:
        row = runs.get(session, world.business_id, run.id)
        found = slices.progress_of(session, world.business_id, [row])[run.id]
    parts = (found.queued, found.done, found.skipped, found.failed, found.cancelled)
    assert sum(parts) == found.total
    assert sum(found.reasons.values()) == found.skipped
    return found


def order(world: World, run: Run, verb: Callable[..., None]) -> None:
    """Pause, resume or cancel a run, as its owner would."""
    with unit_of_work(world.scope) as session:
        verb(session, runs.get(session, world.business_id, run.id), actor="test")


def at_barrier(name: str, nth: int, act: Callable[[], object]) -> None:
    """Do something in between, when the process comes to a barrier for the n-th time."""
    left = nth

    def hook(reached: str) -> None:
        nonlocal left
        left -= reached == name
        if reached == name and left == 0:
            act()

    barriers.install(hook)


def jobs_of(world: World, run: Run) -> list[Job]:
    with unit_of_work(world.scope) as session:
        return list(session.scalars(select(Job).where(Job.run_id == run.id).order_by(Job.id)))


# --- The set ---------------------------------------------------------------------------------


def test_a_run_works_every_item_once_and_tells_of_each_slice(
    installation: Installation, acme: World, step: Step
) -> None:
    run = begun(acme)
    assert progress(acme, run) == Progress(10, 10, 0, 0, 0, 0, {})
    installation.run_jobs()
    assert state_of(acme, run) == "completed"
    assert worked(acme, run) == Counter(leads_of(acme))
    assert progress(acme, run) == Progress(10, 0, 10, 0, 0, 0, {})
    with unit_of_work(acme.scope) as session:
        told = session.scalars(select(Event).where(Event.subject_id == run.id).order_by(Event.id)).all()
    assert [event.kind for event in told] == ["run.started", *["run.progressed"] * 4, "run.completed"]
    assert [event.data.get("done") for event in told[1:-1]] == [3, 3, 3, 1]


def test_the_set_is_what_it_was_when_the_run_began(
    installation: Installation, acme: World, step: Step
) -> None:
    with unit_of_work(acme.scope) as session:
        chosen = sorted(session.scalars(select(Lead.id).where(Lead.name == "New")))
    run = begun(acme, name="New")

    def let_the_world_go_on() -> None:
        with unit_of_work(acme.scope) as session:
            # One comes before all others, one behind them; the chosen are chosen no more; one is gone.
            session.execute(update(Lead).values(name="Old"))
            for lead_id, phone in ((UUID(int=1), "+12125560198"), (new_id(), "+12125560199")):
                session.add(
                    Lead(id=lead_id, business_id=acme.business_id, phone=phone, name="New", source="t")
                )
            session.execute(delete(Lead).where(Lead.id == chosen[-1]))

    at_barrier("slice.done", 1, let_the_world_go_on)
    installation.run_jobs()
    assert state_of(acme, run) == "completed"
    assert worked(acme, run) == Counter(chosen)


def test_a_run_over_nothing_is_refused_and_leaves_nothing(acme: World, step: Step) -> None:
    with pytest.raises(InvalidInput):
        begun(acme, name="Nobody")
    with unit_of_work(acme.scope) as session:
        assert [session.query(table).count() for table in (Run, RunSlice, Job)] == [0, 0, 0]


def test_what_is_skipped_is_counted_by_its_reason(
    installation: Installation, acme: World, step: Step
) -> None:
    ids = leads_of(acme)
    step.skipped = {"asleep": {ids[0], ids[9]}, "away": {ids[4]}}
    run = begun(acme)
    installation.run_jobs()
    assert progress(acme, run) == Progress(10, 0, 7, 3, 0, 0, {"asleep": 2, "away": 1})


def test_a_step_that_loses_an_item_writes_nothing(
    installation: Installation, acme: World, step: Step
) -> None:
    step.miscounts_by = -1
    run = begun(acme)
    installation.run_jobs()
    assert state_of(acme, run) == "failed"
    assert worked(acme, run) == Counter()


# --- Stopped and resumed -----------------------------------------------------------------------


def test_a_paused_run_stops_behind_the_slice_in_hand_and_goes_on_there(
    installation: Installation, acme: World, step: Step
) -> None:
    run = begun(acme)
    at_barrier("slice.done", 2, lambda: order(acme, run, slices.pause))
    installation.run_jobs()
    assert state_of(acme, run) == "paused"
    assert progress(acme, run) == Progress(10, 4, 6, 0, 0, 0, {})
    assert sorted(worked(acme, run)) == leads_of(acme)[:6]
    order(acme, run, slices.resume)
    installation.run_jobs()
    assert state_of(acme, run) == "completed"
    assert worked(acme, run) == Counter(leads_of(acme))


@pytest.mark.parametrize("verb", [slices.pause, slices.cancel])
def test_who_stops_a_run_waits_for_the_slice_in_hand(
    verb: Callable[..., None], installation: Installation, acme: World, step: Step
) -> None:
    run = begun(acme)
    waited = []

    def stop_it() -> None:
        with unit_of_work(acme.scope) as session:
            session.execute(text("set local lock_timeout = '50ms'"))
            row = runs.get(session, acme.business_id, run.id)
            with pytest.raises(OperationalError) as refused:
                verb(session, row, actor="test")
        waited.append(refused.value.orig.sqlstate)  # type: ignore[union-attr]

    at_barrier("slice.begun", 1, lambda: contextvars.Context().run(stop_it))
    installation.run_jobs()
    assert waited == ["55P03"]
    assert state_of(acme, run) == "completed"


def test_a_cancelled_run_keeps_what_is_done_and_can_be_resumed(
    installation: Installation, acme: World, step: Step
) -> None:
    run = begun(acme)
    at_barrier("slice.done", 1, lambda: order(acme, run, slices.cancel))
    installation.run_jobs()
    assert state_of(acme, run) == "cancelled"
    assert progress(acme, run) == Progress(10, 0, 3, 0, 0, 7, {})
    assert sweep(installation) == 0
    order(acme, run, slices.resume)
    assert progress(acme, run) == Progress(10, 7, 3, 0, 0, 0, {})
    installation.run_jobs()
    assert worked(acme, run) == Counter(leads_of(acme))
    with unit_of_work(acme.scope) as session:
        row = runs.get(session, acme.business_id, run.id)
        assert (row.state, row.error, row.finished_at is None) == ("completed", None, False)


def test_a_run_whose_slice_cannot_be_done_fails_and_can_be_resumed(
    installation: Installation, acme: World, step: Step
) -> None:
    ids = leads_of(acme)

    def choke(_session: Session, _run: Run, item_ids: Sequence[UUID]) -> None:
        if ids[4] in item_ids:
            raise ValueError("this one cannot be swallowed")

    step.before = choke
    run = begun(acme)
    installation.run_jobs()
    assert state_of(acme, run) == "failed"
    assert progress(acme, run) == Progress(10, 0, 3, 0, 7, 0, {})
    (dead,) = jobs_of(acme, run)
    assert (dead.state, dead.attempt) == (JobState.FAILED, 3)
    assert "this one cannot be swallowed" in (dead.error or "")
    with unit_of_work(acme.scope) as session:
        error = runs.get(session, acme.business_id, run.id).error
    assert error == "Slice 2 could not be done: ValueError. Its job has the trace."
    assert sweep(installation) == 0
    order(acme, run, slices.resume)
    installation.run_jobs()
    assert [row.attempt for row in jobs_of(acme, run)] == [3, 3], "resumed, it is tried as often again"
    step.before = lambda *_: None
    order(acme, run, slices.resume)
    installation.run_jobs()
    assert worked(acme, run) == Counter(ids)


def test_a_slice_that_fails_now_and_then_does_not_fail_the_run(
    installation: Installation, acme: World, step: Step
) -> None:
    tries: Counter[int] = Counter()

    def stumble(_session: Session, run: Run, _item_ids: Sequence[UUID]) -> None:
        tries[run.cursor] += 1
        if tries[run.cursor] == 1:
            raise ValueError("not at the first try")

    step.before = stumble
    run = begun(acme)
    for _ in range(3):
        # One job has three attempts in all; the sweeper sends another.
        installation.run_jobs()
        sweep(installation)
    assert state_of(acme, run) == "completed"
    assert worked(acme, run) == Counter(leads_of(acme))


@pytest.mark.parametrize("verb", [slices.pause, slices.cancel, slices.resume])
def test_a_run_that_is_done_is_done(
    verb: Callable[..., None], installation: Installation, acme: World, step: Step
) -> None:
    run = begun(acme)
    installation.run_jobs()
    with pytest.raises(Conflict):
        order(acme, run, verb)
    assert state_of(acme, run) == "completed"


def test_an_order_that_comes_too_late_names_the_state_there_is(
    installation: Installation, acme: World, step: Step
) -> None:
    run = begun(acme)
    with unit_of_work(acme.scope) as session:
        seen = runs.get(session, acme.business_id, run.id)
    installation.run_jobs()
    with unit_of_work(acme.scope) as session, pytest.raises(Conflict) as refused:
        slices.pause(session, session.merge(seen, load=False), actor="test")
    assert refused.value.data == {"state": "completed", "reason": "run_state"}


# --- Beginning twice, and too often ----------------------------------------------------------


def rows(world: World) -> tuple[int, ...]:
    with unit_of_work(world.scope) as session:
        return tuple(session.query(table).count() for table in (Run, RunSlice, Job, Event))


def test_a_second_start_names_the_active_run_and_writes_nothing(acme: World, step: Step) -> None:
    run = begun(acme)
    for _ in range(2):
        before = rows(acme)
        with pytest.raises(RunAlreadyActive) as refused:
            begun(acme)
        assert refused.value.data == {"run_id": str(run.id)}
        assert rows(acme) == before
        if state_of(acme, run) == "running":
            order(acme, run, slices.pause)


def test_a_run_is_not_resumed_beside_another_over_the_same(acme: World, step: Step) -> None:
    first = begun(acme)
    order(acme, first, slices.cancel)
    second = begun(acme)
    with pytest.raises(RunAlreadyActive) as refused:
        order(acme, first, slices.resume)
    assert refused.value.data == {"run_id": str(second.id)}
    assert state_of(acme, first) == "cancelled"


def test_a_business_begins_so_many_in_a_minute_and_is_told_when_the_next(
    acme: World, umbrella: World, step: Step
) -> None:
    def ask(world: World, most: int) -> int | None:
        with unit_of_work(world.scope) as session:
            try:
                runs.require_pace(
                    session, world.business_id, kind=KIND, most=most, within=timedelta(minutes=1)
                )
            except TooManyRequests as refusal:
                return int(refusal.data["retry_after_s"])
        return None

    start = clock.now()
    for number in range(3):
        begun(acme, subject=str(number))
    with unit_of_work(acme.scope) as session:
        for number, run in enumerate(session.scalars(select(Run).order_by(Run.id))):
            run.created_at = start + timedelta(seconds=10 * number)
    with clock.frozen_at(start + timedelta(seconds=30)):
        assert ask(acme, 4) is None
        assert (ask(acme, 3), ask(acme, 2), ask(acme, 1)) == (30, 40, 50)
        assert ask(umbrella, 1) is None
    with clock.frozen_at(start + timedelta(seconds=61)):
        assert (ask(acme, 3), ask(acme, 2)) == (None, 9)


# --- Among others ------------------------------------------------------------------------------


def test_a_run_gives_its_worker_back_between_slices(
    installation: Installation, acme: World, umbrella: World, step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "_TURN_S", -1.0)
    add_leads(umbrella, 8)
    mine, theirs = begun(acme), begun(umbrella)
    installation.run_jobs()
    assert state_of(acme, mine) == state_of(umbrella, theirs) == "completed"
    turns = []
    for world in (acme, umbrella):
        with unit_of_work(world.scope) as session:
            progressed = session.scalars(select(Event).where(Event.kind == "run.progressed"))
            turns += [(event.id, world.business_id) for event in progressed]
    names = [business for _, business in sorted(turns)]
    assert len(names) == 8
    assert all(len(set(names[n : n + 2])) == 2 for n in (0, 2, 4, 6)), "one business had two turns in a row"
    (only,) = jobs_of(acme, mine)
    assert (only.state, only.attempt) == (JobState.SUCCEEDED, 1)


def test_a_slice_gives_way_to_whoever_holds_a_row(
    installation: Installation, acme: World, step: Step
) -> None:
    def touch(session: Session, _run: Run, item_ids: Sequence[UUID]) -> None:
        session.execute(update(Lead).where(Lead.id.in_(item_ids)).values(notes="touched"))

    step.before = touch
    run, held = begun(acme), leads_of(acme)[4]
    ended = []
    with unit_of_work(acme.scope) as session:
        session.execute(select(Lead).where(Lead.id == held).with_for_update())
        ended.append(run_one_job_elsewhere(installation))
    (waiting,) = jobs_of(acme, run)
    assert ended == [1]
    assert (waiting.state, waiting.attempt) == (JobState.QUEUED, 0)
    assert progress(acme, run).done == 3
    with unit_of_work(acme.scope) as session:
        assert not session.scalar(select(func.sum(RunSlice.failures)))
        session.execute(update(Job).values(run_at=func.clock_timestamp()))
    installation.run_jobs()
    assert worked(acme, run) == Counter(leads_of(acme))


def test_a_slice_whose_lease_is_lost_is_as_if_it_had_not_been(
    installation: Installation, acme: World, step: Step
) -> None:
    run = begun(acme)
    begins: list[UUID] = []
    step.before = lambda _session, _run, item_ids: begins.append(item_ids[0])

    def lose_the_lease() -> None:
        with installation.owner.begin() as owner:
            owner.execute(text("alter table jobs no force row level security"))
            owner.execute(text("update jobs set lease_epoch = lease_epoch + 1, state = 'queued'"))
            owner.execute(text("alter table jobs force row level security"))

    at_barrier("slice.worked", 2, lose_the_lease)
    installation.run_jobs()
    assert state_of(acme, run) == "completed"
    ids = leads_of(acme)
    assert begins == [ids[0], ids[3], ids[3], ids[6], ids[9]]
    assert worked(acme, run) == Counter(ids)


def test_a_run_that_nobody_works_is_taken_up_again(
    installation: Installation, acme: World, step: Step
) -> None:
    run = begun(acme)
    with unit_of_work(acme.scope) as session:
        session.execute(delete(Job))
    installation.run_jobs()
    assert worked(acme, run) == Counter()
    assert sweep(installation) == 1
    assert sweep(installation) == 1
    assert len(jobs_of(acme, run)) == 1, "a run has one job at a time"
    installation.run_jobs()
    assert worked(acme, run) == Counter(leads_of(acme))


def test_the_sweeper_passes_over_a_run_of_a_kind_that_it_does_not_know(
    installation: Installation, acme: World, step: Step
) -> None:
    known, unknown = begun(acme), begun(acme, subject="other")
    with unit_of_work(acme.scope) as session:
        session.execute(delete(Job))
        session.execute(update(Run).where(Run.id == unknown.id).values(kind="of.tomorrow"))
    sweep(installation)
    assert [len(jobs_of(acme, run)) for run in (known, unknown)] == [1, 0]


def test_a_job_works_no_run_of_another_business_or_kind(
    installation: Installation, acme: World, umbrella: World, step: Step
) -> None:
    theirs = begun(umbrella)
    other = begun(acme)
    with unit_of_work(acme.scope) as session:
        session.execute(delete(Job))
        session.execute(update(Run).where(Run.id == other.id).values(kind=OTHER_KIND))
        for run in (theirs, other):
            enqueue_job("maintenance", work_test_slices, str(run.id), retry=1)
    with unit_of_work(umbrella.scope) as session:
        session.execute(delete(Job))
    installation.run_jobs()
    assert worked(umbrella, theirs) == worked(acme, other) == Counter()
    with unit_of_work(acme.scope) as session:
        refused = session.scalars(select(Job)).all()
        assert [row.state for row in refused] == [JobState.FAILED] * 2
        assert all(NotFound.__name__ in (row.error or "") for row in refused)


def run_one_job_elsewhere(installation: Installation) -> int:
    """Work the ledger in a context of its own, while a unit of work is open here."""
    return contextvars.Context().run(installation.run_jobs)


def sweep(installation: Installation) -> int:
    """Let the runs' sweeper come by. Returns how many runs it found."""
    relay: Any = installation.database.relay
    return sweeper.sweep(relay, pause=timedelta(0))
