"""RQ's dashboard behind our door: who gets in, what they can do there, and what it can do to us."""

from __future__ import annotations

import asyncio
import os
import pickle
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import rq_dashboard_fast
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer
from starlette.websockets import WebSocketDisconnect

from api.doorway import TestClient, build_app, open_door, sign_in
from support.installation import Installation
from support.world import PASSWORD, World
from trunkline.core.db import SYSTEM, unit_of_work
from trunkline.core.jobs import bell
from trunkline.core.jobs.bell import Bell
from trunkline.domain.people import service as people

ADMIN = "admin@trunkline.example"
pytestmark = pytest.mark.filterwarnings("ignore:job.exc_info is deprecated")

PAGES = ("queues", "workers", "schedulers", "jobs", "export", "queues/json", "workers/json", "jobs/json")


@pytest.fixture
def door(installation: Installation) -> Iterator[TestClient]:
    """Somebody who has not signed in, at an application with the dashboard and a bell of its own."""
    url = installation.urls.redis_url
    assert url
    own = Bell(url)
    before = bell.installed_bell()
    bell.install_bell(own)
    try:
        with open_door(build_app(redis_url=url)) as visitor:
            visitor.follow_redirects = False
            yield visitor
    finally:
        bell.install_bell(before)
        own.close()


@pytest.fixture
def admin(door: TestClient) -> TestClient:
    """A system admin."""
    with unit_of_work(SYSTEM) as session:
        people.create_user(
            session, business_id=None, email=ADMIN, name="A", password=PASSWORD, role=None, actor="test"
        )
    sign_in(door, ADMIN)
    return door


@pytest.fixture
def wake_up(installation: Installation) -> str:
    """The id of a wake-up that waits in Redis."""
    queue = Queue("default", connection=installation.redis, serializer=JSONSerializer)
    return str(queue.enqueue_call(bell.WAKE_UP, args=("default",), meta={"a": 1}).id)


def test_whoever_has_not_signed_in_is_sent_to_do_so(door: TestClient) -> None:
    for path in ("", "/", "/queues", "/jobs/json", "/static/css/uno.css", "/login?token=x"):
        answer = door.get(f"/admin/rq{path}")
        assert answer.status_code in {303, 307}, path
        assert answer.headers["location"] in {"/", "http://testserver/admin/rq/"}


def test_a_person_of_a_business_is_refused(acme: World, door: TestClient) -> None:
    sign_in(door, acme.email)
    for path in PAGES:
        answer = door.get(f"/admin/rq/{path}")
        assert answer.status_code == 403
        assert answer.json()["error"]["data"] == {"reason": "insufficient_role"}


def test_a_system_admin_sees_queues_and_wake_ups(admin: TestClient, wake_up: str) -> None:
    for path in PAGES:
        assert admin.get(f"/admin/rq/{path}").status_code == 200, path
    (queue,) = admin.get("/admin/rq/queues/json").json()
    assert (queue["queue_name"], queue["queued"]) == ("default", 1)
    shown = admin.get(f"/admin/rq/job/{wake_up}")
    assert shown.status_code == 200
    assert "wake_up" in shown.text
    assert admin.get("/admin/rq/static/css/uno.css").headers["content-type"].startswith("text/css")


def test_nothing_can_be_changed(installation: Installation, admin: TestClient, wake_up: str) -> None:
    for method, path in (
        ("DELETE", f"job/{wake_up}"), ("POST", f"job/{wake_up}/requeue"), ("DELETE", "queues/default"),
        ("POST", "queues/default/cleanup-stale"), ("PUT", "queues"), ("OPTIONS", "queues"),
    ):  # fmt: skip
        answer = admin.request(method, f"/admin/rq/{path}")
        assert answer.status_code == 405, path
    assert installation.redis.exists(f"rq:job:{wake_up}")
    assert admin.get("/admin/rq/queues/json").json()[0]["queued"] == 1
    for path in ("jobs", f"job/{wake_up}"):
        page = admin.get(f"/admin/rq/{path}").text
        assert not re.search(r"data-(delete|requeue)-ssr=|onclick=\"(delete|requeue)Job", page), path
    assert 'isAdmin = "read" === "admin"' in admin.get("/admin/rq/queues").text


def test_it_has_no_way_in_of_its_own(door: TestClient, admin: TestClient) -> None:
    for path in ("openapi.json", "docs", "redoc"):
        assert admin.get(f"/admin/rq/{path}").status_code == 404
    # Neither a token nor a cookie of the dashboard's own means anything without our session.
    admin.cookies.clear()
    admin.cookies.set("rq_dash_token", "x")
    assert admin.get("/admin/rq/queues?token=x").status_code == 303
    with pytest.raises(WebSocketDisconnect), admin.websocket_connect("/admin/rq/ws"):
        pass


def test_it_is_not_shown_our_cookie_and_gives_none(admin: TestClient) -> None:
    answer = admin.get("/admin/rq/queues")
    assert "set-cookie" not in answer.headers
    assert admin.cookies["trunkline"] not in answer.text
    assert "rq_dash" not in answer.text


class Bomb:
    """What runs code when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.mark),)


def test_what_lies_in_redis_is_never_unpickled(
    installation: Installation, admin: TestClient, wake_up: str, tmp_path: Path
) -> None:
    mark = tmp_path / "exploded"
    bomb = pickle.dumps(Bomb(mark))
    client = installation.redis
    for field in ("meta", "data", "result"):
        client.hset(f"rq:job:{wake_up}", field, bomb)
    client.xadd(f"rq:results:{wake_up}", {"type": "1", "created_at": "0", "return_value": bomb})
    for path in (*PAGES, f"job/{wake_up}"):
        admin.get(f"/admin/rq/{path}")
    assert not mark.exists()
    pickle.loads(bomb)
    assert mark.exists(), "the bomb is none"


def test_its_pages_may_run_their_scripts_and_ask_it_alone(admin: TestClient) -> None:
    policy = dict(
        part.strip().split(" ", 1)
        for part in admin.get("/admin/rq/queues").headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["connect-src"] == "http://testserver/admin/rq/"
    assert (policy["form-action"], policy["frame-ancestors"]) == ("'none'", "'none'")
    assert policy["sandbox"] == "allow-scripts allow-same-origin allow-downloads"
    assert "'unsafe-inline'" not in admin.get("/").headers["content-security-policy"]


def test_it_asks_nobody_elsewhere() -> None:
    folder = Path(rq_dashboard_fast.__file__).parent
    files = [
        *folder.glob("templates/*.html"),
        *folder.glob("static/**/*.css"),
        *folder.glob("static/**/*.js"),
    ]
    assert len(files) > 8
    for file in files:
        text = file.read_text()
        loaded = re.findall(r"(?:src|href)=[\"'](https?://[^\"']+)|url\([\"']?(https?://[^)]+)", text)
        assert [found for pair in loaded for found in pair if found] in (
            [], ["https://github.com/Hannes221/rq-dashboard-fast"]
        ), file.name  # fmt: skip


def test_the_loop_does_not_wait_for_redis(
    installation: Installation, admin: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[threading.Thread, object]] = []
    true = Redis.from_url

    def witness(url: str) -> redis.Redis:
        asked.append((threading.current_thread(), asyncio.get_running_loop()))
        return true(url)

    monkeypatch.setattr("rq_dashboard_fast.utils.queues.Redis.from_url", witness)
    assert admin.get("/admin/rq/queues/json").status_code == 200
    assert asked
    assert {thread.name for thread, _ in asked} == {"AnyIO worker thread"}


def test_without_redis_it_says_so_at_once(acme: World, admin: TestClient) -> None:
    nowhere = Bell("redis://127.0.0.1:9")
    installed = bell.installed_bell()
    bell.install_bell(nowhere)
    try:
        answer = admin.get("/admin/rq/queues")
    finally:
        bell.install_bell(installed)
        nowhere.close()
    assert answer.status_code == 503
    assert answer.json()["error"]["message"] == "Redis does not answer."
