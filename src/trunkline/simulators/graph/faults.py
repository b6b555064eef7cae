"""Troubles that a test can order, for messages to somebody or to anybody, so many or a share of them."""

from __future__ import annotations

import enum
import random
from collections.abc import Mapping
from dataclasses import dataclass


class GraphFault(enum.StrEnum):
    """What becomes of a request for a message, or of a webhook."""

    RATE = "rate"
    """Not taken: 429 with Graph's error 130429."""
    BARE_RATE = "bare_rate"
    """Not taken: 429 without a body, `Retry-After: seconds`."""
    ERROR_BEFORE = "error_before"
    """Not taken: 500 without a body."""
    DROP_BEFORE = "drop_before"
    """Not taken: the connection breaks."""
    CODE = "code"
    """Not taken: Graph's error `code`."""
    LOSE_REPLY = "lose_reply"
    """Taken; no reply ever comes."""
    ERROR_AFTER = "error_after"
    """Taken; the reply is a 500 without a body."""
    DROP_AFTER = "drop_after"
    """Taken; the connection breaks."""
    UNREADABLE = "unreadable"
    """Taken; the reply is a 200 that is no JSON."""
    SLOW = "slow"
    """Taken; the reply comes `seconds` later."""
    FAILS_LATER = "fails_later"
    """Taken; its receipt says that it failed, for `code`."""
    NO_RECEIPTS = "no_receipts"
    """Taken; nothing is told of it ever."""
    DUPLICATES = "duplicates"
    """Of webhooks: each is told twice."""
    DISORDER = "disorder"
    """Of webhooks: a message's receipts come in the wrong order."""
    WRONG_SIGNATURE = "wrong_signature"
    """Of webhooks: signed with another secret."""


_OF_WEBHOOKS = {GraphFault.DUPLICATES, GraphFault.DISORDER, GraphFault.WRONG_SIGNATURE}


@dataclass(slots=True)
class Ordered:
    """One order; `times` None is without end, `share` the part of requests that it befalls."""

    fault: GraphFault
    to: str = ""
    times: int | None = 1
    share: float = 1.0
    code: int = 131000
    seconds: float = 1.0


class Faults:
    """What is to go wrong. The same seed has the same requests befallen."""

    def __init__(self, seed: int = 7) -> None:
        self._orders: list[Ordered] = []
        self._chance = random.Random(seed)  # noqa: S311 - no secret is drawn by it

    def order(self, body: Mapping[str, object]) -> None:
        """Take `{"fault": name | null, "to"?, "times"?, "share"?, "code"?, "seconds"?}`; null forgets all.

        `times` null is without end. Raises ValueError on anything else.
        """
        if body.get("fault") is None:
            self._orders.clear()
            return
        times, to = body.get("times", 1), body.get("to", "")
        if times is not None and not isinstance(times, int):
            raise ValueError("times is a whole number, or null")
        ordered = Ordered(GraphFault(str(body["fault"])), to=str(to), times=times)
        for name in ("share", "code", "seconds"):
            value = body.get(name, getattr(ordered, name))
            if not isinstance(value, int | float):
                raise ValueError(f"{name} is a number")
            setattr(ordered, name, value)
        self._orders.append(ordered)

    def next_for(self, to: str) -> Ordered | None:
        """Return what befalls the message at hand, counting it."""
        return self._next([order for order in self._orders if order.fault not in _OF_WEBHOOKS], to)

    def of_webhook(self, fault: GraphFault, to: str) -> bool:
        """Return whether this befalls the webhook at hand, counting it."""
        return self._next([order for order in self._orders if order.fault is fault], to) is not None

    def _next(self, orders: list[Ordered], to: str) -> Ordered | None:
        for order in orders:
            if order.to not in {"", to} or self._chance.random() >= order.share:
                continue
            if order.times is not None:
                order.times -= 1
                if order.times <= 0:
                    self._orders.remove(order)
            return order
        return None
