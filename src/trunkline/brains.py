"""Floor 5: which language models the settings give, and the brains that they drive.

A brain bears the name of its model, and falls back on the models of MODEL_FALLBACKS. Clients are loaded when
a brain is first asked for: they take a second and some memory, and most processes never need them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import cache, partial

from pydantic import SecretStr

from trunkline.core import registry
from trunkline.core.brain_settings import MODELS
from trunkline.core.errors import StartRefused
from trunkline.core.provider_failures import Part, teller
from trunkline.core.settings import Settings
from trunkline.providers.model_brain import BrainOptions, FallbackModel, ModelBrain, Patience
from trunkline.providers.ports import Brain, KeepsWarm, LanguageModel

KEYED = frozenset({"openai", "anthropic", "gemini"})
"""The models of which a business may have a key of its own, by the provider's name."""
HOW = "set OPENAI_API_KEY, ANTHROPIC_API_KEY or GEMINI_API_KEY, or OWN_MODEL_URL and OWN_MODEL_NAME"
"""What gives a language model."""

_IN_WRITING_S = 20.0
"""How long a model may be silent where it writes: longer than on the telephone, and nobody hears it."""


def models_of(settings: Settings) -> dict[str, str]:
    """Return the models that the settings give: the provider's name of each, by ours."""
    keys = {
        "openai": (settings.openai_api_key, settings.openai_model),
        "anthropic": (settings.anthropic_api_key, settings.anthropic_model),
        "gemini": (settings.gemini_api_key, settings.gemini_model),
        "own_model": (settings.own_model_url, settings.own_model_name),
    }
    return {name: model for name in MODELS for key, model in [keys[name]] if key and model}


def fault_of(settings: Settings) -> str:
    """Return what cannot work of the settings of models, in a sentence; empty if all can."""
    if settings.own_model_url and not settings.own_model_name:
        return "OWN_MODEL_URL is set but OWN_MODEL_NAME is not: a server may have many models."
    there = models_of(settings)
    missing = [name for name in settings.model_fallbacks or () if name not in there]
    if missing:
        return f"MODEL_FALLBACKS names {missing[0]!r}, which has no key here."
    return ""


def language_model(name: str, settings: Settings) -> LanguageModel:
    """Return a model of the settings by itself, no more patient than in a call. It is the caller's to close.

    Raises StartRefused where the settings give none of this name.
    """
    there = models_of(settings)
    if name not in there:
        raise StartRefused(f"The settings give no language model {name!r}: {HOW}.")
    return FallbackModel([(name, _model(name, settings))], _patience(settings))


def patient_model(name: str, settings: Settings) -> LanguageModel:
    """Return a model of the settings and those that take over from it, for whom nobody waits on the line.

    It is the caller's to close.
    """
    chain = [name, *(other for other in settings.model_fallbacks or () if other != name)]
    return FallbackModel(
        [(entry, _model(entry, settings)) for entry in chain],
        Patience(first_s=_IN_WRITING_S, between_s=_IN_WRITING_S),
        on_failure=teller(Part.MODEL),
    )


def register_models(settings: Settings) -> None:
    """Offer a brain for each model that there is. Raises StartRefused where the settings cannot work."""
    if fault := fault_of(settings):
        raise StartRefused(fault)
    made = model_brains(settings)
    for name, brain in made.brains.items():
        registry.register_brain(
            name, brain, close=made.close, warm=partial(made.warm, name), reads_anything=True
        )
    for name in KEYED - made.brains.keys():
        registry.register_keyed_brain(name, name)


def register_embedder(settings: Settings) -> None:
    """Have knowledge looked up by its meaning as well, where the settings name a model for that."""
    embedder = None
    if settings.embeddings_model:
        from trunkline.providers.openai_embeddings import OpenAIEmbedder  # noqa: PLC0415

        # A key of OpenAI's is for OpenAI: another server does not get to see it.
        key = settings.embeddings_key or (None if settings.embeddings_url else settings.openai_api_key)
        embedder = OpenAIEmbedder(
            model=settings.embeddings_model, api_key=_secret(key) or None,
            base_url=settings.embeddings_url or settings.openai_base_url,
        )  # fmt: skip
    registry.register_embedder(embedder)


@dataclass(frozen=True, slots=True)
class ModelBrains:
    """The brains that some settings give; their clients come with the first call that needs one."""

    brains: dict[str, Callable[[], Brain]]
    warm: Callable[[str], Awaitable[None]]
    close: Callable[[], Awaitable[None]]


def model_brains(settings: Settings) -> ModelBrains:
    """Return a brain for each model that these settings give."""
    there = models_of(settings)
    built: list[LanguageModel] = []

    @cache
    def model(name: str) -> LanguageModel:
        built.append(_model(name, settings))
        return built[-1]

    @cache
    def brain(name: str) -> Brain:
        chain = [name, *(other for other in settings.model_fallbacks or () if other != name)]
        return ModelBrain(
            FallbackModel(
                [(entry, model(entry)) for entry in chain],
                _patience(settings),
                on_failure=teller(Part.MODEL),
            ),
            _options(settings),
        )

    async def close() -> None:
        while built:
            await built.pop().close()
        model.cache_clear()
        brain.cache_clear()

    async def warm(name: str) -> None:
        client = model(name)
        if isinstance(client, KeepsWarm):
            await client.warm()

    return ModelBrains({name: partial(brain, name) for name in there}, warm, close)


def _patience(settings: Settings) -> Patience:
    return Patience(first_s=settings.model_first_seconds, between_s=settings.model_between_seconds)


def _options(settings: Settings) -> BrainOptions:
    options = BrainOptions(filler_after_s=settings.filler_after_seconds)
    return options if settings.filler_after_seconds else replace(options, fillers_a_turn=0)


def _model(name: str, settings: Settings) -> LanguageModel:
    """Build a model's client. Each is loaded here, where it is wanted."""
    match name:
        case "anthropic":
            from trunkline.providers.anthropic_model import AnthropicModel  # noqa: PLC0415

            key, url = _secret(settings.anthropic_api_key), settings.anthropic_base_url
            return AnthropicModel(model=settings.anthropic_model, api_key=key, base_url=url)
        case "gemini":
            from trunkline.providers.gemini_model import GeminiModel  # noqa: PLC0415

            key, url = _secret(settings.gemini_api_key), settings.gemini_base_url
            return GeminiModel(model=settings.gemini_model, api_key=key, base_url=url)
    from trunkline.providers.openai_compatible import OpenAICompatibleModel  # noqa: PLC0415

    if name == "openai":
        key, url = _secret(settings.openai_api_key), settings.openai_base_url
        return OpenAICompatibleModel(model=settings.openai_model, api_key=key, base_url=url)
    key, url = _secret(settings.own_model_key), settings.own_model_url or ""
    return OpenAICompatibleModel(model=settings.own_model_name or "", api_key=key, base_url=url)


def _secret(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""
