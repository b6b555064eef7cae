"""What is kept of runs that are over is what a recount gives, whoever changes an item, and whenever."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.orm import Session

from support.installation import Installation
from support.world import World
from trunkline.core.db import database, unit_of_work
from trunkline.core.runs import service as runs
from trunkline.core.runs.models import Run
from trunkline.domain.leads.models import Lead
from trunkline.domain.outbound import run_store, service, tallies
from trunkline.domain.outbound.models import OutboundItem
from trunkline.domain.outbound.retrying import count_retryable, retryable


@pytest.fixture
def over(acme: World) -> Run:
    """A run that is over: one reached, two not."""
    run = acme.make_run()
    with unit_of_work(acme.scope) as session:
        service.start_run(session, acme.business_id, run.id, actor="test")
        service.cancel_run(session, acme.business_id, run.id, force=False, actor="test")
        # Nothing that it began is open, as the sweeper would find.
        runs.settle(session, runs.get(session, acme.business_id, run.id, fresh=True))
        items = update(OutboundItem).where(OutboundItem.run_id == run.id)
        session.execute(items.values(state="failed", disposition="busy"))
        first = items.where(OutboundItem.position == 1)
        session.execute(first.values(state="completed", disposition="booked"))
    return run


def shown(world: World, run_id: UUID) -> tuple[service.Progress, int]:
    """Keep what can be kept and return what a list of runs shows, which is what a recount gives."""
    business_id = world.business_id
    with unit_of_work(world.scope) as session:
        run = runs.get(session, business_id, run_id, fresh=True)
        service.keep_tallies(session, business_id, [run])
        progress = service.progress_of(session, business_id, [run_id])[run_id]
        again = retryable(session, business_id, [run])[run_id]
        counts = run_store.item_counts(session, business_id, [run_id])[run_id]
        assert (progress.done, progress.failed) == (counts.get("completed", 0), counts.get("failed", 0))
        assert progress.total == sum(counts.values())
        assert again == count_retryable(session, business_id, [run_id])[run_id]
        return progress, again


def is_kept(world: World, run_id: UUID) -> bool:
    with unit_of_work(world.scope) as session:
        return run_id in tallies.kept(session, world.business_id, [run_id])


def test_what_is_kept_is_forgotten_when_an_item_changes_or_its_lead_goes(acme: World, over: Run) -> None:
    progress, again = shown(acme, over.id)
    assert (progress.total, progress.done, progress.failed, again) == (3, 1, 2, 2)
    assert is_kept(acme, over.id)
    with unit_of_work(acme.scope) as session:
        last = update(OutboundItem).where(OutboundItem.run_id == over.id, OutboundItem.position == 3)
        session.execute(last.values(state="completed", disposition="booked"))
    assert not is_kept(acme, over.id)
    assert shown(acme, over.id)[1] == 1
    assert is_kept(acme, over.id)
    with unit_of_work(acme.scope) as session:
        session.execute(
            delete(Lead).where(Lead.business_id == acme.business_id, Lead.phone == acme.phones[1])
        )
    assert not is_kept(acme, over.id)
    assert shown(acme, over.id)[1] == 0


def test_a_run_that_goes_on_or_that_somebody_has_in_hand_is_counted_and_not_kept(
    acme: World, over: Run, installation: Installation
) -> None:
    going = acme.make_run()
    with unit_of_work(acme.scope) as session:
        service.start_run(session, acme.business_id, going.id, actor="test")
    shown(acme, going.id)
    assert not is_kept(acme, going.id)
    # Somebody has changed an item and not committed: what is counted meanwhile would be old afterwards.
    with database().begin(acme.scope).session as other:
        _complete(other, over)
        assert shown(acme, over.id)[0].failed == 2
        other.commit()
    assert not is_kept(acme, over.id)
    assert shown(acme, over.id)[0].failed == 0
    assert is_kept(acme, over.id)


def test_a_change_that_touches_no_count_forgets_nothing(acme: World, over: Run) -> None:
    shown(acme, over.id)
    with unit_of_work(acme.scope) as session:
        session.execute(update(OutboundItem).where(OutboundItem.run_id == over.id).values(attempts_used=2))
    assert is_kept(acme, over.id)


def test_a_list_of_runs_that_are_over_reads_none_of_their_items(acme: World, over: Run) -> None:
    shown(acme, over.id)
    with unit_of_work(acme.scope) as session:
        before = _read(session)
        assert service.progress_of(session, acme.business_id, [over.id])[over.id].total == 3
        assert _read(session) == before


def _complete(session: Session, run: Run) -> None:
    of_run = update(OutboundItem).where(OutboundItem.run_id == run.id)
    session.execute(of_run.values(state="completed", disposition="booked"))


def _read(session: Session) -> int:
    """How many rows of items this transaction has read so far."""
    read = text(
        "select seq_tup_read + idx_tup_fetch from pg_stat_xact_all_tables where relname = 'outbound_items'"
    )
    return int(session.execute(read).scalar_one())
