"""A whole simulation: scenarios held one after another, read, judged, and their practice closed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from trunkline import brains
from trunkline.core.errors import StartRefused
from trunkline.core.settings import Settings
from trunkline.providers.ports import LanguageModel
from trunkline.sim import practice as practices
from trunkline.sim.calls import HeldCall, Progress, account_of, opened
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
    model: str = ""
    """Plays the callers who have a persona, whatever their scenario says; empty: as it says."""


def run(settings: Settings, order: Order, progress: Progress) -> list[Held]:
    """Hold and judge. The runtime must be open. Raises StartRefused before any call, or TrunklineError."""
    if order.calls * len(order.scenarios) >= MOST_CALLS:
        raise StartRefused(
            f"One simulation has {MOST_CALLS - 1} calls at most: so many numbers are for fiction."
        )
    players = players_of(settings, order)
    account_of(settings)
    grounds = [practices.found(one, like=order.like, at_once=order.at_once) for one in order.scenarios]
    try:
        held = asyncio.run(_hold(settings, order, grounds, players, progress))
        found = [
            (scenario, ground, outcomes(ground, calls))
            for scenario, ground, calls in zip(order.scenarios, grounds, held, strict=True)
        ]
    finally:
        for ground in grounds:
            practices.close(ground)
    return [
        Held(
            scenario,
            str(ground.business_id),
            came,
            grade(scenario, came),
            played_by=players.get(scenario.name, ""),
        )
        for scenario, ground, came in found
    ]


def players_of(settings: Settings, order: Order) -> dict[str, str]:
    """Return which model plays the caller of which scenario. Raises StartRefused where there is none."""
    players: dict[str, str] = {}
    for scenario in order.scenarios:
        if not scenario.persona:
            continue
        there = brains.models_of(settings)
        name = order.model or scenario.model or next(iter(there), "")
        if name not in there:
            given = (
                f"the settings give {', '.join(there)}" if there else f"the settings give none: {brains.HOW}"
            )
            wanted = f" {name!r}" if name else ""
            raise StartRefused(
                f"The caller of {scenario.name} is played by a language model{wanted}, and {given}."
            )
        players[scenario.name] = name
    if order.model and not players:
        raise StartRefused("--model is given, but no scenario has a persona for it to play.")
    return players


@asynccontextmanager
async def _models(settings: Settings, players: Mapping[str, str]) -> AsyncIterator[dict[str, LanguageModel]]:
    """The models themselves, by the scenario, for as long as the block runs."""
    models = {name: brains.language_model(name, settings) for name in set(players.values())}
    try:
        yield {scenario: models[name] for scenario, name in players.items()}
    finally:
        for model in models.values():
            await model.close()


async def _hold(
    settings: Settings,
    order: Order,
    grounds: Sequence[Practice],
    players: Mapping[str, str],
    progress: Progress,
) -> list[list[HeldCall]]:
    outbound = any(scenario.direction == "outbound" for scenario in order.scenarios)
    phones = practices.phones_beside(grounds)
    async with (
        _models(settings, players) as models,
        opened(
            settings, phones=phones, outbound=outbound, at_once=order.at_once, models=models
        ) as simulation,
    ):
        return await asyncio.gather(
            *(
                simulation.hold(scenario, ground, calls=order.calls, progress=progress)
                for scenario, ground in zip(order.scenarios, grounds, strict=True)
            )
        )
