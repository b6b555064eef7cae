"""Settings of chat: where its providers are. Keys are each business's own, in the vault."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

from trunkline.kit.hosts import is_loopback


class ChatSettings(BaseSettings):
    """Read as part of `Settings`."""

    whatsapp_base_url: str = Field(
        "https://graph.facebook.com/v23.0", description="Graph, with the version of it that is spoken"
    )
    chat_timeout_seconds: float = Field(
        15.0, gt=0, description="Limit of each phase of a request to a provider of messages"
    )

    @field_validator("whatsapp_base_url")
    @classmethod
    def _is_safe(cls, value: str) -> str:
        # Tokens of businesses go there.
        parts = urlsplit(value)
        plain = parts.scheme == "http" and is_loopback(parts.hostname)
        if not parts.hostname or not (parts.scheme == "https" or plain):
            raise ValueError("must be an https address, or one of this machine")
        return value.rstrip("/")
