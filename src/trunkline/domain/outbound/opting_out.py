"""Whether what somebody has written means that they want to hear no more. Pure.

Owns the words in English and Hebrew. Sends, stores and suppresses nothing: who receives messages asks
here and calls `suppressions.suppress` with the source of the message.
"""

from __future__ import annotations

import re
import unicodedata

_WORDS = frozenset(
    """
    stop|stopall|stop all|unsubscribe|cancel|end|quit|opt out|optout|revoke|remove|remove me|stop it
    הסר|הסירו|להסיר|הסרה|תסירו|תסיר|תסירי|הסירו אותי|תסירו אותי|הסר אותי|עצור|עצרו|תעצרו|די|מספיק
    תפסיק|תפסיקי|תפסיקו|להפסיק|בטל|ביטול|תבטלו
    """.replace("\n", "|")
    .replace("    ", "")
    .strip("|")
    .split("|")
)
"""Messages that are nothing but one of these; 47 CFR 64.1200(a)(10) names most of the English ones."""

_PHRASES = re.compile(
    r"""
    \b(?:
        unsubscribe | opt(?:ing)?\ (?:me\ )?out
      | (?:stop|quit)\ (?:calling|texting|messaging|contacting|writing|sending)
      | (?:do\ not|don't|dont|never)\ (?:ever\ )?(?:call|contact|text|message|write\ to|phone)\ (?:me|us|this)
      | (?:remove|take|delete)\ (?:me|us|my\ (?:\w+\ )?number|this\ number)\ (?:from|off)
      | no\ more\ (?:calls|messages|texts)
      | leave\ me\ alone
      | (?:תסירו|הסירו|הסר|תסיר|תסירי|להסיר|תמחקו|מחקו)\ (?:אותי|אותנו|את\ המספר|את\ הטלפון|מהרשימה|מרשימת)
      | (?:תפסיקו|תפסיק|תפסיקי|להפסיק|הפסיקו|די)\ (?:כבר\ )?
        (?:עם\ |ל)(?:התקשר|שלוח|ההודעות|השיחות|הטריד|סמס|כתוב)\w*
      | (?:אל|לא\ ל|בלי\ ל)\ ?(?:תתקשרו|תתקשר|תתקשרי|תשלחו|תשלח|תשלחי|תכתבו|התקשר|שלוח)\b
      | (?:תעזבו|תעזוב|עזבו)\ אותי
    )
    """,
    re.VERBOSE,
)

_BUT_LATER = re.compile(
    r"\b(?:today|tonight|now|tomorrow|before|until|after|at work|this week|היום|עכשיו|מחר|לפני|עד|אחרי)\b"
)
"""Words of a wish about when, not about whether."""


def is_opt_out(text: str) -> bool:
    """Return whether a message asks to be called and written to no more.

    A whole message of one word counts, and a plain wish within a longer one. "Don't call me today"
    is about the time; "I cannot stop smiling" is about neither.
    """
    plain = _plain(text)
    if plain in _WORDS:
        return True
    return any(
        not _BUT_LATER.match(plain[found.end() :].lstrip()) and not _BUT_LATER.fullmatch(plain.split(" ")[-1])
        for found in _PHRASES.finditer(plain)
    )


def _plain(text: str) -> str:
    """Return a text in small letters without points, marks of direction and punctuation."""
    letters = unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'")
    kept = "".join(
        letter for letter in unicodedata.normalize("NFD", letters)
        if unicodedata.category(letter) not in {"Mn", "Cf"}
    )  # fmt: skip
    return " ".join(re.sub(r"[^\w']+", " ", kept).replace("_", " ").split()).strip("' ")
