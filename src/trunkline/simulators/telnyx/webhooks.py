"""The stand-in's webhooks: events signed by Ed25519, in the order in which they happened, until taken."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from trunkline.kit.tls import trusted
from trunkline.providers.telnyx.wire import SIGNATURE_HEADER, TIMESTAMP_HEADER, sign

_TRIES = 3


class Webhooks:
    """Sends events, one after another for each leg; `twice` sends each a second time, as Telnyx may."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self.twice = False
        self.delivered: list[tuple[str, int]] = []
        """Event types and how each delivery was answered; 0: not at all."""
        self._key = key
        self._client = httpx.AsyncClient(verify=trusted(), trust_env=False, timeout=10)
        self._queues: dict[str, asyncio.Queue[tuple[str, bytes, str]]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def tell(self, sid: str, url: str, event_type: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Have an event of a leg sent behind its earlier ones; return what is sent."""
        event = {
            "data": {
                "record_type": "event",
                "event_type": event_type,
                "id": str(uuid4()),
                "occurred_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
                "payload": dict(payload),
            },
            "meta": {"attempt": 1, "delivered_to": url},
        }
        if sid not in self._queues:
            self._queues[sid] = asyncio.Queue()
            self._tasks.append(asyncio.create_task(self._deliver(self._queues[sid]), name=f"events {sid}"))
        body = json.dumps(event).encode()
        for _ in range(2 if self.twice else 1):
            self._queues[sid].put_nowait((url, body, event_type))
        return event

    def signed(self, body: bytes, *, at: float | None = None) -> dict[str, str]:
        """Return the headers of an event with these bytes."""
        timestamp = str(int(time.time() if at is None else at))
        return {
            "content-type": "application/json",
            TIMESTAMP_HEADER: timestamp,
            SIGNATURE_HEADER: sign(self._key, timestamp, body),
        }

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.aclose()

    async def _deliver(self, queue: asyncio.Queue[tuple[str, bytes, str]]) -> None:
        while True:
            url, body, event_type = await queue.get()
            for _ in range(_TRIES):
                try:
                    status = (
                        await self._client.post(url, content=body, headers=self.signed(body))
                    ).status_code
                except httpx.TransportError:
                    status = 0
                self.delivered.append((event_type, status))
                if 200 <= status < 300:
                    break
