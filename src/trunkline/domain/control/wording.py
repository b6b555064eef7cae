"""What colleagues hear who are asked to take a call, by language. Pure."""

from __future__ import annotations

_OFFER = {
    "en": "A call for you, from {who}. {summary}{keys} Once more: {keys}",
    "he": "שיחה בשבילך, מאת {who}. {summary}{keys} שוב: {keys}",
}
_KEYS = {
    "en": "Press 1 to take the call, or 2 to decline.",
    "he": "לקבלת השיחה הקישו 1, לדחייה הקישו 2.",
}
_WITHHELD = {"en": "somebody who withholds their number", "he": "מספר חסוי"}

_CALLER_GONE = {
    "en": "The caller is no longer on the line. Goodbye.",
    "he": "המתקשר כבר אינו על הקו. להתראות.",
}


def offer(language: str, *, name: str, number: str, summary: str) -> str:
    """Return what a colleague is told: who calls, what about, and which keys to press."""
    digits = " ".join(number.removeprefix("+")) if number.startswith("+") else ""
    who = name or digits or _in(language, _WITHHELD)
    told = f"{summary.strip().rstrip('.?!')}. " if summary.strip() else ""
    return _in(language, _OFFER).format(who=who, summary=told, keys=_in(language, _KEYS))


def caller_gone(language: str) -> str:
    """Return what a colleague is told who would have taken the call too late."""
    return _in(language, _CALLER_GONE)


def _in(language: str, words: dict[str, str]) -> str:
    return words.get(language.partition("-")[0], words["en"])
