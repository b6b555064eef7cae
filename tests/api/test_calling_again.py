"""Calling again is offered only where somebody can be called, and the new run has a title of its own."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import update

from api.doorway import TestClient, sign_in
from dialling.conftest import carrier  # noqa: F401 - a start needs one
from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.core.runs.models import Run
from trunkline.domain.leads.models import Lead
from trunkline.domain.outbound.models import OutboundItem
from trunkline.domain.tenants.models import Business


@pytest.fixture
def owner(acme: World, visitor: TestClient) -> TestClient:
    sign_in(visitor, acme.email)
    return visitor


def ended(world: World, *came_to: tuple[str, str | None], state: str = "completed") -> UUID:
    """Return a run in this state, its leads in these states with these dispositions."""
    run = world.make_run()
    with unit_of_work(world.scope) as session:
        session.execute(update(Run).where(Run.id == run.id).values(state=state))
        for position, (stands, disposition) in enumerate(came_to, 1):
            session.execute(
                update(OutboundItem)
                .where(OutboundItem.run_id == run.id, OutboundItem.position == position)
                .values(state=stands, disposition=disposition)
            )
    return run.id


@pytest.mark.parametrize(
    ("came_to", "people"),
    [
        ([("failed", "suppressed"), ("failed", "no_consent"), ("failed", "no_calling_hours")], 0),
        ([("failed", "attempts_in_all"), ("completed", "booked"), ("cancelled", None)], 0),
        ([("failed", "busy"), ("failed", "suppressed"), ("unknown", None)], 2),
    ],
)
def test_a_run_counts_whom_it_could_call_again(
    came_to: list[tuple[str, str | None]],
    people: int,
    acme: World,
    owner: TestClient,
    carrier: object,  # noqa: F811
) -> None:
    run_id = ended(acme, *came_to)
    assert owner.get(f"/api/runs/{run_id}").json()["retryable"] == people
    assert [run["retryable"] for run in owner.get("/api/runs").json()] == [people]
    # The count and the deed agree.
    again = owner.post(f"/api/runs/{run_id}/retry-failed")
    assert again.status_code == (202 if people else 409), again.text
    if people:
        assert again.json()["progress"]["total"] == people
        assert again.json()["retryable"] == 0


def test_a_run_that_is_not_over_and_a_lead_that_is_gone_count_for_nothing(
    acme: World, owner: TestClient
) -> None:
    running = ended(acme, ("failed", "busy"), state="paused")
    assert owner.get(f"/api/runs/{running}").json()["retryable"] == 0
    over = ended(acme, ("failed", "busy"), ("failed", "busy"))
    with unit_of_work(acme.scope) as session:
        session.delete(session.query(Lead).where(Lead.phone == acme.phones[0]).one())
    assert owner.get(f"/api/runs/{over}").json()["retryable"] == 1


@pytest.mark.parametrize(("language", "title"), [("en", "A run (again)"), ("he", "A run (שוב)")])
def test_the_new_run_is_told_from_the_old_one_by_its_title(
    language: str,
    title: str,
    acme: World,
    owner: TestClient,
    carrier: object,  # noqa: F811
) -> None:
    with unit_of_work(acme.scope) as session:
        session.execute(update(Business).values(language=language))
    run_id = ended(acme, ("failed", "busy"))
    again = owner.post(f"/api/runs/{run_id}/retry-failed").json()
    assert again["title"] == title
    with unit_of_work(acme.scope) as session:
        session.execute(update(Run).where(Run.id == UUID(again["id"])).values(state="completed"))
        session.execute(update(OutboundItem).values(state="failed", disposition="busy"))
    # Once more is not said twice.
    assert owner.post(f"/api/runs/{again['id']}/retry-failed").json()["title"] == title
