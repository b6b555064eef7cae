"""Words as they are looked for: without case, accents, niqqud, final letters, geresh or quotation marks.

Owns what counts as a word and as the same word, in Hebrew, English and other letters; where a word stands in
the text it was taken from; how far two words are apart; and what somebody typed with the other keyboard on.
`search_words_of` in the database cuts texts the same way, and a test holds the two together.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

LONGEST = 40
"""Letters of a word that count."""

_GREEK, _CYRILLIC = range(0x391, 0x3AA), range(0x410, 0x430)
_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + "".join(chr(code) for code in [*_GREEK, *_CYRILLIC] if code != 0x3A2)
_SMALL = "abcdefghijklmnopqrstuvwxyz" + "".join(
    chr(code + 32) for code in [*_GREEK, *_CYRILLIC] if code != 0x3A2
)
_FINAL, _MEDIAL = "םןץףךς", "מנצפכσ"

SPELT, MEANT = _UPPER + _FINAL, _SMALL + _MEDIAL
"""Letters that are told apart in writing and not in search, one under the other."""
_ALIKE = str.maketrans(SPELT, MEANT)
DROPPED = (
    "\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u05f3\u05f4\u064b-\u065f"
    "'\"`\u00b4\u2018\u2019\u201c\u201d\u2032\u2033"
)
"""What is left out of words, as a class of a regular expression: marks above and below, geresh, quotes."""
_DROPPED = re.compile(f"[{DROPPED}]")
WORD = (
    "0-9a-z\u00df-\u02ff\u0370-\u0590\u05d0-\u060b\u0620-\u0669\u066e-\u1fff\u2c00-\u2dff"
    "\u3040-\ud7ff\uf900-\ufdff"
)
"""Of what words are made, once folded; all else stands between them."""
_WORD = re.compile(f"[{WORD}]+")

_PREFIXES = "והבלכמש"
_MOST_PREFIXES = 3
_FEWEST_LETTERS = 2
"""Of what is left of a word when its prefixes are taken off."""
# As people put them together, not every string of these letters.
_COMBINED = tuple(
    dict.fromkeys(
        [*_PREFIXES]
        + [
            and_ + that + small
            for and_, that, small in product(
                ("", "ו"), ("", "ש", "כש", "מש", "לכש"), ("", "ה", "ב", "ל", "כ", "מ")
            )
            if 0 < len(and_ + that + small) <= _MOST_PREFIXES
        ]
    )
)

_VOWELS = str.maketrans("", "", "aeiouyוי")
_FEWEST_OF_SKELETON = 5
"""Letters of a word that may be known by its skeleton."""

_ENGLISH_KEYS, _HEBREW_KEYS = "qwertyuiopasdfghjkl;zxcvbnm,./'", "/'קראטוןםפשדגכעיחלךףזסבהנמצתץ.,"
_SWAPPED = str.maketrans(_ENGLISH_KEYS + _HEBREW_KEYS, _HEBREW_KEYS + _ENGLISH_KEYS)


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text, folded, and where it stands in the text as it was given."""

    folded: str
    start: int
    end: int


def words_of(text: str) -> list[Word]:
    """Return the words of a text in order."""
    if unicodedata.is_normalized("NFKD", text) and not _DROPPED.search(text):
        # Letter for letter, as nearly all that is typed and said is.
        there = _WORD.finditer(text.translate(_ALIKE))
        return [Word(found.group()[:LONGEST], found.start(), found.end()) for found in there]
    folded, places = [], []
    for place, letter in enumerate(text):
        for part in _DROPPED.sub("", unicodedata.normalize("NFKD", letter)).translate(_ALIKE):
            folded.append(part)
            places.append(place)
    joined = "".join(folded)
    return [
        Word(found.group()[:LONGEST], places[found.start()], places[found.end() - 1] + 1)
        for found in _WORD.finditer(joined)
    ]


def is_hebrew(word: str) -> bool:
    """Return whether a folded word is of Hebrew letters."""
    return bool(word) and all("\u05d0" <= letter <= "\u05ea" for letter in word)


def inflected(word: str) -> list[str]:
    """Return the forms in which a folded word may stand: itself first, then with and without prefixes.

    Only Hebrew has them: and, the, in, to, as, from and that are written as one with the word behind them.
    """
    if not is_hebrew(word):
        return [word]
    bare = [word]
    for prefix in _COMBINED:
        if word.startswith(prefix) and len(word) - len(prefix) >= _FEWEST_LETTERS:
            bare.append(word[len(prefix) :])
    forms = [*bare, *(prefix + word for prefix in _COMBINED)]
    # What came without prefixes may stand behind others elsewhere; two letters alone may be anything.
    forms += [prefix + stem for stem in bare[1:] if len(stem) > _FEWEST_LETTERS for prefix in _PREFIXES]
    return list(dict.fromkeys(forms))


def skeleton(word: str) -> str:
    """Return the first letter of a folded word and those that follow, without vowels and doubles."""
    return word[:1] + re.sub(r"(.)\1+", r"\1", word[1:].translate(_VOWELS))


def stubs(word: str) -> list[str]:
    """Return a folded word, what is left of it without any one letter, and the skeleton of a long one.

    Two words that one slip keeps apart (a letter more, less, other, or two exchanged) have one in common.
    """
    cut = [word, *(word[:at] + word[at + 1 :] for at in range(len(word)))]
    return list(dict.fromkeys([*cut, f"~{skeleton(word)}"] if len(word) >= _FEWEST_OF_SKELETON else cut))


def distance(one: str, other: str, *, most: int) -> int:
    """Return how many slips of the hand keep two words apart; `most` + 1 stands for any more than that."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    # Letters that both begin and both end with keep nothing apart.
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    end = 0
    while end < min(len(one), len(other)) - start and one[-1 - end] == other[-1 - end]:
        end += 1
    one, other = one[start : len(one) - end], other[start : len(other) - end]
    far, width = most + 1, len(other)
    above: list[int] = []
    before = [min(place, far) for place in range(width + 1)]
    for at, letter in enumerate(one, 1):
        # Cells that are further from the diagonal than `most` are further apart than `most`.
        first, last = max(1, at - most), min(width, at + most)
        row = [far] * (width + 1)
        row[0] = least_of_row = min(at, far)
        for place in range(first, last + 1):
            against = other[place - 1]
            if letter == against:
                least = before[place - 1]
            else:
                least = 1 + min(before[place], row[place - 1], before[place - 1])
                if at > 1 and place > 1 and letter == other[place - 2] and one[at - 2] == against:
                    least = min(least, above[place - 2] + 1)
            row[place] = least
            least_of_row = min(least_of_row, least)
        if least_of_row > most:
            return far
        above, before = before, row
    return min(before[width], far)


def on_other_keyboard(text: str) -> str:
    """Return what the same keys write on the other of the Hebrew and the English keyboard."""
    return text.lower().translate(_SWAPPED)


def marks_in(text: str, wanted: frozenset[str], begun: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    """Yield from where to where those words of a text stand that are wanted or begin in one of these ways."""
    for word in words_of(text):
        if word.folded in wanted or word.folded.startswith(begun):
            yield word.start, word.end
