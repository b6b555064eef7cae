"""Starting a run: of any number of starts one is taken, and the others leave nothing behind."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import httpx
from sqlalchemy import text

from support.api_client import Api
from support.system import System
from support.world import World
from trunkline.core.db import metadata, unit_of_work

_STARTERS = 20


def rows_of(world: World) -> dict[str, int]:
    """Count the rows of every table that this business can see."""
    with unit_of_work(world.scope) as session:
        return {
            table.name: session.scalar(text(f"select count(*) from {table.name}")) or 0
            for table in metadata.sorted_tables
            # The relay's own, which the application may not read.
            if table.name not in {"job_counters", "workers"}
        }


def test_a_start_sent_twice_is_taken_once_and_the_second_names_the_active_run(system: System) -> None:
    world = system.world("busy", size=2)
    run, other = world.make_run(), world.make_run()
    with system.signed_in(world) as api:
        assert api.start(run.id).status_code == 202
        before = rows_of(world)
        again, of_same_list = api.start(run.id), api.start(other.id)
        after = rows_of(world)
        state_of_other = api.run(other.id)["state"]
    for refused in (again, of_same_list):
        assert refused.status_code == 409
        assert refused.json()["error"]["data"]["run_id"] == str(run.id)
    assert state_of_other == "pending"
    assert after == before


def test_of_twenty_starts_at_once_one_is_taken_and_the_losers_write_nothing(system: System) -> None:
    world = system.world("busy", size=2)
    run = world.make_run()
    gate = Barrier(_STARTERS)

    def start(api: Api) -> httpx.Response:
        gate.wait(30)
        return api.start(run.id)

    apis = [system.signed_in(world) for _ in range(_STARTERS)]
    try:
        apis[0].__enter__()
        for api in apis[1:]:
            api.borrow(apis[0])
        before = rows_of(world)
        with ThreadPoolExecutor(_STARTERS) as starters:
            replies = list(starters.map(start, apis))
        after = rows_of(world)
    finally:
        for api in apis:
            api.__exit__()

    assert sorted(reply.status_code for reply in replies) == [202] + [409] * (_STARTERS - 1)
    named = {reply.json()["error"]["data"]["run_id"] for reply in replies if reply.status_code == 409}
    assert named == {str(run.id)}
    # Exactly what one start writes: its job and its event.
    written = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    assert written == {"jobs": 1, "events": 1}
