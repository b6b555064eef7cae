"""Workers killed and stopped in and between the slices of bulk work: every lead once, nobody else's at all.

PostgreSQL keeps the book: a trigger notes each row that is changed or deleted, in the transaction that
does it, so that what was done twice shows even where the outcome would look the same.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from uuid import UUID

import pytest
from sqlalchemy import Engine, select, text

from support.processes import eventually, kill
from support.world import World, make_world
from support.yard import HASTE, Yard
from trunkline.core.db import unit_of_work
from trunkline.core.events import Event
from trunkline.core.runs import slices
from trunkline.core.runs.models import Run
from trunkline.core.runs.slices import Progress
from trunkline.domain.leads import bulk
from trunkline.domain.leads.models import Lead
from trunkline.domain.leads.schemas import BulkDeleteIn, BulkUpdateIn, LeadChanges

SLICES, SIZE = 5, 8

_KEEP_BOOK = """
create table touches (lead_id uuid not null);
create function note_touch() returns trigger language plpgsql security definer as
    $$ begin insert into touches values (old.id); return old; end $$;
create trigger note_touch after update or delete on leads for each row execute function note_touch();
"""
_CLOSE_BOOK = "drop trigger note_touch on leads; drop function note_touch; drop table touches;"


@pytest.fixture
def book(yard: Yard) -> Iterator[Engine]:
    """Every row of leads that is touched is noted from here to the test's end."""
    owner = yard.installation.owner
    with owner.begin() as connection:
        connection.execute(text(_KEEP_BOOK))
    try:
        yield owner
    finally:
        yard.stop_workers()
        with owner.begin() as connection:
            connection.execute(text(_CLOSE_BOOK))


@pytest.fixture
def acme(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> World:
    """A business with leads for five slices."""
    monkeypatch.setattr(bulk, "_UPDATED_AT_ONCE", SIZE)
    monkeypatch.setattr(bulk, "_DELETED_AT_ONCE", SIZE)
    phones = tuple(f"+121255601{number:02}" for number in range(SLICES * SIZE))
    return make_world("Acme", number="+12125550190", phones=phones)


@pytest.fixture
def umbrella(yard: Yard) -> World:
    """Another business, which knows one of the same people."""
    return make_world("Umbrella", number="+13125550190", phones=("+12125560100", "+13125550102"))


def touches(book: Engine) -> Counter[UUID]:
    with book.connect() as connection:
        return Counter(connection.execute(text("select lead_id from touches")).scalars())


def leads_of(world: World) -> list[tuple[UUID, str | None]]:
    with unit_of_work(world.scope) as session:
        return [(lead.id, lead.notes) for lead in session.scalars(select(Lead).order_by(Lead.id))]


def begin(world: World, what: str) -> Run:
    with unit_of_work(world.scope) as session:
        if what == "delete":
            wish = BulkDeleteIn(list_id=world.list_id)
            return bulk.begin_delete(session, world.business_id, wish, actor="test")
        changes = BulkUpdateIn(list_id=world.list_id, changes=LeadChanges(notes="Changed"))
        return bulk.begin_update(session, world.business_id, changes, actor="test")


def standing(world: World, run: Run) -> tuple[str, Progress]:
    """Return the run's state and its progress, which adds up at every look."""
    with unit_of_work(world.scope) as session:
        row = slices.get(session, world.business_id, run.id, kinds=bulk.KINDS)
        progress = slices.progress_of(session, world.business_id, [row])[run.id]
    parts = (progress.queued, progress.done, progress.skipped, progress.failed, progress.cancelled)
    assert sum(parts) == progress.total == SLICES * SIZE, progress
    return row.state, progress


def wait_until_completed(world: World, run: Run, within_s: float = 30) -> None:
    eventually(
        lambda: standing(world, run)[0] == "completed", f"run {run.id} is completed", within_s=within_s
    )


def told(world: World, run: Run) -> list[int]:
    """Return the slices of which the events tell, in their order."""
    with unit_of_work(world.scope) as session:
        events = session.scalars(
            select(Event).where(Event.subject_id == run.id, Event.kind == "run.progressed").order_by(Event.id)
        )
        return [event.data["slice"] for event in events]


@pytest.mark.parametrize("what", [pytest.param("update", marks=pytest.mark.soak), "delete"])
@pytest.mark.parametrize("barrier", ["slice.begun", "slice.worked", "slice.done"])
def test_a_worker_killed_in_bulk_work_costs_no_lead_and_none_twice(  # noqa: PLR0917 - fixtures
    barrier: str, what: str, yard: Yard, book: Engine, acme: World, umbrella: World
) -> None:
    chosen, theirs = leads_of(acme), leads_of(umbrella)
    run = begin(acme, what)
    done_before = 2 * SIZE if barrier == "slice.done" else SIZE
    victim = yard.start_worker(barrier=barrier, nth=2, settings=HASTE)
    victim.wait_until_dead()
    assert victim.has_reached
    assert standing(acme, run)[1].done == done_before == len(touches(book))
    yard.start_upkeep(settings=HASTE)
    yard.start_worker(settings=HASTE)
    wait_until_completed(acme, run)
    assert touches(book) == Counter(lead_id for lead_id, _ in chosen)
    assert told(acme, run) == list(range(1, SLICES + 1))
    changed = [] if what == "delete" else [(lead_id, "Changed") for lead_id, _ in chosen]
    assert leads_of(acme) == changed
    assert leads_of(umbrella) == theirs


def test_a_run_cancelled_after_a_death_is_resumed_where_it_stood(
    yard: Yard, book: Engine, acme: World
) -> None:
    chosen = leads_of(acme)
    run = begin(acme, "update")
    yard.start_worker(barrier="slice.worked", nth=3, settings=HASTE).wait_until_dead()
    with unit_of_work(acme.scope) as session:
        bulk.cancel_run(session, acme.business_id, run.id, actor="test")
    yard.start_upkeep(settings=HASTE)
    yard.start_worker(settings=HASTE)
    left = (SLICES - 2) * SIZE
    eventually(lambda: yard.unfinished() == 0, "the dead worker's job has come to its end", within_s=60)
    assert standing(acme, run) == ("cancelled", Progress(SLICES * SIZE, 0, 2 * SIZE, 0, 0, left, {}))
    with unit_of_work(acme.scope) as session:
        bulk.resume_run(session, acme.business_id, run.id, actor="test")
    wait_until_completed(acme, run)
    assert touches(book) == Counter(lead_id for lead_id, _ in chosen)


def test_a_worker_that_stops_in_the_middle_of_a_slice_holds_nobody_up_and_does_nothing_late(
    yard: Yard, book: Engine, acme: World
) -> None:
    chosen = leads_of(acme)
    run = begin(acme, "delete")
    stopped = yard.start_worker(barrier="slice.worked", nth=2, number=signal.SIGSTOP, settings=HASTE)
    stopped.wait_until_stopped()
    yard.start_upkeep(settings=HASTE)
    yard.start_worker(settings=HASTE)
    wait_until_completed(acme, run)
    lines = stopped.log.read_bytes().count(b"job_lease_lost")
    kill(stopped.pid, signal.SIGCONT)
    eventually(
        lambda: stopped.log.read_bytes().count(b"job_lease_lost") > lines,
        f"the worker that woke up saw that it had lost its lease; see {stopped.log}",
    )
    assert touches(book) == Counter(lead_id for lead_id, _ in chosen)
    assert told(acme, run) == list(range(1, SLICES + 1))
