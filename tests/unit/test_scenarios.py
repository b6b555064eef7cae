"""Scenario files are read with every fault at its line, and every grade is held against its opposite."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from trunkline.core.errors import StartRefused
from trunkline.sim.grades import Outcome, grade, timings
from trunkline.sim.report import Held, show
from trunkline.sim.scenario import LIBRARY, Expect, Scenario, find, library, read_scenario
from trunkline.sim.words import LANGUAGES, Language, terms
from trunkline.simulators.callers import Deed, EarFigures

MONDAY = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


def reading(text: str) -> Scenario:
    return read_scenario(text, name="mine", file="mine.yaml")


def faults(text: str) -> list[str]:
    with pytest.raises(StartRefused) as refused:
        reading(text)
    return str(refused.value).splitlines()


@pytest.mark.parametrize("name", library())
def test_every_scenario_of_the_library_can_be_read_and_planned(name: str) -> None:
    scenario = find(name)
    for index in range(max(1, len(scenario.picks))):
        plan = scenario.of_call(index).plan()
        assert plan.kind == name
        assert not re.search(r"\{\w", str(plan)), "a value of the call was not filled in"
    assert scenario.expect != Expect(), "a scenario that expects nothing shows nothing"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("about: [", "mine.yaml:1: expected the node content, but found '<stream end>'."),
        ("", "mine.yaml:1: the file is empty."),
        ("- says: hello", "mine.yaml:1: a scenario is a mapping"),
        ("about: x\nabout: y", "mine.yaml:2: 'about' is given twice."),
        ("about: x\ncolour: red", "mine.yaml:2: colour: there is no such key"),
        ("steps: []", "mine.yaml:1: about: must be there"),
        ("about: x\nsteps:\n- says: a\n- shouts: b", "mine.yaml:4: steps.1: 'shouts' is no deed"),
        ("about: x\nsteps:\n- {says: a, keys: '1'}", "mine.yaml:3: steps.0: a step has exactly one deed"),
        ("about: x\nsteps:\n- keys: '1x'", "mine.yaml:3: steps.0: keys are 0 to 9"),
        ("about: x\nsteps:\n- waits: long", "mine.yaml:3: steps.0: waits takes seconds"),
        ("about: x\nsteps:\n- sounds: drum", "mine.yaml:3: steps.0: 'drum' is no sound"),
        ("about: x\ncaller:\n  speed: 9", "mine.yaml:3: caller.speed: must be greater"),
        ("about: x\nsteps: soon", "mine.yaml:2: steps: must be a list"),
        ("about: x\nslow: perhaps", "mine.yaml:2: slow: must be true or false"),
        ("about: x\ndirection: up", "mine.yaml:2: direction: must be 'inbound' or 'outbound'"),
        (
            "about: x\ncaller:\n  voice: en-gb",
            "mine.yaml:3: caller.voice: espeak has no voice 'en-gb'; there is",
        ),
        ("about: x\ncaller: {voice: en-us+none}", "mine.yaml:2: caller.voice: espeak has no variant 'none'"),
        ("about: x\nlike: nobody", "mine.yaml:2: there is no scenario 'nobody' to be like."),
        ("about: x\nscript: poem", "mine.yaml:2: there is no dialogue 'poem'"),
        (
            "about: x\npicks: [{day: monday}]\nanswers:\n- {when: a, says: '{hour}'}",
            "mine.yaml:2: nothing is picked",
        ),
        (
            "about: x\nexpect:\n  appointment: {weekday: monday, time: '25:00'}",
            "mine.yaml:3: expect.appointment.time",
        ),
    ],
)
def test_a_faulty_file_is_refused_at_its_line(text: str, said: str) -> None:
    assert any(line.startswith(said) for line in faults(text)), faults(text)


def test_every_fault_of_a_file_is_told_at_once() -> None:
    rest = "language: fr\nsteps:\n- shouts: b\ncaller: {speed: 1}"
    assert len(faults(f"about: x\n{rest}")) == 3
    (of_base, *others) = faults(f"about: x\nlike: nobody\n{rest}")
    assert of_base.startswith("mine.yaml:2: there is no scenario 'nobody'")
    assert len(others) == 3
    assert not any("Input should" in fault for fault in others)


@pytest.mark.parametrize("voice", ["en-us+klatt4", "en-GB-scotland", "en+f2", "en-us"])
def test_a_voice_that_is_there_is_taken(voice: str) -> None:
    assert reading(f"about: x\ncaller: {{voice: {voice}}}").plan().voice.name == voice


def test_a_scenario_that_cannot_be_found_names_where_to_look(tmp_path: Path) -> None:
    with pytest.raises(StartRefused, match="sim list"):
        find("no_such_scenario")
    (tmp_path / "own.yaml").write_text((LIBRARY / "refuses.yaml").read_text())
    assert find(str(tmp_path / "own.yaml")).name == "own"


def test_one_scenario_may_be_like_another_and_say_what_differs() -> None:
    scenario = reading(
        "about: x\nlike: books\ncaller: {speed: 120}\nexpect: {disposition: booked, appointments: 2}"
    )
    assert scenario.caller.speed == 120
    assert scenario.expect.appointments == 2
    assert scenario.expect.greeting_ms == find("books").expect.greeting_ms
    assert [one.says for one in scenario.of_call(1).answers][1] == ("tuesday please",)
    assert scenario.of_call(1).expect.appointment != scenario.of_call(0).expect.appointment


def test_both_languages_have_every_word() -> None:
    assert terms("en") == terms("he")
    graded = {found.what for _, outcome in BROKEN for found in grade(everything(), [outcome])}
    assert graded <= terms(LANGUAGES[0])


@pytest.mark.parametrize(
    ("language", "count", "said"),
    [("en", 1, "(1 call)"), ("en", 2, "(2 calls)"), ("he", 1, "(שיחה אחת)"), ("he", 2, "(2 שיחות)")],
)
def test_how_many_calls_were_held_is_said_in_words(language: Language, count: int, said: str) -> None:
    printed = StringIO()
    show(Console(file=printed), [Held(everything(), "", [as_expected()] * count, [])], language)
    assert said in printed.getvalue()


def everything() -> Scenario:
    return reading(
        """
about: Everything is expected.
steps: [{interrupts: hello}]
expect:
  disposition: booked
  end_reason: booked
  ended_by: agent
  appointments: 1
  appointment: {weekday: monday, time: "09:30"}
  do_not_call: false
  rings: 1
  tools: book_appointment
  agent_says: it is booked
  agent_never_says: robot
  caller_said: yes please
  heard: booked
  caller_turns: {least: 1, most: 1}
  interruptions: {least: 1}
  said_at_most: 1
  troubles: late_reply
  greeting_ms: 500
  reply_p50_ms: 900
  reply_p95_ms: 1200
  interruption_ms: 400
  worst_gap_ms: 20
  within_s: 30
"""
    )


def as_expected(**changes: Any) -> Outcome:
    """A call that went as `everything` wants it, but for these changes."""
    events = [
        ("started", {}),
        ("agent_said", {"text": "It is booked.", "heard_text": "It is booked.", "resumed": False}),
        ("caller_said", {"text": "yes please", "kind": "speech"}),
        ("tool_used", {"name": "book_appointment", "ok": True}),
        ("trouble", {"what": "late_reply"}),
        (
            "ended",
            {"interruptions": 1, "frames_in": {"received": 9, "forwarded": 8, "dropped": {"goodbye": 1}}},
        ),
    ]
    facts: dict[str, Any] = {
        "sid": "CA1", "phone": "+1", "disposition": "booked", "end_reason": "booked", "finalized": True,
        "events": [{"sequence": n, "kind": kind, "data": data} for n, (kind, data) in enumerate(events, 1)],
        "appointments": [MONDAY], "rings": 1, "ended_by": "twiml", "heard": ["your time is booked"],
        "figures": EarFigures(300, [700, 800], [200], 20_000),
    }  # fmt: skip
    return Outcome(**(facts | changes))


def without(kind: str, /, **replaced: Any) -> list[dict[str, Any]]:
    events = [event for event in as_expected().events if event["kind"] != kind or replaced]
    return [
        {**event, "sequence": n, "data": replaced if event["kind"] == kind else event["data"]}
        for n, event in enumerate(events, 1)
    ]


BROKEN = [
    ("recorded", as_expected(finalized=False)),
    ("recorded", as_expected(events=as_expected().events[:-1])),
    ("recorded", as_expected(events=[*as_expected().events[:2], *as_expected().events[1:]])),
    ("planned", as_expected(errors=["step 1: waited for the agent in vain"])),
    ("troubles", as_expected(events=without("trouble", what="stuck_reply"))),
    (
        "frames",
        as_expected(events=without("ended", frames_in={"received": 9, "forwarded": 8, "dropped": {}})),
    ),
    ("disposition", as_expected(disposition="declined")),
    ("end_reason", as_expected(end_reason="stop")),
    ("ended_by", as_expected(ended_by="person")),
    ("appointments", as_expected(appointments=[MONDAY, MONDAY])),
    ("appointment", as_expected(appointments=[MONDAY.replace(hour=10)])),
    ("do_not_call", as_expected(do_not_call=True)),
    ("rings", as_expected(rings=2)),
    ("tools", as_expected(events=without("tool_used", name="book_appointment", ok=False))),
    (
        "agent_says",
        as_expected(events=without("agent_said", text="It is booked.", heard_text="It", resumed=False)),
    ),
    (
        "agent_never_says",
        as_expected(
            events=without("agent_said", text="x", heard_text="I am a robot: it is booked", resumed=False)
        ),
    ),
    ("caller_said", as_expected(events=without("caller_said", text="no", kind="speech"))),
    ("heard", as_expected(heard=["goodbye"])),
    ("caller_turns", as_expected(events=without("caller_said"))),
    ("interruptions", as_expected(events=without("ended", interruptions=0, frames_in={}))),
    ("greeting_ms", as_expected(figures=EarFigures(501, [700, 800], [200], 20_000))),
    ("greeting_ms", as_expected(figures=EarFigures(None, [700, 800], [200], 20_000))),
    ("reply_p50_ms", as_expected(figures=EarFigures(300, [950, 950], [200], 20_000))),
    ("reply_p95_ms", as_expected(figures=EarFigures(300, [100, 100, 1_400], [200], 20_000))),
    ("interruption_ms", as_expected(figures=EarFigures(300, [700], [401], 20_000))),
    ("heeded", as_expected(figures=EarFigures(300, [700], [], 20_000))),
    ("worst_gap_ms", as_expected(worst_gap_ms=21.0)),
    ("within_s", as_expected(figures=EarFigures(300, [700], [200], 31_000))),
]


def test_a_call_that_went_as_expected_holds_every_grade() -> None:
    assert [found for found in grade(everything(), [as_expected()]) if not found.holds] == []


@pytest.mark.parametrize(("what", "outcome"), BROKEN)
def test_each_grade_fails_for_its_own_reason(what: str, outcome: Outcome) -> None:
    assert what in {found.what for found in grade(everything(), [outcome]) if not found.holds}


def test_a_sentence_said_twice_is_a_repetition_and_a_resumed_one_is_not() -> None:
    said = {"text": "It is booked.", "heard_text": "It is booked."}
    for resumed, holds in ((False, False), (True, True)):
        events = [
            *as_expected().events[:2], {"kind": "agent_said", "data": {**said, "resumed": resumed}},
            *as_expected().events[2:],
        ]  # fmt: skip
        numbered = [{**event, "sequence": n} for n, event in enumerate(events, 1)]
        grades = grade(everything(), [as_expected(events=numbered)])
        assert [found.holds for found in grades if found.what == "said_at_most"] == [holds]


def test_times_are_summed_up_over_all_calls() -> None:
    quick, slow = as_expected(), as_expected(figures=EarFigures(900, [2_000], [], 1_000))
    found = timings([quick, slow])
    assert (found.greeting_worst, found.reply_p50, found.replies) == (900, 800, 3)
    assert found.reply_p95 == pytest.approx(1_880)
    assert timings([]).reply_p95 is None


def test_every_deed_is_used_by_the_library() -> None:
    used = {step.deed for name in library() for step in find(name).steps}
    assert used == set(Deed)


def test_a_call_that_is_not_as_expected_is_shown_with_what_its_caller_has_made_out() -> None:
    def printed(*heard: str) -> str:
        console = Console(width=100, file=StringIO(), record=True)
        outcome = as_expected(heard=list(heard), disposition="declined")
        held = Held(everything(), "b", [outcome], grade(everything(), [outcome]))
        show(console, [held], "en")
        return console.export_text()

    assert "made out by the caller: which day would suit you / goodbye" in printed(
        "which day would suit you", "goodbye"
    )
    assert "made out by the caller: nothing" in printed()
