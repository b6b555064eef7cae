"""A stand-in for Deepgram's `/v1/listen` socket."""

from trunkline.simulators.deepgram.server import RunningDeepgram, serving

__all__ = ["RunningDeepgram", "serving"]
