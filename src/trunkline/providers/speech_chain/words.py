"""How far a voice has come in a sentence, judged by how much it has spoken. Pure."""

from __future__ import annotations

USUAL_MS_PER_LETTER = 1000 / 14
"""What a voice takes, pauses left aside, until one is known better."""

_PAUSES = {",": 3.0, ";": 3.0, ":": 3.0, ".": 6.0, "?": 6.0, "!": 6.0}
"""A pause at punctuation, in letters."""
_SPOKEN = 0.8
"""A word counts as spoken once so much of it was; less is said again, whole."""


def letters(text: str) -> float:
    """Return how long a text is in letters, pauses within it included."""
    words = text.split()
    if not words:
        return 0.0
    return sum(len(word) + 1 + _PAUSES.get(word[-1], 0.0) for word in words) - _PAUSES.get(words[-1][-1], 0.0)


def words_left(text: str, spoken: float) -> str:
    """Return the words of a text that lie behind its first so many letters."""
    words = text.split()
    passed = 0.0
    for count, word in enumerate(words):
        if passed + _SPOKEN * (len(word) + 1) > spoken:
            return " ".join(words[count:])
        passed += len(word) + 1 + _PAUSES.get(word[-1], 0.0)
    return ""
