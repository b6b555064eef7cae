"""Text to speech by ElevenLabs' streaming endpoint."""

from trunkline.providers.elevenlabs.tts import ElevenLabsTextToSpeech

__all__ = ["ElevenLabsTextToSpeech"]
