"""Gemini Live: a brain with ears and a voice of its own, over one WebSocket a call."""

from trunkline.providers.gemini_live.brain import GeminiLiveBrain, GeminiLiveOptions

__all__ = ["GeminiLiveBrain", "GeminiLiveOptions"]
