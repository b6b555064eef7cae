"""Speech by the audio API of OpenAI, at any base URL: OpenAI's own or another server's."""

from trunkline.providers.openai_audio.stt import OpenAiSpeechToText
from trunkline.providers.openai_audio.tts import OpenAiTextToSpeech

__all__ = ["OpenAiSpeechToText", "OpenAiTextToSpeech"]
