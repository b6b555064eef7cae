"""Troubles that a test can order: lost and late replies; lost, late, doubled and swapped callbacks."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass


class CreateFault(enum.StrEnum):
    """What becomes of a request to place a call."""

    LOSE_REPLY = "lose_reply"
    """The call is placed; no reply ever comes."""
    ERROR_AFTER_PLACING = "500_after_placing"
    ERROR_BEFORE = "500_before"
    """The call is not placed; the reply is a 500."""
    SLOW = "slow"
    """The call is placed; the reply comes `seconds` later."""
    UNREADABLE = "unreadable"
    """The call is placed; the reply is a 201 that is no JSON."""
    TOO_MANY = "429"
    """The call is not placed; the reply is a 429 with `Retry-After: seconds`."""


class CallbackFault(enum.StrEnum):
    """What becomes of a status callback."""

    DROP = "drop"
    DUPLICATE = "duplicate"
    REORDER = "reorder"
    """It is sent after the call's next one, or at the call's end if there is none."""
    DELAY = "delay"
    """It is sent `callback_seconds` late, and the call's later ones behind it."""


@dataclass(slots=True)
class Faults:
    """What is to go wrong next, and how many times more; None is without end."""

    create: CreateFault | None = None
    create_left: int | None = None
    seconds: float = 0.0
    callbacks: CallbackFault | None = None
    callbacks_left: int | None = None
    callback_seconds: float = 0.0

    def order(self, body: Mapping[str, object]) -> None:
        """Take `{"create"?: name | null, "status_callbacks"?: name | null, "seconds"?, "times"?}`.

        `seconds` goes with `slow` and `429`, or, where only callbacks are named, with `delay`.
        `{"create": {"slow": seconds}}` is understood too. Raises ValueError on anything else.
        """
        times = body.get("times")
        if times is not None and not isinstance(times, int):
            raise ValueError("times is a whole number")
        if "create" in body:
            name = body["create"]
            self.seconds = _seconds(body.get("seconds", 0))
            if isinstance(name, dict) and list(name) == [CreateFault.SLOW.value]:
                self.seconds = _seconds(name[CreateFault.SLOW.value])
                name = CreateFault.SLOW
            self.create = None if name is None else CreateFault(str(name))
            self.create_left = times
        if "status_callbacks" in body:
            name = body["status_callbacks"]
            self.callbacks = None if name is None else CallbackFault(str(name))
            self.callbacks_left = times
            self.callback_seconds = _seconds(body.get("seconds", 0))

    def next_create(self) -> CreateFault | None:
        """Return the fault of the request at hand, counting it."""
        fault = self.create
        if fault is not None and self.create_left is not None:
            self.create_left -= 1
            if self.create_left <= 0:
                self.create = None
        return fault

    def next_callback(self) -> CallbackFault | None:
        """Return the fault of the callback at hand, counting it."""
        fault = self.callbacks
        if fault is not None and self.callbacks_left is not None:
            self.callbacks_left -= 1
            if self.callbacks_left <= 0:
                self.callbacks = None
        return fault


def _seconds(value: object) -> float:
    if not isinstance(value, int | float):
        raise ValueError("seconds is a number")
    return float(value)
