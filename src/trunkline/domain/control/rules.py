"""What an act of control means for its call. Pure."""

from __future__ import annotations

import enum
import re

from trunkline.domain.calls.models import Away
from trunkline.domain.control.models import Verb
from trunkline.providers.ports import CarrierCapabilities

KEYS = re.compile(r"[0-9*#wW]{1,64}")
"""What can be sent down a line; `w` waits half a second."""

SUMMARY_MOST = 600
"""Characters of what a colleague is told of a call: about three quarters of a minute."""

HANDED_ON = frozenset(
    {
        Away.TRANSFERRING,
        Away.TRANSFERRED,
        Away.IN_CONFERENCE,
        Away.LEAVING_MESSAGE,
        Away.MESSAGE_DROPPED,
    }
)
"""Where a call is that nothing else can be done with than to end it."""


_AWAY = {
    Verb.TRANSFER: Away.TRANSFERRING,
    Verb.WARM_TRANSFER: Away.IN_CONFERENCE,
    Verb.HOLD: Away.ON_HOLD,
    Verb.SEND_DIGITS: Away.SENDING_DIGITS,
    Verb.DROP_MESSAGE: Away.LEAVING_MESSAGE,
}


_BY_PEOPLE = (
    Verb.TRANSFER,
    Verb.WARM_TRANSFER,
    Verb.HOLD,
    Verb.RESUME,
    Verb.SEND_DIGITS,
    Verb.DROP_MESSAGE,
    Verb.HANG_UP,
)


def is_within(verb: Verb, capabilities: CarrierCapabilities) -> bool:
    """Return whether a carrier that can do this can do that act."""
    if verb is Verb.HANG_UP:
        return capabilities.hangs_up
    return capabilities.transfers and (verb is not Verb.WARM_TRANSFER or capabilities.conferences)


def possible(away: str | None, capabilities: CarrierCapabilities) -> list[Verb]:
    """Return what people can do with a live call that is away like this, in the order of offering it."""
    if away in HANDED_ON:
        wanted = {Verb.HANG_UP}
    else:
        wanted = {*_BY_PEOPLE} - {Verb.HOLD if away == Away.ON_HOLD else Verb.RESUME}
    return [verb for verb in _BY_PEOPLE if verb in wanted and is_within(verb, capabilities)]


def left_for(verb: Verb) -> Away | None:
    """Return for what a call leaves its agent; None: it does not, or it ends."""
    return _AWAY.get(verb)


class Stage(enum.StrEnum):
    """Which step a warm transfer has come to."""

    WAITING = "waiting"
    """The caller hears music; nobody has been called yet."""
    CALLING = "calling"
    """The colleague is being called, or it is not known whether that was done."""
    ASKED = "asked"
    """The colleague hears who calls and what about."""
    TAKEN = "taken"
    """The colleague has pressed the key, and the two talk."""


PATIENCE_S = {Stage.WAITING: 45.0, Stage.CALLING: 60.0, Stage.ASKED: 180.0, Stage.TAKEN: 120.0}
"""How long a step lasts at the most with nobody telling of it; a talk is asked about so often."""

TAKES_IT = "1"
"""The key by which a colleague takes a call; any other declines it."""
