"""Words as search takes them: what is the same word, how far two are apart, and what a text shows of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.domain.search import rules
from trunkline.kit import words

LETTERS = st.sampled_from(
    [*"abcXYZ019 .,-_@'\"/", *"אבגםמןנץףךשה", "ְ", "ָ", "־", "׳", "״", "’", "é", "ß", "Ω", "Ж", "ё", "،", "ق"]
)


def folded(text: str) -> list[str]:
    return [word.folded for word in words.words_of(text)]


def test_the_same_word_is_the_same_however_it_is_written() -> None:
    assert folded("Dana  COHEN, dana@x.example") == ["dana", "cohen", "dana", "x", "example"]
    assert folded("שָׁלוֹם") == folded("שלום") == ["שלומ"]
    assert folded("ג׳ורג׳ ג'ורג'") == ["גורג", "גורג"]
    assert folded('צה"ל צה״ל') == ["צהל", "צהל"]
    assert folded("תל־אביב") == ["תל", "אביב"]
    assert folded("José Zürich ΑΘΗΝΑ Москва") == ["jose", "zurich", "αθηνα", "москва"]
    assert folded("") == []


@given(st.text(LETTERS, max_size=40))
def test_a_word_stands_where_it_says(text: str) -> None:
    for word in words.words_of(text):
        assert 0 <= word.start < word.end <= len(text)
        assert folded(text[word.start : word.end]) == [word.folded]


def test_hebrew_prefixes_come_and_go_and_english_words_have_none() -> None:
    assert "מרפאה" in words.inflected("המרפאה")
    assert {"המרפאה", "במרפאה", "ושבמרפאה"[1:]} <= set(words.inflected("מרפאה"))
    assert "ומרפאה" in words.inflected("במרפאה")
    assert words.inflected("clinic") == ["clinic"]
    assert words.inflected("מרפאה")[0] == "מרפאה"


@given(st.text("abאב", min_size=1, max_size=7), st.data())
def test_one_slip_of_any_sort_is_one_apart_and_leaves_a_stub_in_common(
    word: str, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(word) - 1))
    letter = data.draw(st.sampled_from("abאבc"))
    slip = data.draw(st.sampled_from(["more", "less", "other", "exchanged"]))
    match slip:
        case "more":
            other = word[:at] + letter + word[at:]
        case "less":
            other = word[:at] + word[at + 1 :]
        case "other":
            other = word[:at] + letter + word[at + 1 :]
        case _:
            other = word[:at] + word[at : at + 2][::-1] + word[at + 2 :]
    assert words.distance(word, other, most=3) == (0 if word == other else 1)
    assert set(words.stubs(word)) & set(words.stubs(other))


def apart(one: str, other: str) -> int:
    """As it is defined: the fewest slips that make one of the other."""
    table = {(0, 0): 0}
    for i in range(len(one) + 1):
        for j in range(len(other) + 1):
            ways = [table[i, j]] if not i and not j else []
            ways += [table[i - 1, j] + 1] if i else []
            ways += [table[i, j - 1] + 1] if j else []
            ways += [table[i - 1, j - 1] + (one[i - 1] != other[j - 1])] if i and j else []
            ways += (
                [table[i - 2, j - 2] + 1] if i > 1 < j and one[i - 2 : i] == other[j - 2 : j][::-1] else []
            )
            table[i, j] = min(ways)
    return table[len(one), len(other)]


@given(st.text("abc", max_size=9), st.text("abc", max_size=9), st.integers(1, 3))
def test_no_two_words_are_measured_otherwise_than_slips_are_defined(one: str, other: str, most: int) -> None:
    assert words.distance(one, other, most=most) == min(apart(one, other), most + 1)


def test_words_that_are_further_apart_than_asked_are_not_measured() -> None:
    assert words.distance("cohen", "levi", most=2) == 3
    assert words.distance("appointment", "apointmnet", most=2) == 2
    assert words.distance("a", "abcdef", most=2) == 3


def test_what_was_typed_on_the_other_keyboard_is_read() -> None:
    assert words.on_other_keyboard("akuo") == "שלום"
    assert words.on_other_keyboard("שלום") == "akuo"


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("052-555", "052555"), ("+1 (212) 555", "1212555"), ("12", None), ("dana 555", None), ("", None),
        ("\u2066+12125550101\u2069", "12125550101"),
    ],
)  # fmt: skip
def test_part_of_a_number_is_told_from_words(text: str, digits: str | None) -> None:
    assert rules.digits_of(text) == digits


def test_short_words_bear_one_slip_and_long_ones_two() -> None:
    there = {"cohen": 9, "cohan": 50, "kohan": 1, "physiotherapy": 3}
    assert rules.nearest("cohem", there) == ["cohen"]
    assert rules.nearest("cohin", there) == ["cohan", "cohen"]
    assert rules.nearest("kohem", there) == []
    assert rules.nearest("fisiotherapy", there) == []
    assert rules.nearest("phisioterapy", there) == ["physiotherapy"]


def test_an_excerpt_shows_the_word_and_says_where_it_stands() -> None:
    text = "first " * 40 + "then the Zwieback came " + "last " * 80
    shown, marks = rules.excerpt(text, frozenset({"zwieback"}), ())
    assert [shown[start:end] for start, end in marks] == ["Zwieback"]
    assert shown.startswith("…first")
    assert shown.endswith("…")
    assert len(shown) < 200
    assert rules.excerpt("A short text", frozenset({"nothing"}), ()) == ("A short text", [])
    assert rules.excerpt("Danas dog", frozenset(), ("dan",)) == ("Danas dog", [(0, 5)])
