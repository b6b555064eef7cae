"""What words tell about whose turn it is: back-channels, farewells, sentences that go on.

Owns the lists, English and Hebrew, and the reading of a text so far. Refuses to know sound and time. A
language without a list is read by punctuation alone.
"""

from __future__ import annotations

import re

_WORD = re.compile(r"[\w'\u2019\u05f3\u05f4\-]+")
"""Words with their apostrophes, Hebrew ones included."""
_POINTS = re.compile(r"[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7]")
"""Hebrew vowel points: recognisers write without them, and lists here are without them."""


def _listed(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


BACKCHANNELS = _listed(
    "mm mmm mhm mm-hm mm-hmm hmm hm uh uh-huh huh um ah aha er erm",
    "אה אהה אהא אהם אהמ אממ אמממ הממ המממ מממ ממ אה-הא",
)
"""What a listener says without meaning to take the turn, word by word."""

_ASSENT = _listed("ok okay yeah yep right sure alright", "אוקיי אוקי בסדר כן טוב נכון")
_PARTING = _listed(
    "bye goodbye thanks thank cheers ciao later day night evening", "להתראות ביי תודה שלום יום לילה ערב"
)
"""One of these is in every farewell that is more than assent."""
_COURTESY = _listed("good you too have a nice one so much very great see and then", "רבה נעים גם לך לכם אז")

_WISHES = _listed("good too nice great see", "גם נעים רבה")
"""What is wished back to "have a nice day"; one is in every answer to it that has no farewell word."""

_GOES_ON = _listed(
    "and but or so because the a an to of for with my your our i i'm at on in is are if when that which who",
    "like about from well actually maybe um uh er erm hmm let's it's than until between",
    "אבל או כי אז של עם את על אם כש אני זה גם רק כמו כאילו בגלל למרות בין עד אה אהה אממ אמממ טוב בעצם אולי",
)
"""Words that a turn hardly ends on."""

_SHORT_ANSWERS = _listed(
    "yes no yeah yep nope ok okay sure right correct please thanks stop",
    "כן לא בסדר אוקיי נכון בטח תודה ברור מצוין בבקשה",
)
_NUMBER_WORDS = _listed(
    "zero oh one two three four five six seven eight nine",
    "אפס אחת אחד שתיים שניים שלוש ארבע חמש שש שבע שמונה תשע",
)


def words_of(text: str) -> list[str]:
    """Return the words in lower case, without punctuation and vowel points."""
    return _WORD.findall(_POINTS.sub("", text).lower())


def telling(text: str) -> list[str]:
    """Return the words that are no back-channel and no filler."""
    return [word for word in words_of(text) if word not in BACKCHANNELS]


def is_backchannel(text: str) -> bool:
    """True for words that a listener says; False for an empty text."""
    words = words_of(text)
    return bool(words) and not telling(" ".join(words))


def is_farewell(text: str) -> bool:
    """True for "okay, thank you, bye" and its like, and nothing besides."""
    words = telling(text)
    if not all(word in _PARTING | _COURTESY | _ASSENT for word in words):
        return False
    return all(word in _ASSENT for word in words) or any(word in _PARTING for word in words)


def ends_the_goodbye(text: str) -> bool:
    """True for what answers a goodbye: a farewell, or "you too", "have a good one" and their like."""
    words = telling(text)
    if is_farewell(text):
        return True
    polite = all(word in _PARTING | _COURTESY | _ASSENT for word in words)
    return polite and not is_unfinished(text) and any(word in _WISHES for word in words)


def is_unfinished(text: str) -> bool:
    """True if the text so far reads as if more were coming."""
    said = text.strip()
    if said.endswith((",", "...", "…", "-", "\u2013", ":", ";")):
        return True
    if said.endswith((".", "?", "!")):
        return False
    words = words_of(said)
    return bool(words) and words[-1] in _GOES_ON


def is_finished(text: str) -> bool:
    """True if it reads as a whole sentence or a whole short answer."""
    said = text.strip()
    words = words_of(said)
    if not words or is_unfinished(said):
        return False
    return said.endswith((".", "?", "!")) or (len(words) <= 3 and words[-1] in _SHORT_ANSWERS)


def digits_in(text: str) -> int:
    """Return how many digits the text names, in figures or in words."""
    return sum(sum(letter.isdigit() for letter in word) or (word in _NUMBER_WORDS) for word in words_of(text))
