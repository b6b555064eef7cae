"""The seam between two models that give one answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.providers.model_brain.seam import Seam


def through(begun: str, text: str, size: int) -> str:
    seam = Seam(begun)
    return "".join(seam.feed(text[at : at + size]) for at in range(0, len(text), size)) + seam.flush()


@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize(
    ("begun", "text", "out"),
    [
        ("", "Good morning to you.", "Good morning to you."),
        ("I can offer ", "nine or ten.", "nine or ten."),
        ("I can offer", "nine or ten.", " nine or ten."),
        ("I can offer ", "I can offer nine or ten.", "nine or ten."),
        ("Hello there. I can offer ", "I can offer nine.", "nine."),
        ("Hello there. I can offer ", "i CAN offer, nine.", "nine."),
        ("I can offer ", "I cannot offer nine.", "I cannot offer nine."),
        ("I saw you ", "you and me", "you and me"),
        ("Yes. ", "Yes. It is.", "It is."),
        ("Good morning to all ", "Good morning", ""),
        ("Good morning ", "", ""),
        ("one two one two ", "one two three", "three"),
    ],
)
def test_what_was_said_is_not_said_again(begun: str, text: str, out: str, size: int) -> None:
    assert through(begun, text, size) == out


def test_half_a_word_never_goes_out() -> None:
    seam = Seam("")
    assert [seam.feed(piece) for piece in ("Good mor", "ning to y", "ou")] == ["Good ", "morning to ", ""]
    assert seam.flush() == "you"


@given(st.text("ab \n", max_size=30), st.integers(1, 7))
def test_a_first_part_passes_unchanged(text: str, size: int) -> None:
    assert through("", text, size) == text


_WORDS = st.lists(st.sampled_from(["one", "two", "three"]), min_size=1, max_size=6).map(" ".join)


@given(_WORDS, _WORDS, st.integers(1, 7))
def test_whoever_repeats_everything_adds_only_what_is_new(begun: str, more: str, size: int) -> None:
    out = through(f"{begun} ", f"{begun} {more}", size)
    assert f"{begun} {out}".split()[: len(begun.split())] == begun.split()
    assert f"{begun} {more}".endswith(out)
