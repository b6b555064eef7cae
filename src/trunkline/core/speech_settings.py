"""The settings of speech: who listens and who speaks, in which order, and with whose account."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode

EARS = ("local", "google", "deepgram", "openai")
"""Every recogniser there is."""
VOICES = ("local", "google", "elevenlabs", "openai")
"""Every voice there is."""


class SpeechSettings(BaseSettings):
    """The part of the environment that is about speech. The first of a chain works; the others stand in."""

    speech_to_text: Annotated[tuple[str, ...], NoDecode] = Field(
        ("local",), description="Recognisers, in the order in which they are asked"
    )
    text_to_speech: Annotated[tuple[str, ...], NoDecode] = Field(
        ("local",), description="Voices, in the order in which they are asked"
    )
    speech_cool_seconds: float = Field(
        30.0, ge=0, description="A provider that failed is passed over so long"
    )
    speech_cache_mb: int = Field(32, ge=0, le=4096, description="Memory for what is said again and again")
    noise_suppression: bool = Field(False, description="Takes street and fan noise from what the agent hears")
    comfort_noise: bool = Field(False, description="Soft noise on the line where the agent is silent")

    google_credentials_file: Path | None = Field(
        None, description="A service account's key; else the machine's"
    )
    google_project: str | None = Field(None, description="Project whose speech-to-text is used")
    google_speech_location: str = "global"
    google_speech_model: str = "telephony"
    google_speech_endpoint: str = Field("", description="Address of speech-to-text, if not Google's own")
    google_speech_batch_ms: int = Field(30, ge=20, le=500, description="Least sound that one request carries")
    google_voice: str = Field("Aoede", description="Voice of agents that name none")
    google_voice_endpoint: str = Field("", description="Address of text-to-speech, if not Google's own")

    deepgram_api_key: SecretStr | None = None
    deepgram_base_url: str = "wss://api.deepgram.com"
    deepgram_model: str = "nova-3"

    elevenlabs_api_key: SecretStr | None = None
    elevenlabs_base_url: str = "https://api.elevenlabs.io"
    elevenlabs_model: str = "eleven_flash_v2_5"
    elevenlabs_voice: str = Field("", description="Voice of agents that name none")
    elevenlabs_format: str = Field("ulaw_8000", pattern=r"^(ulaw_8000|pcm_(8|16|22|24|44|48)(000|050|100))$")

    openai_audio_api_key: SecretStr | None = Field(None, description="May be unset for a server of one's own")
    openai_audio_base_url: str = "https://api.openai.com/v1"
    openai_audio_stt_model: str = "gpt-4o-mini-transcribe"
    openai_audio_tts_model: str = "gpt-4o-mini-tts"
    openai_audio_voice: str = Field("alloy", description="Voice of agents that name none")
    openai_audio_rate: int = Field(24_000, ge=8_000, le=48_000, description="Rate of the server's PCM, in Hz")

    @field_validator("speech_to_text", mode="before")
    @classmethod
    def _read_ears(cls, value: object) -> object:
        return _chain(value, EARS)

    @field_validator("text_to_speech", mode="before")
    @classmethod
    def _read_voices(cls, value: object) -> object:
        return _chain(value, VOICES)

    @property
    def hears_anything(self) -> bool:
        """Whether free speech is understood; local recognition knows the words of written dialogues alone."""
        return set(self.speech_to_text) != {"local"}


def _chain(value: object, known: tuple[str, ...]) -> object:
    if isinstance(value, str):
        value = tuple(name.strip() for name in value.split(",") if name.strip())
    if isinstance(value, tuple) and (not value or len(set(value)) < len(value) or set(value) - set(known)):
        raise ValueError(f"must name one or more of {', '.join(known)}, each once")
    return value
