"""Floor 5: the brains with ears and a voice of their own, made from the settings and put on offer.

Each is there once its key is. Where the settings name brains to fall back to, they stand behind it, with the
ears of the process for one that has none. A client is one for all calls, and is closed with the call room.
The SDKs are imported when a brain is first asked for: they take a second, and a worker needs neither.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from trunkline.core import registry
from trunkline.core.brain_settings import MODELS
from trunkline.core.errors import StartRefused
from trunkline.core.provider_failures import Part, Then, note, teller
from trunkline.core.settings import Settings
from trunkline.providers.brain_fallback import FallbackBrain, FallbackOptions
from trunkline.providers.filler import FILLERS
from trunkline.providers.own_voice import VoiceOptions
from trunkline.providers.ports import Brain, SpeechToText

OPENAI_REALTIME = "openai_realtime"
GEMINI_LIVE = "gemini_live"
PROVIDERS = {OPENAI_REALTIME: "openai", GEMINI_LIVE: "gemini"}
"""Whose key each brain wants."""

_FILLERS = {language: phrases[0] for language, phrases in FILLERS.items()}


BrainFactory = Callable[[], Brain]
Closer = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Behind:
    """What may stand behind a brain with a voice: the other brains, and ears for one that has none."""

    brain: Callable[[str], Brain]
    names: Callable[[], Collection[str]]
    ears: Callable[[], SpeechToText | None]


class _OwnVoice(Brain, Protocol):
    """A brain with a client of its own."""

    async def close(self) -> None: ...


class _Shared:
    """One brain for all calls: made when it is first asked for, and again after it was closed."""

    def __init__(self, make: Callable[[], _OwnVoice]) -> None:
        self._make = make
        self._brain: _OwnVoice | None = None

    def __call__(self) -> Brain:
        if self._brain is None:
            self._brain = self._make()
        return self._brain

    async def close(self) -> None:
        """Close the client, on the loop that used it."""
        brain, self._brain = self._brain, None
        if brain is not None:
            await brain.close()


def register_own_voices(settings: Settings) -> None:
    """Offer the brains that there are keys for. Raises StartRefused for a fallback that is not there."""
    there = Behind(registry.brain, registry.brain_names, registry.ears)
    for name, (brain, close) in voice_brains(settings, there).items():
        registry.register_brain(name, brain, close=close)
        registry.register_connecting(name)
    for name, provider in PROVIDERS.items():
        registry.register_keyed_brain(name, provider, connects=True)
    if fault := fault_of(settings, registry.brain_names()):
        raise StartRefused(fault)


def fault_of(settings: Settings, there: Collection[str]) -> str:
    """Return what cannot work of BRAIN_FALLBACKS among the brains there, in a sentence; empty if all can."""
    missing = [name for name in settings.brain_fallbacks or () if name not in there]
    if not missing:
        return ""
    if missing[0] in {*MODELS, OPENAI_REALTIME, GEMINI_LIVE}:
        return f"BRAIN_FALLBACKS names {missing[0]!r}, which has no key here."
    return f"BRAIN_FALLBACKS names {missing[0]!r}; there is {', '.join(sorted(there))}."


def makers(settings: Settings) -> dict[str, Callable[[], _OwnVoice]]:
    """Return how each brain that there is a key for is made."""
    found: dict[str, Callable[[], _OwnVoice]] = {}
    if settings.openai_api_key is not None:
        found[OPENAI_REALTIME] = lambda: _openai(settings)
    if settings.gemini_api_key is not None:
        found[GEMINI_LIVE] = lambda: _gemini(settings)
    return found


def _openai(settings: Settings) -> _OwnVoice:
    from trunkline.providers.openai_realtime import (  # noqa: PLC0415 - see above
        OpenAIRealtimeBrain,
        OpenAIRealtimeOptions,
    )

    assert settings.openai_api_key is not None
    return OpenAIRealtimeBrain(
        settings.openai_api_key.get_secret_value(),
        base_url=settings.openai_base_url,
        options=OpenAIRealtimeOptions(
            model=settings.openai_realtime_model,
            voice=settings.openai_realtime_voice,
            patience=_patience(OPENAI_REALTIME, settings),
        ),
    )


def _gemini(settings: Settings) -> _OwnVoice:
    from trunkline.providers.gemini_live import (  # noqa: PLC0415 - see above
        GeminiLiveBrain,
        GeminiLiveOptions,
    )

    assert settings.gemini_api_key is not None
    return GeminiLiveBrain(
        settings.gemini_api_key.get_secret_value(),
        base_url=settings.gemini_base_url,
        options=GeminiLiveOptions(
            model=settings.gemini_live_model,
            voice=settings.gemini_live_voice,
            patience=_patience(GEMINI_LIVE, settings),
        ),
    )


def _patience(name: str, settings: Settings) -> VoiceOptions:
    options = VoiceOptions(
        filler_after_s=settings.filler_after_seconds, on_reconnect=partial(_reconnected, name)
    )
    return options if settings.filler_after_seconds else replace(options, fillers_a_turn=0)


def _reconnected(name: str, why: str) -> None:
    note(Part.BRAIN, name, why, Then.RECONNECTED)


def voice_brains(settings: Settings, there: Behind) -> dict[str, tuple[BrainFactory, Closer]]:
    """Return each brain that these settings give, with those behind it, and what closes its client."""
    bare = {name: _Shared(make) for name, make in makers(settings).items()}
    return {name: (_with_fallbacks(name, bare, settings, there), one.close) for name, one in bare.items()}


def _with_fallbacks(
    name: str, bare: Mapping[str, _Shared], settings: Settings, there: Behind
) -> BrainFactory:
    """Return how a brain is made with others behind it; those with a voice bare, as two may stand so."""
    others = tuple(other for other in settings.brain_fallbacks or () if other != name)

    def brain() -> Brain:
        known = {*there.names(), *bare}
        behind = [other for other in others if other in known]
        if not behind:
            return bare[name]()
        return FallbackBrain(
            [bare[name](), *(bare[other]() if other in bare else there.brain(other) for other in behind)],
            FallbackOptions(filler=_FILLERS),
            stt=there.ears(),
            names=(name, *behind),
            on_failure=teller(Part.BRAIN),
        )

    return brain
