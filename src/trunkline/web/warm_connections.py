"""Connections to speech and models, open before the first call and kept so: nobody waits for TLS in a call.

Owns how often. Which there are the call room says, and how one is opened its provider. One that cannot be
opened is logged when that begins and when it ends: no call has come to harm by it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from trunkline.core import registry
from trunkline.core.telemetry import get_logger
from trunkline.providers.ports import ModelFailed, SpeechFailed

EVERY_S = 45.0
"""Sooner than an idle connection is closed, here (60 s) or by what lies in between."""
_PATIENCE_S = 10.0

log = get_logger(__name__)


class WarmConnections:
    """One process's. `warmers` returns what opens each, by a name for the log."""

    def __init__(
        self, warmers: Callable[[], Mapping[str, registry.Warmer]], *, every_s: float = EVERY_S
    ) -> None:
        self._warmers = warmers
        self._every_s = every_s
        self._cold: set[str] = set()

    async def keep_forever(self) -> None:
        """Warm them now, and again before they cool."""
        while True:
            await self.warm()
            await asyncio.sleep(self._every_s)

    async def warm(self) -> None:
        """Warm every connection, all at a time. Never raises."""
        warmers = self._warmers()
        outcomes = await asyncio.gather(*(self._warmed(warm) for warm in warmers.values()))
        for name, reason in zip(warmers, outcomes, strict=True):
            if reason and name not in self._cold:
                log.warning("connection_cold", provider=name, reason=reason)
            elif not reason and name in self._cold:
                log.info("connection_warm_again", provider=name)
            self._cold = self._cold | {name} if reason else self._cold - {name}

    async def _warmed(self, warm: registry.Warmer) -> str:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await warm()
        except (SpeechFailed, ModelFailed) as failure:
            return str(failure)
        except TimeoutError:
            return f"not open within {_PATIENCE_S:g} s"
        return ""


def build_carriers() -> None:
    """Have the carriers' clients built, which read the certificates of the world."""
    for name in registry.carrier_names():
        registry.carrier(name)


def build_brains() -> None:
    """Have every brain built: the clients of language models take a second to load."""
    for name in registry.brain_names():
        registry.brain(name)
