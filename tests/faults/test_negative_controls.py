"""The judge convicts: with a safeguard taken out, the harm it prevents stands in the carrier's book."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text

from support.processes import eventually
from support.system import System
from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.core.runs.models import Run
from trunkline.domain.leads.selection import Whom, people_of
from trunkline.domain.outbound import service as outbound
from trunkline.domain.outbound.models import OutboundAttempt
from trunkline.domain.outbound.options import RunOptions

_LONG_RING = {"ring_timeout_seconds": 8}


@pytest.mark.parametrize("without", [None, "one_post"])
def test_a_client_that_repeats_a_lost_order_rings_twice(system: System, without: str | None) -> None:
    world = system.world("busy", size=2)
    system.controls.update(world.phones)
    run = world.make_run()
    system.carrier.order_faults(create="lose_reply", times=1)
    system.start_worker(without=without)
    with system.signed_in(world) as api:
        assert api.start(run.id).status_code == 202
        api.wait_for_state(run.id, "completed")
    found = system.carrier.page_of(world.phones).double_dials
    assert [entry["kind"] for entry in found] == ([] if without is None else ["same_order"])


def test_a_dialler_that_forgets_what_it_was_about_to_do_rings_twice(system: System) -> None:
    """The same death with the safeguard in place is `test_killed_workers` at `dial.posted`."""
    world = system.world("no_answer", size=1, carrier=system.slow_carrier)
    system.controls.update(world.phones)
    run = world.make_run()
    system.slow_carrier.order_faults(status_callbacks="drop")
    unsafe = {"carrier": system.slow_carrier, "settings": _LONG_RING, "without": "commit_before_post"}
    victim = system.start_worker(barrier="dial.posted", **unsafe)
    with system.signed_in(world) as api:
        assert api.start(run.id).status_code == 202
        victim.wait_until_dead()
        system.start_worker(**unsafe)
        eventually(lambda: len(system.slow_carrier.page_of(world.phones).calls) > 1, "it rings again")
    found = system.slow_carrier.page_of(world.phones).double_dials
    assert found
    assert {entry["kind"] for entry in found} == {"overlap"}


@pytest.mark.parametrize("fenced", [True, False])
def test_without_the_fence_two_runs_ring_one_person_at_the_same_time(system: System, fenced: bool) -> None:
    world = system.world("no_answer", size=1, carrier=system.slow_carrier)
    system.controls.update(world.phones)
    first, second = run_to_lead(world), run_to_lead(world)
    owner = system.installation.owner
    definition = None if fenced else drop_fence(owner)
    try:
        system.start_worker(
            carrier=system.slow_carrier, settings=_LONG_RING, without=None if fenced else "fence"
        )
        with system.signed_in(world) as api:
            for run in (first, second):
                assert api.start(run.id).status_code == 202
            eventually(
                lambda: len(system.slow_carrier.page_of(world.phones).calls) == 1 + (not fenced), "rings"
            )
            eventually(lambda: system.jobs_at_rest(world, but="sweep_outbound"), "nobody is about to dial")
            dials = len(api.attempts(first.id)) + len(api.attempts(second.id))
    finally:
        system.stop_workers()
        if definition is not None:
            raise_fence(owner, definition)
    assert dials == (1 if fenced else 2)
    found = system.slow_carrier.page_of(world.phones).double_dials
    assert [entry["kind"] for entry in found] == ([] if fenced else ["overlap"])


def run_to_lead(world: World) -> Run:
    """Make a run over the leads themselves, which unlike a list may be worked on by two runs."""
    options = RunOptions(agent_id=world.agent_id, from_number=world.number)
    with unit_of_work(world.scope) as session:
        ids = [row.id for row in session.execute(people_of(session, world.business_id, Whom(world.list_id)))]
        return outbound.create_run(
            session, world.business_id, title="To a lead", options=options, whom=Whom(lead_ids=ids),
            actor="test",
        )  # fmt: skip


def drop_fence(owner: Engine) -> str:
    """Take the fence down and return how it was made."""
    with owner.begin() as connection:
        definition: str = connection.execute(
            text("select indexdef from pg_indexes where indexname = 'uq_outbound_attempts_fence'")
        ).scalar_one()
        connection.execute(text("drop index uq_outbound_attempts_fence"))
    return definition


def raise_fence(owner: Engine, definition: str) -> None:
    """Make it again, over an empty table."""
    with owner.begin() as connection:
        connection.execute(text(f"truncate {OutboundAttempt.__tablename__} cascade"))
        connection.execute(text(definition))
