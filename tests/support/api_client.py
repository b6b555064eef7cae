"""A signed-in person at the API."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx

from support.processes import eventually
from support.world import PASSWORD


class Api:
    """One signed-in person's way to the API."""

    def __init__(self, base_url: str, email: str) -> None:
        # A connection a request: one kept alive may be closed by the server as the next request is sent.
        self._client = httpx.Client(
            base_url=base_url, headers={"X-Trunkline": "1"}, timeout=15, trust_env=False,
            limits=httpx.Limits(max_keepalive_connections=0),
        )  # fmt: skip
        self._email = email

    def __enter__(self) -> Api:
        reply = self._client.post("/api/sign-in", json={"email": self._email, "password": PASSWORD})
        reply.raise_for_status()
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def borrow(self, other: Api) -> None:
        """Be signed in as another is; for many connections of one person."""
        self._client.cookies.update(other._client.cookies)

    def post(self, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        return self._client.post(path, json=body or {})

    def start(self, run_id: UUID) -> httpx.Response:
        return self.post(f"/api/runs/{run_id}/start")

    def cancel(self, run_id: UUID, *, force: bool = False) -> dict[str, Any]:
        return self.post(f"/api/runs/{run_id}/cancel", {"force": force}).raise_for_status().json()

    def run(self, run_id: UUID) -> dict[str, Any]:
        return self._client.get(f"/api/runs/{run_id}").raise_for_status().json()

    def items(self, run_id: UUID) -> list[dict[str, Any]]:
        return self._every_page(f"/api/runs/{run_id}/items", behind="position")

    def attempts(self, run_id: UUID) -> list[dict[str, Any]]:
        return self._every_page(f"/api/runs/{run_id}/attempts", behind="id")

    def _every_page(self, path: str, *, behind: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        while True:
            query = {"limit": 1_000} | ({"after": rows[-1][behind]} if rows else {})
            page = self._client.get(path, params=query).raise_for_status().json()
            rows += page
            if len(page) < 1_000:
                return rows

    def wait_for_state(self, run_id: UUID, state: str, within_s: float = 40) -> dict[str, Any]:
        """Wait until the run is in this state, checking at every look that its progress adds up."""
        seen: dict[str, Any] = {}

        def there() -> bool:
            try:
                seen.update(self.run(run_id))
            except httpx.HTTPError:
                # The API or the database may be what the test has just killed.
                return False
            assert_adds_up(seen["progress"])
            return seen["state"] == state

        eventually(there, f"run {run_id} is {state}; it is {seen}", within_s)
        return seen


def assert_adds_up(progress: dict[str, int]) -> None:
    """The parts of a progress are its whole."""
    parts = {name: value for name, value in progress.items() if name != "total"}
    assert sum(parts.values()) == progress["total"], progress
