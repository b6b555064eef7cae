"""What a colleague hears who is asked to take a call: who, what about, which keys; in both languages."""

from __future__ import annotations

import pytest

from trunkline.domain.control.wording import caller_gone, offer


def test_a_name_goes_before_a_number_and_the_keys_are_said_twice() -> None:
    said = offer("en", name="Dana", number="+12125550301", summary="An invoice of May")
    assert said.startswith("A call for you, from Dana. An invoice of May. Press 1")
    assert said.count("Press 1 to take the call, or 2 to decline.") == 2
    assert "2 1 2" not in said


def test_a_number_is_said_digit_by_digit() -> None:
    assert "from 1 2 1 2 5 5 5 0 3 0 1. Press" in offer("en", name="", number="+12125550301", summary=" ")


def test_who_withholds_their_number_is_said_to() -> None:
    assert "withholds their number" in offer("en", name="", number="anonymous", summary="")


@pytest.mark.parametrize("summary", ["על חשבונית", "על חשבונית.", "על חשבונית?"])
def test_hebrew_is_hebrew_and_a_sentence_ends_once(summary: str) -> None:
    said = offer("he-IL", name="דנה", number="+972502345678", summary=summary)
    assert said.startswith("שיחה בשבילך, מאת דנה. על חשבונית. לקבלת השיחה הקישו 1")
    assert not any(letter.isascii() and letter.isalpha() for letter in said)
    assert not any(letter.isascii() and letter.isalpha() for letter in caller_gone("he"))


def test_a_language_that_we_have_no_words_in_hears_english() -> None:
    assert offer("fr", name="Dana", number="", summary="").startswith("A call for you")
