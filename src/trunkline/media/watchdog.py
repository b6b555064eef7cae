"""The watchdog: what must not go on, by the clock.

Owns every limit of a call: silence on either side, replies that stay away, a wire that hangs,
the longest call. Pure: it is told the time and the signs, and names the alarm; the session acts.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WatchRules:
    """Limits in seconds."""

    no_audio_s: float = 10.0
    """No frame from the carrier."""
    greeting_s: float = 8.0
    """From the start to the first agent audio on the wire: longer than a brain's own patience with its
    opening, so that another one, or the apology, comes first."""
    late_reply_s: float = 2.5
    """From the caller's turn to agent audio; noted once a turn."""
    stuck_reply_s: float = 15.0
    """The same without the time that tools take, when waiting longer makes no sense."""
    apology_s: float = 8.0
    """How long an apology may take then, before the call is cut."""
    stuck_wire_s: float = 5.0
    """One send that does not come back."""
    silence_s: tuple[float, ...] = (10.0, 17.0)
    """True silence, neither side sounding, after which the agent asks again."""
    silence_end_s: float = 20.0
    longest_call_s: float = 600.0
    parting_s: float = 30.0
    """How long a polite end may take after the longest call."""


@dataclass(slots=True)
class Signs:
    """How the call stands. Times are the loop's, in seconds."""

    audio_in_at: float
    agent_spoke: bool
    reply_due_since: float | None
    """Since when the caller has been waiting for the agent's voice."""
    brain_due_since: float | None
    """The same, counted anew from a tool's end, which has a deadline of its own; None while one runs."""
    sending_since: float | None
    quiet: bool
    """Nobody speaks, nobody thinks: it is the caller's turn."""


class Alarm(enum.StrEnum):
    """What has gone on for too long."""

    NO_AUDIO = "no_audio"
    NO_GREETING = "no_greeting"
    LATE_REPLY = "late_reply"
    STUCK_REPLY = "stuck_reply"
    STUCK_WIRE = "stuck_wire"
    SILENCE = "silence"
    LONG_SILENCE = "long_silence"
    TOO_LONG = "too_long"
    OVERDUE = "overdue"


class Watchdog:
    """One call's limits. Ask it a few times a second; it names one alarm at a time."""

    def __init__(self, rules: WatchRules, *, started_at: float) -> None:
        self._rules = rules
        self._started_at = started_at
        self._checked_at = started_at
        self._late_for: float | None = None
        self._stuck_at: float | None = None
        self._asked_again = 0
        self._too_long = False
        self._silence_over = False
        self.silent_s = 0.0
        """True silence since the caller last took part."""

    def caller_active(self) -> None:
        """The caller spoke or pressed a key: silence begins anew."""
        self.silent_s = 0.0
        self._asked_again = 0
        self._silence_over = False

    def check(self, now: float, signs: Signs) -> Alarm | None:
        """Return the gravest alarm that is due; silence and lateness are told once each."""
        passed_s = now - self._checked_at
        self._checked_at = now
        if signs.quiet:
            self.silent_s += passed_s
        return self._fatal(now, signs) or self._stuck(now, signs) or self._late(now, signs) or self._silence()

    def _fatal(self, now: float, signs: Signs) -> Alarm | None:
        rules = self._rules
        age_s = now - self._started_at
        if signs.sending_since is not None and now - signs.sending_since >= rules.stuck_wire_s:
            return Alarm.STUCK_WIRE
        if now - signs.audio_in_at >= rules.no_audio_s:
            return Alarm.NO_AUDIO
        if not signs.agent_spoke and age_s >= rules.greeting_s:
            return Alarm.NO_GREETING
        if age_s >= rules.longest_call_s + rules.parting_s:
            return Alarm.OVERDUE
        if age_s >= rules.longest_call_s and not self._too_long:
            self._too_long = True
            return Alarm.TOO_LONG
        return None

    def _stuck(self, now: float, signs: Signs) -> Alarm | None:
        """Tell of a reply that will not come; again if the apology for it does not come either."""
        since, rules = signs.brain_due_since, self._rules
        if since is None or now - since < rules.stuck_reply_s:
            return None
        if self._stuck_at is not None and now - self._stuck_at < rules.apology_s:
            return None
        self._stuck_at = now
        return Alarm.STUCK_REPLY

    def _late(self, now: float, signs: Signs) -> Alarm | None:
        since = signs.reply_due_since
        if since is not None and now - since >= self._rules.late_reply_s and self._late_for != since:
            self._late_for = since
            return Alarm.LATE_REPLY
        return None

    def _silence(self) -> Alarm | None:
        if self.silent_s >= self._rules.silence_end_s:
            if self._silence_over:
                return None
            self._silence_over = True
            return Alarm.LONG_SILENCE
        steps = self._rules.silence_s
        if self._asked_again < len(steps) and self.silent_s >= steps[self._asked_again]:
            self._asked_again += 1
            return Alarm.SILENCE
        return None
