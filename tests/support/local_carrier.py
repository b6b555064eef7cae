"""The local carrier in a process of its own, its faults to order, and its book to judge by."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx


class Carrier:
    """The local carrier in a process of its own, and its book."""

    def __init__(self, process: subprocess.Popen[bytes], base_url: str, journal: Path) -> None:
        """`journal` is the file to which it writes its book as it goes."""
        self.process = process
        self.base_url = base_url
        self.journal = journal
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

    def troubles(self, *, since: int = 0) -> Troubles:
        """Return the faults that have come about since this byte of the journal, by name.

        The journal is read and not the book asked for, which keeps a busy carrier from its calls.
        """
        with self.journal.open("rb") as lines:
            lines.seek(since)
            found = Troubles(upto=since)
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                found.upto += len(line)
                fact = json.loads(line)
                if fact["kind"] in {"create", "callbacks"} and fact["fault"]:
                    found.hits[f"{_KINDS[fact['kind']]} {fact['fault']}"] += 1
        return found

    def book(self) -> dict[str, Any]:
        """The whole book, as the carrier wrote it."""
        return self._client.get("/sim/book").raise_for_status().json()

    def page_of(self, phones: Collection[str]) -> Page:
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


_KINDS = {"create": "order", "callbacks": "callback"}


@dataclass(slots=True)
class Troubles:
    """Faults by name, as `order lose_reply` or `callback drop`."""

    upto: int
    """Where the journal was read to."""
    hits: Counter[str] = field(default_factory=Counter)


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
