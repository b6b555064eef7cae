"""What the caller meant: a transcript against the phrases that are expected. Pure.

Owns the comparison of words. Refuses to guess: two meanings in one answer are none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_APOSTROPHES = str.maketrans({"\u2019": "'", "\u2018": "'", "`": "'"})
_NOT_A_WORD = re.compile(r"[^\w']+|_")


def words(text: str) -> tuple[str, ...]:
    """Return a text's words, in lower case, without punctuation; apostrophes stay."""
    spaced = _NOT_A_WORD.sub(" ", text.lower().translate(_APOSTROPHES))
    return tuple(word for word in (word.strip("'") for word in spaced.split()) if word)


def understand(text: str, phrases: Iterable[tuple[str, str]]) -> str | None:
    """Return the meaning of a text, given (phrase, meaning) pairs; None if it has none or several.

    A phrase counts where its words stand in the text, in order and together. One that lies
    within a longer match means nothing by itself: "don't call me again" is not "call me".
    """
    said = words(text)
    found: list[tuple[int, int, str]] = []
    for phrase, meaning in phrases:
        wanted = words(phrase)
        for start in range(len(said) - len(wanted) + 1):
            if wanted and said[start : start + len(wanted)] == wanted:
                found.append((start, start + len(wanted), meaning))
    meanings = {
        meaning
        for start, end, meaning in found
        if not any(
            other_start <= start and end <= other_end and other_end - other_start > end - start
            for other_start, other_end, _ in found
        )
    }
    return meanings.pop() if len(meanings) == 1 else None
