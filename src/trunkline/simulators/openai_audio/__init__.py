"""A stand-in for the audio API of OpenAI: `/audio/transcriptions` and `/audio/speech`."""

from trunkline.simulators.openai_audio.server import RunningOpenAi, serving

__all__ = ["RunningOpenAi", "serving"]
