"""A thousand faults while people are called: workers, API and Redis killed, replies and callbacks lost.

The sample is part of `make test`; the storm in full is left to `make test-faults`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest

from support.dial_judge import Verdict, judge
from support.dial_storm import Storm
from support.dial_watch import Watch
from support.system import CALL_LIMIT_S, RING_LIMIT_S, System
from support.town import Town

_FAULTS = int(os.environ.get("TRUNKLINE_SOAK_KILLS", "1001"))
_SAMPLE = 25
_LIMIT_S = 2_400
_LINES_OF_THE_SYSTEM = 500
"""As the system's environment has it."""


@pytest.fixture
def stormy(system: System) -> Iterator[System]:
    """The system, whose API is one that a storm may have; afterwards it is the ordinary one again."""
    try:
        yield system
    finally:
        system.redis.mend()
        system.kill_api()
        system.start_api()


@pytest.fixture
def rooms() -> Iterator[ExitStack]:
    """What is entered here is left when the test is over."""
    with ExitStack() as stack:
        yield stack


@pytest.mark.timeout(360)
def test_a_sample_of_the_storm(stormy: System, rooms: ExitStack) -> None:
    town = town_of(stormy, rooms, runs=2, leads=20)
    storm = Storm(stormy, town, stormy.slow_carrier, victims=3, redis_every=15, hears=(4, 12))
    see_through(stormy, town, storm, name="sample", faults=_SAMPLE, within_s=180)


@pytest.mark.soak
@pytest.mark.timeout(_LIMIT_S + 300)
def test_the_storm(stormy: System, rooms: ExitStack) -> None:
    town = town_of(stormy, rooms, runs=4, leads=30)
    storm = Storm(stormy, town, stormy.slow_carrier, victims=8, redis_every=25, hears=(8, 40))
    see_through(stormy, town, storm, name="storm", faults=_FAULTS, within_s=_LIMIT_S)


def town_of(system: System, rooms: ExitStack, *, runs: int, leads: int) -> Town:
    """Found a town whose people's lines ring for a while."""
    longest_life = timedelta(seconds=RING_LIMIT_S + CALL_LIMIT_S)
    watch = Watch(system.installation, longest_life=longest_life, system=_LINES_OF_THE_SYSTEM)
    return Town(system, system.slow_carrier, watch, rooms, runs=runs, leads=leads, lines=10)


def see_through(system: System, town: Town, storm: Storm, *, name: str, faults: int, within_s: float) -> None:
    """Let the storm rage and end, judge it, and leave the figures for the suite's last line."""
    storm.rage(faults, within_s=within_s)
    storm.calm(workers=2, within_s=120)
    verdict = judge(system.slow_carrier.page_of(town.phones), town.records(), town.looks)
    report(system, name, storm, verdict)
    assert verdict.found == {}
    assert storm.missing == []
    assert storm.toll.total() >= faults


def report(system: System, name: str, storm: Storm, verdict: Verdict) -> None:
    toll = storm.toll
    system.reports[name] = {
        "faults": toll.total(), "faults_per_s": round(toll.total() / storm.seconds, 1),
        **dict(sorted(toll.items())), **verdict.figures,
    }  # fmt: skip
