"""`trunkline sim calls` against a running installation: the library's scenarios, and plain refusals."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from support.installation import Installation
from support.live_house import LiveHouse, open_house
from trunkline.core.access import Role
from trunkline.core.db import SYSTEM, of_business, unit_of_work
from trunkline.domain.agents import service as agents
from trunkline.domain.appointments.models import Appointment
from trunkline.domain.people import service as people
from trunkline.domain.tenants import service as tenants
from trunkline.kit.ids import new_id
from trunkline.providers.scripted import ready_made
from trunkline.sim.scenario import find, library
from trunkline.simulators.model_server import Answer, Asked, Plan, Tool, serving
from trunkline.simulators.openai import OpenAIWire

SAMPLE = ("hangs_up", "drops_the_line", "opts_out", "interrupts")
PLAYED = frozenset(name for name in library() if find(name).persona)
"""Their callers are played by a language model, which is tested elsewhere."""


@pytest.fixture(scope="module")
def house(servers: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveHouse]:
    servers.wipe()
    with open_house(servers, tmp_path_factory.mktemp("live")) as house:
        yield house


def simulated(
    house: LiveHouse, folder: Path, *arguments: str, **settings: str
) -> tuple[int, dict[str, Any], str]:
    report = folder / "report.json"
    report.unlink(missing_ok=True)
    done = house.command("sim", "calls", *arguments, "--report", str(report), **settings)
    return (
        done.returncode,
        json.loads(report.read_text()) if report.exists() else {},
        done.stdout + done.stderr,
    )


def failures(report: dict[str, Any]) -> list[Any]:
    """Return what did not hold, but for times: on a busy machine these judge the machine."""
    return [
        (one["scenario"], grade["what"], grade["expected"], grade["found"])
        for one in report["scenarios"] for grade in one["grades"]
        if not grade["holds"] and not grade["what"].endswith("_ms")
    ]  # fmt: skip


def test_a_sample_of_the_library_holds(house: LiveHouse, tmp_path: Path) -> None:
    chosen = [word for name in SAMPLE for word in ("--scenario", name)]
    status, report, said = simulated(house, tmp_path, *chosen, "--at-once", "4")
    assert failures(report) == [], said
    assert (status == 0) == report["holds"] == ("All grades hold." in said)
    interrupted = next(one for one in report["scenarios"] if one["scenario"] == "interrupts")
    assert len(interrupted["calls"][0]["times_ms"]["interruption_ms"]) == 1


@pytest.mark.soak
@pytest.mark.parametrize("name", sorted(set(library()) - PLAYED))
def test_a_scenario_of_the_library_holds(house: LiveHouse, tmp_path: Path, name: str) -> None:
    _, report, said = simulated(house, tmp_path, "--scenario", name, "--calls", "2", "--at-once", "2")
    assert failures(report) == [], said


class Visitor(Plan):
    """A language model that plays somebody who wants an appointment, by what it is told it hears."""

    def next_answer(self, asked: Asked) -> Answer:
        super().next_answer(asked)
        heard = next(text for role, text in reversed(asked.messages) if role == "user")
        if "goodbye" in heard:
            return Answer("Goodbye.", tools=(Tool("hang_up"),))
        for words, answer in VISIT.items():
            if words in heard:
                return Answer(answer)
        return Answer("please repeat that")


VISIT = {
    "did you say on the hour": "yes",
    "would you like it on the hour": "on the hour",
    "did you say tuesday": "yes",
    "did you say ten": "yes",
    "did you say": "no",
    "which day": "tuesday please",
    "which hour": "ten o'clock",
    "would you like to book": "yes",
}


@pytest.mark.soak
@pytest.mark.timeout(400)
async def test_a_caller_is_played_by_a_language_model_and_graded_like_the_others(
    house: LiveHouse, tmp_path: Path
) -> None:
    file = tmp_path / "visitor.yaml"
    file.write_text("about: Somebody whom a language model plays books.\nlike: stranger\nmodel: own_model\n")
    plan = Visitor(key="local")
    async with serving(OpenAIWire(), plan) as server:
        model = {
            "OWN_MODEL_URL": f"{server.base_url}/v1",
            "OWN_MODEL_NAME": plan.model,
            "OWN_MODEL_KEY": "local",
        }
        status, report, said = await asyncio.to_thread(
            simulated, house, tmp_path, "--scenario", str(file), **model
        )
        assert failures(report) == [], said
        assert status == 0
        (one,) = report["scenarios"]
        assert one["played_by"] == "own_model"
        assert plan.refused == []
        told = plan.asked[0]
        assert "You want an appointment on Tuesday at ten in the morning." in told.instructions
        assert "in English" in told.instructions
        assert set(told.tools) == {"hang_up", "press_keys"}
        assert any("would you like to book an appointment" in text for _, text in told.messages)
        asked = len(plan.asked)
        assert asked >= 6, "a turn of the caller's is an answer of the model's"
        # One that finds no end puts the telephone down, and that is graded.
        file.write_text(file.read_text() + "caller: {turns: 2}\n")
        status, report, said = await asyncio.to_thread(
            simulated, house, tmp_path, "--scenario", str(file), "--model", "own_model", **model
        )
        assert status == 1, said
        assert "hung up after 2 turns without an end" in next(
            found for _, what, _, found in failures(report) if what == "planned"
        )
        assert len(plan.asked) == asked + 2


def test_an_agent_of_a_business_is_tried_and_the_business_knows_nothing_of_it(
    house: LiveHouse, tmp_path: Path
) -> None:
    business_id = new_id()
    with unit_of_work(SYSTEM) as session:
        tenants.create_business(session, name="Harbour Dental", actor="test", business_id=business_id)
    with unit_of_work(of_business(business_id)) as session:
        people.create_user(
            session, business_id=business_id, email="o@harbour.example", name="O", role=Role.OWNER,
            password="correct horse battery", actor="test",
        )  # fmt: skip
        agents.create_agent(
            session, business_id, name="Reception", language="en", script=ready_made("appointment_inbound"),
            tools=["do_not_call"], actor="test",
        )  # fmt: skip
    mine = tmp_path / "mine.yaml"
    mine.write_text(
        "about: I expect what does not come.\nlike: refuses\n"
        "expect: {disposition: booked, agent_says: harbour dental, heard: [], agent_never_says: practice}\n"
    )
    given = (
        "--scenario",
        str(mine),
        "--business",
        str(business_id),
        "--agent",
        "Reception",
        "--language",
        "he",
    )
    status, report, said = simulated(house, tmp_path, *given)
    # What was not to be expected is what fails, and nothing else.
    assert failures(report) == [("mine", "disposition", "booked", "declined")], said
    assert status == 1
    assert "לא מתקיים" in said
    with unit_of_work(of_business(business_id)) as session:
        assert session.query(Appointment).filter_by(business_id=business_id).count() == 0
        assert tenants.list_numbers(session, business_id) == []
    practice_id = UUID(report["scenarios"][0]["practice_business"])
    with unit_of_work(of_business(practice_id)) as session:
        assert tenants.list_numbers(session, practice_id) == [], "its number is free again"
