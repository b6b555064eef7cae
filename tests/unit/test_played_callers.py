"""Who plays the caller of a scenario, who hears for them, and what is refused before anybody is called."""

from __future__ import annotations

import asyncio
from itertools import repeat
from types import SimpleNamespace
from typing import Any, cast

import pytest

from trunkline.core.errors import StartRefused
from trunkline.core.settings import Settings, load_settings
from trunkline.sim.calls import Ears, Simulation
from trunkline.sim.run import Order, players_of
from trunkline.sim.scenario import Scenario, find, read_scenario

BOTH = {"openai_api_key": "a", "own_model_url": "http://127.0.0.1:9/v1", "own_model_name": "small"}


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "OWN_MODEL_URL", "OWN_MODEL_NAME"):
        monkeypatch.delenv(name, raising=False)


def visitor(model: str = "") -> Scenario:
    line = f"model: {model}\n" if model else ""
    return read_scenario(f"about: x\npersona: You want a table.\n{line}", name="visitor", file="visitor.yaml")


def settings(**values: object) -> Settings:
    return load_settings(**values)


@pytest.mark.parametrize(
    ("line", "option", "player"),
    [("", "", "openai"), ("own_model", "", "own_model"), ("openai", "own_model", "own_model")],
)
def test_the_option_goes_before_the_scenario_and_that_before_the_first_there_is(
    line: str, option: str, player: str
) -> None:
    order = Order((visitor(line), find("refuses")), model=option)
    assert players_of(settings(**BOTH), order) == {"visitor": player}


@pytest.mark.parametrize(
    ("values", "line", "said"),
    [
        ({}, "", "visitor is played by a language model, and the settings give none: set OPENAI_API_KEY"),
        (BOTH, "gemini", "language model 'gemini', and the settings give openai, own_model"),
    ],
)
def test_a_player_that_is_not_there_is_refused(values: dict[str, str], line: str, said: str) -> None:
    with pytest.raises(StartRefused, match=said):
        players_of(settings(**values), Order((visitor(line),)))


def test_whoever_is_played_hears_by_the_ears_that_understand_what_nobody_expected() -> None:
    class Hearing:
        def open(self, **_: object) -> Any:
            return SimpleNamespace(cancel=lambda: None)

    settled: list[Any] = []
    carrier = SimpleNamespace(
        population=SimpleNamespace(settle=lambda _phone, caller: settled.append(caller)),
        exchange=SimpleNamespace(),
    )
    ears = Ears(
        cast("Any", None), cast("Any", Hearing()), cast("Any", Hearing()), {"visitor": cast("Any", 1)}
    )

    async def settle() -> None:
        simulation = Simulation(
            settings(), cast("Any", carrier), ears, phones=iter(repeat("+1")), at_once=1, seed=1
        )
        for scenario in (visitor(), find("refuses").of_call(0)):
            simulation._settle(scenario, "+1", 0)

    asyncio.run(settle())
    assert [caller._stt for caller in settled] == [ears.words, ears.stt]
    assert [caller._model for caller in settled] == [1, None]
