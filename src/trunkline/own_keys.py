"""Floor 5: what a business's own keys hire, put together from the installation's settings and those keys.

A key stands in the place of the installation's, or where it has none. A recogniser or voice that the
installation does not use at all comes first in the order once a business has a key for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

from trunkline.brains import KEYED, model_brains
from trunkline.core import registry
from trunkline.core.settings import Settings
from trunkline.own_voices import Behind, voice_brains
from trunkline.providers.ports import Brain
from trunkline.speech import OPENAI_ITSELF, speech_by_keys
from trunkline.web.hired import Hired, Speech, fingerprint


def hire(settings: Settings, shared: Speech, keys: Mapping[str, str]) -> Hired:
    """Return brains, ears and voice by these keys, and the process's own for the rest."""
    theirs, keyed = with_keys(settings, keys)
    speech = speech_by_keys(theirs, keyed, shared, whose=fingerprint(keys))
    # Without a key for a model, brains stay the installation's, connections and all. With one, those that
    # fall back on that model fall back on the business's.
    models = model_brains(theirs)
    own = models.brains if KEYED & keys.keys() else {}

    def brain(name: str) -> Brain:
        if name in own:
            return own[name]()
        return voices[name][0]() if name in voices and own else registry.brain(name)

    # A brain that stands behind another hears by the same ears.
    behind = Behind(brain, lambda: {*registry.brain_names(), *own}, lambda: speech.stt)
    voices = voice_brains(theirs, behind)

    async def close() -> None:
        await models.close()
        for _, close_one in voices.values():
            await close_one()
        await speech.close()

    return Hired(brain, speech.stt, speech.tts, close)


def with_keys(settings: Settings, keys: Mapping[str, str]) -> tuple[Settings, frozenset[str]]:
    """Return the settings with these keys in them, and the providers of speech that they are for."""
    changes: dict[str, Any] = {f"{name}_api_key": SecretStr(key) for name, key in keys.items()}
    keyed = {"deepgram", "elevenlabs"} & keys.keys()
    if "openai" in keys and settings.openai_audio_base_url.startswith(OPENAI_ITSELF):
        changes["openai_audio_api_key"] = SecretStr(keys["openai"])
        keyed.add("openai")
    if "deepgram" in keys and "deepgram" not in settings.speech_to_text:
        changes["speech_to_text"] = ("deepgram", *settings.speech_to_text)
    # Without a voice of its own to speak by it would only fail, and the next one be asked.
    if "elevenlabs" in keys and "elevenlabs" not in settings.text_to_speech and settings.elevenlabs_voice:
        changes["text_to_speech"] = ("elevenlabs", *settings.text_to_speech)
    return settings.model_copy(update=changes), frozenset(keyed)
