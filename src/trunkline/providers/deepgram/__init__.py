"""Streaming speech to text by Deepgram's `/v1/listen` socket."""

from trunkline.providers.deepgram.stt import DeepgramSpeechToText

__all__ = ["DeepgramSpeechToText"]
