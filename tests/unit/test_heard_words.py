"""Which words of the agent's sentences were heard."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.providers.heard_words import heard_of

WORDS = st.sampled_from(["yes", "no", "ten", "I"])
SENTENCES = st.lists(st.lists(WORDS, max_size=4).map(" ".join), max_size=5)


@pytest.mark.parametrize(
    ("sentences", "heard", "counts"),
    [
        (["I am an AI.", "How can I help?"], "I am an AI. How can", [4, 2]),
        # The first could not be voiced.
        (["I am an AI.", "How can I help?"], "How can", [0, 2]),
        # It begins like the one behind it.
        (["I am an AI.", "I can help you."], "I can", [0, 2]),
        # It broke off.
        (["I am an AI.", "How can I help?"], "I am How can I help?", [2, 4]),
        (["Yes.", "Yes."], "Yes.", [1, 0]),
        (["Yes.", ""], "", [0, 0]),
        ([], "Yes.", []),
        # Somebody else's words.
        (["Hello there."], "Hello and goodbye.", [1]),
    ],
)
def test_the_words_heard_are_shared_out(sentences: list[str], heard: str, counts: list[int]) -> None:
    assert heard_of(sentences, heard) == counts


@given(SENTENCES, st.data())
def test_every_word_that_was_heard_is_found(sentences: list[str], data: st.DataObject) -> None:
    spoken = [sentence.split() for sentence in sentences]
    heard = [data.draw(st.integers(0, len(words))) for words in spoken]
    text = " ".join(word for words, count in zip(spoken, heard, strict=True) for word in words[:count])
    counts = heard_of(sentences, text)
    assert text.split() == [
        word for words, count in zip(spoken, counts, strict=True) for word in words[:count]
    ]


@given(SENTENCES, st.integers(0, 20))
def test_a_turn_that_was_cut_was_heard_up_to_there(sentences: list[str], most: int) -> None:
    words = " ".join(sentences).split()[:most]
    left = len(words)
    for sentence, count in zip(sentences, heard_of(sentences, " ".join(words)), strict=True):
        assert count == min(left, len(sentence.split()))
        left -= count
