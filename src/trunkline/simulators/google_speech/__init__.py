"""A stand-in for Google Cloud's speech services."""

from trunkline.simulators.google_speech.server import RunningGoogle, serving

__all__ = ["RunningGoogle", "serving"]
