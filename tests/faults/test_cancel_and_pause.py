"""Cancel and pause in the middle: what rings afterwards was committed before, and was counted."""

from __future__ import annotations

import signal

import pytest

from support.processes import eventually, kill
from support.system import FINAL_ITEM_STATES, System


@pytest.mark.soak
def test_what_rings_after_a_cancel_was_counted_by_its_answer(system: System) -> None:
    world = system.world("no_answer", size=12, carrier=system.slow_carrier)
    run = world.make_run()
    for _ in range(2):
        system.start_worker(carrier=system.slow_carrier)
    with system.signed_in(world) as api:
        assert api.start(run.id).status_code == 202
        eventually(lambda: system.slow_carrier.page_of(world.phones).rang, "somebody's line rings")
        answer = api.cancel(run.id)
        known = {row["phone"] for row in api.attempts(run.id)}
        eventually(
            lambda: {item["state"] for item in api.items(run.id)} <= FINAL_ITEM_STATES, "every item is over"
        )
        attempts = api.attempts(run.id)
        assert api.run(run.id)["state"] == "cancelled"

    assert answer["calls_in_flight"] >= 1
    assert answer["calls_in_flight"] + answer["items_cancelled"] == len(world.phones)
    assert {row["phone"] for row in attempts} == known
    page = system.slow_carrier.page_of(world.phones)
    assert page.rang <= known
    assert page.most_rings == 1


@pytest.mark.parametrize(("barrier", "rings"), [("dial.committed", 0), ("dial.before_post", 1)])
def test_a_dial_that_had_begun_when_the_run_was_cancelled_is_counted(
    system: System, barrier: str, rings: int
) -> None:
    world = system.world("busy", size=4)
    run = world.make_run()
    # It has all the time it wants: the lease is not what this is about.
    worker = system.start_worker(barrier=barrier, number=signal.SIGSTOP, settings={"lease_seconds": 30.0})
    with system.signed_in(world) as api:
        assert api.start(run.id).status_code == 202
        worker.wait_until_stopped()
        answer = api.cancel(run.id)
        kill(worker.pid, signal.SIGCONT)
        eventually(
            lambda: {item["state"] for item in api.items(run.id)} <= FINAL_ITEM_STATES, "every item is over"
        )
    assert answer == {"items_cancelled": 3, "calls_in_flight": 1}
    page = system.carrier.page_of(world.phones)
    assert len(page.creates) == len(page.rang) == rings


def test_a_cancelled_run_whose_worker_died_comes_to_its_end(system: System) -> None:
    world = system.world("busy", size=4)
    run = world.make_run()
    victim = system.start_worker(barrier="dial.before_post")
    with system.signed_in(world) as api:
        assert api.start(run.id).status_code == 202
        victim.wait_until_dead()
        assert api.cancel(run.id)["calls_in_flight"] == 1
        system.start_worker()
        eventually(
            lambda: {item["state"] for item in api.items(run.id)} <= FINAL_ITEM_STATES, "every item is over"
        )
        assert [row["state"] for row in api.attempts(run.id)] == ["unknown"]
        progress = api.run(run.id)["progress"]
    assert (progress["cancelled"], progress["unknown"]) == (3, 1)


def test_force_hangs_up_what_rings(system: System) -> None:
    world = system.world("no_answer", size=3, carrier=system.slow_carrier)
    run = world.make_run()
    system.start_worker(carrier=system.slow_carrier, settings={"ring_timeout_seconds": 60})
    with system.signed_in(world) as api:
        assert api.start(run.id).status_code == 202
        eventually(lambda: len(system.slow_carrier.page_of(world.phones).rang) == 3, "three lines ring")
        assert api.cancel(run.id, force=True)["calls_in_flight"] == 3
        eventually(
            lambda: {item["state"] for item in api.items(run.id)} <= FINAL_ITEM_STATES, "every item is over"
        )
    calls = system.slow_carrier.page_of(world.phones).calls
    assert [call["ended_by"] for call in calls] == ["api"] * 3


@pytest.mark.soak
def test_a_paused_run_begins_no_dial_and_a_resumed_one_goes_on(system: System) -> None:
    world = system.world("no_answer", size=7, carrier=system.slow_carrier)
    run = world.make_run()
    for _ in range(2):
        system.start_worker(carrier=system.slow_carrier)
    with system.signed_in(world) as api:
        assert api.start(run.id).status_code == 202
        eventually(lambda: len(system.slow_carrier.page_of(world.phones).rang) == 3, "three lines ring")
        assert api.post(f"/api/runs/{run.id}/pause").status_code == 202
        known = {row["id"] for row in api.attempts(run.id)}
        eventually(lambda: api.run(run.id)["progress"]["active"] == 0, "what rang is over")
        # The end of each call asked for the next one; wait until those askers have been heard.
        eventually(lambda: system.jobs_at_rest(world), "no job is left")
        assert {row["id"] for row in api.attempts(run.id)} == known
        assert api.post(f"/api/runs/{run.id}/resume").status_code == 202
        api.wait_for_state(run.id, "completed")
    page = system.slow_carrier.page_of(world.phones)
    assert page.rang == set(world.phones)
    assert page.most_rings == 1
    assert page.double_dials == []
