"""`trunkline sim`: what is listed and shown, and what is refused in a sentence before anybody is called."""

from __future__ import annotations

import pytest

from support.commands import trunkline
from support.installation import Installation
from trunkline.sim.scenario import LIBRARY, find, library


@pytest.mark.parametrize("language", ["en", "he"])
def test_the_library_is_listed_with_what_happens(installation: Installation, language: str) -> None:
    status, said, _ = trunkline(installation, "sim", "list", "--language", language, COLUMNS="300")
    assert status == 0
    for name in library():
        assert name in said
        assert find(name).about.strip() in said


def test_a_scenario_is_shown_as_its_file_is(installation: Installation) -> None:
    status, said, _ = trunkline(installation, "sim", "show", "interrupts")
    assert (status, said) == (0, (LIBRARY / "interrupts.yaml").read_text().strip())


def test_a_language_that_is_not_spoken_is_refused(installation: Installation) -> None:
    status, _, complaint = trunkline(installation, "sim", "list", "--language", "fr")
    assert status == 2
    assert "en and he" in complaint


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--scenario", "nobody"), "There is no scenario nobody"),
        (
            ("--scenario", "stranger"),
            "is played by a language model, and the settings give none: set OPENAI_API_KEY",
        ),
        (("--scenario", "stranger", "--model", "hal"), "model 'hal', and the settings give none"),
        (("--scenario", "refuses", "--model", "openai"), "no scenario has a persona"),
        (("--scenario", "refuses", "--agent", "x"), "give both --business and --agent"),
        (("--scenario", "refuses", "--calls", "1000"), "999 calls at most"),
    ],
)
def test_what_cannot_be_simulated_is_refused_in_a_sentence(
    installation: Installation, arguments: tuple[str, ...], said: str
) -> None:
    status, _, complaint = trunkline(installation, "sim", "calls", *arguments)
    assert status == 1
    assert said in complaint
    assert "Traceback" not in complaint


def test_without_an_installation_that_runs_the_command_says_how_to_start_it(
    installation: Installation,
) -> None:
    nowhere = {"PUBLIC_URL": "http://127.0.0.1:9", "TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "x"}
    status, _, complaint = trunkline(installation, "sim", "calls", "--scenario", "refuses", **nowhere)
    assert status == 1
    assert "No Trunkline answers at http://127.0.0.1:9: start it with `trunkline up`" in complaint
    status, _, complaint = trunkline(installation, "sim", "calls", "--scenario", "is_called", **nowhere)
    assert status == 1
    assert "real telephones" in complaint or "No Trunkline answers" in complaint
