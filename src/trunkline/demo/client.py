"""The demo's own user: signs in to a business and does over HTTP what its people would do in the page."""

from __future__ import annotations

import time
from typing import Any

import httpx

from trunkline.core.errors import StartRefused
from trunkline.demo.seed import Seeded, people_csv

_IMPORTED_WITHIN_S = 60.0
_LOOK_EVERY_S = 0.2
_AT_MOST = 1_000
"""Rows of one answer; the demo has fewer of everything."""


class BusinessClient:
    """One business's owner at the API."""

    def __init__(self, base_url: str, seeded: Seeded) -> None:
        self.seeded = seeded
        self.run_id = ""
        self._http = httpx.Client(base_url=base_url, headers={"X-Trunkline": "1"}, timeout=20)

    def sign_in(self) -> None:
        """Begin a session as the business's owner."""
        self._post("/api/sign-in", json={"email": self.seeded.cast.email, "password": self.seeded.password})

    def import_and_start(self) -> None:
        """Import the list, make a run of it and start it."""
        imported = self._post(
            "/api/lead-imports", data={"name": "Demo leads"},
            files={"file": ("leads.csv", people_csv(self.seeded.cast), "text/csv")},
        )  # fmt: skip
        self._wait_for_import(imported["id"])
        run = self._post(
            "/api/runs",
            json={
                "title": "Demo run",
                "list_id": imported["list_id"],
                "options": {
                    "agent_id": str(self.seeded.agent_id),
                    "from_number": self.seeded.cast.number,
                    "concurrency": 3,
                },
            },
        )
        self.run_id = run["id"]
        self._post(f"/api/runs/{self.run_id}/start")

    def _wait_for_import(self, import_id: str) -> None:
        ends = time.monotonic() + _IMPORTED_WITHIN_S
        while (state := self._get(f"/api/lead-imports/{import_id}")["state"]) != "completed":
            if time.monotonic() > ends:
                raise StartRefused(f"The demo's leads could not be imported: the import is {state}.")
            time.sleep(_LOOK_EVERY_S)

    def run(self) -> dict[str, Any]:
        """Return the run with its progress."""
        return dict(self._get(f"/api/runs/{self.run_id}"))

    def calls(self) -> list[dict[str, Any]]:
        """Return the call log, newest first."""
        return list(self._get("/api/calls", limit=200)["calls"])

    def call(self, call_id: str) -> dict[str, Any]:
        """Return one call with its events."""
        return dict(self._get(f"/api/calls/{call_id}"))

    def attempts(self) -> list[dict[str, Any]]:
        """Return the run's dials."""
        return list(self._get(f"/api/runs/{self.run_id}/attempts", limit=_AT_MOST))

    def items(self) -> list[dict[str, Any]]:
        """Return the run's leads."""
        return list(self._get(f"/api/runs/{self.run_id}/items", limit=_AT_MOST))

    def appointments(self) -> list[dict[str, Any]]:
        """Return the business's appointments; the demo books none for the past."""
        return list(self._get("/api/appointments", limit=_AT_MOST)["appointments"])

    def lead(self, lead_id: str) -> dict[str, Any]:
        """Return one lead."""
        return dict(self._get(f"/api/leads/{lead_id}"))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _get(self, path: str, **query: Any) -> Any:
        reply = self._http.get(path, params=query)
        reply.raise_for_status()
        return reply.json()

    def _post(self, path: str, **body: Any) -> Any:
        reply = self._http.post(path, **body)
        reply.raise_for_status()
        return reply.json()
