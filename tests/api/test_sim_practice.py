"""The practice business: it copies an agent whole, and nothing of it can ring a real telephone."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest

from support.installation import Installation
from support.world import World
from trunkline.core import registry
from trunkline.core.db import of_business, unit_of_work
from trunkline.core.errors import StartRefused
from trunkline.domain.agents import service as agents
from trunkline.domain.tenants import service as tenants
from trunkline.providers.browser import BrowserCarrier
from trunkline.sim import practice as practices
from trunkline.sim.practice import Model, Practice
from trunkline.sim.scenario import find

SALES, ABROAD, LAWYER = "+12125550311", "+442079460123", "+12125550312"


@pytest.fixture
def another_first(installation: Installation) -> Iterator[None]:
    """The installation has a second carrier, which serves the businesses that name none."""
    theirs = registry.first_carrier()
    registry.register_carrier(BrowserCarrier, "another")
    registry.prefer_carrier("another")
    yield
    registry.prefer_carrier(theirs)
    registry._carriers.pop("another")


def carrier_of(business_id: UUID) -> str:
    with unit_of_work(of_business(business_id)) as session:
        return tenants.carrier_of(session, business_id)


@pytest.mark.usefixtures("another_first")
def test_practice_calls_by_the_carrier_that_stands_in_whatever_comes_first(acme: World) -> None:
    with unit_of_work(acme.scope) as session:
        tenants.change_business(session, acme.business_id, {"carrier": "another"}, actor="test")
        name = agents.get_agent(session, acme.business_id, acme.agent_id).name
    for like in (None, Model(acme.business_id, name)):
        ground = practices.found(find("is_called"), like=like, at_once=1)
        try:
            assert carrier_of(ground.business_id) == "twilio"
        finally:
            practices.close(ground)


@pytest.mark.usefixtures("another_first")
def test_practice_that_calls_by_another_carrier_calls_nobody(acme: World) -> None:
    ground = Practice(acme.business_id, acme.agent_id, "UTC", acme.number)
    with pytest.raises(StartRefused, match="real telephones would ring"):
        practices.call_out(ground, ("+12125550191",), at_once=1)


def test_an_agent_is_copied_with_whom_it_hands_calls_to_at_numbers_that_nobody_has(acme: World) -> None:
    with unit_of_work(acme.scope) as session:
        changes = {
            "region": "US", "transfer_numbers": [ABROAD, LAWYER],
            "extensions": [
                {"extension": "101", "name": "Sales", "number": SALES},
                {"extension": "102", "name": "London", "number": ABROAD},
                {"extension": "103", "name": "Gone soon", "number": SALES},
            ],
        }  # fmt: skip
        tenants.change_business(session, acme.business_id, changes, actor="test")
        theirs = {"transfer_to": ["Sales", "103", LAWYER]}
        agent = agents.update_agent(session, acme.business_id, acme.agent_id, theirs, actor="test")
        name = agent.name
        left = {"extensions": changes["extensions"][:2]}
        tenants.change_business(session, acme.business_id, left, actor="test")
    ground = practices.found(find("refuses"), like=Model(acme.business_id, name), at_once=1)
    try:
        with unit_of_work(of_business(ground.business_id)) as session:
            business = tenants.get_business(session, ground.business_id)
            copied = agents.get_agent(session, ground.business_id, ground.agent_id)
            sales, london = business.extensions
            assert (sales["extension"], sales["name"]) == ("101", "Sales")
            assert (london["extension"], london["name"]) == ("102", "London")
            _, lawyer = copied.transfer_to
            assert copied.transfer_to == ["101", lawyer]
            reached = {sales["number"], london["number"], lawyer}
    finally:
        practices.close(ground)
    assert len(reached) == 3
    assert all(number.startswith("+164655501") for number in reached)
    assert not reached & set(practices.phones_beside([ground]))
