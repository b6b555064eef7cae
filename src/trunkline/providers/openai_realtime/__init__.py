"""OpenAI Realtime: a brain with ears and a voice of its own, over one WebSocket a call."""

from trunkline.providers.openai_realtime.brain import OpenAIRealtimeBrain, OpenAIRealtimeOptions

__all__ = ["OpenAIRealtimeBrain", "OpenAIRealtimeOptions"]
