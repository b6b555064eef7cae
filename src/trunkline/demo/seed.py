"""Seeding the demo: the two businesses, by the verbs that a system admin would use."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from uuid import UUID

from trunkline.core.access import Role
from trunkline.core.db import SYSTEM, of_business, unit_of_work
from trunkline.demo.cast import ALL_DAY, BUSINESSES, TOOLS, DemoBusiness
from trunkline.domain.agents import service as agents
from trunkline.domain.people import service as people
from trunkline.domain.tenants import service as tenants
from trunkline.kit.ids import new_id
from trunkline.providers.scripted import ready_made

_ACTOR = "demo"
_VOICE = {"language": "en-us", "name": "en-us+klatt3", "words_per_minute": 150}


@dataclass(frozen=True, slots=True)
class Seeded:
    """A business as it was seeded, with the owner's way in."""

    cast: DemoBusiness
    business_id: UUID
    agent_id: UUID
    password: str


def seed() -> list[Seeded]:
    """Found the demo's businesses in an empty installation."""
    return [_found(cast) for cast in BUSINESSES]


def people_csv(cast: DemoBusiness) -> bytes:
    """Return the business's list of leads as a file that a person would bring."""
    rows = [f"{person.number},Lead {index}" for index, person in enumerate(cast.leads, start=1)]
    return "\n".join(["Phone,Name", *rows]).encode()


def _found(cast: DemoBusiness) -> Seeded:
    business_id, password = new_id(), secrets.token_urlsafe(9)
    with unit_of_work(SYSTEM) as session:
        tenants.create_business(
            session, name=cast.name, time_zone=cast.time_zone, calling_window=ALL_DAY, actor=_ACTOR,
            business_id=business_id, max_outbound_calls=3, max_calls=6,
        )  # fmt: skip
    with unit_of_work(of_business(business_id)) as session:
        people.create_user(
            session, business_id=business_id, email=cast.email, name="Owner", password=password,
            role=Role.OWNER, actor=_ACTOR,
        )  # fmt: skip
        outbound, inbound = (
            agents.create_agent(
                session, business_id, name=name, language="en", script=ready_made(script), voice=_VOICE,
                tools=TOOLS, actor=_ACTOR,
            )
            for name, script in (("Outbound", "appointment"), ("Reception", "appointment_inbound"))
        )  # fmt: skip
        business = tenants.get_business(session, business_id)
        tenants.add_number(session, business, number=cast.number, agent_id=inbound.id)
    return Seeded(cast, business_id, outbound.id, password)
