"""Bursts of requests: no deadlock between threads and connections, and no transaction left behind."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import text

from support.api_client import Api
from support.system import System
from trunkline.kit.ids import new_id


def test_more_requests_at_once_than_threads_and_connections_are_all_answered(system: System) -> None:
    world = system.world("busy", size=1)
    with system.signed_in(world) as owner:
        clients = [Api(system.api_url, world.email) for _ in range(150)]
        for client in clients:
            client.borrow(owner)
        with ThreadPoolExecutor(150) as pool:
            answers = list(pool.map(lambda client: client._client.get("/api/runs").status_code, clients))
        for client in clients:
            client._client.close()
    assert set(answers) == {200}


def test_requests_that_fail_leave_no_transaction_open(system: System) -> None:
    world = system.world("busy", size=1)
    with system.signed_in(world) as owner:
        for _ in range(50):
            assert owner._client.get(f"/api/runs/{new_id()}").status_code == 404
        with system.installation.owner.connect() as connection:
            idle = connection.scalar(
                text(
                    "select count(*) from pg_stat_activity "
                    "where usename = 'trunkline_app' and state = 'idle in transaction'"
                )
            )
    assert idle == 0
