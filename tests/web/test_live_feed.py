"""The event stream: nothing lost and nothing twice, exact progress, and its end with the session."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import uvicorn
from sqlalchemy import event, text, update

from api.doorway import TestClient, build_app
from support.installation import Installation
from support.plans import nodes
from support.processes import eventually
from support.world import PASSWORD, World
from trunkline.core.access import Role
from trunkline.core.db import unit_of_work
from trunkline.core.events import Cursor, announce, newest_cursor, read_after, subjects_after
from trunkline.domain.outbound.models import ItemState, OutboundItem
from trunkline.domain.people import service as people
from trunkline.domain.people.models import SignIn
from trunkline.web import live_feed

PATIENCE_S = 30


@dataclass
class House:
    """The application behind a real socket, in a thread of the test's."""

    url: str
    server: uvicorn.Server
    app: Any

    @property
    def streams(self) -> int:
        return len(self.app.state.live_feed._streams)


@pytest.fixture
def house(installation: Installation) -> Iterator[House]:
    app = build_app(spool=installation.home / "no-spool")
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=5)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    eventually(lambda: server.started, "the application serves", within_s=20)
    yield House(f"http://127.0.0.1:{listener.getsockname()[1]}", server, app)
    server.should_exit = True
    thread.join(20)
    assert not thread.is_alive()


@contextmanager
def person(house: House, world: World, email: str = "") -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=house.url, headers={"X-Trunkline": "1"}, timeout=PATIENCE_S, trust_env=False
    ) as client:
        answer = client.post("/api/sign-in", json={"email": email or world.email, "password": PASSWORD})
        answer.raise_for_status()
        yield client


Message = tuple[str, str | None, Any]


def messages(lines: Iterator[str]) -> Iterator[Message]:
    """Yield (kind, id, data) of each message."""
    fields: dict[str, str] = {}
    for line in lines:
        if line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value
        if not line:
            if "data" in fields:
                yield fields["event"], fields.get("id"), json.loads(fields["data"])
            fields = {}


@contextmanager
def listening(client: httpx.Client, **query: str) -> Iterator[Iterator[Message]]:
    headers = {"Last-Event-ID": query.pop("last")} if "last" in query else {}
    with client.stream("GET", "/api/events/stream", params=query, headers=headers) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield messages(answer.iter_lines())


def happen(world: World, *kinds: str) -> None:
    for kind in kinds:
        with unit_of_work(world.scope):
            announce(kind, subject_id=None, actor="test")


def test_news_arrives_once_and_in_order_also_after_a_break(
    house: House, acme: World, umbrella: World
) -> None:
    with person(house, acme) as client:
        with listening(client) as heard:
            kind, place, _ = next(heard)
            assert kind == "here"
            happen(acme, "test.one", "test.two")
            happen(umbrella, "test.of_others")
            first = [next(heard), next(heard)]
        happen(acme, "test.three", "test.four")
        with listening(client, last=str(first[0][1])) as heard:
            second = [next(heard) for _ in range(3)]
        with listening(client, after=str(place), for_s="1") as heard:
            whole = [data["kind"] for kind, _, data in heard if kind == "event"]
    assert [data["kind"] for _, _, data in first] == ["test.one", "test.two"]
    assert [data["kind"] for _, _, data in second] == ["test.two", "test.three", "test.four"]
    assert whole == ["test.one", "test.two", "test.three", "test.four"]


def test_who_is_no_admin_hears_of_neither_people_nor_keys_nor_the_log(house: House, acme: World) -> None:
    with unit_of_work(acme.scope) as session:
        people.create_user(
            session, business_id=acme.business_id, email="viewer@acme.example", name="V", password=PASSWORD,
            role=Role.VIEWER, actor="test",
        )  # fmt: skip

    def heard_by(email: str, after: str) -> tuple[list[Any], list[Any]]:
        with person(house, acme, email) as client:
            with listening(client, after=after, for_s="1") as heard:
                streamed = [data for kind, _, data in heard if kind == "event"]
            page = client.get("/api/events", params={"after": after}).raise_for_status().json()
            # The cursor has stepped over what was hidden.
            behind = client.get("/api/events", params={"after": page["cursor"]}).json()
            assert (behind["events"], behind["cursor"]) == ([], page["cursor"])
        return streamed, page["events"]

    with person(house, acme) as client:
        here = client.get("/api/events", params={"after": "latest"}).json()["cursor"]
    kinds = ("invitation.created", "lead.changed", "key.set", "job.retried", "dial.refused", "new.made")
    with unit_of_work(acme.scope):
        for kind in kinds:
            announce(kind, subject_id=acme.business_id, actor="ann@acme.example", phone="+12125550101")
    whole = [["phone"], "ann@acme.example"]
    for told in heard_by("viewer@acme.example", here):
        assert {one["kind"]: [list(one["data"]), one["actor"]] for one in told} == {
            "lead.changed": whole, "dial.refused": [[], ""],
        }  # fmt: skip
    for told in heard_by(acme.email, here):
        announced = [one for one in told if one["actor"] == "ann@acme.example"]
        assert len(announced) == len(kinds)
        assert all(one["data"] == {"phone": "+12125550101"} for one in announced)


def test_a_stream_with_no_news_says_that_it_lives(
    house: House, acme: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_feed, "_HEARTBEAT_S", 0.1)
    with person(house, acme) as client, listening(client) as heard:
        assert next(kind for kind, _, _ in heard if kind != "here") == "beat"


def test_what_is_new_is_sought_among_the_business_s_own_events(
    acme: World, installation: Installation
) -> None:
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "pg_snapshot_xmin" in statement:
            asked.append((statement, parameters))

    engine = installation.database.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        with unit_of_work(acme.scope) as session:
            newest_cursor(session)
            read_after(session, Cursor())
            subjects_after(session, Cursor(), prefix="call.", limit=10)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert len(asked) == 3
    with unit_of_work(acme.scope) as session:
        # Where there are few events it would read them all.
        session.execute(text("set local enable_seqscan = off"))
        session.execute(text("set local enable_bitmapscan = off"))
        for statement, parameters in asked:
            plan = session.connection().exec_driver_sql(f"explain (format json) {statement}", parameters)
            (found,) = [
                node for node in nodes(plan.scalar_one()[0]) if node.get("Index Name") == "ix_events_feed"
            ]
            assert "business_id = " in found["Index Cond"], statement


def test_progress_is_the_items_own_count_and_ends_with_the_run(house: House, acme: World) -> None:
    run = acme.make_run()

    def set_items(state: ItemState, but: ItemState) -> None:
        with unit_of_work(acme.scope) as session:
            session.execute(
                update(OutboundItem)
                .where(OutboundItem.run_id == run.id, OutboundItem.state != but)
                .values(state=state)
            )

    with person(house, acme) as client, listening(client) as heard:
        assert next(heard)[0] == "here"
        client.post(f"/api/runs/{run.id}/start").raise_for_status()
        told = _progress(heard)
        total = len(acme.phones)
        assert (told["state"], told["over"], told["progress"]["queued"]) == ("running", False, total)
        set_items(ItemState.IN_CALL, ItemState.COMPLETED)
        assert _progress(heard)["progress"]["active"] == total
        # Cancelled with calls under way it goes on being told of, until the last of them is over.
        client.post(f"/api/runs/{run.id}/cancel", json={}).raise_for_status()
        told = _progress(heard)
        assert (told["state"], told["over"], told["progress"]["active"]) == ("cancelled", False, total)
        set_items(ItemState.COMPLETED, ItemState.COMPLETED)
        told = _progress(heard)
        assert (told["over"], told["progress"]["done"], told["progress"]["active"]) == (True, total, 0)
        happen(acme, "test.after")
        rest = []
        for kind, _, data in heard:
            rest.append(kind)
            if kind == "event" and data["kind"] == "test.after":
                break
        assert "progress" not in rest


def _progress(heard: Iterator[Message]) -> dict[str, Any]:
    return next(data for kind, _, data in heard if kind == "progress")


def test_a_stream_ends_with_its_session_and_is_no_use_of_it(house: House, acme: World) -> None:
    with person(house, acme) as client:
        with unit_of_work(acme.scope) as session:
            session.execute(update(SignIn).values(last_seen_at=text("last_seen_at - interval '70 minutes'")))
            (before,) = session.scalars(text("select last_seen_at from sign_ins"))
        with listening(client, for_s="60") as heard:
            assert next(heard)[0] == "here"
            client.get("/api/events").raise_for_status()
            client.get("/api/runs", headers={"X-Trunkline-Unattended": "1"}).raise_for_status()
            with unit_of_work(acme.scope) as session:
                assert list(session.scalars(text("select last_seen_at from sign_ins"))) == [before]
                session.execute(update(SignIn).values(last_seen_at=text("last_seen_at - interval '6 min'")))
            began = time.monotonic()
            assert list(heard) == []
            assert time.monotonic() - began < PATIENCE_S
        assert client.get("/api/runs").status_code == 401
    with person(house, acme) as client, listening(client, for_s="60") as heard:
        assert next(heard)[0] == "here"
        client.post("/api/sign-out").raise_for_status()
        assert [kind for kind, _, _ in heard] == []


def test_a_person_has_so_many_streams_and_a_closed_one_counts_no_more(
    house: House, acme: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_feed, "MOST_A_PERSON", 2)
    with person(house, acme) as client:
        with listening(client) as one, listening(client) as two:
            next(one)
            next(two)
            refused = client.get("/api/events/stream")
            assert refused.status_code == 429
            assert refused.json()["error"]["data"]["retry_after_s"] > 0
        eventually(lambda: house.streams == 0, "the streams are forgotten", within_s=PATIENCE_S)
        with listening(client) as again:
            assert next(again)[0] == "here"


def test_the_process_s_drain_ends_streams_and_opens_none(house: House, acme: World) -> None:
    with person(house, acme) as client:
        with listening(client, for_s="60") as heard:
            next(heard)
            house.app.state.live_feed.close()
            assert list(heard) == []
        assert client.get("/api/events/stream").status_code == 503


def test_nobody_without_a_business_listens(house: House) -> None:
    with TestClient(house.app, headers={"X-Trunkline": "1"}) as stranger:
        assert stranger.get("/api/events/stream").status_code == 401


def test_what_a_person_does_themselves_keeps_the_session(house: House, acme: World) -> None:
    with person(house, acme) as client:
        with unit_of_work(acme.scope) as session:
            session.execute(update(SignIn).values(last_seen_at=text("last_seen_at - interval '70 minutes'")))
            (before,) = session.scalars(text("select last_seen_at from sign_ins"))
        client.get("/api/runs").raise_for_status()
        with unit_of_work(acme.scope) as session:
            assert list(session.scalars(text("select last_seen_at from sign_ins"))) > [before]


def test_streams_of_one_business_cost_one_reading_and_no_count_at_every_look(
    house: House, acme: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    written, counted, looks = list[str](), list[float](), list[float]()
    as_written, counting, looking = live_feed._event, live_feed.watched_runs, live_feed._look

    def note_event(event: Any, in_full: bool) -> bytes:
        written.append(event.kind)
        return as_written(event, in_full)

    def note_count(*args: Any) -> Any:
        counted.append(time.monotonic())
        return counting(*args)

    def note_look(*args: Any, **query: Any) -> Any:
        looks.append(time.monotonic())
        return looking(*args, **query)

    monkeypatch.setattr(live_feed, "_event", note_event)
    monkeypatch.setattr(live_feed, "watched_runs", note_count)
    monkeypatch.setattr(live_feed, "_look", note_look)
    monkeypatch.setattr(live_feed, "_COUNTING_SHARE", 1e6)
    with (
        person(house, acme) as client,
        listening(client) as a,
        listening(client) as b,
        listening(client) as c,
    ):
        for heard in (a, b, c):
            assert next(heard)[0] == "here"
        happen(acme, *(f"test.{number}" for number in range(5)))
        for heard in (a, b, c):
            assert [next(heard)[2]["kind"] for _ in range(5)] == [f"test.{number}" for number in range(5)]
        assert sorted(kind for kind in written if kind.startswith("test.")) == [f"test.{n}" for n in range(5)]
        so_far, seen = len(counted), len(looks)
        assert 1 <= so_far <= 3  # each new stream is told once of what runs
        eventually(lambda: len(looks) >= seen + 3, "it looks on", within_s=20)
        assert len(counted) == so_far
