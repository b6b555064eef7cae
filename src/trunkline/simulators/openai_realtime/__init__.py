"""A stand-in for OpenAI Realtime: its WebSocket protocol, spoken by a script in place of a model.

What comes in is validated by the SDK's own message types, and so is what goes out. It keeps the
conversation as the provider would, so that a test may ask what the model knows.
"""

from trunkline.simulators.openai_realtime.server import OpenAIRealtimeStandIn
from trunkline.simulators.openai_realtime.session import Item, Session

__all__ = ["Item", "OpenAIRealtimeStandIn", "Session"]
