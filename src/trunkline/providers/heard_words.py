"""Which words of the agent's sentences were heard, where all that is known is the words heard in a row.

Pure. A turn may be cut off in the midst, and any sentence of it may have failed to be voiced, or broken off.
"""

from __future__ import annotations

from collections.abc import Sequence


def heard_of(sentences: Sequence[str], heard: str) -> list[int]:
    """Return how many words of each sentence, from its beginning, were heard.

    Of the ways in which the words can be shared out the one that places the most of them; of several
    such ways the one by which the earlier sentences were heard.
    """
    words = heard.split()
    spoken = [sentence.split() for sentence in sentences]
    # For each place in the words heard, from the last sentence to the first: the most that can be placed
    # from here on, and how much of this sentence that takes.
    most = [0] * (len(words) + 1)
    takes: list[list[int]] = []
    for sentence in reversed(spoken):
        now, take = list(most), [0] * len(most)
        for at in range(len(most)):
            for count in range(1, _common(sentence, words[at:]) + 1):
                if count + most[at + count] >= now[at]:
                    now[at], take[at] = count + most[at + count], count
        most = now
        takes.append(take)
    counts, at = [], 0
    for take in reversed(takes):
        counts.append(take[at])
        at += take[at]
    return counts


def _common(words: Sequence[str], others: Sequence[str]) -> int:
    count = 0
    for word, other in zip(words, others, strict=False):
        if word != other:
            break
        count += 1
    return count
