"""The settings of brains: language models, and those that hear and speak themselves, with whose account."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode

MODELS = ("openai", "anthropic", "gemini", "own_model")
"""Every language model that settings can give, by the name of the brain that it drives."""


class BrainSettings(BaseSettings):
    """The part of the environment that is about brains. Each is there once it has a key, or a URL."""

    openai_api_key: SecretStr | None = None
    openai_base_url: str = "https://api.openai.com/v1"
    openai_model: str = "gpt-5.4-mini"
    openai_realtime_model: str = "gpt-realtime-2.1"
    openai_realtime_voice: str = "marin"
    anthropic_api_key: SecretStr | None = None
    anthropic_base_url: str = "https://api.anthropic.com"
    anthropic_model: str = "claude-haiku-5-5"
    gemini_api_key: SecretStr | None = None
    gemini_base_url: str = "https://generativelanguage.googleapis.com"
    gemini_model: str = "gemini-3.8-flash"
    gemini_live_model: str = "gemini-3.8-live"
    gemini_live_voice: str = "Kore"
    own_model_url: str | None = Field(None, description="A server that speaks OpenAI's chat completions")
    own_model_name: str | None = Field(None, description="The model there; required with its URL")
    own_model_key: SecretStr | None = None

    embeddings_model: str | None = Field(
        None, description="A model that turns texts into vectors, by which knowledge is looked up as well"
    )
    embeddings_url: str | None = Field(
        None, description="The server that has it, where that is not OPENAI_BASE_URL"
    )
    embeddings_key: SecretStr | None = Field(None, description="Its key, where that is not OPENAI_API_KEY")

    model_fallbacks: Annotated[tuple[str, ...] | None, NoDecode] = Field(
        None, description="Models that take over where an agent's own fails, in order"
    )
    brain_fallbacks: Annotated[tuple[str, ...] | None, NoDecode] = Field(
        None, description="Brains that take a call over when one with a voice of its own fails, in order"
    )
    model_first_seconds: float = Field(
        3.5, gt=0, description="Patience with a model's first sign of an answer"
    )
    model_between_seconds: float = Field(3.0, gt=0, description="Patience from one sign to the next")
    filler_after_seconds: float = Field(
        1.5, ge=0, description="Silence that an agent fills by a phrase; 0: none"
    )

    @field_validator("brain_fallbacks", mode="before")
    @classmethod
    def _split_brains(cls, value: object) -> object:
        return _names(value)

    @field_validator("model_fallbacks", mode="before")
    @classmethod
    def _split_models(cls, value: object) -> object:
        names = _names(value)
        unknown = sorted(set(names) - set(MODELS)) if isinstance(names, tuple) else []
        if unknown:
            raise ValueError(f"names {unknown[0]!r}; there is {', '.join(MODELS)}")
        return names

    @field_validator(
        "own_model_url", "openai_base_url", "anthropic_base_url", "gemini_base_url", "embeddings_url"
    )
    @classmethod
    def _is_web_address(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return value and value.rstrip("/")


def _names(value: object) -> object:
    if isinstance(value, str):
        return tuple(name.strip() for name in value.split(",") if name.strip())
    return value
