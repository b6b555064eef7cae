"""Redis killed, emptied, hung or away: it carries wake-ups and nothing else, so nothing is lost with it."""

from __future__ import annotations

import time

import pytest

from support.processes import TWO_SECONDS, eventually
from support.system import FINAL_ITEM_STATES, System


def test_redis_killed_and_emptied_in_the_middle_of_a_run_loses_nothing(system: System) -> None:
    world = system.world("no_answer", size=8, carrier=system.slow_carrier)
    run = world.make_run()
    for _ in range(2):
        system.start_worker(carrier=system.slow_carrier)
    with system.signed_in(world) as api:
        assert api.start(run.id).status_code == 202
        # Three are ringing, five wait: what goes on from here is found in PostgreSQL.
        eventually(lambda: len(system.slow_carrier.page_of(world.phones).rang) == 3, "three lines ring")
        system.redis.kill()
        system.redis.empty()
        system.redis.mend()
        api.wait_for_state(run.id, "completed")
        items = api.items(run.id)

    page = system.slow_carrier.page_of(world.phones)
    assert page.double_dials == []
    assert page.most_rings == 1
    assert page.rang == set(world.phones)
    assert {item["disposition"] for item in items} == {"no_answer"}
    assert {item["state"] for item in items} <= FINAL_ITEM_STATES


@pytest.mark.parametrize("trouble", ["killed", "hung"])
def test_without_redis_a_start_answers_in_a_second_and_workers_begin_within_two(
    system: System, trouble: str
) -> None:
    world = system.world("busy", size=4)
    run = world.make_run()
    system.start_worker()
    eventually(system.redis.listeners, "the worker has come up")
    with system.signed_in(world) as api:
        if trouble == "killed":
            system.redis.kill()
        else:
            system.redis.hang()
        try:
            began = time.monotonic()
            assert api.start(run.id).status_code == 202
            answered_s = time.monotonic() - began
            eventually(lambda: api.attempts(run.id), "a worker has dialled", within_s=60)
            dialled_s = time.monotonic() - began
            api.wait_for_state(run.id, "completed")
        finally:
            system.redis.mend()
    assert answered_s < TWO_SECONDS / 2
    assert dialled_s < TWO_SECONDS
    page = system.carrier.page_of(world.phones)
    assert page.double_dials == []
    assert page.rang == set(world.phones)
