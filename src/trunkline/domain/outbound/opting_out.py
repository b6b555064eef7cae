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
    do not call|don't call|dont call|no calls
    הסר|הסירו|להסיר|הסרה|תסירו|תסיר|תסירי|הסירו אותי|תסירו אותי|הסר אותי|עצור|עצרו|תעצרו|די|מספיק
    תפסיק|תפסיקי|תפסיקו|להפסיק|בטל|ביטול|תבטלו|תורידו אותי|הורידו אותי|להוריד אותי|תוציאו אותי
    """.replace("\n", "|")
    .replace("    ", "")
    .strip("|")
    .split("|")
)
"""Messages that are nothing but one of these; 47 CFR 64.1200(a)(10) names most of the English ones."""

_COURTESY = re.compile(
    r"""
    \b(?:please|pls|plz|thanks|thank\ you|thx|right\ now|now|immediately|at\ once
      |בבקשה|אנא|נא|תודה(?:\ רבה)?|עכשיו|כעת|מיד|מייד)\b
    """,
    re.VERBOSE,
)
"""Words around such a message that change nothing of it."""

_ENDS_IT = re.compile(
    r"""
    \b(?:
        unsubscribe | opt(?:ing)?\ (?:me\ )?out
      | (?:stop|quit)\ (?:calling|texting|messaging|contacting|writing|sending)
      | (?:do\ not|don't|dont|never)\ (?:ever\ )?(?:call|contact|text|message|write|phone)
        \ (?:again|any\ ?more)
      | (?:remove|take|delete)\ (?:me|us|my\ (?:\w+\ )?number|this\ number)\ (?:from|off)
      | no\ more\ (?:calls|messages|texts)
      | leave\ me\ alone
      | (?:תסירו|הסירו|הסר|תסיר|תסירי|להסיר|תמחקו|מחקו)\ (?:אותי|אותנו|את\ המספר|את\ הטלפון|מהרשימה|מרשימת)
      | (?:תורידו|הורידו|תוריד|תורידי|להוריד|תוציאו|הוציאו|תוציא|תוציאי|להוציא)
        \ (?:(?:אותי|אותנו|את\ המספר|את\ הטלפון)\ )?(?:שלי\ |שלנו\ )?(?:מהרשימ|מרשימ|מהתפוצה|מהדיוור|מהמאגר)
      | (?:תפסיקו|תפסיק|תפסיקי|להפסיק|הפסיקו|די)\ (?:כבר\ )?
        (?:עם\ |ל)(?:התקשר|שלוח|ההודעות|השיחות|הטריד|סמס|כתוב)\w*
      | (?:תעזבו|תעזוב|עזבו)\ אותי
    )
    """,
    re.VERBOSE,
)
"""Wishes for an end, whatever is said of their time: who wants it now wants it."""

_NO_CALL = re.compile(
    r"""
    \b(?:
        (?:do\ not|don't|dont|never)\ (?:ever\ )?(?:call|contact|text|message|write\ to|phone)\ (?:me|us|this)
      | (?:do\ not|don't|dont)\ want\ (?:you|anyone|anybody)\ to\ (?:call|contact|text|message|phone)
        (?:\ (?:me|us))?
      | (?:אל|לא\ ל|בלי\ ל)\ ?(?:תתקשרו|תתקשר|תתקשרי|תשלחו|תשלח|תשלחי|תכתבו|התקשר|שלוח)\b
      | לא\ (?:רוצה|רוצים|מעוניין|מעוניינת|מעוניינים)\ ש(?:תתקשרו|תתקשר|תתקשרי|יתקשרו|תשלחו|תשלח|תשלחי)\b
    )
    (?:\ (?:אליי|אלי|אלינו|לי|לנו)\b(?:\ הודעות\b)?)?
    """,
    re.VERBOSE,
)
"""Wishes for no call, unless a time follows at once."""

_NOT_THEN = re.compile(
    r"""
    (?:
        (?:right|just)\ now | now | today | tonight | tomorrow
      | before | until | till | after | during | while | between
      | at\ (?:\d+\w*|noon|night|work|home|lunch|dinner|the\ (?:office|moment)|this\ (?:hour|time))
      | this\ (?:morning|afternoon|evening|week|month)
      | on\ (?:\w+days?|weekends?|shabbat)
      | in\ the\ (?:morning|afternoon|evening|middle)
      | so\ (?:early|late)
      | היום | הערב | הלילה | השבוע | עכשיו | כרגע | מחר | לפני | עד | אחרי | בין | באמצע
      | בשעה | בשעות | בשבת | בחג | בבוקר | בצהריים | בערב | בלילה | מוקדם | מאוחר
    )\b
    """,
    re.VERBOSE,
)
"""The beginning of a wish about when, not about whether."""

_NOR_EVER = re.compile(r"\b(?:or (?:ever|any other)|and never|ever again|אי פעם|לעולם|אף פעם|יותר)\b")
"""What makes the same a wish about whether after all."""

_ON_THE_CONTRARY = re.compile(
    r"(?<!you )(?<!they )(?<!why )\b(?:do not|don't|dont|never) (?:ever )?$"
    r"|(?<!למה )(?<!עוד )(?<!עדיין )\b(?:אל|לא) $"
)
"""Before a wish for an end: that there be none. "You never stop calling" is a complaint."""


def is_opt_out(text: str) -> bool:
    """Return whether a message asks to be called and written to no more. In doubt it does.

    A whole message of such words counts, and a plain wish within a longer one. "Don't call me today" is
    about the time; "I cannot stop smiling" is about neither.
    """
    plain = _plain(text)
    bare = " ".join(_COURTESY.sub(" ", plain).split())
    if bare in _WORDS or (bare and all(word in _WORDS for word in bare.split())):
        return True
    if any(not _ON_THE_CONTRARY.search(plain[: found.start()]) for found in _ENDS_IT.finditer(plain)):
        return True
    return any(not _is_about_when(plain[found.end() :].lstrip()) for found in _NO_CALL.finditer(plain))


def _is_about_when(rest: str) -> bool:
    return _NOT_THEN.match(rest) is not None and _NOR_EVER.search(rest) is None


def _plain(text: str) -> str:
    """Return a text in small letters without points, marks of direction and punctuation."""
    letters = unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'")
    kept = "".join(
        letter for letter in unicodedata.normalize("NFD", letters)
        if unicodedata.category(letter) not in {"Mn", "Cf"}
    )  # fmt: skip
    return " ".join(re.sub(r"[^\w']+", " ", kept).replace("_", " ").split()).strip("' ")
