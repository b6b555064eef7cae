"""What makes a dialogue sound, and how its faults are told."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from trunkline.kit.dialogue import Dialogue
from trunkline.providers.scripted import READY_MADE, ready_made

Change = Callable[[dict[str, Any]], None]


def faults(change: Change) -> dict[str, str]:
    data = ready_made("appointment")
    change(data)
    with pytest.raises(ValidationError) as caught:
        Dialogue.model_validate(data)
    return {".".join(map(str, error["loc"])): error["msg"] for error in caught.value.errors()}


def state(name: str, **fields: Any) -> Change:
    return lambda data: data["states"].setdefault(name, {}).update(fields)


def tell(following: str) -> dict[str, Any]:
    return {"kind": "tell", "say": {"en": "Well.", "he": "טוב."}, "next": following}


@pytest.mark.parametrize("name", READY_MADE)
def test_the_ready_made_dialogues_are_sound_and_survive_storage(name: str) -> None:
    dialogue = Dialogue.model_validate(ready_made(name))
    assert Dialogue.model_validate(json.loads(dialogue.model_dump_json())) == dialogue
    assert dialogue.languages == ["en", "he"]


def test_the_schema_can_be_published() -> None:
    schema = Dialogue.model_json_schema()
    assert {"start", "states", "patience", "give_up"} <= set(schema["required"])
    json.dumps(schema)


@pytest.mark.parametrize(
    ("change", "path", "message"),
    [
        (state("day", next="nowhere"), "states.day.next", "there is no state 'nowhere'"),
        (state("island", **tell("day")), "states.island", "nothing leads here"),
        (lambda d: d["states"]["day"]["say"].pop("he"), "states.day.say.he", "this text is missing"),
        (lambda d: d["patience"]["unclear"].pop("en"), "patience.unclear.en", "this text is missing"),
        (state("day", slot="colour"), "states.day.slot", "there is no slot 'colour'"),
        (
            lambda d: d["slots"]["hour"].update(answers="none"),
            "slots.hour.answers",
            "there is no answer set 'none'",
        ),
        (state("day", keys={"1": "someday"}), "states.day.keys.1", "'someday' is no answer here"),
        (state("interest", next={"yes": "day"}), "states.interest.next", "nothing follows 'no'"),
        (
            state("confirm_day", answers="weekday"),
            "states.confirm_day.answers",
            "a confirmation needs the answers 'yes' and 'no'",
        ),
        (
            state("day", say={"en": "On {date}?", "he": "?"}),
            "states.day.say.en",
            "nothing is called {date}",
        ),
        (state("day", say={"en": "A { brace", "he": "?"}), "states.day.say.en", "a brace stands alone"),
        (state("book", results={"ok": "booked"}), "states.book.results.other", "nothing follows this result"),
        (
            lambda d: d["states"]["confirm_day"].update(slot="hour"),
            "states.book.arguments.weekday",
            "the slot 'weekday' is never asked and confirmed",
        ),
        (state("taken", next="taken"), "states.taken", "this leads back here without asking anything"),
        (lambda d: d.update(give_up="day"), "give_up", "this must be an 'end' state"),
        (
            lambda d: d["answers"]["yes_no"]["no"]["phrases"]["en"].append("yes"),
            "answers.yes_no.no",
            "'yes' also means 'yes'",
        ),
        (
            lambda d: d["anywhere"]["who"]["phrases"].pop("he"),
            "anywhere.who.phrases.he",
            "these phrases are missing",
        ),
        (state("day", answers="weekday"), "states.day", "a question has either 'slot' or 'answers'"),
    ],
)
def test_a_fault_is_told_with_its_path(change: Change, path: str, message: str) -> None:
    assert faults(change)[path] == message


def test_faults_of_shape_have_paths_too() -> None:
    found = faults(lambda data: data["states"]["day"].update(kind="dance"))
    assert any(path.startswith("states.day") for path in found)
    assert "states.day.ask.shout" in faults(state("day", shout=True))


def test_a_whole_text_in_every_language_is_demanded_only_of_its_languages() -> None:
    data = ready_made("appointment")
    data["languages"] = ["en"]
    assert Dialogue.model_validate(data).languages == ["en"]
