"""The scribe: what happened in a call, as numbered events, handed to whoever keeps them.

Owns the order and the numbering. Refuses to know where events go: the sink is the caller's,
takes each event without blocking, and never raises. (call_id, sequence) names an event for
ever, so a sink may deliver it twice.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from trunkline.kit import clock
from trunkline.providers.ports import CallBrief


class EventKind(enum.StrEnum):
    """What an event tells. The shapes of `data` are listed in the package's docstring."""

    STARTED = "started"
    AGENT_SAID = "agent_said"
    CALLER_SAID = "caller_said"
    DIGITS = "digits"
    NOTE = "note"
    TOOL_USED = "tool_used"
    LATENCY = "latency"
    MACHINE_FOUND = "machine_found"
    MESSAGE_LEFT = "message_left"
    TROUBLE = "trouble"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class CallEvent:
    """One thing that happened in one call. `data` holds only what JSON can carry."""

    call_id: str
    sequence: int
    """Counts from 1 without a gap."""
    at: datetime
    kind: EventKind
    data: Mapping[str, Any]


EventSink = Callable[[CallEvent], None]


@dataclass(slots=True, eq=False)
class Place:
    """An event's place in the order, kept until it is known what happened."""

    kind: EventKind
    data: Mapping[str, Any]
    known: bool = False
    at: datetime = field(default_factory=clock.now)


class Scribe:
    """Numbers one call's events and passes them on at once, in the order in which they happened."""

    def __init__(self, call_id: str, sink: EventSink) -> None:
        self._call_id = call_id
        self._sink = sink
        self._sequence = 0
        self._line: deque[Place] = deque()

    def record(self, kind: EventKind, /, **data: Any) -> None:
        """Tell the sink what happened; behind a place that is kept, once that is filled."""
        self._line.append(Place(kind, data, known=True))
        self._pass_on()

    def keep(self, kind: EventKind, /, **data: Any) -> Place:
        """Keep the place of what has happened and is not known yet. `data` stands if it never is."""
        place = Place(kind, data)
        self._line.append(place)
        return place

    def fill(self, place: Place, /, **data: Any) -> None:
        """Tell what belongs in a kept place. Only the first telling counts."""
        if not place.known:
            place.data = {**place.data, **data}
            place.known = True
            self._pass_on()

    def fill_all(self) -> None:
        """Wait for nothing any more: what is not known by now is told as it stands."""
        for place in self._line:
            place.known = True
        self._pass_on()

    def _pass_on(self) -> None:
        while self._line and self._line[0].known:
            place = self._line.popleft()
            self._sequence += 1
            self._sink(CallEvent(self._call_id, self._sequence, place.at, place.kind, place.data))


def record_stillborn(brief: CallBrief, sink: EventSink, *, reason: str, detail: str) -> None:
    """Tell of a call that was connected and never held, in the same shapes as one that was."""
    scribe = Scribe(brief.call_id, sink)
    scribe.record(EventKind.STARTED, direction=brief.direction, language=brief.language)
    scribe.record(EventKind.TROUBLE, what=reason, detail=detail)
    scribe.record(
        EventKind.ENDED, reason=reason, duration_ms=0.0, frames_in={}, frames_out={}, turns=0,
        interruptions=0, windows_judged=0,
    )  # fmt: skip
