"""The local carrier in a process of its own, its faults to order, and its book to judge by."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx


class Carrier:
    """The local carrier in a process of its own, and its book."""

    def __init__(self, process: subprocess.Popen[bytes], base_url: str) -> None:
        self.process = process
        self.base_url = base_url
        self._client = httpx.Client(base_url=base_url, timeout=10, trust_env=False)

    def close(self) -> None:
        self._client.close()
        self.process.kill()
        self.process.wait()

    def admit(self, phones: Sequence[str], persona: str) -> None:
        """Let people of this kind live at these numbers."""
        for phone in phones:
            self._post("/sim/people", {"number": phone, "persona": persona})

    def order_faults(self, **faults: object) -> None:
        """See the carrier's `Faults.order`."""
        self._post("/sim/faults", faults)

    def no_faults(self) -> None:
        self._post("/sim/faults", {"create": None, "status_callbacks": None})

    def is_up(self) -> bool:
        try:
            return self._client.get("/sim/book").status_code == 200
        except httpx.TransportError:
            return False

    def book(self) -> dict[str, Any]:
        """The whole book, as the carrier wrote it."""
        return self._client.get("/sim/book").raise_for_status().json()

    def page_of(self, phones: Sequence[str]) -> Page:
        """What the book says of these numbers."""
        book, ours = self.book(), set(phones)
        return Page(
            rings={phone: book["people"].get(phone, {}).get("rings", []) for phone in phones},
            creates=[entry for entry in book["creates"] if entry["form"].get("To") in ours],
            calls=[call for call in book["calls"] if call["to"] in ours],
            double_dials=[found for found in book["double_dials"] if found["number"] in ours],
        )

    def _post(self, path: str, body: dict[str, Any]) -> None:
        self._client.post(path, json=body).raise_for_status()


@dataclass(slots=True)
class Page:
    """What the carrier wrote about some numbers."""

    rings: dict[str, list[dict[str, Any]]]
    creates: list[dict[str, Any]]
    calls: list[dict[str, Any]]
    double_dials: list[dict[str, Any]]

    @property
    def most_rings(self) -> int:
        """How often the number that rang most has rung."""
        return max((len(rings) for rings in self.rings.values()), default=0)

    @property
    def rang(self) -> set[str]:
        return {phone for phone, rings in self.rings.items() if rings}
