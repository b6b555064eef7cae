"""Where a model's text is cut for the voice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.providers.model_brain.sentences import SentenceCutter, speakable


def cut(text: str, *, size: int = 1, first_clause: int = 1_000, longest: int = 1_000) -> list[str]:
    cutter = SentenceCutter(first_clause=first_clause, longest=longest)
    sentences = [s for at in range(0, len(text), size) for s in cutter.feed(text[at : at + size])]
    return sentences + cutter.flush()


@pytest.mark.parametrize("size", [1, 2, 5, 1_000])
@pytest.mark.parametrize(
    "sentences",
    [
        ["Good morning.", "How can I help?", "I am here!"],
        ["Dr. Cohen and Mrs. J. Levi see you at 9 a.m. on Jan. 3 at 12 Oak St. near us.", "Good?"],
        ["It takes 3.5 hours and costs 1,250.75 in all.", "Agreed?"],
        ["See https://oak.example/a.html?b=1&c=2.", "Or write to info@oak.example."],
        ["No.", "We are closed.", "It is No. 5, e.g. the red door."],
        ['She said "wait."', "Then she left (for good).", "Well...", "fine."],
        ["שלום, מדבר ד\"ר כהן.", "התור שלך ב-3.5 בשעה 9:30.", "מתאים לך?", "מצוין!"],
        ["ת.ז. שלך בבקשה.", "תודה."],
        ["What?!", "Really…", "Yes."],
    ],
)  # fmt: skip
def test_sentences_are_found_and_nothing_else_is_cut(sentences: list[str], size: int) -> None:
    assert cut(" ".join(sentences), size=size) == sentences


def test_a_sentence_goes_out_as_soon_as_it_is_known_to_be_whole() -> None:
    cutter = SentenceCutter(first_clause=1_000, longest=1_000)
    assert cutter.feed("It is 3.") == []
    assert cutter.feed("5 hours.") == []
    assert cutter.feed(" So") == ["It is 3.5 hours."]


def test_the_first_sentence_may_end_at_a_comma_and_the_next_may_not() -> None:
    text = "Thank you for calling us today, I can help with that, of course. Tell me your name, please, now."
    assert cut(text, first_clause=24) == [
        "Thank you for calling us today,",
        "I can help with that, of course.",
        "Tell me your name, please, now.",
    ]
    assert (
        cut("Well, yes, it costs 1,250 today. Fine.", first_clause=24)[0]
        == "Well, yes, it costs 1,250 today."
    )


def test_a_sentence_without_an_end_is_cut_where_it_hurts_least() -> None:
    text = "one two three four, five six seven eight nine ten eleven twelve thirteen fourteen"
    assert cut(text, longest=40) == [
        "one two three four,",
        "five six seven eight nine ten eleven",
        "twelve thirteen fourteen",
    ]


def test_marks_of_a_page_are_not_spoken() -> None:
    page = "## Offer\n- **Cut**: `20` dollars 😀\n* [our page](https://a.example)\n***\n1. Wash it.\n"
    assert cut(page) == ["Offer", "Cut: 20 dollars", "our page", "1. Wash it."]
    assert speakable(" ** — ** ") == ""


@given(st.lists(st.text('ab .,?!\n"3א-', max_size=12), max_size=12), st.integers(1, 30), st.integers(5, 60))
def test_no_letter_is_lost_or_doubled(pieces: list[str], first_clause: int, longest: int) -> None:
    cutter = SentenceCutter(first_clause=first_clause, longest=longest)
    out = [s for piece in pieces for s in cutter.feed(piece)] + cutter.flush()
    letters = [sign for sign in "".join(pieces) if sign.isalnum()]
    assert [sign for sign in "".join(out) if sign.isalnum()] == letters
    assert all(s == " ".join(s.split()) != "" for s in out)
