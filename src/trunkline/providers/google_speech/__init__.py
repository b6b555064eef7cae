"""Speech by Google Cloud, over gRPC with Google's own asynchronous clients."""

from trunkline.providers.google_speech.channel import google_credentials
from trunkline.providers.google_speech.stt import GoogleSpeechToText
from trunkline.providers.google_speech.tts import GoogleTextToSpeech

__all__ = ["GoogleSpeechToText", "GoogleTextToSpeech", "google_credentials"]
