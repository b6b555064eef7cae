"""The one kind of notification that is this domain's own: the message by which somebody tries a device."""

from __future__ import annotations

from trunkline.domain.notifications.kinds import Facts, Kind, Said, register_kind
from trunkline.domain.notifications.rules import Ways
from trunkline.domain.notifications.service import TRIED

_WORDS = {
    "en": ("Notifications reach this device", "This is how Trunkline will tell you."),
    "he": ("ההתראות מגיעות למכשיר הזה", "כך Trunkline יעדכן אותך."),
}


def register() -> None:
    """Have the kind."""
    register_kind(Kind(TRIED, Ways(page=False, push=True, email=False), _say, urgent=True, asked_for=True))


def _say(language: str, facts: Facts, zone: str) -> Said:
    title, body = _WORDS.get(language, _WORDS["en"])
    return Said(title, body, "/notifications/settings")
