"""Vectors as OpenAI's interface gives them: alike where texts share parts of words.

What a model learns of meaning is not here; what is, is real arithmetic on the texts: parts of words of three
letters, each a direction of its own. So a word that is misspelt or bent lies close to itself, which full text
does not see.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable

DIMENSIONS = 256
_PART = 3


def vector_of(text: str) -> list[float]:
    """Return a text's vector, of length one; of an empty text, one that is like no other's."""
    numbers = [0.0] * DIMENSIONS
    for part in _parts(text):
        place = int.from_bytes(hashlib.blake2b(part.encode(), digest_size=4).digest())
        numbers[place % DIMENSIONS] += 1.0 if place & 0x8000_0000 else -1.0
    length = math.sqrt(sum(number * number for number in numbers))
    return [number / length for number in numbers] if length else [1.0, *numbers[1:]]


def _parts(text: str) -> Iterable[str]:
    for word in text.casefold().split():
        bare = f"^{word.strip('.,;:!?()')}$"
        for at in range(len(bare) - _PART + 1):
            yield bare[at : at + _PART]
