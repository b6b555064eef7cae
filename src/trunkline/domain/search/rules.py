"""Pure decisions of search: what is looked for first and what next, as queries; what of a text is shown.

First the words themselves (in Hebrew with and without prefixes), then words that begin so; and words that one
or two slips of the hand keep apart from what was typed, only where the others find nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from trunkline.kit import words

MOST_WORDS = 8
_FEWEST_BEGUN = 2
"""Letters from which on a word may go on."""
_FEWEST_DIGITS = 3
_NUMBER = re.compile(r"[\d\s()+./\u2066-\u2069-]+")
MOST_SLIPS = 2
"""Of the hand, in one word."""
_NEAR = 8
"""Other words that one that was typed may stand for."""
_BEFORE, _SHOWN = 50, 180


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for, as PostgreSQL reads it."""

    exact: str
    """Of each word, any form that is known: rows that bear these come first."""
    near: str
    """For rows that are looked at one by one: also words that go on, in ways that nobody has learnt yet."""
    begun: str | None
    """Of each word, also those that are known to begin so. None: only the words themselves are looked for."""

    def exactly(self) -> Wanted:
        """Return the same without words that begin so."""
        return Wanted(self.exact, self.exact, None)


@dataclass(frozen=True, slots=True)
class Known:
    """What the vocabulary knows of the words that were typed."""

    forms: Collection[str]
    """Which of their forms there are."""
    begun: Mapping[str, Sequence[str]]
    """Word -> words that begin so, the most frequent first."""


def typed(text: str) -> list[str]:
    """Return the words that are looked for, folded: each once, eight at most."""
    return list(dict.fromkeys(word.folded for word in words.words_of(text)))[:MOST_WORDS]


def digits_of(text: str) -> str | None:
    """Return the digits of what looks like (part of) a telephone number; None: it does not."""
    if not _NUMBER.fullmatch(text):
        return None
    digits = re.sub(r"\D", "", text)
    return digits if len(digits) >= _FEWEST_DIGITS else None


def goes_on(word: str) -> bool:
    """Return whether words that begin like this are found as well."""
    return len(word) >= _FEWEST_BEGUN


def forms_of(typed_words: Sequence[str], known: Known) -> dict[str, list[str]]:
    """Return the forms of each word that there are; itself whatever is known, for that may be too new."""
    return {
        word: [word, *(form for form in words.inflected(word)[1:] if form in known.forms)]
        for word in typed_words
    }


def typed_or_begun(forms: Mapping[str, Sequence[str]], known: Known) -> Wanted:
    """Return the query for the words themselves, and behind them for words that begin so."""
    begun = _all_of(
        _any_of(dict.fromkeys([*some, *known.begun.get(word, ())])) for word, some in forms.items()
    )
    near = _all_of(
        " | ".join(f"'{form}'{':*' if goes_on(form) else ''}" for form in some) for some in forms.values()
    )
    return Wanted(_all_of(_any_of(some) for some in forms.values()), near, begun)


def slipped(forms: Mapping[str, Sequence[str]], near: Mapping[str, Sequence[str]]) -> Wanted | None:
    """Return the query for words that may have been meant; None where there are no others."""
    if not any(near.values()):
        return None
    query = _all_of(_any_of(dict.fromkeys([*near.get(word, ()), *some])) for word, some in forms.items())
    return Wanted(query, query, None)


def nearest(word: str, candidates: Mapping[str, int]) -> list[str]:
    """Return of some words those that may have been meant by one: the least apart first, then the frequent.

    Short words bear one slip; those of seven letters two, and of five where the consonants are right.
    """
    bones = words.skeleton(word)
    apart: dict[str, int] = {}
    # Who is further from it than the nearest so far is not among the nearest.
    bound = MOST_SLIPS if len(word) >= 5 else 1
    for other in candidates:
        if other == word:
            continue
        slips = words.distance(word, other, most=bound)
        if slips > bound or (slips == MOST_SLIPS and len(word) < 7 and words.skeleton(other) != bones):
            continue
        apart[other] = bound = slips
    ordered = sorted(apart, key=lambda other: (apart[other], other[0] != word[0], -candidates[other], other))
    least = min(apart.values(), default=0)
    return [other for other in ordered if apart[other] == least][:_NEAR]


def excerpt(
    text: str, wanted: frozenset[str], beginning: tuple[str, ...]
) -> tuple[str, list[tuple[int, int]]]:
    """Return the part of a text around the first word that is wanted, and where in it such words stand."""
    flat = " ".join(text.split())
    marks = list(words.marks_in(flat, wanted, beginning))
    start = max(0, marks[0][0] - _BEFORE) if marks else 0
    if start:
        start = flat.find(" ", start, marks[0][0]) + 1 or start
    end = min(len(flat), start + _SHOWN)
    before, behind = "…" if start else "", "…" if end < len(flat) else ""
    shift = len(before) - start
    inside = [(at + shift, to + shift) for at, to in marks if start <= at and to <= end]
    return before + flat[start:end] + behind, inside


def _any_of(some: Collection[str]) -> str:
    return " | ".join(f"'{word}'" for word in some)


def _all_of(parts: Iterable[str]) -> str:
    return " & ".join(f"({part})" for part in parts)
