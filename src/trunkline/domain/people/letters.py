"""What our letters say, in the languages that our pages speak. Pure; sends nothing."""

from __future__ import annotations

from trunkline.core.letters import letter
from trunkline.providers.ports import Letter

_INVITATION = {
    "en": (
        "{by} invites you to {business}",
        "{by} invites you to work in {business} on Trunkline, as {role}.",
        "Join {business}",
        "The link can be used once, within seven days. If you do not know {by}, leave this letter alone.",
    ),
    "he": (
        "הזמנה מאת {by} להצטרף אל {business}",
        "קיבלת הזמנה מאת {by} לעבוד ב־{business} ב־Trunkline, בתפקיד {role}.",
        "הצטרפות אל {business}",
        "הקישור תקף לשבעה ימים ולשימוש אחד. אם {by} לא מוכר לך, אפשר להתעלם מההודעה.",
    ),
}
_RESET = {
    "en": (
        "Your new password",
        "Somebody, you we hope, asked for a new password for {email} on Trunkline.",
        "Choose a new password",
        "The link can be used once, within an hour. If it was not you, nothing has changed.",
    ),
    "he": (
        "בחירת סיסמה חדשה",
        "התקבלה בקשה לסיסמה חדשה עבור {email} ב־Trunkline.",
        "בחירת סיסמה חדשה",
        "הקישור תקף לשעה ולשימוש אחד. אם לא ביקשת, דבר לא השתנה ואין צורך לעשות דבר.",
    ),
}
_ROLES = {
    "en": {"viewer": "a viewer", "agent": "an agent", "admin": "an admin", "owner": "an owner"},
    "he": {"viewer": "צפייה", "agent": "נציגות", "admin": "ניהול", "owner": "בעלות"},
}


def invitation(*, to: str, language: str, name: str, link: str, business: str, by: str, role: str) -> Letter:
    """Return the letter that asks somebody to join a business."""
    facts = {"business": _on_one_line(business), "by": by, "role": _ROLES[_known(language)][role]}
    return _letter(_INVITATION[_known(language)], to, language, name, link, facts)


def password_link(*, to: str, language: str, name: str, link: str) -> Letter:
    """Return the letter with a link for a new password."""
    return _letter(_RESET[_known(language)], to, language, name, link, {"email": to})


def _letter(  # noqa: PLR0917 - as above
    words: tuple[str, str, str, str], to: str, language: str, name: str, link: str, facts: dict[str, str]
) -> Letter:
    subject, sentence, button, aside = (text.format(**facts) for text in words)
    return letter(
        to=to, language=_known(language), name=name, link=link, subject=subject, sentence=sentence,
        button=button, aside=aside,
    )  # fmt: skip


def _known(language: str) -> str:
    return language if language in _ROLES else "en"


def _on_one_line(text: str) -> str:
    return " ".join(text.split())
