"""A stand-in for ElevenLabs' streaming text to speech."""

from trunkline.simulators.elevenlabs.server import RunningElevenLabs, serving

__all__ = ["RunningElevenLabs", "serving"]
