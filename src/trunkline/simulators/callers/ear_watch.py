"""What a caller's ear measures: how soon it is greeted and answered, how soon an interruption is heeded.

Owns the times of one call at its far end, by the loop's clock; what travels in between is included.
Knows frames and whether they are loud, and no words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

_SILENCE_S = 0.2
"""So long without the agent's voice and an interruption has been heeded."""


@dataclass(slots=True)
class EarFigures:
    """Milliseconds at the caller's ear."""

    greeting_ms: float | None = None
    """From the first frame of the stream to the agent's first sound."""
    reply_ms: list[float] = field(default_factory=list)
    """From the caller's last sound, or key, to the agent's next."""
    interruption_ms: list[float] = field(default_factory=list)
    """From the caller's first sound over the agent to the agent's last."""
    talked_ms: float = 0.0


class EarWatch:
    """One call's. `agent` and `caller` take whether the 20 ms at hand were loud, on either side."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.figures = EarFigures()
        self._clock = clock
        self._begun_at: float | None = None
        self._caller_loud_at = 0.0
        self._agent_loud_at = float("-inf")
        self._reply_since: float | None = None
        self._interrupting = False
        self._interrupted_at: float | None = None

    def agent(self, loud: bool) -> None:
        """20 ms of the agent's have been heard."""
        now = self._clock()
        if loud:
            self._agent_loud_at = now
            if self.figures.greeting_ms is None and self._begun_at is not None:
                self.figures.greeting_ms = _ms(self._begun_at, now)
            if self._reply_since is not None:
                self.figures.reply_ms.append(_ms(self._reply_since, now))
                self._reply_since = None
        elif self._interrupted_at is not None and now - self._agent_loud_at >= _SILENCE_S:
            self.figures.interruption_ms.append(max(0.0, _ms(self._interrupted_at, self._agent_loud_at)))
            self._interrupted_at = None

    def caller(self, loud: bool) -> None:
        """20 ms of the caller's are leaving."""
        now = self._clock()
        if self._begun_at is None:
            self._begun_at = now
        self.figures.talked_ms = _ms(self._begun_at, now)
        if loud:
            self._caller_loud_at = now
            if self._interrupting:
                self._interrupting = False
                self._interrupted_at = now

    def interrupts(self) -> None:
        """What the caller says next is meant to silence the agent."""
        self._interrupting = True

    def finished(self) -> None:
        """The caller has said or keyed what an answer is due to."""
        self._reply_since = max(self._caller_loud_at, 0.0) or self._clock()

    def keyed(self) -> None:
        """A key is down; an answer is due from the last one on."""
        self._reply_since = self._clock()

    def awaits_nothing(self) -> None:
        """What was said is none that an answer is due to."""
        self._reply_since = None


def _ms(since: float, until: float) -> float:
    return round((until - since) * 1000, 1)
