"""A stand-in for Gemini's Developer API: checks what it is asked, streams what it was told to."""

from trunkline.simulators.gemini.wire import GeminiWire

__all__ = ["GeminiWire"]
