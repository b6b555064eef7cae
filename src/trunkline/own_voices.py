"""Floor 5: the brains with ears and a voice of their own, made from the settings and put on offer.

Each is there once its key is. Where the settings name brains to fall back to, they stand behind it.
The SDKs are imported when a brain is first asked for: they take a second, and a worker needs neither.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from trunkline.core import registry
from trunkline.core.errors import StartRefused
from trunkline.core.settings import Settings
from trunkline.providers.brain_fallback import FallbackBrain, FallbackOptions
from trunkline.providers.ports import Brain

OPENAI_REALTIME = "openai_realtime"
GEMINI_LIVE = "gemini_live"

_FILLERS = {"en": "One moment, please.", "he": "רגע אחד בבקשה."}


def register_own_voices(settings: Settings) -> None:
    """Offer the brains that there are keys for. Raises StartRefused for an unknown one to fall back to."""
    fallbacks = settings.brain_fallbacks or ()
    brains = makers(settings)
    for name, make in brains.items():
        registry.register_brain(name, _with_fallbacks(name, cache(make), fallbacks))
        registry.register_connecting(name)
    known = {*registry.brain_names(), OPENAI_REALTIME, GEMINI_LIVE}
    if unknown := sorted(set(fallbacks) - known):
        raise StartRefused(f"BRAIN_FALLBACKS names {unknown[0]!r}; there is {', '.join(sorted(known))}.")


def makers(settings: Settings) -> dict[str, Callable[[], Brain]]:
    """Return how each brain that there is a key for is made."""
    found: dict[str, Callable[[], Brain]] = {}
    if settings.openai_api_key is not None:
        found[OPENAI_REALTIME] = lambda: _openai(settings)
    if settings.gemini_api_key is not None:
        found[GEMINI_LIVE] = lambda: _gemini(settings)
    return found


def _openai(settings: Settings) -> Brain:
    from trunkline.providers.openai_realtime import (  # noqa: PLC0415 - see above
        OpenAIRealtimeBrain,
        OpenAIRealtimeOptions,
    )

    assert settings.openai_api_key is not None
    return OpenAIRealtimeBrain(
        settings.openai_api_key.get_secret_value(),
        base_url=settings.openai_base_url,
        options=OpenAIRealtimeOptions(
            model=settings.openai_realtime_model, voice=settings.openai_realtime_voice
        ),
    )


def _gemini(settings: Settings) -> Brain:
    from trunkline.providers.gemini_live import (  # noqa: PLC0415 - see above
        GeminiLiveBrain,
        GeminiLiveOptions,
    )

    assert settings.gemini_api_key is not None
    return GeminiLiveBrain(
        settings.gemini_api_key.get_secret_value(),
        base_url=settings.gemini_base_url,
        options=GeminiLiveOptions(model=settings.gemini_live_model, voice=settings.gemini_live_voice),
    )


def _with_fallbacks(name: str, make: Callable[[], Brain], fallbacks: tuple[str, ...]) -> Callable[[], Brain]:
    others = tuple(other for other in fallbacks if other != name)

    def brain() -> Brain:
        there = set(registry.brain_names())
        behind = [bare(other) for other in others if other in there]
        return FallbackBrain([make(), *behind], FallbackOptions(filler=_FILLERS)) if behind else make()

    _bare[name] = make
    return brain


_bare: dict[str, Callable[[], Brain]] = {}
"""The same brains with nothing behind them, so that two may stand behind each other."""


def bare(name: str) -> Brain:
    """Return a brain with nothing behind it."""
    return _bare[name]() if name in _bare else registry.brain(name)
