"""Words as they are looked for: without case, accents and vowel points, and without what grammar adds.

Hebrew glues "and", "the", "in", "to", "from", "that" and "like" to the front of a word and its number to the
end, and PostgreSQL has no dictionary for it: each word is looked for with and without these. Pure.
"""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile("[^\\W_]+(?:[\"'\u05f3\u05f4\u2019][^\\W_]+)*")
_QUOTES = re.compile("[\"'\u05f3\u05f4\u2019]")
_HEBREW = re.compile(r"[א-ת]")
_FINAL = str.maketrans("ךםןףץ", "כמנפצ")
_PREFIXES = frozenset("והבכלמש")
_MOST_PREFIXES = 3
_ENDINGS = ("ים", "ות", "ה", "ת", "\u05d9")
_SHORTEST = 3
"""Letters that stay of a word at the least."""


def words(text: str) -> list[str]:
    """Return the words of a text in their order, folded: `Café` as `cafe`, `שָׁלוֹם` as `שלומ`."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return [_QUOTES.sub("", word).translate(_FINAL) for word in _WORD.findall(bare)]


def is_hebrew(word: str) -> bool:
    """Return whether a folded word has a Hebrew letter."""
    return _HEBREW.search(word) is not None


def forms(word: str) -> list[str]:
    """Return a folded Hebrew word and what may be left of it without its prefixes and its ending."""
    found = {word}
    stem = word
    for _ in range(_MOST_PREFIXES):
        if stem[0] not in _PREFIXES or len(stem) - 1 < _SHORTEST:
            break
        stem = stem[1:]
        found.add(stem)
    for known in tuple(found):
        for ending in _ENDINGS:
            folded = ending.translate(_FINAL)
            if known.endswith(folded) and len(known) - len(folded) >= _SHORTEST:
                found.add(known[: -len(folded)])
                break
    return sorted(found, key=lambda form: (-len(form), form))
