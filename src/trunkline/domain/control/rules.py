"""What an act of control means for its call. Pure."""

from __future__ import annotations

import re

from trunkline.domain.calls.models import Away
from trunkline.domain.control.models import Verb

KEYS = re.compile(r"[0-9*#wW]{1,64}")
"""What can be sent down a line; `w` waits half a second."""

_AWAY = {
    Verb.TRANSFER: Away.TRANSFERRED,
    Verb.WARM_TRANSFER: Away.IN_CONFERENCE,
    Verb.HOLD: Away.ON_HOLD,
    Verb.SEND_DIGITS: Away.SENDING_DIGITS,
    Verb.DROP_MESSAGE: Away.MESSAGE_DROPPED,
}


def left_for(verb: Verb) -> Away | None:
    """Return for what a call leaves its agent; None: it does not, or it ends."""
    return _AWAY.get(verb)
