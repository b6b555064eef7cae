"""Reports: figures of any days by day, agent, run and source, which add up to the call log; and as files."""

from __future__ import annotations

import csv
import io
import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from api.doorway import TestClient, sign_in
from support.call_book import had_call
from support.diary import note_down
from support.installation import Installation
from support.world import TOOLS, World
from trunkline.core.db import SYSTEM, unit_of_work
from trunkline.core.jobs import enqueue_job
from trunkline.domain.agents import service as agents
from trunkline.domain.appointments.models import Appointment
from trunkline.domain.calls.models import Call
from trunkline.domain.leads.models import Lead
from trunkline.domain.reports import revenue
from trunkline.domain.reports.revenue import Amount
from trunkline.domain.tenants import service as tenants
from trunkline.kit import clock
from trunkline.providers.scripted import ready_made

ZONE = ZoneInfo("Asia/Jerusalem")
BACK = timedelta(days=12)
OUTCOMES = ("no_answer", "busy", "booked", "declined", "voicemail", None)


@pytest.fixture
def owner(acme: World, visitor: TestClient) -> TestClient:
    with unit_of_work(acme.scope) as session:
        tenants.get_business(session, acme.business_id).time_zone = ZONE.key
    sign_in(visitor, acme.email)
    return visitor


def day_of(instant: datetime) -> date:
    return instant.astimezone(ZONE).date()


def report(client: TestClient, first: date, last: date, **more: Any) -> dict[str, Any]:
    answer = client.get("/api/reports", params={"from": str(first), "to": str(last), **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def live_through(world: World, *, names: tuple[str, ...] = ("Rivka", "=Formula()")) -> None:
    """Let calls of two agents and of none happen, of some runs and sources, through twelve days."""
    dice, now = random.Random(5), clock.now()
    with unit_of_work(world.scope) as session:
        agent_ids: list[UUID | None] = [
            agents.create_agent(
                session, world.business_id, name=name, language="en", script=ready_made("appointment"),
                tools=TOOLS, actor="test",
            ).id
            for name in names
        ]  # fmt: skip
        leads = list(session.scalars(select(Lead).order_by(Lead.phone)))
        for lead, source in zip(leads, ("list:Fair", "person", "+=list"), strict=False):
            lead.source = source
        lead_ids = [lead.id for lead in leads]
    run_ids = [world.make_run().id, None]
    for number in range(160):
        disposition = dice.choice(OUTCOMES)
        talked = dice.uniform(1, 300) if disposition in {"booked", "declined", "voicemail"} else None
        had_call(
            world, now - timedelta(hours=dice.uniform(0, 24 * 12)), talked_s=talked, disposition=disposition,
            direction=dice.choice(["inbound", "outbound"]), agent_id=dice.choice([*agent_ids, None]),
            run_id=dice.choice(run_ids), lead_id=dice.choice([*lead_ids, None]),
        )  # fmt: skip
        if number % 10 == 0:
            with unit_of_work(world.scope) as session:
                starts = now - timedelta(hours=number)
                note_down(
                    session, world.business_id, starts, starts + timedelta(minutes=30),
                    lead_id=dice.choice(lead_ids), created_at=starts - timedelta(days=1),
                    state=dice.choice(["booked", "arrived", "no_show", "cancelled"]),
                )  # fmt: skip


def figures_of(calls: list[Call]) -> tuple[int, int, int, int, float]:
    answered = [call for call in calls if call.answered_at is not None]
    seconds = sum((call.ended_at - call.answered_at).total_seconds() for call in answered)  # type: ignore[operator]
    directions = Counter(call.direction for call in calls)
    return (
        len(calls), directions["inbound"], directions["outbound"], len(answered),
        pytest.approx(seconds / 60, abs=0.1),
    )  # fmt: skip


def shown(figures: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(figures[name] for name in ("calls", "inbound", "outbound", "answered", "minutes"))


def test_every_figure_is_what_counting_the_call_log_gives_rolled_up_or_not(
    acme: World, owner: TestClient, installation: Installation
) -> None:
    live_through(acme)
    now = clock.now()
    first, last = day_of(now - timedelta(days=9)), day_of(now)
    for _ in range(2):
        with unit_of_work(acme.scope) as session:
            log = [call for call in session.scalars(select(Call)) if first <= day_of(call.created_at) <= last]
            sources = {lead.id: lead.source for lead in session.scalars(select(Lead))}
            made = [
                row for row in session.scalars(select(Appointment)) if first <= day_of(row.created_at) <= last
            ]
            due = [
                row for row in session.scalars(select(Appointment)) if first <= day_of(row.starts_at) <= last
            ]
        assert len(log) > 100
        keys: dict[str, Any] = {
            "day": lambda call: str(day_of(call.created_at)),
            "month": lambda call: str(day_of(call.created_at))[:7],
            "agent": lambda call: call.agent_id and str(call.agent_id),
            "run": lambda call: call.run_id and str(call.run_id),
            "source": lambda call, sources=sources: sources.get(call.lead_id),
        }
        for by, key in keys.items():
            found = report(owner, first, last, by=by)
            assert shown(found["total"]["figures"]) == figures_of(log)
            for line in found["lines"]:
                assert shown(line["figures"]) == figures_of(
                    [call for call in log if key(call) == line["key"]]
                )
            assert {key(call) for call in log} <= {line["key"] for line in found["lines"]}
            assert sum(line["figures"]["appointments"] for line in found["lines"]) == len(made) > 5
            assert sum(line["meetings"]["due"] for line in found["lines"]) == len(due) > 5
            told = Counter({row["disposition"]: row["calls"] for row in found["total"]["outcomes"]})
            assert told == Counter(call.disposition for call in log if call.disposition)
            for name, state in (("kept", "arrived"), ("no_show", "no_show"), ("cancelled", "cancelled")):
                assert found["total"]["meetings"][name] == sum(row.state == state for row in due)
        # One agent alone, and the same from the roll-up.
        agent_id = next(call.agent_id for call in log if call.agent_id)
        alone = report(owner, first, last, by="source", agent_id=str(agent_id))
        assert shown(alone["total"]["figures"]) == figures_of([c for c in log if c.agent_id == agent_id])
        with unit_of_work(SYSTEM):
            enqueue_job("maintenance", "roll_up_calls")
        installation.run_jobs("maintenance")


def test_it_is_compared_with_as_many_days_before(acme: World, owner: TestClient) -> None:
    today = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0)
    for days in (1, 2, 4, 5, 6, 7):
        had_call(acme, today - timedelta(days=days), talked_s=60, disposition="booked")
    first, last = day_of(today) - timedelta(days=3), day_of(today) - timedelta(days=1)
    found = report(owner, first, last)
    assert (found["total"]["figures"]["calls"], found["before"]["figures"]["calls"]) == (2, 3)
    assert found["before"]["first"] == str(first - timedelta(days=3))
    assert found["before"]["last"] == str(first - timedelta(days=1))
    assert [line["key"] for line in found["lines"]] == [str(first + timedelta(days=n)) for n in range(3)]
    assert [line["figures"]["calls"] for line in found["lines"]] == [0, 1, 1]


def test_days_are_the_business_s_own(acme: World, owner: TestClient) -> None:
    # Midnight in Jerusalem is at ten in the evening by UTC.
    had_call(acme, datetime(2026, 11, 9, 21, 59, tzinfo=UTC))
    had_call(acme, datetime(2026, 11, 9, 22, 1, tzinfo=UTC))
    found = report(owner, date(2026, 11, 9), date(2026, 11, 10))
    assert [line["figures"]["calls"] for line in found["lines"]] == [1, 1]


def test_the_file_has_the_lines_and_their_sums_and_runs_nothing(acme: World, owner: TestClient) -> None:
    live_through(acme)
    first, last = day_of(clock.now() - BACK), day_of(clock.now())
    for by in ("agent", "source", "day"):
        query = {"from": str(first), "to": str(last), "by": by}
        answer = owner.get("/api/reports.csv", params=query)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/csv")
        rows = list(csv.reader(io.StringIO(answer.text.lstrip("\ufeff"))))
        found = report(owner, first, last, by=by)
        assert len(rows) == len(found["lines"]) + 2
        assert [row[1] for row in rows[1:-1]] == [str(line["figures"]["calls"]) for line in found["lines"]]
        assert int(rows[-1][1]) == sum(int(row[1]) for row in rows[1:-1])
        assert not any(row[0].startswith(("=", "+")) for row in rows)
    assert "'=Formula()" in owner.get("/api/reports.csv", params={**query, "by": "agent"}).text


def test_revenue_is_told_by_who_knows_it_and_never_as_nothing(
    acme: World, owner: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = day_of(clock.now())
    assert report(owner, today, today)["total"]["revenue"] is None
    monkeypatch.setattr(revenue, "_sources", {})
    asked: list[tuple[datetime, datetime]] = []

    def of_invoices(_session: Any, _business: UUID, since: datetime, until: datetime) -> list[Amount]:
        asked.append((since, until))
        return [Amount("ILS", 12_000), Amount("EUR", 500)]

    revenue.register_revenue("invoices", of_invoices)
    revenue.register_revenue("receipts", lambda *_: [Amount("ILS", 50)])
    found = report(owner, today, today)
    assert found["total"]["revenue"] == [
        {"currency": "EUR", "minor": 500},
        {"currency": "ILS", "minor": 12_050},
    ]
    assert asked[0][1] - asked[0][0] in {timedelta(hours=hours) for hours in (23, 24, 25)}


@pytest.mark.parametrize(
    "query",
    [
        {}, {"from": "2026-02-01"}, {"from": "2026-02-02", "to": "2026-02-01"},
        {"from": "2024-01-01", "to": "2026-01-01"},
        {"from": "2026-02-01", "to": "2026-02-01", "by": "nonsense"},
        {"from": "2026-02-01", "to": "2026-02-01", "agent_id": "x"},
        {"from": "0001-01-01", "to": "0001-01-02"},
    ],
)  # fmt: skip
def test_what_is_asked_amiss_is_refused(owner: TestClient, query: dict[str, str]) -> None:
    for path in ("/api/reports", "/api/reports.csv"):
        assert owner.get(path, params=query).status_code == 422


@pytest.mark.parametrize(("first", "last"), [("9999-12-01", "9999-12-31"), ("0001-01-01", "0001-01-02")])
def test_days_at_the_ends_of_time_are_refused(owner: TestClient, first: str, last: str) -> None:
    for path in ("/api/reports", "/api/reports.csv"):
        assert owner.get(path, params={"from": first, "to": last}).status_code == 422, path
