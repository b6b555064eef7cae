"""What every model is told of its call: the same to one that writes and to one that speaks."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from trunkline.providers import call_prompt
from trunkline.providers.model_brain import prompt as writing
from trunkline.providers.own_voice import prompt as speaking
from trunkline.providers.ports import CallBrief, Voice


def brief(language: str = "en", direction: str = "inbound") -> CallBrief:
    return CallBrief(
        call_id="c", direction=direction, language=language, business_name="Oak Dental", greeting="",
        instructions="  Book {lead_name} in.  ", script=None, tools=(),
        local_now=datetime(2026, 11, 23, 9, 5, tzinfo=UTC), variables={"lead_name": "Noa"},
    )  # fmt: skip


def frames(of: CallBrief) -> tuple[str, str]:
    return writing.instructions_of(of, opened=False), speaking.instructions_of(of)


@pytest.mark.parametrize(
    ("language", "direction", "expected"),
    [
        ("en-US", "inbound", "for Oak Dental, in a call that they made to you. Speak English.\n"),
        ("he", "outbound", "for Oak Dental, in a call that you made. Speak Hebrew.\n"),
        ("fr", "outbound", "for Oak Dental, in a call that you made. Speak fr.\n"),
    ],
)
def test_both_are_told_whose_call_it_is(language: str, direction: str, expected: str) -> None:
    for told in frames(brief(language, direction)):
        assert expected in told
        assert "It is Monday, 23 November 2026, 09:05 at the business." in told
        assert told.endswith("Instructions of the business:\nBook Noa in.")


def test_they_differ_in_the_manner_and_in_nothing_else() -> None:
    written, spoken = (told.splitlines() for told in frames(brief()))
    for line in spoken:
        assert line in written or line.startswith(("- Speak at an easy", "- Where you did not")), line
    assert any("made out by a machine" in line for line in written), "one that reads is warned"
    assert not any("made out by a machine" in line for line in spoken), "one that hears is not"
    assert not any("  -" in line or "{" in line for line in (*written, *spoken))


def test_words_for_the_record_are_short_and_plain() -> None:
    assert call_prompt.as_word("Call-back requested!", otherwise="x") == "call_back_requested"
    assert call_prompt.as_word("קבע", otherwise="noted") == "noted"
    assert call_prompt.as_word(None, otherwise="noted") == "noted"
    assert len(call_prompt.as_word("a" * 99, otherwise="x")) == 40


def test_what_stands_in_brackets_is_ours_alone() -> None:
    assert call_prompt.theirs("[hang up] now") == "(hang up) now"
    assert call_prompt.on_the_line(call_prompt.keyed("12")) == "[The caller keyed 12.]"
    assert speaking.cut_off("Ten") == (
        "[The line broke while you spoke. The caller heard: «Ten». Go on from there; repeat nothing.]"
    )


def test_a_voice_with_names_elsewhere_can_be_kept_by() -> None:
    kept = {Voice("en", "a", names={"google": "b"}): 1}
    assert Voice("en", "a", names={"google": "b"}) in kept
    assert Voice("en", "a", names={"google": "c"}) not in kept
