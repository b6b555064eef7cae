"""Sentences: a model's stream of text cut where a voice may begin to speak it.

Owns the cut and what of a written text is not for the ear. Pure. English and Hebrew; refuses to know
who speaks and what it means.
"""

from __future__ import annotations

import re
import unicodedata

_END = re.compile(r"[.!?…׃。！？]+[\"'”’)\]»]*(?=\s)|\n")  # noqa: RUF001 - punctuation of other scripts
_CLAUSE = re.compile(r"(?:[,;:]|\s[–—-])(?=\s)")  # noqa: RUF001
_OPENERS = "\"'“‘([«„*_`"  # noqa: RUF001
_DOTTED = re.compile(r"(?:\w\.)+\w", re.UNICODE)
"""e.g, p.m, U.S and their like in Hebrew, without the last dot."""
_ABBREVIATION = re.compile(
    r"mr|mrs|ms|dr|prof|st|sr|jr|nr|vs|etc|approx|dept|inc|ltd|co|corp|tel|ave|blvd|rd|mt|lt|rev|hon|sgt|capt"
    r"|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec",
    re.IGNORECASE,
)

_LINK = re.compile(r"!?\[([^\]\n]+)\]\([^)\s]*\)")
_LINE_MARKS = re.compile(r"^\s*(?:#{1,6}\s+|[-*•]\s+|>\s+)+")
_EMPHASIS = re.compile(r"\*+|`+|__+|~~")


class SentenceCutter:
    """Takes text in pieces of any size and gives whole sentences, in order, nothing lost but white space.

    The first one of a turn may end at a comma once it has `first_clause` characters, because the caller
    waits for it; a sentence longer than `longest` is cut where it hurts least.
    """

    def __init__(self, *, first_clause: int, longest: int) -> None:
        self._first_clause = first_clause
        self._longest = longest
        self._text = ""
        self._is_first = True

    def feed(self, piece: str) -> list[str]:
        """Take more text; return the sentences that are whole by now."""
        self._text += piece
        whole: list[str] = []
        while (cut := self._cut()) is not None:
            whole += self._take(cut)
        return whole

    def flush(self) -> list[str]:
        """The text has ended: return what is left of it."""
        return self._take(len(self._text))

    def _take(self, cut: int) -> list[str]:
        sentence, self._text = speakable(self._text[:cut]), self._text[cut:].lstrip()
        if not sentence:
            return []
        self._is_first = False
        return [sentence]

    def _cut(self) -> int | None:
        """Return where the first whole sentence ends; None while that is not known."""
        for match in _END.finditer(self._text):
            if _ends_here(self._text[: match.start()], match.group(), self._text[match.end() :].lstrip()):
                return match.end()
        if self._is_first:
            clause = next((m for m in _CLAUSE.finditer(self._text) if m.end() >= self._first_clause), None)
            if clause is not None:
                return clause.end()
        if len(self._text) > self._longest:
            return self._least_bad()
        return None

    def _least_bad(self) -> int:
        room = self._text[: self._longest]
        clauses = [match.end() for match in _CLAUSE.finditer(room)]
        return clauses[-1] if clauses else room.rfind(" ") + 1 or self._longest


def speakable(text: str) -> str:
    """Return a text as a voice may be given it: no marks of a page, no pictures; empty if nothing is left."""
    text = _EMPHASIS.sub("", _LINE_MARKS.sub("", _LINK.sub(r"\1", text)))
    text = "".join(sign for sign in text if unicodedata.category(sign) not in {"So", "Cs", "Co"})
    text = " ".join(text.replace("\ufe0f", "").split())
    return text if any(sign.isalnum() for sign in text) else ""


def _ends_here(before: str, mark: str, behind: str) -> bool:
    if mark == "\n":
        return bool(before.strip())
    if mark.rstrip("\"'”’)]»") != ".":  # noqa: RUF001
        return True
    word = (before.split() or [""])[-1].lstrip(_OPENERS)
    if _ABBREVIATION.fullmatch(word) or _DOTTED.fullmatch(word):
        return False
    if word.lower() == "no":
        # "No. 5" is a number, which what follows will tell; "No." alone is an answer that somebody waits for.
        return not behind[:1].isdigit() if behind else before.split() == [word]
    if len(word) == 1 and word.isalpha():
        # An initial. "I" ends a sentence about as often as it is one; waiting costs a moment only.
        return False
    # A number alone is the mark of a list's line.
    return not (word.isdigit() and before.strip().lstrip(_OPENERS) == word)
