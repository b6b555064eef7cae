"""The practice business: a copy of what an agent works with, founded for one simulation.

Its calendar, its do-not-call list and its call log are its own, so a simulated booking takes nobody's
slot and a simulated "never again" suppresses nobody. Its carrier is the one that a simulation stands in
for, whatever serves the installation's other businesses, and its colleagues are at numbers that nobody has:
no real telephone rings.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, product
from typing import Any
from uuid import UUID

from trunkline.core.db import SYSTEM, of_business, unit_of_work
from trunkline.core.errors import Conflict, StartRefused
from trunkline.domain.agents import service as agents
from trunkline.domain.control import places
from trunkline.domain.leads import service as leads
from trunkline.domain.leads.rules import LeadRow
from trunkline.domain.leads.selection import Whom
from trunkline.domain.outbound import service as outbound
from trunkline.domain.outbound.options import RunOptions
from trunkline.domain.tenants import service as tenants
from trunkline.kit import clock
from trunkline.kit.ids import new_id
from trunkline.providers.scripted import ready_made
from trunkline.sim.scenario import Scenario

ACTOR = "simulation"
_ALL_DAY = {"from": "00:00", "to": "24:00"}
"""Simulated people may be called at any hour."""
_WEEK = {
    day: [["08:00", "20:00"]]
    for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
}
_TOOLS = ["find_free_slots", "book_appointment", "do_not_call", "request_callback"]
_AREAS = ("212", "312", "415", "617", "702", "713", "202", "305", "206", "303")
_LINES_AT_MOST = 10
"""Of one run."""
_NUMBERS = tuple(f"+1{area}5550{100 + line}" for area, line in product(_AREAS, range(100)))
"""Reserved for fiction: nobody has them."""
MOST_CALLS = len(_NUMBERS)
_COLLEAGUES = tuple(f"+16465550{100 + line}" for line in range(100))
"""Reserved for fiction too, and no caller's: whom calls are handed to in practice."""
CARRIER = places.TWILIO
"""Whose protocol the callers' carrier speaks."""


@dataclass(frozen=True, slots=True)
class Practice:
    """A practice business and the number at which its agent answers."""

    business_id: UUID
    agent_id: UUID
    time_zone: str
    number: str


@dataclass(frozen=True, slots=True)
class Model:
    """The agent that practises: an agent of a business, or None for the scenario's ready-made one."""

    business_id: UUID
    agent: str
    """Its id or its name."""


def phones_beside(practices: Sequence[Practice]) -> Iterator[str]:
    """Yield numbers for callers, none of them one of these businesses' own."""
    taken = {practice.number for practice in practices}
    return (number for number in _NUMBERS if number not in taken)


def found(scenario: Scenario, *, like: Model | None, at_once: int) -> Practice:
    """Found a practice business for this scenario. Raises NotFound, InvalidInput, StartRefused."""
    name, settings, agent, colleagues = _as_it_is(like) if like else _ready_made(scenario)
    business_id = new_id()
    with unit_of_work(SYSTEM) as session:
        tenants.create_business(
            session, business_id=business_id, name=name, calling_window=_ALL_DAY, actor=ACTOR,
            max_calls=at_once + 5, max_outbound_calls=at_once + 5, **settings,
        )  # fmt: skip
    with unit_of_work(of_business(business_id)) as session:
        changes = {"carrier": CARRIER, **colleagues}
        business = tenants.change_business(session, business_id, changes, actor=ACTOR)
        agent_id = agents.create_agent(session, business_id, actor=ACTOR, **agent).id
        number = _take_number(session, business, agent_id)
        return Practice(business_id, agent_id, business.time_zone, number)


def call_out(practice: Practice, phones: tuple[str, ...], *, at_once: int) -> UUID:
    """Begin a run that calls these numbers, and return it. StartRefused where they would really ring."""
    business_id = practice.business_id
    with unit_of_work(of_business(business_id)) as session:
        if tenants.carrier_of(session, business_id) != CARRIER:
            raise StartRefused("The practice business has another carrier, and real telephones would ring.")
        people = leads.make_list(session, business_id, "Simulated callers")
        rows = [LeadRow(line, phone, f"Caller {line}") for line, phone in enumerate(phones, 1)]
        leads.put_people(
            session, business_id, people.id, rows, source="list:Simulated callers", moment=clock.now(),
            actor=ACTOR,
        )  # fmt: skip
        options = RunOptions(
            agent_id=practice.agent_id, from_number=practice.number,
            concurrency=min(at_once, _LINES_AT_MOST), max_attempts=1,
        )  # fmt: skip
        run = outbound.create_run(
            session, business_id, title="Simulation", options=options, whom=Whom(people.id), actor=ACTOR
        )
        outbound.start_run(session, business_id, run.id, actor=ACTOR)
        return run.id


def close(practice: Practice) -> None:
    """Give the practice business's number back. What came of the calls stays, to be looked at."""
    with unit_of_work(of_business(practice.business_id)) as session:
        tenants.give_up_number(session, practice.business_id, practice.number)


_Model = tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]
"""The business's name and settings, its agent, and its colleagues."""


def _as_it_is(like: Model) -> _Model:
    with unit_of_work(of_business(like.business_id)) as session:
        business = tenants.get_business(session, like.business_id)
        every = agents.list_agents(session, like.business_id)
        chosen = [agent for agent in every if like.agent in {str(agent.id), agent.name}]
        if len(chosen) != 1:
            names = ", ".join(agent.name for agent in every) or "none"
            raise StartRefused(f"{business.name} has no one agent {like.agent!r}; it has {names}.")
        agent = chosen[0]
        settings = {
            "time_zone": business.time_zone, "language": business.language, "region": business.region,
            "working_hours": business.working_hours,
        }  # fmt: skip
        copy = {
            name: getattr(agent, name)
            for name in ("name", "language", "greeting", "instructions", "script", "brain", "voice", "tools")
        }
        copy["transfer_to"], colleagues = _out_of_reach(business.extensions, agent.transfer_to)
        # Under its own name: the agent is to say what it will say to everybody.
        return business.name, settings, copy, colleagues


def _out_of_reach(
    extensions: Sequence[dict[str, str]], transfer_to: Sequence[str]
) -> tuple[list[str], dict[str, Any]]:
    """Return the agent's list and the business's colleagues, with numbers that nobody has for their own.

    What the agent's list names and the business no longer has is left out.
    """
    known = {row["extension"] for row in extensions}
    numbers = [text for text in transfer_to if text.startswith("+")]
    theirs = dict.fromkeys([*(row["number"] for row in extensions), *numbers])
    fictional = dict(zip(theirs, cycle(_COLLEAGUES), strict=False))
    targets = [fictional.get(text, text) for text in transfer_to if text in known or text in fictional]
    return targets, {
        "extensions": [{**row, "number": fictional[row["number"]]} for row in extensions],
        # They are abroad for most businesses, so they are allowed by themselves.
        "transfer_numbers": sorted(set(fictional.values())),
    }


def _ready_made(scenario: Scenario) -> _Model:
    settings = {"time_zone": "UTC", "language": scenario.language, "working_hours": _WEEK}
    agent = {
        "name": scenario.dialogue, "language": scenario.language, "script": ready_made(scenario.dialogue),
        "tools": _TOOLS,
    }  # fmt: skip
    return "Practice", settings, agent, {}


def _take_number(session: Any, business: Any, agent_id: UUID) -> str:
    """Give the practice business a number that no other has."""
    for _ in range(50):
        number = secrets.choice(_NUMBERS)
        try:
            return tenants.add_number(session, business, number=number, agent_id=agent_id).e164
        except Conflict:
            continue
    raise StartRefused("Nearly every number for practice is taken by earlier simulations.")
