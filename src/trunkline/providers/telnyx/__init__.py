"""Telnyx, a telephone company that is commanded: Call Control v2, its signed webhooks and its wire types.

`TelnyxCarrier` implements `ports.TellingCarrier`; `wire` names everything that crosses the wire and is
shared with the simulator that stands in for Telnyx.
"""

from trunkline.providers.telnyx.carrier import TelnyxCarrier

__all__ = ["TelnyxCarrier"]
