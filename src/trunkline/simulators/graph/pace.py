"""Graph's limits of pace: so many messages a second from a number, and so many to one person."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from dataclasses import dataclass

from trunkline.providers.whatsapp.wire import ErrorCode
from trunkline.simulators.graph.book import GraphRefuses, Number

_PAIR_S = 6.0


@dataclass(slots=True)
class _Pair:
    left: float
    at: float


class Pace:
    """Counts what a number sends."""

    def __init__(self) -> None:
        self._sent: dict[str, deque[float]] = defaultdict(deque)
        self._pairs: dict[tuple[str, str], _Pair] = {}

    def check(self, number: Number, to: str) -> None:
        """Count one message. Raises GraphRefuses where it is one too many."""
        at = time.monotonic()
        sent = self._sent[number.id]
        while sent and at - sent[0] >= 1:
            sent.popleft()
        if len(sent) >= number.per_second:
            raise GraphRefuses(
                429, ErrorCode.THROUGHPUT, "(#130429) Rate limit hit",
                "Message failed to send because there were too many messages sent from this phone number in "
                "a short period of time",
            )  # fmt: skip
        pair = self._pairs.setdefault((number.id, to), _Pair(number.pair_burst, at))
        pair.left = min(number.pair_burst, pair.left + (at - pair.at) / _PAIR_S)
        pair.at = at
        if pair.left < 1:
            raise GraphRefuses(
                400, ErrorCode.PAIR_RATE,
                "(#131056) (Business Account, Consumer Account) pair rate limit hit",
                "Too many messages sent from the sender phone number to the same recipient phone number",
            )  # fmt: skip
        pair.left -= 1
        sent.append(at)
