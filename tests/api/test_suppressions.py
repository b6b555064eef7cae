"""Numbers that are not to be called: a business's own list, and the one that holds for all."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from api.doorway import TestClient, sign_in
from support.installation import Installation
from support.world import World
from trunkline.core.db import SYSTEM, unit_of_work
from trunkline.domain.outbound import dialling, suppressions
from trunkline.domain.outbound import service as outbound
from trunkline.domain.outbound.claim import Claim, claim_next
from trunkline.domain.outbound.models import OutboundItem
from trunkline.domain.outbound.options import installed_limits
from trunkline.kit import clock
from trunkline.kit.ids import new_id


@pytest.fixture
def owner(acme: World, visitor: TestClient) -> TestClient:
    sign_in(visitor, acme.email)
    return visitor


def started(world: World) -> None:
    run = world.make_run()
    with unit_of_work(world.scope) as session:
        outbound.start_run(session, world.business_id, run.id, actor="test")


def claimed(world: World) -> Claim:
    with unit_of_work(world.scope) as session:
        claim = claim_next(
            session, world.business_id, limits=installed_limits(), job_id=new_id(), lease_epoch=1
        )
    assert isinstance(claim, Claim), claim
    return claim


def items(world: World) -> dict[str, tuple[str, str | None]]:
    with unit_of_work(world.scope) as session:
        return {item.phone: (item.state, item.disposition) for item in session.scalars(select(OutboundItem))}


def test_a_number_that_a_person_types_is_called_no_more_from_then_on(acme: World, owner: TestClient) -> None:
    started(acme)
    typed = owner.post("/api/suppressions", json={"phone": "(212) 555-0102", "reason": "wrote to us"})
    assert (typed.status_code, typed.json()["phone"]) == (201, "+12125550102")
    assert items(acme)["+12125550102"] == ("failed", "suppressed")
    (listed,) = owner.get("/api/suppressions").json()
    assert (listed["phone"], listed["reason"], listed["source"]) == ("+12125550102", "wrote to us", "person")
    # Once more changes nothing, and off the list it is gone.
    assert owner.post("/api/suppressions", json={"phone": "+12125550102"}).json()["reason"] == "wrote to us"
    assert owner.delete("/api/suppressions/+12125550102").status_code == 204
    assert owner.get("/api/suppressions").json() == []
    assert owner.delete("/api/suppressions/+12125550102").status_code == 404


def test_what_is_no_number_is_told_so(owner: TestClient) -> None:
    refused = owner.post("/api/suppressions", json={"phone": "nobody"})
    assert refused.status_code == 422
    assert "nobody" in refused.text


def test_a_dial_that_is_committed_and_not_made_is_taken_back(acme: World, owner: TestClient) -> None:
    started(acme)
    claim = claimed(acme)
    assert owner.post("/api/suppressions", json={"phone": claim.phone}).status_code == 201
    with unit_of_work(acme.scope) as session:
        assert not dialling.run_allows(session, acme.business_id, claim.run_id, claim.attempt_id)
    assert items(acme)[claim.phone] == ("queued", None)
    with clock.frozen_at(clock.now() + timedelta(minutes=1)):
        assert claimed(acme).phone != claim.phone
    assert items(acme)[claim.phone] == ("failed", "suppressed")


def test_the_list_of_all_holds_for_every_business(
    acme: World, umbrella: World, installation: Installation
) -> None:
    shared = acme.phones[0]
    with unit_of_work(SYSTEM) as session:
        suppressions.suppress_everywhere(session, shared, reason="a court's order", actor="test")
    for number, world in enumerate((acme, umbrella), 1):
        # The account's pace is shared: the second business dials a little later.
        with clock.frozen_at(clock.now() + timedelta(minutes=number)):
            started(world)
            assert claimed(world).phone != shared
        assert items(world)[shared] == ("failed", "suppressed")
    with unit_of_work(SYSTEM) as session:
        (row,) = suppressions.listed_everywhere(session, limit=10)
        assert (row.phone, row.reason) == (shared, "a court's order")
        suppressions.allow_everywhere(session, shared, actor="test")
    with unit_of_work(SYSTEM) as session:
        assert suppressions.listed_everywhere(session, limit=10) == []
