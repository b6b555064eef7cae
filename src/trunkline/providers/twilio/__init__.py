"""Twilio, the telephone company: its REST API, its TwiML, its signatures and its wire types.

`TwilioCarrier` implements `ports.Carrier`; `wire` names everything that crosses the wire and is
shared with the simulator that stands in for Twilio.
"""

from trunkline.providers.twilio.carrier import TwilioCarrier

__all__ = ["TwilioCarrier"]
