"""Workers killed one after another at every step of a job: nothing is lost, nothing keyed is done twice.

The sample is part of `make test`; the storm in full, with the leases that an operator has, is left to
`make test-faults`.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable

import pytest

from support.judge import Verdict, unreached
from support.storm import Storm
from support.yard import BARRIERS, HASTE, Yard

_KILLS = int(os.environ.get("TRUNKLINE_SOAK_KILLS", "1001"))
_SAMPLE = 60
_LIMIT_S = 1_800


def test_a_sample_of_the_storm(yard: Yard) -> None:
    before = Counter(yard.toll)
    storm = Storm(yard, barriers=BARRIERS, victims=4, stop_every=20, settings=HASTE)
    storm.start_upkeep()
    storm.rage(_SAMPLE, within_s=60, events={_SAMPLE // 2: storm.replace_upkeep})
    verdict = storm.calm(workers=3, within_s=60)
    report(yard, "sample", storm, verdict, yard.toll - before)
    assert sum(verdict.harms.values()) == 0, verdict.harms
    assert unreached(yard.toll - before, BARRIERS) == []
    assert not (yard.toll - before)["ended by itself"]
    assert verdict.recovery(0.99) < 30


@pytest.mark.soak
@pytest.mark.timeout(_LIMIT_S + 300)
def test_the_storm(yard: Yard) -> None:
    before = Counter(yard.toll)
    storm = Storm(yard, barriers=BARRIERS, victims=8, stop_every=25)
    storm.start_upkeep()
    storm.start_upkeep()
    events = [
        lambda: yard.kill_redis(emptied=False), yard.kill_postgres, storm.replace_upkeep,
        lambda: yard.kill_redis(emptied=True), yard.kill_postgres, yard.kill_backend,
        storm.replace_upkeep, yard.kill_postgres, lambda: yard.kill_redis(emptied=True),
    ]  # fmt: skip
    storm.rage(_KILLS, within_s=_LIMIT_S, events=spread(events))
    verdict = storm.calm(workers=3, within_s=120)
    report(yard, "storm", storm, verdict, yard.toll - before)
    assert sum(verdict.harms.values()) == 0, verdict.harms
    assert unreached(yard.toll - before, BARRIERS) == []
    assert verdict.recovery(0.99) < 30


def spread(events: list[Callable[[], None]]) -> dict[int, Callable[[], None]]:
    """Let events happen at equal distances over all kills."""
    return {_KILLS * place // (len(events) + 1): event for place, event in enumerate(events, start=1)}


def report(yard: Yard, name: str, storm: Storm, verdict: Verdict, toll: Counter[str]) -> None:
    """Leave the figures for the suite's last line."""
    yard.reports[name] = {
        "kills": storm.kills, "kills_per_s": round(storm.kills / storm.seconds, 1), "jobs": verdict.jobs,
        **dict(sorted(toll.items())), **verdict.harms,
        "recovery_s": {
            "rows": len(verdict.recovery_s), "p50": round(verdict.recovery(0.5), 2),
            "p99": round(verdict.recovery(0.99), 2), "max": round(verdict.recovery(1), 2),
        },
    }  # fmt: skip
