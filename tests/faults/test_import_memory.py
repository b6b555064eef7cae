"""Memory: a worker reads a long file in as little as a short one, and CSV and Excel come to the same."""

from __future__ import annotations

import io
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from support.lists import as_csv, as_xlsx
from support.processes import eventually, memory_mb
from support.world import make_world
from support.yard import Yard
from trunkline.core.db import Scope, unit_of_work
from trunkline.domain.leads import imports
from trunkline.domain.leads.import_models import ImportFault
from trunkline.domain.leads.models import Lead, LeadListEntry

_MAY_GROW_MB = 60.0


def table(rows: int) -> list[list[str]]:
    """Return a list of so many people, every hundredth of whom has no number that could be called."""
    people = (
        [
            f"+1212{5_000_000 + number:07}" if number % 100 else "nobody's", f"Ann {number}", f"Lee {number}",
            f"ann.{number}@example.com", "in the morning", "yes",
        ]
        for number in range(1, rows + 1)
    )  # fmt: skip
    return [["phone", "first name", "last name", "email", "notes", "consent"], *people]


def outcome(scope: Scope, run_id: UUID) -> tuple[list[tuple[str, ...]], list[tuple[int, str]]]:
    """Return the people of an import's list in their order, and its faults."""
    assert scope.business_id is not None
    with unit_of_work(scope) as session:
        found, _ = imports.get(session, scope.business_id, run_id)
        people = session.execute(
            select(Lead.phone, Lead.name, Lead.email, Lead.notes, Lead.consent)
            .join(LeadListEntry, LeadListEntry.lead_id == Lead.id)
            .where(LeadListEntry.list_id == found.list_id)
            .order_by(LeadListEntry.position)
        ).all()
        faults = session.execute(
            select(ImportFault.line, ImportFault.reason)
            .where(ImportFault.run_id == run_id)
            .order_by(ImportFault.line)
        ).all()
    return [tuple(row) for row in people], [(row.line, row.reason) for row in faults]


@pytest.mark.parametrize(
    "rows", [5_000, pytest.param(100_000, marks=[pytest.mark.soak, pytest.mark.timeout(900)])]
)
def test_a_worker_s_memory_does_not_grow_with_the_file(yard: Yard, rows: int) -> None:
    people = table(rows)
    outcomes = []
    for place, (form, content) in enumerate({"csv": as_csv(people), "xlsx": as_xlsx(people)}.items(), 1):
        scope = make_world(f"B{form}", number=f"+1312555019{place}", phones=("+13125550101",)).scope
        run_id, most, grown = import_and_weigh(yard, scope, content)
        yard.reports[f"import of {rows} rows, {form}"] = {"mb": round(most, 1), "grown_mb": round(grown, 1)}
        assert grown < _MAY_GROW_MB
        outcomes.append(outcome(scope, run_id))
    assert outcomes[0] == outcomes[1]
    people_in, faults = outcomes[0]
    assert (len(people_in), len(faults)) == (rows - rows // 100, rows // 100)


def import_and_weigh(yard: Yard, scope: Scope, content: bytes) -> tuple[UUID, float, float]:
    """Let a new worker import a file. Returns the import, the most memory it took and how far that rose."""
    assert scope.business_id is not None
    with yard.child() as worker:
        yard.enqueue("yard_noop")
        eventually(lambda: yard.unfinished() == 0, "it is up and idle", within_s=60)
        before = memory_mb(worker.pid, "VmRSS")
        Path(f"/proc/{worker.pid}/clear_refs").write_text("5")  # forget the most that there was
        with unit_of_work(scope) as session:
            run_id = imports.begin(
                session, scope.business_id, io.BytesIO(content), name="Long", filename="long",
                size=len(content), mapping=None, actor="test",
            ).id  # fmt: skip
        eventually(lambda: state_of(scope, run_id) != "running", "the import is over", within_s=600)
        most = memory_mb(worker.pid, "VmHWM")
        # A worker that ends with the import's job in hand would leave it to whoever comes next.
        eventually(lambda: yard.unfinished() == 0, "its jobs are over", within_s=60)
    assert state_of(scope, run_id) == "completed"
    return run_id, most, most - before


def state_of(scope: Scope, run_id: UUID) -> str:
    assert scope.business_id is not None
    with unit_of_work(scope) as session:
        return imports.get(session, scope.business_id, run_id)[1].state
