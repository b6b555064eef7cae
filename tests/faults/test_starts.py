"""Starting a run: of any number of starts one is taken, and the others leave nothing behind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Barrier
from uuid import UUID

import httpx
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from support.api_client import Api
from support.system import System
from support.world import World
from trunkline.core.db import metadata, unit_of_work

_STARTERS = 100

_OF_THE_RELAY = ("job_counters", "workers")
"""What the application may not read."""


@pytest.fixture
def rooms() -> Iterator[ExitStack]:
    """What is entered here is left when the test is over."""
    with ExitStack() as stack:
        yield stack


def tables_of(system: System, world: World) -> dict[str, tuple[int, str]]:
    """Return the number of rows of every table that concerns this business, and what is in them."""
    names = [table.name for table in metadata.sorted_tables if table.name not in _OF_THE_RELAY]
    relay = system.installation.database.relay
    assert relay is not None
    with unit_of_work(world.scope) as session:
        ours = {name: count_and_digest(session, name) for name in names}
    return ours | {name: count_and_digest(relay, name) for name in _OF_THE_RELAY}


def count_and_digest(reader: Session | Engine, table: str) -> tuple[int, str]:
    query = text(
        f"select count(*), coalesce(md5(string_agg(t::text, '|' order by t::text)), '') from {table} t"
    )
    if isinstance(reader, Session):
        return tuple(reader.execute(query).one())  # type: ignore[return-value]
    with reader.connect() as connection:
        return tuple(connection.execute(query).one())  # type: ignore[return-value]


def written(before: dict[str, tuple[int, str]], after: dict[str, tuple[int, str]]) -> dict[str, int]:
    """Return by how many rows each table has grown, of those in which anything differs."""
    return {name: after[name][0] - before[name][0] for name in after if after[name] != before[name]}


def start_together(
    system: System, first: Api, rooms: ExitStack, world: World, runs: Sequence[UUID]
) -> list[httpx.Response]:
    """Start these runs at the same moment, each over a connection of its own, signed in as `first` is."""
    gate = Barrier(len(runs))
    apis = [system.signed_in(world) for _ in runs]
    for api in apis:
        api.borrow(first)
        rooms.callback(api.__exit__)

    def start(api: Api, run_id: UUID) -> httpx.Response:
        gate.wait(60)
        return api.start(run_id)

    with ThreadPoolExecutor(len(runs)) as starters:
        return list(starters.map(start, apis, runs))


def test_of_a_hundred_starts_at_once_one_is_taken_and_the_losers_write_nothing(
    system: System, rooms: ExitStack
) -> None:
    alone, together = system.world("busy", size=2), system.world("busy", size=2)
    only, run = alone.make_run(), together.make_run()
    # What a start writes that nobody contests is the measure.
    api = rooms.enter_context(system.signed_in(alone))
    before = tables_of(system, alone)
    assert api.start(only.id).status_code == 202
    of_one = written(before, tables_of(system, alone))

    api = rooms.enter_context(system.signed_in(together))
    before = tables_of(system, together)
    replies = start_together(system, api, rooms, together, [run.id] * _STARTERS)
    after = tables_of(system, together)
    assert sorted(reply.status_code for reply in replies) == [202] + [409] * (_STARTERS - 1)
    assert named_by(replies) == {str(run.id)}
    assert written(before, after) == of_one
    # One job fills the slots; another makes ready what the agent is told.
    assert (of_one["jobs"], of_one["events"]) == (2, 1)

    # It is active still, as nobody works on it: of a hundred more none is taken, and not a byte differs.
    latecomers = start_together(system, api, rooms, together, [run.id] * _STARTERS)
    assert {reply.status_code for reply in latecomers} == {409}
    assert named_by(latecomers) == {str(run.id)}
    assert written(after, tables_of(system, together)) == {}


@pytest.mark.soak
def test_of_a_hundred_starts_of_two_runs_over_one_list_one_is_taken(system: System, rooms: ExitStack) -> None:
    world = system.world("busy", size=2)
    runs = [world.make_run().id, world.make_run().id]
    api = rooms.enter_context(system.signed_in(world))
    replies = start_together(system, api, rooms, world, runs * (_STARTERS // 2))

    taken = [reply for reply in replies if reply.status_code == 202]
    refused = [reply for reply in replies if reply.status_code == 409]
    assert (len(taken), len(refused)) == (1, _STARTERS - 1)
    winner = taken[0].json()["id"]
    assert named_by(refused) == {winner}
    states = {str(run): api.run(run)["state"] for run in runs}
    assert sorted(states.values()) == ["pending", "running"]
    assert states[winner] == "running"


def named_by(replies: Sequence[httpx.Response]) -> set[str]:
    """Return which runs the refusals name as active."""
    return {reply.json()["error"]["data"]["run_id"] for reply in replies if reply.status_code == 409}
