"""A stand-in for Gemini Live: its WebSocket protocol, spoken by a script in place of a model.

What comes in is validated by the SDK's own message types, and so is what goes out. It keeps the
conversation as the provider would, handles of sessions included.
"""

from trunkline.simulators.gemini_live.server import GeminiLiveStandIn
from trunkline.simulators.gemini_live.session import Session, Turn

__all__ = ["GeminiLiveStandIn", "Session", "Turn"]
