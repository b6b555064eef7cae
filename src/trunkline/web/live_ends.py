"""How a live call may end, but for what its agent's script or model calls an end.

Names the ends that belong to the call room, and gathers those of others from their owners.
"""

from __future__ import annotations

from trunkline.domain.calls import service as calls
from trunkline.domain.calls.models import Away
from trunkline.domain.control.tools import LEAVES
from trunkline.media.parting import LAST_WORDS
from trunkline.media.watchdog import Alarm

DRAINED = "draining"
"""End reason of a call that was still live when its process could wait no longer."""
AGENT_UNUSABLE = "agent_unusable"
"""End reason of a call whose agent cannot hold it: its script, say, is not in its language."""
SHUTDOWN = "shutdown"
"""End reason of a call whose process could not wait for its goodbye either."""

_OF_MEDIA = frozenset({"stop", "disconnect", "speech_failed", "cancelled", "reaped", "internal_error"})
"""Ends of the line and of the session, as `trunkline.media` lists them."""
_ALARMS = frozenset(Alarm) - {Alarm.LATE_REPLY}
"""A late reply is a trouble that no call ends by."""

ENDS: frozenset[str] = frozenset(
    {*_OF_MEDIA, *LAST_WORDS, *_ALARMS, *Away, *LEAVES.values()}
    | {calls.HUNG_UP, DRAINED, AGENT_UNUSABLE, SHUTDOWN}
)
"""Any other end has been named by the script or the model of the agent."""
