"""Whom calls are handed to: extensions and listed numbers, by agents and people alike; costly ones listed."""

from __future__ import annotations

from typing import Any

import pytest

from control.theatre import OFFICE, Theatre, Use
from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.core.errors import InvalidInput
from trunkline.domain.agents import service as agents
from trunkline.domain.tenants import service as tenants
from trunkline.domain.tenants.extensions import refused_because

pytestmark = pytest.mark.hasty

ORDINARY, OTHER = "+12125550311", "+12125550399"
PREMIUM, ABROAD, JAMAICA, SHARED_COST = "+19005550199", "+442079460123", "+18765550123", "+448443211234"
EXTENSIONS = [{"extension": "1", "name": "", "number": number} for number in (ORDINARY, PREMIUM, ABROAD)]


@pytest.mark.parametrize(
    ("number", "listed", "reason"),
    [
        (ORDINARY, [], None),
        (OTHER, [], "unlisted"),
        (OTHER, [OTHER], None),
        (PREMIUM, [], "premium_rate"),
        (PREMIUM, [PREMIUM], None),
        (ABROAD, [], "foreign"),
        (ABROAD, [ABROAD], None),
        # The same country code, and abroad all the same: where most of this fraud goes.
        (JAMAICA, [], "foreign"),
        (SHARED_COST, [], "premium_rate"),
    ],
)
def test_the_rule(number: str, listed: list[str], reason: str | None) -> None:
    assert refused_because(number, EXTENSIONS, listed, region="US") == reason


def test_at_home_is_where_the_business_is() -> None:
    assert refused_because(ABROAD, EXTENSIONS, [], region="GB") is None
    assert refused_because(ORDINARY, EXTENSIONS, [], region="GB") == "foreign"


def change(world: World, **changes: Any) -> None:
    with unit_of_work(world.scope) as session:
        tenants.change_business(session, world.business_id, changes, actor="test")


def test_an_extension_abroad_wants_its_number_on_the_list(acme: World) -> None:
    abroad = [{"extension": "7", "name": "London", "number": ABROAD}]
    with pytest.raises(InvalidInput, match="abroad") as refused:
        change(acme, extensions=abroad)
    assert refused.value.data["reason"] == "foreign"
    change(acme, extensions=abroad, transfer_numbers=["+44 20 7946 0123"])
    with unit_of_work(acme.scope) as session:
        assert tenants.get_business(session, acme.business_id).transfer_numbers == [ABROAD]
    with pytest.raises(InvalidInput, match="abroad"):
        change(acme, transfer_numbers=[])
    with pytest.raises(InvalidInput, match="not a telephone number"):
        change(acme, transfer_numbers=["the office"])


def test_an_agent_is_given_no_number_that_the_business_has_not(acme: World) -> None:
    def give(*numbers: str) -> None:
        with unit_of_work(acme.scope) as session:
            changes = {"transfer_to": list(numbers)}
            agents.update_agent(session, acme.business_id, acme.agent_id, changes, actor="test")

    with pytest.raises(InvalidInput, match="neither an extension nor"):
        give(OTHER)
    change(acme, transfer_numbers=[OTHER])
    give(OTHER)


async def test_people_hand_calls_to_no_other_number_either(theatre: Theatre) -> None:
    theatre.brain.scripts = [["Hello. " * 60]]
    sid = theatre.phone_in()
    call_id = await theatre.live(sid)
    async with theatre.person() as person:
        for verb in ("transfer", "warm-transfer"):
            for to, reason in ((OTHER, "unlisted"), (PREMIUM, "premium_rate"), (ABROAD, "foreign")):
                answer = await person.post(f"/api/calls/{call_id}/{verb}", json={"to": to})
                assert (answer.status_code, answer.json()["error"]["data"]["reason"]) == (403, reason)
                assert to in answer.json()["error"]["message"]
        assert theatre.controls(sid) == []
        listed = await person.patch("/api/business", json={"transfer_numbers": [OTHER]})
        assert listed.json()["transfer_numbers"] == [OTHER]
        answer = await person.post(f"/api/calls/{call_id}/transfer", json={"to": OTHER})
        assert answer.status_code == 202
    await theatre.over(sid)
    assert [leg.to for leg in theatre.legs(sid)] == [OTHER]


def test_an_agent_whose_colleague_has_left_can_be_changed(acme: World) -> None:
    change(acme, extensions=[{"extension": "101", "name": "Office", "number": OFFICE}])

    def change_agent(**changes: Any) -> None:
        with unit_of_work(acme.scope) as session:
            agents.update_agent(session, acme.business_id, acme.agent_id, changes, actor="test")

    change_agent(transfer_to=["101"])
    change(acme, extensions=[])
    change_agent(name="Dana")
    with pytest.raises(InvalidInput, match="neither an extension nor a telephone number"):
        change_agent(transfer_to=["101"])


async def test_what_is_taken_off_the_list_is_off_for_agents_at_once(theatre: Theatre) -> None:
    with unit_of_work(theatre.world.scope) as session:
        business_id = theatre.world.business_id
        others = [{"extension": "102", "name": "", "number": OTHER}]
        changes = {"extensions": others, "transfer_numbers": [OFFICE]}
        tenants.change_business(session, business_id, changes, actor="test")
        agents.update_agent(
            session, business_id, theatre.world.agent_id, {"transfer_to": [OFFICE]}, actor="test"
        )
        tenants.change_business(session, business_id, {"transfer_numbers": []}, actor="test")
    theatre.brain.scripts = [[Use("transfer_call", {"to": OFFICE}), Use("hang_up")]]
    sid = theatre.phone_in()
    await theatre.over(sid)
    refused = theatre.brain.results[0]
    assert (refused.ok, refused.data["error"]) == (False, "forbidden")
    assert [control.verb for control in theatre.controls(sid)] == ["hang_up"]
