"""A business's overview: figures by its own days, exactly what a recount gives, and what needs a person."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text, update

from api.doorway import TestClient, sign_in
from jobs.handlers import leave_mark
from support.call_book import counted_anew, had_call, kept
from support.installation import Installation
from support.world import PASSWORD, World
from trunkline.core.access import Role
from trunkline.core.db import SYSTEM, unit_of_work
from trunkline.core.jobs import enqueue_job
from trunkline.core.runs.models import Run
from trunkline.domain.calls import service as calls
from trunkline.domain.calls.models import CallState
from trunkline.domain.outbound import service as outbound
from trunkline.domain.outbound.models import OutboundAttempt
from trunkline.domain.people import service as people
from trunkline.domain.reports import service
from trunkline.domain.reports.rules import settled_until
from trunkline.kit import clock
from trunkline.kit.ids import new_id
from trunkline.providers.ports import CallStatus

NEW_YORK = "America/New_York"
AFTER_THE_CHANGE = datetime(2026, 11, 2, 4, 30, tzinfo=UTC)
"""Half past eleven in the evening of the first of November, which has 25 hours in New York."""
OUTCOMES = ("no_answer", "busy", "booked", "declined", "voicemail", None)


@pytest.fixture
def owner(acme: World, visitor: TestClient) -> TestClient:
    """Acme's owner."""
    sign_in(visitor, acme.email)
    return visitor


def roll_up(installation: Installation) -> None:
    """Let the recurring job fire, and everything that it asks for be done."""
    with unit_of_work(SYSTEM):
        enqueue_job("maintenance", "roll_up_calls")
    installation.run_jobs("maintenance")


def times(world: World, zone: str) -> service.Times:
    with unit_of_work(world.scope) as session:
        return service.times(session, world.business_id, zone=zone)


def overview(client: TestClient) -> dict[str, Any]:
    answer = client.get("/api/overview")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_what_is_rolled_up_is_what_a_recount_gives_and_changes_no_figure(
    acme: World, umbrella: World, installation: Installation
) -> None:
    dice, now = random.Random(7), clock.now()
    for _ in range(120):
        disposition = dice.choice(OUTCOMES)
        talked = dice.uniform(1, 300) if disposition in {"booked", "declined", "voicemail"} else None
        had_call(
            dice.choice([acme, umbrella]), now - timedelta(hours=dice.uniform(0, 90)), talked_s=talked,
            disposition=disposition, direction=dice.choice(["inbound", "outbound"]),
        )  # fmt: skip
    before = times(acme, NEW_YORK)
    assert before.of_last(30).calls == sum(row[1] + row[4] for row in counted_anew(acme, until=now))
    roll_up(installation)
    for world in (acme, umbrella):
        assert kept(world) == counted_anew(world, until=settled_until(now))
    assert len(kept(acme)) > 20
    assert times(acme, NEW_YORK) == before
    # And again, with nothing new and with something: the same statement, so the same figures.
    roll_up(installation)
    assert times(acme, NEW_YORK) == before


def test_a_call_that_ends_long_after_it_began_is_counted_in_its_own_quarter(
    acme: World, installation: Installation
) -> None:
    began = clock.now() - timedelta(hours=6)
    call_id = had_call(acme, began, talked_s=10, disposition=None, state=CallState.LIVE)
    had_call(acme, began - timedelta(hours=3))
    roll_up(installation)
    (_, (_, *counts, outcomes)) = kept(acme)
    assert (counts, outcomes) == ([0, 0, 0.0, 1, 1, 0.0, 0], {})
    with unit_of_work(acme.scope) as session:
        call = calls.lock_call(session, acme.business_id, call_id)
        calls.note_status(session, call, CallStatus.COMPLETED)
    roll_up(installation)
    (_, (_, *counts, outcomes)) = kept(acme)
    assert outcomes == {"no_conversation": 1}
    assert counts[5] == pytest.approx(6 * 3600, abs=60)
    assert kept(acme) == counted_anew(acme, until=settled_until(clock.now()))


def test_days_and_hours_are_those_of_the_business_across_a_change_of_its_clock(
    acme: World, installation: Installation
) -> None:
    # One o'clock comes twice: at five and at six by UTC. Midnight is at four, and at five the day after.
    for at in ("2026-11-01T03:59", "2026-11-01T04:00", "2026-11-01T05:10", "2026-11-01T06:10"):
        had_call(acme, datetime.fromisoformat(f"{at}:00+00:00"), talked_s=60, disposition="booked")
    had_call(acme, datetime(2026, 11, 2, 4, 20, tzinfo=UTC), direction="inbound")
    for _ in range(2):
        with clock.frozen_at(AFTER_THE_CHANGE):
            found = times(acme, NEW_YORK)
        assert [(str(day), figures.calls) for day, figures in found.days[-2:]] == [
            ("2026-10-31", 1), ("2026-11-01", 4),
        ]  # fmt: skip
        assert len(found.hours) == 25
        assert [hour.outbound for hour in found.hours[:4]] == [1, 1, 1, 0]
        assert (found.hours[-1].inbound, sum(hour.outbound for hour in found.hours)) == (1, 3)
        assert found.outcomes == [("booked", 3), ("no_answer", 1)]
        today = found.of_last(1)
        assert (today.inbound, today.outbound, today.answer_rate, today.minutes) == (1, 3, 1.0, 3.0)
        # A second time from the roll-up, which reaches to half past two by UTC.
        with clock.frozen_at(AFTER_THE_CHANGE):
            roll_up(installation)
        assert len(kept(acme)) == 4


def test_the_overview_of_a_new_business_is_empty_and_whole(owner: TestClient) -> None:
    found = overview(owner)
    assert (found["live_calls"], found["runs"], found["outcomes"], found["attention"]) == ([], [], [], [])
    assert (len(found["days"]), found["today"]["calls"], found["today"]["answer_rate"]) == (30, 0, None)
    assert found["today"]["cost"] is None
    assert len(found["hours"]) == 24


def test_live_calls_and_active_runs_are_there_as_long_as_they_are(acme: World, owner: TestClient) -> None:
    call_id = had_call(acme, clock.now(), talked_s=1, disposition=None, state=CallState.LIVE)
    run = acme.make_run()
    assert overview(owner)["runs"] == []
    with unit_of_work(acme.scope) as session:
        outbound.start_run(session, acme.business_id, run.id, actor="test")
    found = overview(owner)
    (live,) = found["live_calls"]
    assert (live["id"], live["agent"], live["name"]) == (str(call_id), "Agent", None)
    assert found["live_count"] == 1
    (active,) = found["runs"]
    assert (active["id"], active["state"]) == (str(run.id), "running")
    progress = active["progress"]
    assert progress.pop("total") == sum(progress.values()) == 3
    with unit_of_work(acme.scope) as session:
        outbound.cancel_run(session, acme.business_id, run.id, force=False, actor="test")
    assert overview(owner)["runs"] == []


def test_system_admins_see_what_every_business_used_by_month(
    acme: World, umbrella: World, installation: Installation, visitor: TestClient
) -> None:
    new_year = datetime(2026, 1, 1, 0, 0, 30, tzinfo=UTC)
    had_call(acme, new_year, talked_s=90, disposition="booked")
    had_call(acme, new_year - timedelta(minutes=1), talked_s=30, disposition="booked", direction="inbound")
    had_call(umbrella, new_year, talked_s=None)
    with clock.frozen_at(new_year + timedelta(days=3)):
        roll_up(installation)
    with unit_of_work(SYSTEM) as session:
        people.create_user(
            session, business_id=None, email="admin@trunkline.example", name="A", password=PASSWORD,
            role=None, actor="test",
        )  # fmt: skip
    sign_in(visitor, "admin@trunkline.example")
    found = visitor.get("/api/admin/usage", params={"months": 120}).json()
    names = ("month", "business", "inbound", "outbound", "minutes")
    assert [tuple(used[name] for name in names) for used in found] == [
        ("2026-01-01", "Acme", 0, 1, 1.5), ("2026-01-01", "Umbrella", 0, 1, 0.0),
        ("2025-12-01", "Acme", 1, 0, 0.5),
    ]  # fmt: skip
    assert visitor.get("/api/admin/usage", params={"months": 1}).json() == []


def test_system_admins_see_what_carriers_failed_at_by_business_and_number(
    acme: World, umbrella: World, visitor: TestClient
) -> None:
    run = _run_in_trouble(acme)
    _run_in_trouble(umbrella)
    with unit_of_work(umbrella.scope) as session:
        session.execute(
            update(OutboundAttempt).values(resolved_at=clock.now() - timedelta(days=2), released=True)
        )
    with unit_of_work(SYSTEM) as session:
        people.create_user(
            session, business_id=None, email="admin@trunkline.example", name="A", password=PASSWORD,
            role=None, actor="test",
        )  # fmt: skip
    sign_in(visitor, "admin@trunkline.example")
    path = "/api/admin/carrier-failures"

    def seen(**query: int) -> set[tuple[str, ...]]:
        names = ("business", "number", "code", "dials")
        return {tuple(str(row[name]) for name in names) for row in visitor.get(path, params=query).json()}

    refused, unanswered = ("Acme", acme.number, "21210", "1"), ("Acme", acme.number, "unanswered", "1")
    assert seen() == {refused, unanswered}
    assert seen(hours=72) == {refused, unanswered, ("Umbrella", umbrella.number, "21210", "1")}
    with unit_of_work(acme.scope) as session:
        session.execute(update(OutboundAttempt).where(OutboundAttempt.run_id == run.id).values(released=True))
    assert seen() == {refused}
    # Whom they dialled is the business's own.
    assert all(phone not in visitor.get(path).text for phone in acme.phones)


def test_what_needs_a_person_is_told_with_where_it_is(
    acme: World, umbrella: World, installation: Installation, owner: TestClient
) -> None:
    run = _run_in_trouble(acme)
    _run_in_trouble(umbrella)
    with unit_of_work(acme.scope) as session:
        job_id = enqueue_job("default", leave_mark, "dead")
        session.execute(update(Run).where(Run.id == run.id).values(state="failed", finished_at=clock.now()))
    had_call(acme, clock.now(), talked_s=3, disposition="our_fault")
    assert installation.database.relay is not None
    with installation.database.relay.begin() as relay:
        relay.execute(text("update jobs set state = 'failed' where id = :id"), {"id": job_id})
    found = {matter["kind"]: matter for matter in overview(owner)["attention"]}
    assert {kind: matter["count"] for kind, matter in found.items()} == {
        "unknown_dials": 1, "rejected_dials": 1, "call_faults": 1, "failed_run": 1, "failed_jobs": 1,
    }  # fmt: skip
    assert (found["unknown_dials"]["subject_id"], found["failed_run"]["title"]) == (str(run.id), "A run")
    assert found["rejected_dials"]["subject_id"] == str(run.id)
    # Who may not see the jobs is not told of them.
    with unit_of_work(acme.scope) as session:
        people.create_user(
            session, business_id=acme.business_id, email="viewer@acme.example", name="V", password=PASSWORD,
            role=Role.VIEWER, actor="test",
        )  # fmt: skip
    sign_in(owner, "viewer@acme.example")
    assert "failed_jobs" not in {matter["kind"] for matter in overview(owner)["attention"]}


def _run_in_trouble(world: World) -> Run:
    """A run with a dial in doubt and one that the carrier would not place."""
    run = world.make_run()
    with unit_of_work(world.scope) as session:
        items = session.execute(
            text("select id, phone from outbound_items where run_id = :run order by position"),
            {"run": run.id},
        ).all()
        for (item_id, phone), state in zip(items, ("unknown", "rejected"), strict=False):
            session.add(
                OutboundAttempt(
                    business_id=world.business_id, run_id=run.id, item_id=item_id, phone=phone,
                    from_number=world.number, state=state, job_id=new_id(), lease_epoch=1,
                    resolved_at=None if state == "unknown" else clock.now(),
                    error=f"21210: {phone} cannot be called" if state == "rejected" else "timed out",
                )
            )  # fmt: skip
    return run
