"""Words as they are looked for."""

from __future__ import annotations

import pytest

from trunkline.kit.folding import forms, is_hebrew, words


def test_case_accents_points_and_final_letters_do_not_count() -> None:
    assert words("Café, PRICES & naïve") == ["cafe", "prices", "naive"]
    assert words("שָׁלוֹם עולם") == ["שלומ", "עולמ"]
    assert words('מע"מ, צה״ל') == ["מעמ", "צהל"]


@pytest.mark.parametrize(
    ("asked", "written"),
    [
        ("חניה", "החניה"),
        ("חניה", "בחניה"),
        ("בחניה", "חניה"),
        ("מחיר", "המחירים"),
        ("טיפולים", "טיפול"),
        ("ושבטיפול", "טיפולים"),
        ("שעות", "בשעות"),
    ],
)
def test_a_hebrew_word_is_found_in_every_form(asked: str, written: str) -> None:
    (one,), (other,) = words(asked), words(written)
    assert set(forms(one)) & set(forms(other))


def test_words_that_have_nothing_in_common_stay_apart() -> None:
    assert not set(forms(words("חניה")[0])) & set(forms(words("טיפול")[0]))
    # Short words keep their letters: without the first one, "sea" would be nothing at all.
    assert forms("ימ") == ["ימ"]
    assert is_hebrew("שלומ")
    assert not is_hebrew("salom")
