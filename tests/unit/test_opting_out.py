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
        "STOP NOW", "Stop, please.", "Please stop", "pls stop!", "stop stop STOP", "STOP \U0001f6d1",
        "stop it now", "unsubscribe now", "unsubscribe me now", "please remove me",
        "remove me, thank you", "Stop calling me now", "stop texting me now!", "stop calling me today",
        "I want to opt out now", "Please opt me out today",
        "stop contacting me, I already told you before", "do not call again", "don't call anymore",
        "DO NOT CALL", "never contact again", "don't call me today or ever",
        "never call me before asking, take me off the list",
        "don't call me at this number", "don't call me at all", "don't call me, I am busy now",
        "I don't want you to call me", "you never stop calling me", "why don't you stop calling me?",
        "if you don't stop texting me I will complain",
        "הסר בבקשה", "נא להסיר", "תסירו אותי עכשיו", "תפסיקו להתקשר אליי עכשיו", "די, בבקשה", "תפסיקו מיד",
        "תורידו אותי מהרשימה", "נא להוריד את המספר שלי מהרשימה", "תוציאו אותי מרשימת התפוצה", "תמחקו אותי",
        "לא להתקשר", "אני לא רוצה שתתקשרו", "אל תתקשרו אליי היום וגם לא אף פעם",
        "למה אתם לא מסירים? תסירו אותי",
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
        "please don't stop texting me", "don\u2019t stop calling me", "I will never opt out",
        "do not remove me from the list", "please do not unsubscribe me",
        "Don't call me at 8am", "Don't call me after 5", "please don't call me at night",
        "don't text me tonight", "don't call me on Saturday", "do not call me in the morning",
        "I don't want you to call me today",
        "please", "thank you", "now", "thanks, now please call me",
        "אל תתקשרו אליי עכשיו", "אל תתקשרו אליי בשבת", "אל תשלחו לי הודעות בלילה", "אל תפסיקו להתקשר",
        "לא להסיר אותי מהרשימה", "תורידו אותי בתחנה", "בבקשה", "אני לא רוצה שתתקשרו היום",
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
