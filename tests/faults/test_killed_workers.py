"""A worker killed -9 at any step of a dial: nobody is rung twice, and the run goes on to its end."""

from __future__ import annotations

import pytest

from support.processes import children_of, eventually, kill
from support.system import DIAL_BARRIERS, FINAL_ITEM_STATES, System

_ALWAYS = {"dial.before_post", "dial.posted"}
"""On either side of the order; the storm's sample has them all as well."""


@pytest.mark.parametrize(
    "barrier",
    [pytest.param(name, marks=[pytest.mark.soak] * (name not in _ALWAYS)) for name in DIAL_BARRIERS],
)
def test_a_worker_killed_at_a_barrier_costs_no_second_ring(system: System, barrier: str) -> None:
    world = system.world("busy", size=6)
    run = world.make_run()
    if barrier == "reconcile.asked":
        # Somebody has to be in doubt for the carrier to be asked at all: no reply, and no word after it.
        system.carrier.order_faults(create="lose_reply", times=1)
        system.carrier.order_faults(status_callbacks="drop", times=2)
    victim = system.start_worker(barrier=barrier, nth=1 if barrier == "reconcile.asked" else 3)
    with system.signed_in(world) as api:
        assert api.start(run.id).status_code == 202
        victim.wait_until_dead()
        assert victim.has_reached
        system.start_worker()
        done = api.wait_for_state(run.id, "completed")
        items, attempts = api.items(run.id), api.attempts(run.id)

    page = system.carrier.page_of(world.phones)
    assert page.double_dials == []
    assert page.most_rings == 1
    assert {item["state"] for item in items} <= FINAL_ITEM_STATES
    in_doubt = [row for row in attempts if row["state"] == "unknown"]
    assert done["progress"]["unknown"] == len(in_doubt)
    # Who rang was found out, by callback or by asking; only a call that never was stays unknown.
    assert not {row["phone"] for row in in_doubt} & page.rang
    assert len(page.rang) + len(in_doubt) == len(world.phones)


@pytest.mark.soak
def test_the_supervisor_replaces_a_killed_child_and_the_run_goes_on(system: System) -> None:
    world = system.world("no_answer", size=8)
    run = world.make_run()
    supervisor = system.start_supervisor(concurrency=2)
    eventually(lambda: len(children_of(supervisor.pid)) == 2, "two children run", within_s=60)
    before = children_of(supervisor.pid)
    with system.signed_in(world) as api:
        assert api.start(run.id).status_code == 202
        eventually(lambda: api.attempts(run.id), "the run has begun")
        for child in before:
            kill(child)
        eventually(lambda: len(children_of(supervisor.pid) - before) == 2, "both are replaced", within_s=60)
        api.wait_for_state(run.id, "completed", within_s=60)

    page = system.carrier.page_of(world.phones)
    assert page.double_dials == []
    assert page.most_rings == 1


def test_a_dial_in_doubt_is_asked_about_however_often_the_asker_dies(system: System) -> None:
    world = system.world("busy", size=1)
    run = world.make_run()
    # Neither a reply nor a callback: only the carrier's list knows that somebody was rung. It has as long
    # to be asked as a call may last.
    patient = {"longest_call_seconds": 60}
    system.carrier.order_faults(create="lose_reply", status_callbacks="drop")
    with system.signed_in(world) as api:
        assert api.start(run.id).status_code == 202
        for _ in range(3):
            system.start_worker(barrier="reconcile.asked", settings=patient).wait_until_dead()
        system.start_worker(settings=patient)
        done = api.wait_for_state(run.id, "completed")
        attempts = api.attempts(run.id)
    assert done["progress"]["failed"] == 1, "it rang, and is taken for one of whom nobody knows"
    assert [row["state"] for row in attempts] == ["ended"]
