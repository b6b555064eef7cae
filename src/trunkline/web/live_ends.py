"""How a live call may end, but for what its agent's script or model calls an end, and what that makes of it.

Names the ends that belong to the call room, gathers those of others from their owners, and says whose
doing each is. Of outcomes that an agent notes it knows nothing.
"""

from __future__ import annotations

from trunkline.domain.calls import service as calls
from trunkline.domain.calls.models import Away
from trunkline.domain.control.tools import LEAVES
from trunkline.media.parting import BRAIN_FAILED, LAST_WORDS
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

_CAME_TO: dict[str, str] = {
    **dict.fromkeys(
        (
            BRAIN_FAILED, "speech_failed", "internal_error", AGENT_UNUSABLE, Alarm.STUCK_REPLY,
            Alarm.NO_GREETING,
        ),
        calls.OUR_FAULT,
    ),
    **dict.fromkeys((DRAINED, SHUTDOWN, "cancelled", "reaped"), calls.CUT_OFF),
    **dict.fromkeys((Alarm.NO_AUDIO, Alarm.STUCK_WIRE), calls.LINE_FAILED),
}  # fmt: skip
"""Ends that are not the caller's doing -> the outcome, where nobody has noted one."""

_LINE_GONE = frozenset({"stop", "disconnect"})

APOLOGIES: frozenset[str] = frozenset({BRAIN_FAILED, Alarm.STUCK_REPLY})
"""Troubles upon which the agent apologises and takes its leave."""


def came_to(reason: str, *, apologised_for: str | None = None) -> str:
    """Return the outcome of a call in which nobody noted one, by how it ended.

    Whoever hangs up on an apology (`apologised_for`: one of `APOLOGIES`) has heard of our failure.
    """
    if apologised_for is not None and reason in _LINE_GONE:
        reason = apologised_for
    return _CAME_TO.get(reason, calls.NO_OUTCOME)
