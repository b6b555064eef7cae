"""Whose turn it is: tables of evidence, and what holds for any evidence."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.media.barge_in import ByVoice
from trunkline.media.endpointing import ByText
from trunkline.media.evidence import Evidence
from trunkline.media.turns import (
    LOUDNESS,
    SILENCE,
    BargeIn,
    Change,
    Endpointing,
    TurnRules,
    TurnState,
    cut_short,
    step,
)
from trunkline.media.wording import ends_the_goodbye, is_backchannel, is_farewell

RULES = TurnRules()
VOICE = Evidence(length_ms=32, probability=0.95, level=2000, floor=100)
QUIET = Evidence(length_ms=32, probability=0.02, level=100, floor=100)
Told = list[tuple[int, Change]]


def judge(
    windows: list[Evidence], *, endpointing: Endpointing = SILENCE, barge_in: BargeIn = LOUDNESS
) -> Told:
    """Return the changes with the time at which each was decided."""
    state = TurnState()
    changes: Told = []
    for window in windows:
        state, change = step(state, window, RULES, endpointing, barge_in)
        if change is not None:
            changes.append((state.at_ms, change))
    return changes


def over(agent_from_ms: int, count: int, evidence: Evidence = VOICE) -> list[Evidence]:
    """Windows while the agent has been sounding since `agent_from_ms` before the first."""
    return [replace(evidence, agent_ms=agent_from_ms + 32 * n) for n in range(1, count + 1)]


def test_a_turn_begins_with_voice_and_ends_after_silence() -> None:
    told = judge([QUIET] * 10 + [VOICE] * 20 + [QUIET] * 40)
    assert [change for _, change in told] == [Change.BEGAN, Change.ENDED]
    began, ended = (at for at, _ in told)
    assert began == 10 * 32 + 64
    assert 700 <= ended - 30 * 32 < 700 + 32


def test_a_short_answer_is_given_less_silence() -> None:
    windows = [replace(window, short_answer=True) for window in [VOICE] * 20 + [QUIET] * 40]
    assert 500 <= judge(windows)[-1][0] - 20 * 32 < 500 + 32


@pytest.mark.parametrize("pause_ms", [64, 320, 640])
def test_a_pause_within_a_sentence_does_not_end_the_turn(pause_ms: int) -> None:
    pause = [QUIET] * (pause_ms // 32)
    told = judge([VOICE] * 10 + pause + [VOICE] * 10 + pause + [VOICE] * 10 + [QUIET] * 30)
    assert [change for _, change in told] == [Change.BEGAN, Change.ENDED]


def test_a_click_begins_nothing_and_a_cough_is_dismissed() -> None:
    assert judge([VOICE, QUIET] * 1 + [QUIET] * 30) == []
    told = judge([VOICE] * 2 + [QUIET] * 30)
    assert [change for _, change in told] == [Change.BEGAN, Change.DISMISSED]


@pytest.mark.parametrize(
    ("windows", "interrupts"),
    [
        pytest.param(over(1000, 6), True, id="192 ms of voice"),
        pytest.param(over(1000, 5), False, id="160 ms of voice"),
        pytest.param(over(1000, 20, replace(VOICE, level=130)), False, id="no louder than the noise"),
        pytest.param(over(1000, 20, replace(VOICE, level=145)), True, id="1.45 times the noise"),
        pytest.param(over(-32, 6, replace(VOICE, level=170)), False, id="echo, 1.7 times the noise"),
        pytest.param(over(-32, 6, replace(VOICE, level=190)), True, id="a shout at the start"),
        pytest.param(over(1000, 20, replace(VOICE, probability=0.4)), False, id="a beep, hardly a voice"),
        pytest.param([replace(w, greeting=True) for w in over(-32, 14)], False, id="greeting protected"),
        pytest.param([replace(w, greeting=True) for w in over(600, 14)], True, id="greeting's later part"),
    ],
)
def test_what_interrupts_the_agent(windows: list[Evidence], interrupts: bool) -> None:
    changes = [change for _, change in judge(windows)]
    assert changes == ([Change.INTERRUPTED] if interrupts else [])


def test_voice_over_the_agent_that_outlasts_it_becomes_a_turn() -> None:
    told = judge([*over(1000, 3), VOICE, *[QUIET] * 30])
    assert [change for _, change in told] == [Change.BEGAN, Change.ENDED]


def test_interruptions_keep_their_distance() -> None:
    first = judge(over(1000, 18))
    assert [change for _, change in first] == [Change.INTERRUPTED]
    times = [at for at, _ in judge(over(1000, 60))]
    assert len(times) == 3
    assert all(later - earlier >= 700 for earlier, later in pairwise(times))


def test_a_caller_who_was_speaking_when_the_agent_began_interrupts_it() -> None:
    told = judge([VOICE] * 10 + over(0, 10))
    assert [change for _, change in told] == [Change.BEGAN, Change.INTERRUPTED]


def test_a_turn_is_cut_off_at_its_longest() -> None:
    told = judge([VOICE] * 1000)
    assert told[1][1] is Change.ENDED
    assert told[1][0] - told[0][0] == pytest.approx(30_000, abs=32)


def test_cutting_short_forgets_the_open_turn_and_keeps_the_time() -> None:
    state = TurnState()
    for window in [VOICE] * 10:
        state, _ = step(state, window, RULES)
    assert state.speaking
    assert cut_short(state) == TurnState(at_ms=state.at_ms)


# --- Strategies: evidence alone -------------------------------------------------------------


@pytest.mark.parametrize(
    ("evidence", "patience_ms"),
    [
        pytest.param({}, 700, id="nothing known"),
        pytest.param({"short_answer": True}, 500, id="a short answer expected"),
        pytest.param({"text": "I would like to come on Monday"}, 700, id="a text that may be whole"),
        pytest.param({"text": "I would like to come on Monday."}, 450, id="a whole sentence"),
        pytest.param({"text": "Can I come on Monday?"}, 450, id="a question"),
        pytest.param({"text": "yes please"}, 450, id="a short answer"),
        pytest.param({"text": "I would like to come and"}, 1400, id="and ..."),
        pytest.param({"text": "on Monday,"}, 1400, id="a comma"),
        pytest.param({"text": "it is, um"}, 1400, id="a filler"),
        pytest.param({"text": "well..."}, 1400, id="an ellipsis is no full stop"),
        pytest.param({"text": "yes and", "short_answer": True}, 1400, id="and ... wins over a short answer"),
        pytest.param({"text": "אני רוצה לבוא ביום שני."}, 450, id="a Hebrew sentence"),
        pytest.param({"text": "כן"}, 450, id="a Hebrew yes"),
        pytest.param({"text": "אני רוצה לבוא אבל"}, 1400, id="a Hebrew but"),
        pytest.param({"text": "אֲבָל"}, 1400, id="with vowel points"),
        pytest.param({"digits": 10}, 1200, id="a number, nothing heard of it yet"),
        pytest.param({"digits": 10, "text": "050 123"}, 1200, id="a part of a number"),
        pytest.param({"digits": 4, "text": "one two three."}, 1200, id="a part of a number in words"),
        pytest.param({"digits": 10, "text": "050 123 4567"}, 450, id="all of a number"),
        pytest.param({"digits": 4, "text": "אחת שתיים שלוש ארבע"}, 450, id="all of a Hebrew number"),
        pytest.param({"turn_over": 0.9}, 450, id="the model is sure"),
        pytest.param({"turn_over": 0.5}, 700, id="the model does not know"),
        pytest.param({"turn_over": 0.1}, 1400, id="the model expects more"),
        pytest.param({"turn_over": 0.9, "text": "on Monday and"}, 1400, id="the text knows better"),
        pytest.param({"turn_over": 0.1, "text": "On Monday."}, 1400, id="whoever expects more is right"),
    ],
)
def test_how_long_a_silence_ends_a_turn(evidence: dict[str, Any], patience_ms: int) -> None:
    seen = replace(QUIET, **evidence)
    assert ByText().patience_ms(seen, RULES) == patience_ms
    told = judge([replace(VOICE, **evidence)] * 20 + [seen] * 60, endpointing=ByText())
    assert patience_ms <= told[-1][0] - 20 * 32 < patience_ms + 32


@pytest.mark.parametrize(
    ("evidence", "enough_ms"),
    [
        pytest.param({}, 180, id="nothing measured"),
        pytest.param({"articulation": 1.2}, 96, id="speech"),
        pytest.param({"articulation": -0.4}, 800, id="a hum"),
        pytest.param({"articulation": -0.4, "hissed": True}, 96, id="a hiss, which no hum has"),
        pytest.param({"articulation": -0.4, "text": "no no listen"}, 96, id="words in spite of the sound"),
        pytest.param(
            {"articulation": 1.2, "text": "uh-huh"}, 800, id="a listener's word in spite of the sound"
        ),
        pytest.param({"articulation": 1.2, "text": "אהה"}, 800, id="a Hebrew listener's word"),
        pytest.param({"articulation": -0.4, "text": "um, stop"}, 800, id="one word is not enough"),
        pytest.param({"articulation": 1.2, "text": "stop"}, 96, id="one word that sounds like one"),
    ],
)
def test_how_much_voice_interrupts(evidence: dict[str, Any], enough_ms: int) -> None:
    assert ByVoice().enough_ms(replace(VOICE, **evidence), RULES) == enough_ms
    (told, *_) = judge(over(1000, 60, replace(VOICE, **evidence)), barge_in=ByVoice())
    assert (told[1], 0 <= told[0] - enough_ms < 32) == (Change.INTERRUPTED, True)


def test_the_soft_tail_of_a_voice_over_the_agent_is_voice_and_a_soft_beginning_is_not() -> None:
    soft = replace(VOICE, probability=(RULES.voice + RULES.still_voice) / 2)
    told = judge([*over(1000, 1, VOICE), *over(1032, 60, soft)])
    assert told[0][1] is Change.INTERRUPTED
    assert judge(over(1000, 60, soft)) == []
    # Where the agent is silent, as much is asked of every window that opens a turn.
    assert judge([VOICE, *[soft] * 4, *[QUIET] * 40]) == []


def test_an_echo_is_no_voice_and_a_voice_over_it_is() -> None:
    echo = replace(VOICE, echo=0.8)
    assert judge(over(1000, 60, echo)) == []
    # It goes on for a while after the agent has ended.
    assert judge([echo] * 10 + [QUIET] * 40) == []
    assert (
        judge([*over(1000, 20, echo), *over(1640, 8, replace(VOICE, echo=0.2))])[0][1] is Change.INTERRUPTED
    )


def test_only_what_is_not_echo_must_be_louder_than_the_noise() -> None:
    assert replace(VOICE, level=100, echo=0.75).own_level == pytest.approx(50)
    assert judge(over(1000, 20, replace(VOICE, level=150, echo=0.3))) == []


@pytest.mark.parametrize(
    ("text", "farewell"),
    [
        ("bye", True), ("Okay, thank you, bye bye.", True), ("thanks, have a nice day", True), ("okay", True),
        ("תודה רבה, להתראות", True), ("Bye. Wait, one more thing", False), ("no", False), ("and you", False),
        ("רגע, עוד שאלה", False), ("good", False),
    ],
)  # fmt: skip
def test_what_people_say_while_a_call_ends(text: str, farewell: bool) -> None:
    assert is_farewell(text) is farewell


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("You too!", True), ("have a good one", True), ("See you.", True), ("גם לך", True),
        ("okay, bye", True),
        ("and then", False), ("good, and", False), ("you", False), ("too late", False), ("no wait", False),
    ],
)  # fmt: skip
def test_a_wish_that_is_wished_back_asks_for_no_more(text: str, ends: bool) -> None:
    assert ends_the_goodbye(text) is ends


@pytest.mark.parametrize(
    ("text", "backchannel"),
    [("mm-hm", True), ("Uh-huh. Mm.", True), ("אהה", True), ("uh, wait", False), ("", False), ("yes", False)],
)
def test_what_a_listener_says(text: str, backchannel: bool) -> None:
    assert is_backchannel(text) is backchannel


# --- Whatever the evidence --------------------------------------------------------------------


@st.composite
def evidence(draw: st.DrawFn) -> list[Evidence]:
    """Stretches of voice and silence, with the agent sounding or not."""
    windows: list[Evidence] = []
    for _ in range(draw(st.integers(1, 12))):
        agent_ms = draw(st.sampled_from([None, None, 0, 150, 900]))
        probability = draw(st.sampled_from([0.0, 0.4, 0.9]))
        level = draw(st.sampled_from([10.0, 150.0, 3000.0]))
        for n in range(draw(st.integers(1, 40))):
            sounding = None if agent_ms is None else agent_ms + n * 32
            windows.append(Evidence(32, probability, level, 100.0, sounding, draw(st.booleans()) and n < 3))
        known = {
            "echo": draw(st.sampled_from([0.0, 0.3, 0.9])),
            "articulation": draw(st.sampled_from([None, -1.0, 2.0])),
            "hissed": draw(st.booleans()),
            "text": draw(st.sampled_from(["", "mm-hm", "no no wait", "Whole.", "and"])),
            "turn_over": draw(st.sampled_from([None, 0.0, 1.0])),
            "digits": draw(st.sampled_from([0, 0, 4])),
        }
        windows = [replace(window, **known) for window in windows]
    return windows


class Whimsical:
    """Strategies that ask for anything at all."""

    def __init__(self, wishes: list[int]) -> None:
        self.wishes = wishes
        self.asked = 0

    def patience_ms(self, _seen: Evidence, _rules: TurnRules) -> int:
        self.asked += 1
        return self.wishes[self.asked % len(self.wishes)]

    enough_ms = patience_ms


strategies = st.one_of(
    st.just((SILENCE, LOUDNESS)),
    st.just((ByText(), ByVoice())),
    st.lists(st.integers(-100, 1_000), min_size=1, max_size=5).map(lambda w: (Whimsical(w), Whimsical(w))),
)


@given(evidence(), strategies)
def test_turns_open_and_close_alternately_and_silence_always_closes_them(
    windows: list[Evidence], strategy: tuple[Endpointing, BargeIn]
) -> None:
    endpointing, barge_in = strategy
    told = judge([*windows, *[QUIET] * 60], endpointing=endpointing, barge_in=barge_in)
    # At most one change a window.
    assert all(earlier < later for (earlier, _), (later, _) in pairwise(told))
    open_turn = False
    interrupted_at = None
    for at_ms, change in told:
        if change is Change.BEGAN:
            assert not open_turn
            open_turn = True
        elif change is Change.INTERRUPTED:
            assert interrupted_at is None or at_ms - interrupted_at >= RULES.between_interruptions_ms
            interrupted_at = at_ms
            open_turn = True
        else:
            assert open_turn
            open_turn = False
    assert not open_turn


@given(evidence(), strategies)
def test_a_silent_agent_is_never_interrupted(
    windows: list[Evidence], strategy: tuple[Endpointing, BargeIn]
) -> None:
    endpointing, barge_in = strategy
    silent = [replace(window, agent_ms=None) for window in windows]
    told = judge(silent, endpointing=endpointing, barge_in=barge_in)
    assert all(change is not Change.INTERRUPTED for _, change in told)


@given(evidence(), strategies)
def test_echo_alone_never_opens_a_turn(
    windows: list[Evidence], strategy: tuple[Endpointing, BargeIn]
) -> None:
    endpointing, barge_in = strategy
    assert (
        judge([replace(window, echo=0.9) for window in windows], endpointing=endpointing, barge_in=barge_in)
        == []
    )
