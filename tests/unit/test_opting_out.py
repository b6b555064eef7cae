"""What people write when they want to hear no more, and what only looks like it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.domain.outbound.opting_out import is_opt_out


@pytest.mark.parametrize(
    "text",
    [
        "STOP", "stop", " Stop. ", "STOP!!!", "*stop*", "\uff33\uff54\uff4f\uff50", "stop all", "Unsubscribe",
        "opt-out", "OPT OUT",
        "cancel", "end", "quit", "revoke", "Remove me", "please unsubscribe me", "Stop calling me!",
        "please stop texting", "Don't call me again", "don\u2019t ever call me", "do not contact us any more",
        "Never call this number again", "remove me from your list", "Take my number off the list please",
        "no more calls please", "leave me alone", "I want to opt out",
        "הסר", "הסר.", "\u200fהסר\u200f", "הָסֵר", "הסירו אותי", "תסירו אותי מהרשימה", "תפסיקו", "תפסיקו!!",  # noqa: RUF001
        "תפסיקו להתקשר אליי", "תפסיקי לשלוח לי הודעות", "די כבר עם ההודעות", "אל תתקשרו אליי יותר",
        "בבקשה אל תשלחו לי הודעות", "תעזבו אותי בשקט", "להסיר", "נא להסיר אותי מרשימת התפוצה",
    ],
)  # fmt: skip
def test_who_wants_to_hear_no_more_is_understood(text: str) -> None:
    assert is_opt_out(text)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "👍", "yes", "ok", "Can you stop by tomorrow?", "the bus stop", "I cannot stop smiling",
        "please call me", "don't call me today", "Do not call me before 5", "don't call me now, I am at work",
        "Cancel my appointment on Tuesday", "the end of the month suits me", "remove the second appointment",
        "when does the offer end?", "call me at five", "don't worry",
        "כן", "תודה", "אני רוצה להסיר ספק", "אל תתקשרו היום", "תפסיקו לדאוג", "אפשר לבטל את התור?", "די טוב",
        "אל תתקשרו עכשיו אני בישיבה", "מספיק לי שעה",
    ],
)  # fmt: skip
def test_what_only_looks_like_it_is_left_to_people(text: str) -> None:
    assert not is_opt_out(text)


@given(
    before=st.sampled_from(["", " ", "\n", "\u200f", "*"]), after=st.sampled_from(["", ".", "!!", " \n", "…"])
)
def test_marks_around_a_word_change_nothing(before: str, after: str) -> None:
    assert is_opt_out(f"{before}Stop{after}")
    assert is_opt_out(f"{before}הסר{after}")


@given(st.text())
def test_every_text_can_be_read(text: str) -> None:
    assert is_opt_out(text) in {True, False}
