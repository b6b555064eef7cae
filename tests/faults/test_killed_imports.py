"""Workers killed in and between the batches of an import: exactly the rows of the file, each once.

PostgreSQL keeps the book: a trigger notes each lead that is made or changed, in the transaction that does
it, so that what was done twice shows even where the outcome would look the same.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from uuid import UUID

import pytest
from sqlalchemy import Engine, func, select, text

from support.lists import as_csv, as_xlsx
from support.processes import eventually
from support.world import World, make_world
from support.yard import HASTE, Yard
from trunkline.core.db import unit_of_work
from trunkline.core.events import Event
from trunkline.domain.leads import import_store, imports
from trunkline.domain.leads.import_models import ImportChunk, ImportFault
from trunkline.domain.leads.models import Lead, LeadListEntry

BATCHES, SIZE = 4, 1_000
REPEATED = 2
"""The row of the last batch that repeats one of the first."""

_KEEP_BOOK = """
create table touches (phone text not null);
create function note_touch() returns trigger language plpgsql security definer as
    $$ begin insert into touches values (new.phone); return new; end $$;
create trigger note_touch after insert or update on leads for each row execute function note_touch();
"""
_CLOSE_BOOK = "drop trigger note_touch on leads; drop function note_touch; drop table touches;"


@pytest.fixture
def acme(yard: Yard) -> World:
    return make_world("Acme", number="+12125550190", phones=("+12125550101",))


@pytest.fixture
def book(yard: Yard, acme: World) -> Iterator[Engine]:
    """Every lead that is made or changed is noted from here to the test's end."""
    owner = yard.installation.owner
    with owner.begin() as connection:
        connection.execute(text(_KEEP_BOOK))
    try:
        yield owner
    finally:
        yard.stop_workers()
        with owner.begin() as connection:
            connection.execute(text(_CLOSE_BOOK))


PHONES = [f"+1212556{number:04}" for number in range(BATCHES * SIZE - 2)]
ROWS = [["phone", "name"], *([phone, f"P{phone[-4:]}"] for phone in PHONES), [PHONES[REPEATED], "Again"]]


def begin(world: World, content: bytes) -> UUID:
    with unit_of_work(world.scope) as session:
        return imports.begin(
            session, world.business_id, io.BytesIO(content), name="Imported", filename="leads",
            size=len(content), mapping=None, actor="test",
        ).id  # fmt: skip


def standing(world: World, run_id: UUID) -> tuple[str, int]:
    """Return the import's state and how many rows are in; its counts add up at every look."""
    with unit_of_work(world.scope) as session:
        # Between two batches, so that all is read of one moment.
        import_store.find(session, world.business_id, run_id, lock=True)
        found, run = imports.get(session, world.business_id, run_id)
        placed = session.scalar(
            select(func.count()).select_from(LeadListEntry).where(LeadListEntry.list_id == found.list_id)
        )
        noted = session.scalar(select(func.count()).select_from(ImportFault))
    assert (placed, noted) == (found.imported, found.faults)
    assert found.imported + found.faults == run.cursor
    return run.state, run.cursor


@pytest.mark.parametrize("form", [as_csv, pytest.param(as_xlsx, marks=pytest.mark.soak)])
@pytest.mark.parametrize("barrier", ["import.batch_begun", "import.batch_written", "import.batch_done"])
def test_a_worker_killed_in_an_import_costs_no_row_and_none_twice(
    barrier: str, form: object, yard: Yard, book: Engine, acme: World
) -> None:
    assert callable(form)
    run_id = begin(acme, form(ROWS))
    victim = yard.start_worker(barrier=barrier, nth=2, settings=HASTE)
    victim.wait_until_dead()
    assert victim.has_reached
    in_before = 2 * SIZE if barrier == "import.batch_done" else SIZE
    assert standing(acme, run_id) == ("running", in_before)
    yard.start_upkeep(settings=HASTE)
    yard.start_worker(settings=HASTE)
    eventually(lambda: standing(acme, run_id)[0] == "completed", f"import {run_id} is completed", within_s=60)
    assert standing(acme, run_id)[1] == len(ROWS) - 1
    with book.connect() as connection:
        touched = Counter(connection.execute(text("select phone from touches")).scalars())
    assert touched == Counter(PHONES)
    with unit_of_work(acme.scope) as session:
        listed = session.scalars(
            select(Lead.phone)
            .join(LeadListEntry, LeadListEntry.lead_id == Lead.id)
            .where(LeadListEntry.list_id != acme.list_id)
            .order_by(LeadListEntry.position)
        ).all()
        told = session.scalars(
            select(Event).where(Event.kind == "import.progressed").order_by(Event.id)
        ).all()
        faults = session.scalars(select(ImportFault)).all()
        assert session.scalar(select(func.count()).select_from(ImportChunk)) == 0
    assert listed == PHONES
    assert [event.data["rows"] for event in told] == [1_000, 2_000, 3_000, len(ROWS) - 1]
    assert [(fault.line, fault.reason) for fault in faults] == [
        (len(ROWS), f"{PHONES[REPEATED]} stands on line {REPEATED + 2} already")
    ]
