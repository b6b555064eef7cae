"""Who works in a call: the process's providers, or those that a business's own keys hire.

What keys hire is made once for all calls that bring the same ones, and kept as long as such calls come:
clients take a while to make and to connect. Two businesses share nothing, as their keys differ.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from time import monotonic

from trunkline.core.registry import Warmer
from trunkline.core.telemetry import get_logger
from trunkline.providers.ports import (
    Brain,
    EndOfTurn,
    NoiseSuppression,
    SpeechToText,
    TextToSpeech,
    VoiceActivity,
)

IDLE_S = 600.0
"""How long what keys have hired is kept without a call; longer than a brain waits for its call's socket."""
_LOOK_EVERY_S = 60.0

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Speech:
    """The process's ears and voice, shared by its calls; voice activity is one a call."""

    stt: SpeechToText
    tts: TextToSpeech
    vad: Callable[[], VoiceActivity]
    end_of_turn: EndOfTurn | None = None
    """Hears whether a caller has finished; None: text and silence decide."""
    suppression: Callable[[], NoiseSuppression] | None = None
    """Takes the noise from what the agent hears, one a call; None: it hears all."""
    comfort_noise: bool = False
    """The caller hears soft noise where the agent is silent."""
    warm_up: Callable[[], Awaitable[None]] | None = None
    """Gets ears and voice ready before the first call. May raise SpeechFailed; then they come when needed."""
    connections: Mapping[str, Warmer] = field(default_factory=dict)
    """Has a provider's connection open, by its name."""
    ears: Mapping[str, SpeechToText] = field(default_factory=dict)
    mouths: Mapping[str, TextToSpeech] = field(default_factory=dict)
    """Of whom ears and voice are made, by their names."""


@dataclass(frozen=True, slots=True)
class Hired:
    """Providers of some calls."""

    brain: Callable[[str], Brain]
    """By its name. Raises InvalidInput."""
    stt: SpeechToText
    tts: TextToSpeech
    close: Callable[[], Awaitable[None]]


Hire = Callable[[Mapping[str, str]], Hired]
"""Makes what these keys, by provider, hire."""


@dataclass(slots=True)
class _Kept:
    hired: Hired
    used_at: float
    calls: int = 0


class HiredProviders:
    """One process's, on its loop. `off_loop` runs what takes a while."""

    def __init__(
        self,
        shared: Hired,
        *,
        hire: Hire | None,
        off_loop: Callable[[Callable[[], Hired]], Awaitable[Hired]],
        idle_s: float = IDLE_S,
    ) -> None:
        self._shared = shared
        self._hire = hire
        self._off_loop = off_loop
        self._idle_s = idle_s
        self._kept: dict[str, _Kept] = {}

    @property
    def count(self) -> int:
        """How many sets of keys have hired somebody."""
        return len(self._kept)

    async def of(self, keys: Mapping[str, str]) -> Hired:
        """Return what these keys hire, made now if nobody has yet; without keys, the process's own."""
        if not keys or self._hire is None:
            return self._shared
        name = _fingerprint(keys)
        if name not in self._kept:
            made = await self._off_loop(partial(self._hire, keys))
            kept = self._kept.setdefault(name, _Kept(made, monotonic()))
            if kept.hired is not made:
                await made.close()  # another call with these keys was quicker
        kept = self._kept[name]
        kept.used_at = monotonic()
        return kept.hired

    @contextmanager
    def in_use(self, keys: Mapping[str, str]) -> Iterator[None]:
        """Keep what these keys hired while a call lasts."""
        kept = self._kept.get(_fingerprint(keys))
        if kept is None:
            yield
            return
        kept.calls += 1
        try:
            yield
        finally:
            kept.calls -= 1
            kept.used_at = monotonic()

    async def tend_forever(self) -> None:
        """Let those go whom no call has needed for a while."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            await self.let_idle_go()

    async def let_idle_go(self) -> None:
        """Close what has been idle for too long."""
        over = [
            name
            for name, kept in self._kept.items()
            if not kept.calls and monotonic() - kept.used_at > self._idle_s
        ]
        gone = [self._kept.pop(name) for name in over]
        for kept in gone:
            await kept.hired.close()
        if gone:
            log.info("own_providers_closed", sets=len(gone))

    async def close(self) -> None:
        """Close everything that keys have hired; no call is left."""
        while self._kept:
            await self._kept.popitem()[1].hired.close()


def _fingerprint(keys: Mapping[str, str]) -> str:
    text = "\0".join(f"{provider}\0{key}" for provider, key in sorted(keys.items()))
    return hashlib.sha256(text.encode()).hexdigest()
