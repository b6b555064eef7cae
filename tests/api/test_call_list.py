"""The call log: filtered, a page at a time, by index; and the notes that two people write at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from api.doorway import TestClient, sign_in
from support.installation import Installation
from support.plans import Plan, nodes, pages
from support.world import World, make_world
from trunkline.core.db import unit_of_work
from trunkline.domain.calls import service as calls
from trunkline.domain.calls.listing import list_calls
from trunkline.domain.calls.models import CallState
from trunkline.domain.calls.schemas import CallFilter

BEGAN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def owner(acme: World, visitor: TestClient) -> TestClient:
    """Acme's owner, signed in."""
    sign_in(visitor, acme.email)
    return visitor


@pytest.fixture
def log(acme: World) -> list[UUID]:
    """Seven calls, one an hour, the newest first."""
    return [_call(acme, number) for number in range(7)][::-1]


def _call(world: World, number: int) -> UUID:
    with unit_of_work(world.scope) as session:
        call = calls.open_call(
            session, world.business_id, sid=f"CA{number}", direction="inbound" if number % 2 else "outbound",
            ours=world.number, theirs=f"+97254123456{number}", agent_id=world.agent_id, lead_id=None,
        )  # fmt: skip
        call.created_at = BEGAN + timedelta(hours=number)
        call.state = "live" if number == 6 else "ended"
        call.disposition = "busy" if number < 2 else "booked"
        return call.id


def _ids(client: TestClient, **query: Any) -> list[UUID]:
    answer = client.get("/api/calls", params=query)
    assert answer.status_code == 200, answer.text
    return [UUID(row["id"]) for row in answer.json()["calls"]]


def test_pages_follow_each_other_without_a_gap_or_a_repetition(owner: TestClient, log: list[UUID]) -> None:
    seen: list[UUID] = []
    cursor: dict[str, str] = {}
    for _ in range(3):
        page = owner.get("/api/calls", params={"limit": 3, **cursor}).json()
        seen += [UUID(row["id"]) for row in page["calls"]]
        cursor = {"cursor": page["next_cursor"]}
    assert seen == log
    assert page["next_cursor"] is None


def test_a_call_that_begins_between_two_pages_moves_none(
    owner: TestClient, acme: World, log: list[UUID]
) -> None:
    page = owner.get("/api/calls", params={"limit": 3}).json()
    _call(acme, 8)
    assert _ids(owner, cursor=page["next_cursor"]) == log[3:]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"direction": "inbound"}, [5, 3, 1]),
        ({"state": "live"}, [6]),
        ({"state": ["live", "ended"], "direction": "outbound"}, [6, 4, 2, 0]),
        ({"disposition": "busy"}, [1, 0]),
        ({"disposition": ["busy", "booked"], "state": "ended"}, [5, 4, 3, 2, 1, 0]),
        ({"created_from": "2026-03-02T11:00:00Z", "created_before": "2026-03-02T14:00:00+01:00"}, [3, 2]),
        ({"number": "4564"}, [4]),
        ({"number": "054-123 4563"}, [3]),
        ({"number": "+972 54 1234562"}, [2]),
        ({"number": "97254"}, [6, 5, 4, 3, 2, 1, 0]),
        ({"number": "0541"}, [6, 5, 4, 3, 2, 1, 0]),
        ({"number": "+1212"}, []),
        ({"number": "dana@"}, []),
        ({"carrier": "browser"}, []),
        ({"booked": "true"}, []),
    ],
)
def test_only_calls_that_meet_every_condition_are_found(
    query: dict[str, Any], found: list[int], owner: TestClient, log: list[UUID]
) -> None:
    assert owner.patch("/api/business", json={"region": "IL"}).status_code == 200
    assert _ids(owner, **query) == [log[6 - number] for number in found]


def test_calls_are_found_by_agent_and_an_unknown_one_has_none(
    owner: TestClient, acme: World, log: list[UUID]
) -> None:
    assert _ids(owner, agent_id=str(acme.agent_id)) == log
    for name in ("agent_id", "lead_id", "run_id"):
        assert _ids(owner, **{name: str(uuid4())}) == []


@pytest.mark.parametrize(
    "query", [{"number": "12"}, {"state": "lost"}, {"created_from": "2026-03-02T10:00:00"}, {"colour": "red"}]
)
def test_a_condition_that_means_nothing_is_refused(query: dict[str, str], owner: TestClient) -> None:
    assert owner.get("/api/calls", params=query).status_code == 422


def test_who_writes_notes_second_is_told_what_stands_there(
    owner: TestClient, acme: World, log: list[UUID]
) -> None:
    path = f"/api/calls/{log[0]}/notes"
    assert owner.put(path, json={"text": "Wants a quote.", "version": 0}).json() == {
        "text": "Wants a quote.", "version": 1, "by": acme.email,
    }  # fmt: skip
    late = owner.put(path, json={"text": "Call back.", "version": 0})
    assert late.status_code == 409
    assert late.json()["error"]["code"] == "notes_changed"
    assert late.json()["error"]["data"] == {"notes": "Wants a quote.", "version": 1, "by": acme.email}
    assert owner.get(f"/api/calls/{log[0]}").json()["notes"]["text"] == "Wants a quote."
    assert owner.put(path, json={"text": "Call back.", "version": 1}).json()["version"] == 2


# --- A long log ------------------------------------------------------------------------------

_FILL = text(
    """
    insert into calls (id, business_id, carrier_sid, direction, ours, theirs, agent_id, state, disposition,
                       carrier, created_at, booked_at)
    select gen_random_uuid(), :business, 'CA' || n,
           case when n % 10000 = 0 then 'inbound' else 'outbound' end, '+12125550190',
           '+1' || (2120000000 + (cast(n as bigint) * 7919) % 9999999), :agent, 'ended',
           case when n % 10000 = 0 then 'rare' else (array['busy', 'no_answer', 'booked'])[1 + n % 3] end,
           case when n % 20000 = 0 then 'browser' else 'twilio' end,
           cast(:began as timestamptz) + n * interval '1 s', case when n % 9 = 0 then now() end
    from generate_series(1, :rows) n
    """
)
_ROWS = 40_000


@pytest.fixture(scope="module")
def long_log(servers: Installation) -> Iterator[World]:
    """A business with many calls, and another one with as many."""
    servers.wipe(to_the_ground=True)
    worlds = [make_world(name, number=f"+1212555019{at}", phones=()) for at, name in enumerate(("A", "B"))]
    with servers.owner.begin() as connection:
        connection.execute(text("alter table calls no force row level security"))
        for world in worlds:
            values = {"business": world.business_id, "agent": world.agent_id, "rows": _ROWS, "began": BEGAN}
            connection.execute(_FILL, values)
        connection.execute(text("alter table calls force row level security"))
    with servers.owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("vacuum analyze calls"))
    yield worlds[0]
    servers.wipe(to_the_ground=True)


@pytest.mark.parametrize(
    "wanted",
    [
        CallFilter(),
        CallFilter(direction="inbound"),
        CallFilter(carrier="browser"),
        CallFilter(carrier="telnyx"),
        CallFilter(state=[CallState.RINGING, CallState.LIVE]),
        CallFilter(state=[CallState.ENDED], direction="outbound"),
        CallFilter(disposition=["rare"]),
        CallFilter(disposition=["busy", "rare"], direction="inbound"),
        CallFilter(number="0007919"),
        CallFilter(number="+121200"),
        CallFilter(booked=True),
        CallFilter(run_id=uuid4()),
        CallFilter(lead_id=uuid4()),
        CallFilter(agent_id=uuid4()),
        CallFilter(created_before=BEGAN + timedelta(seconds=900)),
    ],
    ids=lambda wanted: ",".join(sorted(wanted.model_fields_set)) or "all",
)
def test_a_page_of_a_long_log_reads_little_of_it(wanted: CallFilter, long_log: World) -> None:
    with unit_of_work(long_log.scope) as session:
        plan = _plan(session, long_log.business_id, wanted, None)
        _check(plan)
        cursor = list_calls(session, long_log.business_id, limit=50)[1]
        _check(_plan(session, long_log.business_id, wanted, cursor))


def _check(plan: Plan) -> None:
    assert "Seq Scan" not in {node["Node Type"] for node in nodes(plan)}, plan
    assert pages(plan) < 500, f"{pages(plan)} pages of 8 kB: {plan}"


def _plan(session: Session, business_id: UUID, wanted: CallFilter, after: str | None) -> Plan:
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    bind = session.get_bind()
    event.listen(bind, "before_cursor_execute", note)
    try:
        list_calls(session, business_id, wanted, limit=50, after=after, region="US")
    finally:
        event.remove(bind, "before_cursor_execute", note)
    (statement, parameters) = asked[-1]
    explained = f"explain (analyze, buffers, format json) {statement}"
    plan: Plan = session.connection().exec_driver_sql(explained, parameters).scalar_one()[0]
    return plan
