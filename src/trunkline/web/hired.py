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
from trunkline.providers.speech_chain import AudioCache

IDLE_S = 600.0
"""How long what keys have hired is kept without a call; longer than a brain waits for its call's socket."""
_LOOK_EVERY_S = 60.0
_MOST_IDLE = 32
"""Sets that are kept without a call: each has clients with connections of their own, some megabytes."""
_SURELY_IDLE_S = 60.0
"""Whoever was asked for so lately may have a brain that waits for its call's socket."""

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
    said: AudioCache = field(default_factory=lambda: AudioCache(0))
    """What was said, for the whole process; no business finds what another's key has made."""


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
        most_idle: int = _MOST_IDLE,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._shared = shared
        self._hire = hire
        self._off_loop = off_loop
        self._idle_s = idle_s
        self._most_idle = most_idle
        self._now = now
        self._kept: dict[str, _Kept] = {}

    @property
    def count(self) -> int:
        """How many sets of keys have hired somebody."""
        return len(self._kept)

    async def of(self, keys: Mapping[str, str]) -> Hired:
        """Return what these keys hire, made now if nobody has yet; without keys, the process's own."""
        if not keys or self._hire is None:
            return self._shared
        name = fingerprint(keys)
        if name not in self._kept:
            made = await self._off_loop(partial(self._hire, keys))
            kept = self._kept.setdefault(name, _Kept(made, self._now()))
            if kept.hired is not made:
                await made.close()  # another call with these keys was quicker
        kept = self._kept[name]
        kept.used_at = self._now()
        return kept.hired

    @contextmanager
    def in_use(self, keys: Mapping[str, str]) -> Iterator[None]:
        """Keep what these keys hired while a call lasts."""
        kept = self._kept.get(fingerprint(keys))
        if kept is None:
            yield
            return
        kept.calls += 1
        try:
            yield
        finally:
            kept.calls -= 1
            kept.used_at = self._now()

    async def tend_forever(self) -> None:
        """Let those go whom no call has needed for a while."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            await self.let_idle_go()

    async def let_idle_go(self) -> None:
        """Close what has been idle for too long, and the longest idle of more than may be kept."""
        now = self._now()
        idle = {name: now - kept.used_at for name, kept in self._kept.items() if not kept.calls}
        longest_first = sorted(idle, key=lambda name: -idle[name])
        too_many = longest_first[: max(0, len(idle) - self._most_idle)]
        over = [
            name
            for name in longest_first
            if idle[name] > self._idle_s or (name in too_many and idle[name] > _SURELY_IDLE_S)
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


def fingerprint(keys: Mapping[str, str]) -> str:
    """Return text that tells these keys from others and does not tell them."""
    text = "\0".join(f"{provider}\0{key}" for provider, key in sorted(keys.items()))
    return hashlib.sha256(text.encode()).hexdigest()
