"""A push service of the tests' own, as a process, with the browsers behind it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.domain.notifications import devices
from trunkline.kit.processes import die_with_parent

OWN_NETWORK = "127.0.0.0/8"
"""Where the stand-in is: the installation must be told that it may go there."""


@dataclass(frozen=True, slots=True)
class Browser:
    """One browser's subscription, and what came to it."""

    url: str
    endpoint: str
    p256dh: str
    auth: str

    def arrived(self) -> list[dict[str, Any]]:
        """Return every message that its service took, each time that it did."""
        return self._told()["requests"]

    def shown(self) -> list[dict[str, Any]]:
        """Return what it would show: a message takes the place of a waiting one of its topic."""
        return self._told()["shown"]

    def change(self, **changes: Any) -> None:
        """Have it be away (`gone=True`), or its service refuse the next requests (`faults=[503]`)."""
        httpx.patch(self.url, json=changes).raise_for_status()

    def subscribe(self, world: World, user_id: UUID, **more: Any) -> UUID:
        """Let somebody be told on it."""
        with unit_of_work(world.scope) as session:
            return devices.subscribe(
                session, world.business_id, user_id, endpoint=self.endpoint, p256dh=self.p256dh,
                auth=self.auth, name="A browser", **{"kinds": None, **more},
            ).id  # fmt: skip

    def _told(self) -> dict[str, Any]:
        answer = httpx.get(self.url)
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()
        return told


@dataclass(frozen=True, slots=True)
class PushStand:
    """A running push service."""

    url: str

    def browser(self, application: str) -> Browser:
        """Return a new browser, subscribed with the public key of whoever will send to it."""
        answer = httpx.post(f"{self.url}/browsers", json={"application": application})
        answer.raise_for_status()
        made = answer.json()
        return Browser(f"{self.url}/browsers/{made['name']}", made["endpoint"], made["p256dh"], made["auth"])


def public_key(world: World) -> str:
    """Return what browsers are given to subscribe with."""
    with unit_of_work(world.scope) as session:
        return devices.public_key(session)


@contextmanager
def open_push_service() -> Iterator[PushStand]:
    """Run the stand-in while the block runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "trunkline.simulators.push", "--port", "0"],
        stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent,  # noqa: PLW1509 - no threads here
    )  # fmt: skip
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        found = re.search(r"http://\S+:\d+", said)
        assert found is not None, said
        yield PushStand(found[0])
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()
