"""Whether somebody may be dialled now, and if not, whether ever: one pure decision with its reason.

Asked in the transaction that commits a dial, of what that transaction read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from trunkline.domain.outbound.hours import Hours, next_opening

NO_CONSENT, WITHDRAWN = "none", "withdrawn"

RULE_REASONS = ("calling_hours", "attempts_per_day", "minimum_gap")
"""What an item waits for because of the business's rules, which may change meanwhile."""


@dataclass(frozen=True, slots=True)
class Callee:
    """What is known of a number before it is dialled."""

    phone: str
    zones: Sequence[str]
    country: str | None
    suppressed: bool
    suppressed_everywhere: bool
    consent: str
    dialled_at: Sequence[datetime]
    """The dials to it of the last two days or of the minimum gap, whichever is longer, by all runs."""
    dialled_in_all: int


@dataclass(frozen=True, slots=True)
class Ruling:
    """Dial, dial later, or never. `until` is set where it is later."""

    reason: str = ""
    until: datetime | None = None

    @property
    def allows(self) -> bool:
        return not self.reason


ALLOWED = Ruling()


def rule_on(callee: Callee, hours: Hours, *, now: datetime) -> Ruling:
    """Decide whether a number may be dialled at this moment."""
    rules = hours.rules
    if callee.suppressed or callee.suppressed_everywhere:
        return Ruling("suppressed")
    if callee.consent == WITHDRAWN or (rules.consent_required and callee.consent == NO_CONSENT):
        return Ruling("no_consent")
    if rules.attempts_in_all is not None and callee.dialled_in_all >= rules.attempts_in_all:
        return Ruling("attempts_in_all")
    reason, earliest = _after_earlier_dials(callee, hours, now)
    opens = next_opening(callee.zones, hours, country=callee.country, now=earliest)
    if opens is None:
        return Ruling("no_calling_hours")
    if opens == now:
        return ALLOWED
    return Ruling(reason or "calling_hours", opens)


def before(not_after: datetime | None, ruling: Ruling, *, now: datetime) -> Ruling:
    """Return what a ruling comes to where nobody is to be called from a moment on; None: there is none."""
    dials_at = now if ruling.allows else ruling.until
    if not_after is None or dials_at is None or dials_at < not_after:
        return ruling
    return Ruling("too_late")


def _after_earlier_dials(callee: Callee, hours: Hours, now: datetime) -> tuple[str, datetime]:
    """Return from when on earlier dials allow another one, and which rule makes it later than now."""
    rules, reason, earliest = hours.rules, "", now
    gap = timedelta(minutes=rules.minimum_gap_minutes)
    if callee.dialled_at and max(callee.dialled_at) + gap > now:
        reason, earliest = "minimum_gap", max(callee.dialled_at) + gap
    # Few have been dialled so often of late, and a number may be at home in forty zones.
    if rules.attempts_per_day is not None and len(callee.dialled_at) >= rules.attempts_per_day:
        for zone in callee.zones or ("UTC",):
            day = now.astimezone(ZoneInfo(zone)).date()
            midnight = datetime.combine(day, time(0), ZoneInfo(zone)).astimezone(UTC)
            if sum(at >= midnight for at in callee.dialled_at) >= rules.attempts_per_day:
                tomorrow = datetime.combine(day + timedelta(days=1), time(0), ZoneInfo(zone)).astimezone(UTC)
                if tomorrow > earliest:
                    reason, earliest = "attempts_per_day", tomorrow
    return reason, earliest
