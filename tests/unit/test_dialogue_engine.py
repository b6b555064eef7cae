"""The scripted brain: what it says and does, and what it never does."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from trunkline.kit.dialogue import Dialogue
from trunkline.kit.dialogue_parts import Ask, Confirm, follows
from trunkline.providers.ports import (
    Act,
    CallBrief,
    HangUp,
    Heard,
    InputKind,
    Listen,
    Note,
    Say,
    ToolResult,
)
from trunkline.providers.scripted import ScriptedBrain, engine, ready_made
from trunkline.providers.scripted.phrases import understand


def brief(**changes: Any) -> CallBrief:
    fields: dict[str, Any] = {
        "call_id": "1",
        "direction": "outbound",
        "language": "en-US",
        "business_name": "Oak Dental",
        "greeting": "",
        "disclosure": "",
        "instructions": "",
        "script": ready_made("appointment"),
        "tools": (),
        "local_now": datetime(2026, 3, 2, 10, 0, tzinfo=UTC),
    }
    return CallBrief(**{**fields, **changes})


class Scene:
    """One conversation with scripted tools; `turn` returns what the agent does."""

    def __init__(self, results: Mapping[str, ToolResult] | None = None, **changes: Any) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.results = results or {}
        self.conversation = ScriptedBrain().open(brief(**changes), self._tool)

    async def _tool(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        self.calls.append((name, dict(arguments)))
        return self.results.get(name, ToolResult(ok=True, data={}))

    def turn(
        self, text: str | None = None, kind: InputKind = InputKind.SPEECH, confidence: float = 1.0
    ) -> list[Act]:
        async def collect() -> list[Act]:
            talk = self.conversation
            acts = talk.begin() if text is None else talk.hear(Heard(kind, text, confidence))
            return [act async for act in acts]

        return asyncio.run(collect())

    def say(self, *texts: str) -> list[Act]:
        acts: list[Act] = []
        for text in texts:
            acts = self.turn(text)
        return acts


def spoken(acts: list[Act]) -> list[str]:
    return [act.text for act in acts if isinstance(act, Say)]


def notes(acts: list[Act]) -> dict[str, str]:
    return {act.name: act.value for act in acts if isinstance(act, Note)}


def phrases(acts: list[Act]) -> set[str]:
    (listen,) = [act for act in acts if isinstance(act, Listen)]
    assert listen.grammar is not None
    return set(listen.grammar.phrases)


def test_an_appointment_is_booked_with_confirmed_answers() -> None:
    scene = Scene()
    assert spoken(scene.turn()) == ["Hello, this is Oak Dental.", "Would you like to book an appointment?"]
    assert spoken(scene.say("Yes.")) == ["Which day of the week would you like?"]
    assert spoken(scene.say("Tuesday, please")) == ["Did you say Tuesday?"]
    assert spoken(scene.say("yes", "at three o'clock")) == ["Did you say three o'clock?"]
    assert spoken(scene.say("yes", "half past")) == ["Did you say half past?"]
    acts = scene.say("that\u2019s right")
    assert scene.calls == [("book_appointment", {"weekday": "tuesday", "time": "15:30"})]
    assert notes(acts) == {"disposition": "booked"}
    assert spoken(acts)[-1] == "Goodbye."
    assert acts[-1] == HangUp("booked")


def test_a_denied_value_is_left_out_the_second_time_and_can_still_be_keyed() -> None:
    scene = Scene()
    scene.turn()
    assert "monday" in phrases(scene.say("yes"))
    again = scene.say("monday", "no")
    assert spoken(again) == ["Which day of the week would you like?"]
    assert "monday" not in phrases(again)
    assert "tuesday" in phrases(again)
    assert spoken(scene.say("monday")) == [
        "Sorry, I did not understand that.",
        "Which day of the week would you like?",
    ]
    assert spoken(scene.turn("1", InputKind.DIGITS)) == ["Did you say Monday?"]


def test_everything_can_be_keyed() -> None:
    scene = Scene()
    scene.turn()
    for keys in ("1", "2", "1", "14", "1", "2", "1"):
        acts = scene.turn(keys, InputKind.DIGITS)
    assert scene.calls == [("book_appointment", {"weekday": "tuesday", "time": "14:30"})]
    assert notes(acts) == {"disposition": "booked"}


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        ("slot_taken", "Sorry, that time is already taken."),
        ("outside_hours", "Sorry, we are closed at that time."),
    ],
)
def test_a_refused_time_leads_back_to_the_day(error: str, sentence: str) -> None:
    scene = Scene({"book_appointment": ToolResult(ok=False, data={"error": error})})
    scene.turn()
    acts = scene.say("yes", "monday", "yes", "nine o'clock", "yes", "on the hour", "yes")
    assert spoken(acts) == [sentence, "Which day of the week would you like?"]
    scene.results = {}
    acts = scene.say("friday", "yes", "ten o'clock", "yes", "half past", "yes")
    assert scene.calls[-1] == ("book_appointment", {"weekday": "friday", "time": "10:30"})
    assert notes(acts)["disposition"] == "booked"


def test_a_booking_that_fails_is_handed_to_people() -> None:
    scene = Scene({"book_appointment": ToolResult(ok=False, data={"error": "database_down"})})
    scene.turn()
    acts = scene.say("yes", "monday", "yes", "nine o'clock", "yes", "on the hour", "yes")
    assert [name for name, _ in scene.calls] == ["book_appointment", "request_callback"]
    assert notes(acts) == {"disposition": "callback_requested"}


@pytest.mark.parametrize("before", [[], ["yes"], ["yes", "monday"], ["yes", "monday", "yes", "nine o'clock"]])
@pytest.mark.parametrize(
    ("text", "tool", "disposition"),
    [
        ("please don't call me again", "do_not_call", "opted_out"),
        ("call me later", "request_callback", "callback_requested"),
        ("wrong number", "do_not_call", "opted_out"),
    ],
)
def test_some_answers_are_honoured_anywhere(
    before: list[str], text: str, tool: str, disposition: str
) -> None:
    scene = Scene()
    scene.turn()
    scene.say(*before)
    acts = scene.say(text)
    assert [name for name, _ in scene.calls] == [tool]
    assert notes(acts) == {"disposition": disposition}
    assert isinstance(acts[-1], HangUp)


def test_who_is_calling_is_told_and_the_question_comes_again() -> None:
    scene = Scene()
    scene.turn()
    assert spoken(scene.say("who's calling")) == [
        "This is Oak Dental.",
        "Would you like to book an appointment?",
    ]


def test_three_misses_end_the_call_and_the_keypad_is_mentioned_before() -> None:
    scene = Scene()
    scene.turn()
    assert len(spoken(scene.say("blue"))) == 2
    assert "press one" in spoken(scene.say("green"))[1]
    acts = scene.say("red")
    assert notes(acts) == {"disposition": "not_understood"}


def test_silence_is_asked_about_and_then_ends_the_call() -> None:
    scene = Scene()
    scene.turn()
    for _ in range(2):
        acts = scene.turn("", InputKind.SILENCE)
        assert spoken(acts) == ["Are you still there?", "Would you like to book an appointment?"]
    assert notes(scene.turn("", InputKind.SILENCE)) == {"disposition": "no_response"}


def test_a_machine_gets_a_message_and_a_disposition_where_the_dialogue_says_so() -> None:
    scene = Scene()
    scene.turn()
    acts = scene.turn("beep", InputKind.MACHINE)
    assert notes(acts) == {"disposition": "voicemail"}
    assert isinstance(acts[-1], HangUp)
    inbound = Scene(script=ready_made("appointment_inbound"))
    inbound.turn()
    assert [type(act) for act in inbound.turn("beep", InputKind.MACHINE)] == [Say, Listen]


def test_a_spoken_voicemail_greeting_is_one_only_at_the_beginning() -> None:
    greeting = "you have reached bob please leave a message after the tone"
    scene = Scene()
    scene.turn()
    assert notes(scene.say(greeting)) == {"disposition": "voicemail"}
    late = Scene()
    late.turn()
    assert notes(late.say("yes", "monday", greeting)) == {}


def test_an_answer_to_a_question_nobody_heard_is_not_taken() -> None:
    scene = Scene()
    scene.turn()
    scene.conversation.interrupted("Hello, this is Oak", played_ms=900)
    acts = scene.say("yes")
    assert spoken(acts) == ["Would you like to book an appointment?"]
    scene.conversation.interrupted("Would you", played_ms=300)
    assert spoken(scene.say("yes")) == ["Which day of the week would you like?"]


def test_a_question_behind_a_sentence_that_could_not_be_voiced_was_heard() -> None:
    scene = Scene()
    scene.turn()
    scene.conversation.interrupted("Would you like", played_ms=800)
    assert spoken(scene.say("yes")) == ["Which day of the week would you like?"]


def test_what_was_hardly_heard_counts_only_where_it_is_read_back() -> None:
    scene = Scene()
    scene.turn()
    assert spoken(scene.turn("yes", confidence=0.3))[0] == "Sorry, I did not understand that."
    scene.say("yes")
    assert spoken(scene.turn("don't call me again", confidence=0.3))[0] == "Sorry, I did not understand that."
    assert spoken(scene.turn("monday", confidence=0.3)) == ["Did you say Monday?"]
    assert scene.calls == []


def test_what_must_be_said_first_is_said_before_the_opening_and_before_a_greeting() -> None:
    told = "This is the AI of {business_name}."
    usual = spoken(Scene().turn())
    assert spoken(Scene(disclosure=told).turn()) == ["This is the AI of Oak Dental.", *usual]
    greeted = spoken(Scene(disclosure=told, greeting="Good day.").turn())
    assert greeted == ["This is the AI of Oak Dental.", "Good day.", *usual[1:]]


def test_the_greeting_of_the_agent_takes_the_place_of_the_opening() -> None:
    scene = Scene(greeting="Good day {lead_name}, {business_name} here.", variables={"lead_name": "Dana"})
    assert spoken(scene.turn())[0] == "Good day Dana, Oak Dental here."


def test_hebrew_is_spoken_and_understood() -> None:
    scene = Scene(language="he")
    assert spoken(scene.turn())[1] == "האם תרצו לקבוע תור?"
    assert spoken(scene.say("כן", "ביום ראשון, בבקשה")) == ["האם אמרתם יום ראשון?"]
    scene.say("כן", "תשע", "כן", "בשעה עגולה", "כן")
    assert scene.calls == [("book_appointment", {"weekday": "sunday", "time": "09:00"})]


@pytest.mark.parametrize(
    "changes", [{"script": None}, {"script": {"states": {}}}, {"language": "fr"}], ids=["none", "bad", "lang"]
)
def test_a_brief_it_cannot_use_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="script"):
        Scene(**changes)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("Yes!", "yes"),
        ("oh yes, please", "yes"),
        ("yesterday", None),
        ("yes no", None),
        ("no, don't call me again", None),
        ("don't call me again", "opt_out"),
        ("call me", "call"),
        ("", None),
        ("'yes'", "yes"),
    ],
)
def test_understanding(text: str, meaning: str | None) -> None:
    known = [("yes", "yes"), ("no", "no"), ("don't call me again", "opt_out"), ("call me", "call")]
    assert understand(text, known) == meaning


def test_a_slot_that_is_answered_anew_must_be_confirmed_anew() -> None:
    script = ready_made("appointment")
    # The hour's confirmation goes on to a second question about the same day, and from there to the tool.
    script["states"]["confirm_hour"]["yes"] = "day_again"
    script["states"]["day_again"] = {**script["states"]["day"], "next": "half"}
    scene = Scene(script=script)
    scene.turn()
    scene.say("yes", "monday", "yes", "nine o'clock", "yes", "friday", "half past")
    assert spoken(scene.say("yes")) == ["Which day of the week would you like?"]
    assert scene.calls == []


# --- What holds for every dialogue and every caller ---------------------------------------

APPOINTMENT = Dialogue.model_validate(ready_made("appointment"))
YES = {"yes", "yes please", "that's right", "sure", "okay", "1"}
ODD_TEXTS = (
    "|rhubarb|yes no|no|don't call me again|call me later|who's calling|please repeat that|leave a message"
)
INPUTS = st.one_of(
    st.sampled_from(ODD_TEXTS.split("|")).map(lambda text: Heard(InputKind.SPEECH, text)),
    st.sampled_from(["1", "2", "14", "9", "77"]).map(lambda keys: Heard(InputKind.DIGITS, keys)),
    st.just(Heard(InputKind.SILENCE, "")),
    st.just(Heard(InputKind.MACHINE, "beep")),
)
RESULTS = st.sampled_from(
    [ToolResult(ok=True, data={})]
    + [
        ToolResult(ok=False, data=data)
        for data in ({"error": "slot_taken"}, {"error": "ok"}, {}, {"error": 7})
    ]
)


def walk(dialogue: Dialogue, data: st.DataObject, inputs: st.SearchStrategy[Heard]) -> None:
    """Hold a whole conversation and check every promise on the way."""
    script = engine.Script(dialogue, "en", {"business_name": "Oak"})
    confirmed: dict[str, str] = {}
    outcome = engine.begin(script)
    for _ in range(dialogue.longest + 2):
        progress, steps = outcome
        while steps and isinstance(steps[-1], engine.CallTool):
            check_steps(steps[:-1])
            used = steps[-1].arguments.values()
            template = dialogue.states[progress.state]
            wanted = [engine._fill(text, confirmed) for text in template.arguments.values()]  # type: ignore[union-attr]
            assert list(used) == wanted
            outcome = engine.tool_done(script, progress, data.draw(RESULTS))
            progress, steps = outcome
        check_steps(steps)
        if progress.over:
            assert isinstance(steps[-1], HangUp)
            return
        assert isinstance(steps[-1], Listen)
        cut = data.draw(st.sampled_from([False] * 7 + [True]))
        if cut:
            progress = engine.interrupted(progress, question_heard=False)
        heard = data.draw(inputs if data.draw(st.integers(0, 9)) > 7 else sensible(dialogue, progress))
        note_confirmation(dialogue, progress, heard, confirmed)
        outcome = engine.hear(script, progress, heard)
    raise AssertionError("the conversation did not end")


def sensible(dialogue: Dialogue, progress: engine.Progress) -> st.SearchStrategy[Heard]:
    """Answer the question, so that most conversations get somewhere."""
    state = dialogue.states[progress.state]
    assert isinstance(state, Ask | Confirm)
    meanings = dialogue.answers_of(state)
    offered = [meanings["yes"]] if "yes" in meanings else list(meanings.values())
    texts = [phrase for meaning in offered for phrase in meaning.phrases.get("en", ())]
    return st.sampled_from(texts).map(lambda text: Heard(InputKind.SPEECH, text))


def note_confirmation(
    dialogue: Dialogue, progress: engine.Progress, heard: Heard, confirmed: dict[str, str]
) -> None:
    """Keep our own account of what the caller has said yes to."""
    state = dialogue.states[progress.state]
    if isinstance(state, Confirm) and not progress.unheard and heard.text in YES:
        confirmed[state.slot] = progress.slots[state.slot]


def check_steps(steps: tuple[engine.Step, ...]) -> None:
    for step in steps:
        assert not isinstance(step, engine.CallTool)
        if isinstance(step, Say):
            assert any(character.isalnum() for character in step.text)
            assert "{" not in step.text


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_the_appointment_always_ends_and_books_only_what_was_confirmed(data: st.DataObject) -> None:
    walk(APPOINTMENT, data, INPUTS)


NAMES = ["s0", "s1", "s2", "s3", "s4", "s5"]


@st.composite
def dialogues(draw: st.DrawFn) -> Dialogue:
    """Dialogues wired at random: loops, dead ends and detours that nobody would write on purpose."""
    to = st.sampled_from([*NAMES, "bye"])
    text = {"en": "Well, {v}."}
    kinds = {
        "ask": lambda: {"slot": "v", "say": text, "next": draw(to), "keys": {"1": "a"}},
        "choose": lambda: {"answers": "yes_no", "say": text, "next": {"yes": draw(to), "no": draw(to)}},
        "confirm": lambda: {"slot": "v", "say": text, "yes": draw(to), "no": draw(to), "keys": {"1": "yes"}},
        "tool": lambda: {
            "tool": "act",
            "arguments": {"v": "{v}"},
            "results": {"ok": draw(to), "slot_taken": draw(to), "other": draw(to)},
        },
        "tell": lambda: {"say": text, "next": draw(to)},
    }
    states: dict[str, Any] = {"bye": {"kind": "end", "say": {"en": "Bye."}}}
    for name in NAMES:
        kind = draw(st.sampled_from(list(kinds)))
        states[name] = {"kind": "ask" if kind == "choose" else kind, **kinds[kind]()}
    say = {"en": "Hm."}
    data = {
        "languages": ["en"],
        "start": "s0",
        "answers": {
            "yes_no": {"yes": {"phrases": {"en": ["yes"]}}, "no": {"phrases": {"en": ["no"]}}},
            "letters": {"a": {"phrases": {"en": ["a"]}}, "b": {"phrases": {"en": ["b"]}}},
        },
        "slots": {"v": {"answers": "letters"}},
        "anywhere": {"jump": {"phrases": {"en": ["jump"]}, "next": draw(to)}},
        "patience": {
            "unclear": say,
            "silence": say,
            "tries": 2,
            "next": draw(to),
            "silence_next": draw(to),
        },
        "longest": 15,
        "give_up": "bye",
        "states": states,
    }
    try:
        return Dialogue.model_validate(data)
    except ValidationError as error:
        loose = {e["loc"][1] for e in error.errors() if e["msg"] == "nothing leads here"}
        assume(loose)
        for name in loose:
            del states[name]
    try:
        return Dialogue.model_validate(data)
    except ValidationError:
        assume(False)
        raise


LETTERS = st.sampled_from(["yes", "no", "a", "b", "jump", "what"]).map(
    lambda text: Heard(InputKind.SPEECH, text)
)


@given(dialogues(), st.data())
@settings(max_examples=150, deadline=None)
def test_any_sound_dialogue_ends_and_calls_tools_with_confirmed_slots_only(
    dialogue: Dialogue, data: st.DataObject
) -> None:
    assert all(target in dialogue.states for s in dialogue.states.values() for _, target in follows(s))
    walk(dialogue, data, st.one_of(LETTERS, INPUTS))
