"""Whose turn it is: tables of evidence, and what holds for any evidence."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.media.evidence import Evidence
from trunkline.media.turns import Change, TurnRules, TurnState, cut_short, step

RULES = TurnRules()
VOICE = Evidence(length_ms=32, probability=0.95, level=2000, floor=100)
QUIET = Evidence(length_ms=32, probability=0.02, level=100, floor=100)
Told = list[tuple[int, Change]]


def judge(windows: list[Evidence], state: TurnState | None = None, rules: TurnRules = RULES) -> Told:
    """Return the changes with the time at which each was decided."""
    state = state or TurnState()
    changes: Told = []
    for window in windows:
        state, change = step(state, window, rules)
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
    return windows


@given(evidence())
def test_turns_open_and_close_alternately_and_silence_always_closes_them(windows: list[Evidence]) -> None:
    told = judge([*windows, *[QUIET] * 30])
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


@given(evidence())
def test_a_silent_agent_is_never_interrupted(windows: list[Evidence]) -> None:
    told = judge([replace(window, agent_ms=None) for window in windows])
    assert all(change is not Change.INTERRUPTED for _, change in told)
