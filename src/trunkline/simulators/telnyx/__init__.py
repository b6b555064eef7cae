"""A stand-in for Telnyx: Call Control v2 by HTTP, signed webhooks, media streams over WebSocket.

People at the other end are telephones that a test holds: they say what they are given, and keep what they
hear. It runs on the loop of whoever asks for it.
"""

from trunkline.simulators.telnyx.exchange import Exchange
from trunkline.simulators.telnyx.legs import Leg
from trunkline.simulators.telnyx.people import Manner, Telephone
from trunkline.simulators.telnyx.server import RunningTelnyx, TelnyxOptions, serving

__all__ = ["Exchange", "Leg", "Manner", "RunningTelnyx", "Telephone", "TelnyxOptions", "serving"]
