"""A stand-in for Anthropic's messages API: checks what it is asked, streams what it was told to."""

from trunkline.simulators.anthropic.wire import AnthropicWire

__all__ = ["AnthropicWire"]
