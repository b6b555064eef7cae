"""A thousand deaths: workers killed again and again at every barrier, over many runs at a time."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle
from uuid import UUID

import pytest

from support.api_client import Api
from support.processes import eventually, is_alive
from support.system import DIAL_BARRIERS, FINAL_ITEM_STATES, System
from support.world import World
from support.zygote import Worker

_KILLS = int(os.environ.get("TRUNKLINE_SOAK_KILLS", "1001"))
_RUNS_AT_A_TIME = 4
_LEADS = 30
_VICTIMS_AT_A_TIME = 10
_LIMIT_S = 2_400


@pytest.fixture
def rooms() -> Iterator[ExitStack]:
    """What is entered here is left when the test is over."""
    with ExitStack() as stack:
        yield stack


@pytest.mark.soak
@pytest.mark.timeout(_LIMIT_S + 300)
def test_nobody_is_rung_twice_however_many_workers_die(system: System, rooms: ExitStack) -> None:
    chance = random.Random(20)
    town = Town(system, rooms)
    barriers = cycle(DIAL_BARRIERS)
    victims: list[Worker] = []
    killed, ends = 0, time.monotonic() + _LIMIT_S

    def something_to_do() -> bool:
        return town.needs_leads() or any(not is_alive(victim.pid) for victim in victims)

    while killed < _KILLS:
        assert time.monotonic() < ends, f"only {killed} kills"
        town.keep_busy()
        while len(victims) < min(_VICTIMS_AT_A_TIME, _KILLS - killed):
            victims.append(system.start_worker(barrier=next(barriers), nth=chance.randint(1, 3)))
        eventually(something_to_do, "a worker dies, or leads run out", within_s=60)
        dead = [victim for victim in victims if not is_alive(victim.pid)]
        assert all(victim.has_reached for victim in dead), "a worker died of something else"
        killed += len(dead)
        victims[:] = [victim for victim in victims if victim not in dead]
    for _ in range(2):
        system.start_worker()
    town.see_it_through()

    page = system.carrier.page_of(town.phones)
    assert page.double_dials == []
    assert page.most_rings == 1
    # Nobody was forgotten: who was not rung is known to be in doubt, and nobody who rang is.
    assert town.unknown() == set(town.phones) - page.rang


@dataclass(slots=True)
class Campaign:
    """One run, and its owner at the API."""

    world: World
    run_id: UUID
    api: Api


class Town:
    """Businesses that always have somebody left to call."""

    def __init__(self, system: System, rooms: ExitStack) -> None:
        self._system = system
        self._rooms = rooms
        self._campaigns: list[Campaign] = []
        self._open: list[Campaign] = []
        self._looked_at = 0.0

    @property
    def phones(self) -> list[str]:
        return [phone for campaign in self._campaigns for phone in campaign.world.phones]

    def needs_leads(self) -> bool:
        """Return whether a run has nobody left to begin with; looks once a second at most."""
        if time.monotonic() - self._looked_at < 1:
            return False
        self._looked_at = time.monotonic()
        self._open = [one for one in self._open if one.api.run(one.run_id)["progress"]["queued"]]
        return len(self._open) < _RUNS_AT_A_TIME

    def keep_busy(self) -> None:
        """Start runs until there are enough with somebody left to call."""
        while len(self._open) < _RUNS_AT_A_TIME:
            world = self._system.world("busy", size=_LEADS, lines=10)
            api = self._rooms.enter_context(self._system.signed_in(world))
            campaign = Campaign(world, world.make_run(concurrency=10).id, api)
            assert api.start(campaign.run_id).status_code == 202
            self._campaigns.append(campaign)
            self._open.append(campaign)

    def see_it_through(self) -> None:
        """Wait until every run is over, and see that every item is."""
        for one in self._campaigns:
            one.api.wait_for_state(one.run_id, "completed", within_s=120)
            assert {item["state"] for item in one.api.items(one.run_id)} <= FINAL_ITEM_STATES

    def unknown(self) -> set[str]:
        """Return the people of whose dial nobody knows what became of it."""
        return {
            item["phone"]
            for one in self._campaigns
            for item in one.api.items(one.run_id)
            if item["state"] == "unknown"
        }
