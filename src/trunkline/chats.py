"""Floor 5: the providers of written messages, built from the settings when first asked for."""

from __future__ import annotations

from functools import cache

from trunkline.core import registry
from trunkline.core.settings import Settings
from trunkline.providers.whatsapp import WhatsApp


def register_chats(settings: Settings) -> None:
    """Offer WhatsApp, whose keys are each business's own."""
    timeout_s = settings.chat_timeout_seconds

    @cache
    def whatsapp() -> WhatsApp:
        return WhatsApp(base_url=settings.whatsapp_base_url, timeout_s=timeout_s)

    registry.register_chat(registry.WHATSAPP, whatsapp)
