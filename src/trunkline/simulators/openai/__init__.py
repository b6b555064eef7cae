"""A stand-in for OpenAI's chat completions: checks what it is asked, streams what it was told to."""

from trunkline.simulators.openai.wire import OpenAIWire

__all__ = ["OpenAIWire"]
