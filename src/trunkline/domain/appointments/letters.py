"""What letters about appointments say, in the languages that our pages speak. Pure; sends nothing.

A business writes words of its own, with names in braces where facts go; what it leaves empty is said as here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from html import escape
from zoneinfo import ZoneInfo

from trunkline.domain.appointments.automation_models import Moment
from trunkline.providers.ports import Invitation, Letter

FACTS = ("name", "business", "day", "time", "visit", "calendar", "link")
"""What may stand in braces."""

_USUAL: dict[str, dict[Moment, tuple[str, str]]] = {
    "en": {
        Moment.BEFORE: (
            "Your appointment with {business}",
            "Hello {name},\n\nthis is a reminder of your appointment with {business} on {day} at {time}.",
        ),
        Moment.AFTER: ("Thank you", "Hello {name},\n\nthank you for coming to {business}."),
        Moment.BOOKED: (
            "Your appointment with {business}",
            "Hello {name},\n\nyour appointment with {business} is booked: {day} at {time}.",
        ),
        Moment.MOVED: (
            "Your appointment has moved",
            "Hello {name},\n\nyour appointment with {business} is now on {day} at {time}.",
        ),
        Moment.CANCELLED: (
            "Your appointment is cancelled",
            "Hello {name},\n\nyour appointment with {business} on {day} at {time} is cancelled.",
        ),
        Moment.NO_SHOW: (
            "We missed you",
            "Hello {name},\n\nwe expected you at {business} on {day} at {time}. Call us for another time.",
        ),
    },
    "he": {
        Moment.BEFORE: (
            "הפגישה שלך עם {business}",
            "שלום {name},\n\nתזכורת לפגישה שלך עם {business} ב{day} בשעה {time}.",
        ),
        Moment.AFTER: ("תודה", "שלום {name},\n\nתודה שבאת אל {business}."),
        Moment.BOOKED: (
            "הפגישה שלך עם {business}",
            "שלום {name},\n\nנקבעה לך פגישה עם {business}: {day} בשעה {time}.",
        ),
        Moment.MOVED: (
            "הפגישה שלך הוזזה",
            "שלום {name},\n\nהפגישה שלך עם {business} הוזזה ל{day} בשעה {time}.",
        ),
        Moment.CANCELLED: (
            "הפגישה שלך בוטלה",
            "שלום {name},\n\nהפגישה שלך עם {business} ב{day} בשעה {time} בוטלה.",
        ),
        Moment.NO_SHOW: (
            "חיכינו לך",
            "שלום {name},\n\nחיכינו לך ב־{business} ב{day} בשעה {time}."
            " נשמח לקבוע מועד אחר, אפשר להתקשר אלינו.",
        ),
    },
}
_BUTTON = {"en": "Move or cancel it", "he": "הזזה או ביטול"}
_DAYS = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "he": ("יום שני", "יום שלישי", "יום רביעי", "יום חמישי", "יום שישי", "שבת", "יום ראשון"),
}
_MONTHS = {
    "en": (
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
        "November", "December",
    ),
    "he": (
        "ינואר", "פברואר", "מרץ", "אפריל", "מאי", "יוני", "יולי", "אוגוסט", "ספטמבר", "אוקטובר", "נובמבר",
        "דצמבר",
    ),
}  # fmt: skip
_PAGE = (
    '<!doctype html><html lang="{language}" dir="{direction}"><body style="font-family: sans-serif; '
    'line-height: 1.5">{body}{action}</body></html>'
)
_HOLE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a letter is about."""

    name: str
    business: str
    starts_at: datetime
    zone: ZoneInfo
    visit: str
    calendar: str
    link: str
    """Empty where nothing can be changed any more."""


def usual_words(language: str, moment: Moment) -> tuple[str, str]:
    """Return the subject and the text of a letter in which a business says nothing of its own."""
    return _USUAL[_known(language)][moment]


def unknown_fact(text: str) -> str | None:
    """Return the first name in braces that stands for nothing."""
    return next((name for name in _HOLE.findall(text) if name not in FACTS), None)


def write(
    *, to: str, name: str, language: str, moment: Moment, subject: str, text: str, facts: Facts,
    invitation: Invitation | None,
) -> Letter:  # fmt: skip
    """Return the letter. `name` is the same for the same letter sent again."""
    language = _known(language)
    usual_subject, usual_text = usual_words(language, moment)
    told = _told(facts, language)
    body = _filled(text or usual_text, told)
    button = _BUTTON[language]
    is_there = bool(facts.link) and facts.link not in body
    plain = f"{body}\n\n{button}: {facts.link}\n" if is_there else f"{body}\n"
    paragraphs = "".join(
        f"<p>{escape(part).replace(chr(10), '<br>')}</p>" for part in body.split("\n\n") if part.strip()
    )
    action = f'<p><a href="{escape(facts.link)}">{escape(button)}</a></p>' if is_there else ""
    html = _PAGE.format(
        language=language, direction="rtl" if language == "he" else "ltr", body=paragraphs, action=action
    )
    return Letter(
        to=to, subject=" ".join(_filled(subject or usual_subject, told).split()), text=plain, html=html,
        language=language, name=name, invitation=invitation,
    )  # fmt: skip


def day_in_words(day: datetime, language: str) -> str:
    """Return a day as people say it."""
    language = _known(language)
    weekday, month = _DAYS[language][day.weekday()], _MONTHS[language][day.month - 1]
    return f"{weekday}, {day.day} {month}" if language == "en" else f"{weekday}, {day.day} ב{month}"


def _told(facts: Facts, language: str) -> dict[str, str]:
    local = facts.starts_at.astimezone(facts.zone)
    return {
        "name": facts.name, "business": facts.business, "day": day_in_words(local, language),
        "time": f"{local:%H:%M}", "visit": facts.visit, "calendar": facts.calendar, "link": facts.link,
    }  # fmt: skip


def _filled(text: str, told: dict[str, str]) -> str:
    """Put the facts in. Without a name `Hello ,` would stand there: the space goes with it."""
    if not told["name"]:
        text = re.sub(r" ?\{name\}", "", text)
    return _HOLE.sub(lambda hole: told.get(hole[1], hole[0]), text)


def _known(language: str) -> str:
    return language if language in _USUAL else "en"
