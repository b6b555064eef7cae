"""The gate and the health page while the database is away, and what they show to whom."""

from __future__ import annotations

import asyncio
import threading

import pytest
from sqlalchemy import Engine

from api.doorway import TestClient, build_app, open_door
from support.installation import Installation
from support.world import World
from trunkline import schema
from trunkline.core.jobs import overview
from trunkline.web import gate
from web.conftest import Away


def test_a_process_that_starts_without_its_database_says_not_ready(
    acme: World, database_away: Away, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database_away(), open_door(build_app()) as visitor:
        for path in ("/api/me", "/hooks/carrier/inbound/answer"):
            answer = visitor.post(path)
            assert answer.status_code == 503, path
            assert answer.json()["error"]["code"] == "not_ready"
            assert answer.headers["retry-after"] == "2"
        assert visitor.get("/ready").status_code == 503
        assert visitor.get("/health").json()["status"] == "degraded"


def test_it_serves_as_soon_as_the_database_is_there(
    acme: World, database_away: Away, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(gate.time, "monotonic", lambda: now[0])
    with open_door(build_app()) as visitor:
        with database_away():
            assert visitor.get("/api/me").status_code == 503
        assert visitor.get("/api/me").status_code == 503, "asked at most once a second"
        now[0] += 2
        assert visitor.get("/api/me").status_code == 401


async def test_the_schema_is_looked_for_off_the_loop(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = []

    def look(_engine: Engine) -> bool:
        threads.append(threading.current_thread())
        return True

    monkeypatch.setattr(schema, "at_head", look)
    watch = gate.SchemaWatch()
    assert await watch.is_there()
    assert await watch.is_there()
    assert len(threads) == 1
    assert threads[0] is not threading.main_thread()
    assert asyncio.get_running_loop().is_running()


def test_health_counts_calls_and_names_none(visitor: TestClient) -> None:
    health = visitor.get("/health").json()
    assert health["calls"] == {"live": 0, "reaped": 0, "draining": False}
    assert (health["spooled_batches"], health["refused_batches"]) == (0, 0)
    assert health["queues"] == {}


def test_readiness_does_not_read_the_ledger(visitor: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_relay: object) -> dict[str, dict[str, int]]:
        raise AssertionError("a load balancer asks every second")

    monkeypatch.setattr(overview, "depths", refuse)
    assert visitor.get("/ready").json() == {"ready": True, "reason": None}
    with pytest.raises(AssertionError, match="every second"):
        visitor.get("/health")
