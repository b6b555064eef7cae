"""Floor 5: the ears and voices of a process, put together as the settings say.

Owns which provider needs which settings and packages. What is not named in the settings is not even imported:
Google's clients alone take a second and forty megabytes.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import SecretStr

from trunkline.core.errors import StartRefused
from trunkline.core.provider_failures import Part, Then, note, teller
from trunkline.core.settings import Settings
from trunkline.providers.deepgram import DeepgramSpeechToText
from trunkline.providers.elevenlabs import ElevenLabsTextToSpeech
from trunkline.providers.local_speech import (
    EspeakTextToSpeech,
    LocalSpeechUnavailable,
    SileroVoiceActivity,
    SphinxSpeechToText,
)
from trunkline.providers.openai_audio import OpenAiSpeechToText, OpenAiTextToSpeech
from trunkline.providers.ports import KeepsWarm, SpeechToText, TextToSpeech, Voice
from trunkline.providers.smart_turn import SmartTurn
from trunkline.providers.spectral_gate import SpectralGate
from trunkline.providers.speech_chain import (
    AudioCache,
    CachedTextToSpeech,
    FallbackSpeechToText,
    FallbackTextToSpeech,
    LevelledTextToSpeech,
)
from trunkline.web.hired import Speech

_LOCAL = "local"
_NOBODYS: Mapping[str, str] = {}
_GOOGLES_PACKAGES = ("google.cloud.speech_v2", "google.cloud.texttospeech_v1")
OPENAI_ITSELF = "https://api.openai.com/"


@dataclass(frozen=True, slots=True)
class OwnSpeech:
    """Ears and voice by a business's own keys."""

    stt: SpeechToText
    tts: TextToSpeech
    close: Callable[[], Awaitable[None]]


def build_speech(settings: Settings) -> Speech:
    """Return speech as the settings want it. Raises StartRefused that names what is missing."""
    for name, lack in what_is_missing(settings):
        raise StartRefused(f"Speech by {name} cannot work: {lack}.")
    try:
        ears = {name: _EARS[name](settings) for name in settings.speech_to_text}
        mouths = {name: _MOUTHS[name](settings) for name in settings.text_to_speech}
        end_of_turn = SmartTurn(settings.smart_turn_model) if settings.smart_turn_model else None
    except (LocalSpeechUnavailable, FileNotFoundError, ValueError) as error:
        raise StartRefused(str(error)) from error
    said = AudioCache(settings.speech_cache_mb * 1024 * 1024)
    return Speech(
        stt=_one_ear(ears, settings),
        tts=_one_mouth(mouths, settings, said),
        said=said,
        ears=ears,
        mouths=mouths,
        vad=SileroVoiceActivity,
        end_of_turn=end_of_turn,
        suppression=SpectralGate if settings.noise_suppression else None,
        comfort_noise=settings.comfort_noise,
        warm_up=partial(_warm_up, ears.get(_LOCAL), mouths.get(_LOCAL)),
        connections={
            f"{part}/{name}": provider.warm
            for part, providers in ((Part.SPEECH_TO_TEXT, ears), (Part.TEXT_TO_SPEECH, mouths))
            for name, provider in providers.items()
            if isinstance(provider, KeepsWarm)
        },
    )


def speech_by_keys(settings: Settings, keyed: Collection[str], shared: Speech, *, whose: str) -> OwnSpeech:
    """Return ears and voice as these settings want them, with the process's own wherever no key is another's.

    `keyed` names the providers whose key is, and `whose` tells the keys from others: what they have said is
    found again by nobody else. Closing it closes those providers alone. Raises ValueError for a key that
    cannot be sent.
    """
    own_ears = {name: _EARS[name](settings) for name in settings.speech_to_text if name in keyed}
    own_mouths = {name: _MOUTHS[name](settings) for name in settings.text_to_speech if name in keyed}
    ears = {name: own_ears.get(name) or shared.ears[name] for name in settings.speech_to_text}
    mouths = {name: own_mouths.get(name) or shared.mouths[name] for name in settings.text_to_speech}

    async def close() -> None:
        for ear in own_ears.values():
            await ear.close()
        for mouth in own_mouths.values():
            await mouth.close()

    return OwnSpeech(
        _one_ear(ears, settings) if own_ears else shared.stt,
        _one_mouth(mouths, settings, shared.said, dict.fromkeys(own_mouths, whose))
        if own_mouths
        else shared.tts,
        close,
    )


def hearing_of(settings: Settings) -> SpeechToText:
    """Return the ears alone, for whoever is no call. Raises StartRefused that names what is missing."""
    for name, lack in what_is_missing(settings):
        raise StartRefused(f"Speech by {name} cannot work: {lack}.")
    return _one_ear({name: _EARS[name](settings) for name in settings.speech_to_text}, settings)


def what_is_missing(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield each provider that the settings name and cannot have, and what it lacks."""
    ears, mouths = set(settings.speech_to_text), set(settings.text_to_speech)
    for name in sorted(ears | mouths):
        if name == "google":
            if not all(_is_installed(package) for package in _GOOGLES_PACKAGES):
                yield name, "its packages are missing: pip install 'trunkline[cloud-speech]'"
            if name in ears and settings.google_project is None:
                yield name, "GOOGLE_PROJECT is unset"
        if name == "deepgram" and settings.deepgram_api_key is None:
            yield name, "DEEPGRAM_API_KEY is unset"
        if name == "elevenlabs" and settings.elevenlabs_api_key is None:
            yield name, "ELEVENLABS_API_KEY is unset"
        its_own = settings.openai_audio_base_url.startswith(OPENAI_ITSELF)
        if name == "openai" and settings.openai_audio_api_key is None and its_own:
            yield name, "OPENAI_AUDIO_API_KEY is unset"


def _one_ear(ears: dict[str, SpeechToText], settings: Settings) -> SpeechToText:
    if list(ears) == [_LOCAL]:
        return ears[_LOCAL]
    return FallbackSpeechToText(
        ears, cool_s=settings.speech_cool_seconds, on_failure=teller(Part.SPEECH_TO_TEXT)
    )


def _one_mouth(
    mouths: dict[str, TextToSpeech], settings: Settings, said: AudioCache, whose: Mapping[str, str] = _NOBODYS
) -> TextToSpeech:
    if list(mouths) == [_LOCAL]:
        # It costs less than looking into a cache, and nobody's loudness must be met.
        return mouths[_LOCAL]
    return FallbackTextToSpeech(
        {
            name: CachedTextToSpeech(
                LevelledTextToSpeech(mouth), said, provider=f"{name}/{whose[name]}" if name in whose else name
            )
            for name, mouth in mouths.items()
        },
        cool_s=settings.speech_cool_seconds,
        on_failure=teller(Part.TEXT_TO_SPEECH),
    )


async def _warm_up(ear: SpeechToText | None, mouth: TextToSpeech | None) -> None:
    async def speak_once(tts: TextToSpeech) -> None:
        async for _ in tts.speak("Hello.", Voice("en")):
            pass

    steps: list[Any] = []
    if isinstance(ear, SphinxSpeechToText):
        steps.append(ear.warm_up())
    if mouth is not None:
        steps.append(speak_once(mouth))
    await asyncio.gather(*steps)


def _is_installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:
        return False


def _value(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret is not None else ""


def _google_ear(settings: Settings) -> SpeechToText:
    google = importlib.import_module("trunkline.providers.google_speech")
    ear: SpeechToText = google.GoogleSpeechToText(
        project=settings.google_project,
        credentials=_google_credentials(settings, settings.google_speech_endpoint),
        location=settings.google_speech_location,
        model=settings.google_speech_model,
        endpoint=settings.google_speech_endpoint,
        batch_ms=settings.google_speech_batch_ms,
        on_reconnect=partial(note, Part.SPEECH_TO_TEXT, "google", then=Then.RECONNECTED),
    )
    return ear


def _google_mouth(settings: Settings) -> TextToSpeech:
    google = importlib.import_module("trunkline.providers.google_speech")
    mouth: TextToSpeech = google.GoogleTextToSpeech(
        credentials=_google_credentials(settings, settings.google_voice_endpoint),
        voice=settings.google_voice,
        endpoint=settings.google_voice_endpoint,
    )
    return mouth


def _google_credentials(settings: Settings, endpoint: str) -> Any:
    if endpoint.startswith("http://"):
        # A stand-in: no credentials are ever sent without TLS.
        return None
    google = importlib.import_module("trunkline.providers.google_speech")
    return google.google_credentials(settings.google_credentials_file)


def _deepgram_ear(settings: Settings) -> SpeechToText:
    return DeepgramSpeechToText(
        api_key=_value(settings.deepgram_api_key),
        base_url=settings.deepgram_base_url,
        model=settings.deepgram_model,
        on_reconnect=partial(note, Part.SPEECH_TO_TEXT, "deepgram", then=Then.RECONNECTED),
    )


def _openai_ear(settings: Settings) -> SpeechToText:
    return OpenAiSpeechToText(
        api_key=_value(settings.openai_audio_api_key),
        base_url=settings.openai_audio_base_url,
        model=settings.openai_audio_stt_model,
    )


def _openai_mouth(settings: Settings) -> TextToSpeech:
    return OpenAiTextToSpeech(
        api_key=_value(settings.openai_audio_api_key),
        base_url=settings.openai_audio_base_url,
        model=settings.openai_audio_tts_model,
        voice=settings.openai_audio_voice,
        rate_hz=settings.openai_audio_rate,
    )


def _elevenlabs_mouth(settings: Settings) -> TextToSpeech:
    return ElevenLabsTextToSpeech(
        api_key=_value(settings.elevenlabs_api_key),
        voice=settings.elevenlabs_voice,
        base_url=settings.elevenlabs_base_url,
        model=settings.elevenlabs_model,
        output_format=settings.elevenlabs_format,
    )


_EARS: dict[str, Callable[[Settings], SpeechToText]] = {
    _LOCAL: lambda _: SphinxSpeechToText(),
    "google": _google_ear,
    "deepgram": _deepgram_ear,
    "openai": _openai_ear,
}
_MOUTHS: dict[str, Callable[[Settings], TextToSpeech]] = {
    _LOCAL: lambda _: EspeakTextToSpeech(),
    "google": _google_mouth,
    "elevenlabs": _elevenlabs_mouth,
    "openai": _openai_mouth,
}
