"""A whole simulation: scenarios held one after another, read, judged, and their practice closed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from trunkline.core.errors import StartRefused
from trunkline.core.settings import Settings
from trunkline.providers.ports import LanguageModel
from trunkline.sim import practice as practices
from trunkline.sim.calls import HeldCall, Progress, opened
from trunkline.sim.grades import grade
from trunkline.sim.practice import MOST_CALLS, Model, Practice
from trunkline.sim.records import outcomes
from trunkline.sim.report import Held
from trunkline.sim.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be simulated. `calls` of each scenario, `at_once` of them at a time."""

    scenarios: tuple[Scenario, ...]
    like: Model | None = None
    calls: int = 1
    at_once: int = 1
    player: LanguageModel | None = None
    """Plays the callers who have a persona."""


def run(settings: Settings, order: Order, progress: Progress) -> list[Held]:
    """Hold and judge. The runtime must be open. Raises StartRefused before any call, or TrunklineError."""
    if order.calls * len(order.scenarios) >= MOST_CALLS:
        raise StartRefused(
            f"One simulation has {MOST_CALLS - 1} calls at most: so many numbers are for fiction."
        )
    for scenario in order.scenarios:
        if scenario.persona and order.player is None:
            raise StartRefused(
                f"The caller of {scenario.name} is played by a language model, and none is configured here."
            )
    grounds = [practices.found(one, like=order.like, at_once=order.at_once) for one in order.scenarios]
    try:
        held = asyncio.run(_hold(settings, order, grounds, progress))
        found = [
            (scenario, ground, outcomes(ground, calls))
            for scenario, ground, calls in zip(order.scenarios, grounds, held, strict=True)
        ]
    finally:
        for ground in grounds:
            practices.close(ground)
    return [
        Held(scenario, str(ground.business_id), came, grade(scenario, came))
        for scenario, ground, came in found
    ]


async def _hold(
    settings: Settings, order: Order, grounds: Sequence[Practice], progress: Progress
) -> list[list[HeldCall]]:
    outbound = any(scenario.direction == "outbound" for scenario in order.scenarios)
    phones = practices.phones_beside(grounds)
    async with opened(
        settings, phones=phones, outbound=outbound, at_once=order.at_once, model=order.player
    ) as simulation:
        return await asyncio.gather(
            *(
                simulation.hold(scenario, ground, calls=order.calls, progress=progress)
                for scenario, ground in zip(order.scenarios, grounds, strict=True)
            )
        )
