"""Live calls that go wrong, by the hundred and at once: nothing of them is left, and all is recorded."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.installation import Installation
from support.live_house import Holdings, LiveHouse, open_house
from support.processes import eventually
from support.verdict import add_to_verdict
from trunkline.core.db import SYSTEM, of_business, unit_of_work
from trunkline.domain.agents import service as agents
from trunkline.domain.tenants import service as tenants
from trunkline.kit.ids import new_id
from trunkline.providers.scripted import ready_made
from trunkline.sim import practice as practices
from trunkline.sim.calls import HeldCall, opened
from trunkline.sim.grades import Outcome
from trunkline.sim.records import outcomes
from trunkline.sim.scenario import Scenario, Step
from trunkline.simulators.callers import Caller

_RNG = random.Random(20)
_ENDS = ("drops_the_line", "hangs_up", "silent")
"""How callers leave: the line breaks at a random moment; they hang up mid-word; they stay for a while."""
_SETTLED_WITHIN_S = 90.0
_POOLS = {"callroom_": 8, "AnyIO worker thread": 40}
"""Threads that come when they are needed and stay, and how many there may be."""


@pytest.fixture(scope="module")
def house(servers: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveHouse]:
    servers.wipe()
    folder = tmp_path_factory.mktemp("stalling")
    with open_house(servers, folder, module="support.stalling_api") as house:
        yield house


@dataclass(frozen=True, slots=True)
class Storm:
    """What came of many calls that went wrong."""

    held: list[HeldCall]
    came: list[Outcome]

    @property
    def reasons(self) -> dict[str | None, int]:
        found = [one.end_reason for one in self.came]
        return {reason: found.count(reason) for reason in sorted(set(found), key=str)}


def leaving(number: int) -> Scenario:
    """A caller who leaves in the number-th of the ways, some time within the first seconds."""
    end = _ENDS[number % len(_ENDS)]
    moment = round(_RNG.uniform(0.0, 1.5), 3)
    match end:
        case "drops_the_line":
            steps: Sequence[object] = ({"waits": moment}, "drops_the_line")
        case "hangs_up":
            steps = ({"says": "one moment"}, {"waits": moment / 3}, "hangs_up")
        case _:
            steps = ({"sounds": "hum"}, {"waits": moment}, {"keys": "2"}, {"waits": 0.5}, "hangs_up")
    return Scenario(name=f"leaves {end}", about="x", steps=tuple(Step.model_validate(step) for step in steps))


def storm(house: LiveHouse, calls: int, *, at_once: int) -> Storm:
    """Hold so many calls that go wrong, and wait until all of it is written."""
    variants = tuple(leaving(number) for number in range(calls))
    scenario = variants[0].model_copy(update={"variants": variants})
    ground = practices.found(scenario, like=None, at_once=at_once)
    try:
        held = asyncio.run(_hold(house, scenario, ground, calls, at_once))
        return Storm(held, outcomes(ground, held, within_s=_SETTLED_WITHIN_S))
    finally:
        practices.close(ground)


async def _hold(
    house: LiveHouse, scenario: Scenario, ground: practices.Practice, calls: int, at_once: int
) -> list[HeldCall]:
    phones = practices.phones_beside([ground])
    async with opened(house.settings, phones=phones, outbound=False, at_once=at_once) as simulation:
        return await simulation.hold(scenario, ground, calls=calls, progress=lambda *_: None)


def assert_recorded_once(storm: Storm) -> None:
    unwritten = [one for one in storm.came if not one.finalized]
    assert unwritten == [], [(one.sid, one.state, len(one.events), one.errors) for one in unwritten][:5]
    for one in storm.came:
        numbers = [event["sequence"] for event in one.events]
        assert numbers == list(range(1, len(numbers) + 1)), one.sid
        assert [event["kind"] for event in one.events].count("ended") == 1, one.sid
        assert "internal_error" not in {data["what"] for data in one.of("trouble")}, one.of("trouble")
        account = one.ended["frames_in"]
        assert account["received"] == account["forwarded"] + sum(account["dropped"].values())


def assert_nothing_is_left(house: LiveHouse, before: Holdings) -> Holdings:
    """Wait until the process holds what it held; then return it."""
    deadline = time.monotonic() + 60
    while left := _difference(before, now := house.holdings()):
        assert time.monotonic() < deadline, f"left of the calls: {left}"
        time.sleep(0.5)
    return now


def _difference(before: Holdings, now: Holdings) -> list[str]:
    found = []
    # A pool keeps connections that it has once opened; it does not open more than it may.
    if now.fds > before.fds + 2:
        found.append(f"{now.fds - before.fds} file descriptors more")
    if now.calls:
        found.append(f"{now.calls} calls")
    for name in now.tasks.keys() | before.tasks.keys():
        if now.tasks.get(name, 0) > before.tasks.get(name, 0):
            found.append(f"task {name}: {now.tasks.get(name, 0)} instead of {before.tasks.get(name, 0)}")
    pools = {prefix: sum(name.startswith(prefix) for name in now.threads) for prefix in _POOLS}
    found += [f"{count} threads of {prefix}" for prefix, count in pools.items() if count > _POOLS[prefix]]
    others = [name for name in now.threads if not name.startswith(tuple(_POOLS))]
    found += [f"thread {name}" for name in others if others.count(name) > before.threads.count(name)]
    return found


def warm_up(house: LiveHouse, *, at_once: int) -> Holdings:
    """Hold as many calls at once as will be, so that pools have what they need, and look."""
    assert_recorded_once(storm(house, at_once, at_once=at_once))
    eventually(lambda: house.holdings().calls == 0, "the warm-up is over", within_s=60)
    return house.holdings()


@pytest.mark.parametrize(
    ("calls", "at_once"),
    [
        (12, 6),
        pytest.param(1000, 1, marks=[pytest.mark.soak, pytest.mark.timeout(7200)]),
        pytest.param(100, 100, marks=[pytest.mark.soak, pytest.mark.timeout(900)]),
    ],
)
def test_nothing_is_left_of_calls_that_go_wrong(
    house: LiveHouse, pytestconfig: pytest.Config, calls: int, at_once: int
) -> None:
    before = warm_up(house, at_once=max(at_once, 6))
    rest, came = calls, []
    while rest:
        # The numbers for fiction are fewer than a thousand.
        found = storm(house, min(rest, 500), at_once=at_once)
        assert_recorded_once(found)
        came += found.came
        rest -= len(found.came)
    after = assert_nothing_is_left(house, before)
    add_to_verdict(
        pytestconfig,
        **{
            f"live_calls_{calls}_at_once_{at_once}": {
                "reasons": Storm([], came).reasons,
                "fds": [before.fds, after.fds],
                "rss_mb": [round(before.rss_mb, 1), round(after.rss_mb, 1)],
            }
        },
    )  # fmt: skip
    # Flat: what is left to grow are caches with an end.
    assert after.rss_mb < before.rss_mb * 1.1 + 20, f"{before.rss_mb:.0f} MB became {after.rss_mb:.0f} MB"


@pytest.fixture
def speaking(servers: Installation, tmp_path: Path) -> Iterator[LiveHouse]:
    """The installation with the voice that it has by itself."""
    with open_house(servers, tmp_path) as house:
        yield house


def long_winded() -> practices.Model:
    """A business whose agent has much to say before it asks anything."""
    business_id = new_id()
    with unit_of_work(SYSTEM) as session:
        tenants.create_business(session, name="Acme", actor="test", business_id=business_id)
    with unit_of_work(of_business(business_id)) as session:
        agents.create_agent(
            session, business_id, name="Talker", language="en", script=ready_made("appointment_inbound"),
            greeting=" ".join(f"This is sentence number {number} of a greeting." for number in range(14)),
            tools=[], actor="test",
        )  # fmt: skip
    return practices.Model(business_id, "Talker")


@pytest.mark.parametrize("calls", [4, pytest.param(20, marks=[pytest.mark.soak, pytest.mark.timeout(600)])])
def test_while_database_and_redis_stand_still_agents_speak_on_and_all_is_recorded_once(
    speaking: LiveHouse, pytestconfig: pytest.Config, calls: int
) -> None:
    stays, leaves = ({"goes_silent": 16}, "hangs_up"), ({"goes_silent": 7}, "hangs_up")
    variants = tuple(
        Scenario(
            name="listens", about="x",
            steps=tuple(Step.model_validate(step) for step in (leaves if number % 4 == 0 else stays)),
        )
        for number in range(calls)
    )  # fmt: skip
    scenario = variants[0].model_copy(update={"variants": variants})
    ground = practices.found(scenario, like=long_winded(), at_once=calls)
    try:
        held = asyncio.run(_hold_through_outage(speaking, scenario, ground, calls))
        came = outcomes(ground, held, within_s=_SETTLED_WITHIN_S)
    finally:
        practices.close(ground)
    assert_recorded_once(Storm(held, came))
    for one in came:
        assert len(one.of("agent_said")) == 1
        said = one.agent_lines[0]
        assert said.startswith("This is sentence number 0"), said
        # Who left during the outage has heard less; who stayed has heard sentences from after it.
        assert f"sentence number {1 if one.figures.talked_ms < 12_000 else 4}" in said
    gaps = [one.worst_gap_ms for one in came]
    lags = [one.lag_ms for one in came]
    add_to_verdict(
        pytestconfig,
        **{f"outage_with_{calls}_calls": {"worst_gap_ms": max(gaps), "generator_lag_ms": max(lags)}},
    )
    # Beside other tests the whole process waits for its turn, too; who waits for the servers, waits seconds.
    most_ms = 20 if "PYTEST_XDIST_WORKER" not in os.environ else 2_000
    assert [gap for gap, lag in zip(gaps, lags, strict=True) if gap > most_ms + lag] == []


async def _hold_through_outage(
    house: LiveHouse, scenario: Scenario, ground: practices.Practice, calls: int
) -> list[HeldCall]:
    async with opened(
        house.settings, phones=practices.phones_beside([ground]), outbound=False, at_once=calls
    ) as simulation:
        holding = asyncio.create_task(
            simulation.hold(scenario, ground, calls=calls, progress=lambda *_: None)
        )
        callers = simulation.callers
        async with asyncio.timeout(60):
            while sum(_is_greeted(caller) for caller in callers.values()) < calls:
                assert not holding.done(), holding.exception()
                await asyncio.sleep(0.05)
        with house.servers_stopped():
            # What is shown is what happens in this time, so it is waited for.
            await asyncio.sleep(6)
        return await holding


def _is_greeted(caller: Caller) -> bool:
    return any(figures.greeting_ms is not None for figures in caller.figures.values())
