"""The declarative dialogue: a conversation that people write down as data, and that needs no AI account.

Owns the whole and its soundness: what is asked, what may be answered, what follows, which tool
is called with which confirmed answers. `Dialogue.model_json_schema()` publishes it.
Refuses to know how it is performed: that is the scripted brain's engine.

A dialogue is states by name. It begins in `start`; each state says something and names what
follows. Texts and phrases are given per language; `{name}` in a text stands for a variable, for
`business_name`, or for a slot, which is spoken as its meaning's `spoken` form.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from trunkline.kit.dialogue_parts import (
    BUILT_IN,
    PLACEHOLDER,
    Anywhere,
    Ask,
    Confirm,
    End,
    Language,
    Meaning,
    Name,
    Part,
    Path,
    Patience,
    Slot,
    State,
    Tell,
    Text,
    Tool,
    follows,
    placeholders,
)


class Dialogue(Part):
    """A whole conversation. Validation reports every fault with its path."""

    version: Literal[1] = 1
    languages: Annotated[list[Language], Field(min_length=1)]
    variables: dict[Name, Text] = Field(default_factory=dict)
    """What texts may mention besides slots, with the value for calls that bring none."""
    opening: Text | None = None
    """Said first, unless the agent has a greeting of its own."""
    start: Name
    answers: dict[Name, dict[str, Meaning]]
    """Named sets of what may be answered: meaning by meaning."""
    slots: dict[Name, Slot] = Field(default_factory=dict)
    anywhere: dict[Name, Anywhere] = Field(default_factory=dict)
    patience: Patience
    least_confidence: float = Field(default=0.0, ge=0.0, le=1.0)
    """Speech less certain than this counts as not understood, except where it will be read back."""
    machine: Name | None = None
    """Where to go when a machine has answered; None takes no notice."""
    longest: int = Field(default=40, ge=2, le=500)
    """Answers of the caller before `give_up`."""
    give_up: Name
    """An `end` state for conversations that lead nowhere."""
    states: dict[Name, State]

    @model_validator(mode="after")
    def _hold_together(self) -> Dialogue:
        faults = [
            InitErrorDetails(
                type=PydanticCustomError("dialogue", "{fault}", {"fault": fault}), loc=path, input=""
            )
            for path, fault in _faults(self)
        ]
        if faults:
            raise ValidationError.from_exception_data("Dialogue", faults)
        return self

    def answers_of(self, state: Ask | Confirm) -> dict[str, Meaning]:
        """Return what may be answered in a state."""
        return self.answers[self.answer_set_of(state)]

    def answer_set_of(self, state: Ask | Confirm) -> str:
        if isinstance(state, Ask) and state.slot is not None:
            return self.slots[state.slot].answers
        return state.answers or ""


Fault = tuple[Path, str]


def _faults(dialogue: Dialogue) -> list[Fault]:
    faults = [*_texts(dialogue), *_languages_of_answers(dialogue), *_references(dialogue)]
    faults += _questions(dialogue)
    if faults:
        # What follows would only repeat these: a name spelt wrongly makes half the states unreachable.
        return faults
    return [*_tools(dialogue), *_reach(dialogue), *_circles(dialogue)]


def _all_texts(dialogue: Dialogue) -> Iterator[tuple[Path, Text]]:
    for name, text in dialogue.variables.items():
        yield ("variables", name), text
    if dialogue.opening is not None:
        yield ("opening",), dialogue.opening
    for name, anywhere in dialogue.anywhere.items():
        if anywhere.say is not None:
            yield ("anywhere", name, "say"), anywhere.say
    patiences: list[tuple[Path, Patience | None]] = [(("patience",), dialogue.patience)]
    for name, state in dialogue.states.items():
        if state.say is not None:
            yield ("states", name, "say"), state.say
        if isinstance(state, Ask | Confirm):
            patiences.append((("states", name, "patience"), state.patience))
            if state.hint is not None:
                yield ("states", name, "hint"), state.hint
    for path, patience in patiences:
        if patience is not None:
            yield (*path, "unclear"), patience.unclear
            yield (*path, "silence"), patience.silence


def _texts(dialogue: Dialogue) -> Iterator[Fault]:
    known = BUILT_IN | set(dialogue.variables) | set(dialogue.slots)
    for path, text in _all_texts(dialogue):
        for language in dialogue.languages:
            if language not in text:
                yield (*path, language), "this text is missing"
        for language, sentence in text.items():
            allowed: frozenset[str] | set[str] = BUILT_IN if path[0] == "variables" else known
            for name in placeholders(sentence):
                if name not in allowed:
                    yield (*path, language), f"nothing is called {{{name}}}"
            if set("{}") & set(PLACEHOLDER.sub("", sentence)):
                yield (*path, language), "a brace stands alone"


def _languages_of_answers(dialogue: Dialogue) -> Iterator[Fault]:
    for name, meanings in dialogue.answers.items():
        for language in dialogue.languages:
            if not any(language in meaning.phrases for meaning in meanings.values()):
                yield ("answers", name), f"no answer has phrases in {language!r}"
            owners: dict[str, str] = {}
            for key, meaning in meanings.items():
                for phrase in meaning.phrases.get(language, ()):
                    if owners.setdefault(phrase, key) != key:
                        yield ("answers", name, key), f"{phrase!r} also means {owners[phrase]!r}"
    for name, anywhere in dialogue.anywhere.items():
        for language in dialogue.languages:
            if language not in anywhere.phrases:
                yield ("anywhere", name, "phrases", language), "these phrases are missing"


def _references(dialogue: Dialogue) -> Iterator[Fault]:
    for path, name in _named_states(dialogue):
        if name not in dialogue.states:
            yield path, f"there is no state {name!r}"
    for name, slot in dialogue.slots.items():
        if slot.answers not in dialogue.answers:
            yield ("slots", name, "answers"), f"there is no answer set {slot.answers!r}"
    if not isinstance(dialogue.states.get(dialogue.give_up), End | None):
        yield ("give_up",), "this must be an 'end' state"


def _named_states(dialogue: Dialogue) -> Iterator[tuple[Path, str]]:
    yield ("start",), dialogue.start
    yield ("give_up",), dialogue.give_up
    if dialogue.machine is not None:
        yield ("machine",), dialogue.machine
    yield ("patience", "next"), dialogue.patience.next
    yield ("patience", "silence_next"), dialogue.patience.silence_next
    for name, anywhere in dialogue.anywhere.items():
        if anywhere.next is not None:
            yield ("anywhere", name, "next"), anywhere.next
    for name, state in dialogue.states.items():
        for path, target in follows(state):
            yield ("states", name, *path), target
        if isinstance(state, Ask | Confirm) and state.patience is not None:
            yield ("states", name, "patience", "next"), state.patience.next
            yield ("states", name, "patience", "silence_next"), state.patience.silence_next


def _questions(dialogue: Dialogue) -> Iterator[Fault]:
    for name, state in dialogue.states.items():
        here = ("states", name)
        if not isinstance(state, Ask | Confirm):
            continue
        if isinstance(state, Ask) and (state.slot is None) == (state.answers is None):
            yield here, "a question has either 'slot' or 'answers'"
            continue
        if state.slot is not None and state.slot not in dialogue.slots:
            yield (*here, "slot"), f"there is no slot {state.slot!r}"
            continue
        meanings = dialogue.answers.get(dialogue.answer_set_of(state))
        if meanings is None:
            if not isinstance(state, Ask) or state.slot is None:
                yield (*here, "answers"), f"there is no answer set {state.answers!r}"
            continue
        for keys, meaning in state.keys.items():
            if meaning not in meanings:
                yield (*here, "keys", keys), f"{meaning!r} is no answer here"
        if isinstance(state, Confirm) and not {"yes", "no"} <= set(meanings):
            yield (*here, "answers"), "a confirmation needs the answers 'yes' and 'no'"
        if isinstance(state, Ask) and isinstance(state.next, dict):
            for meaning in meanings.keys() - state.next.keys():
                yield (*here, "next"), f"nothing follows {meaning!r}"
            for meaning in state.next.keys() - meanings.keys():
                yield (*here, "next", meaning), f"{meaning!r} is no answer here"


def _tools(dialogue: Dialogue) -> Iterator[Fault]:
    states = dialogue.states.values()
    confirmed = {state.slot for state in states if isinstance(state, Confirm)}
    asked = {state.slot for state in states if isinstance(state, Ask)}
    for name, state in dialogue.states.items():
        if not isinstance(state, Tool):
            continue
        for result in ("ok", "other"):
            if result not in state.results:
                yield ("states", name, "results", result), "nothing follows this result"
        for argument, template in state.arguments.items():
            for slot in placeholders(template):
                here = ("states", name, "arguments", argument)
                if slot not in dialogue.slots:
                    yield here, f"there is no slot {slot!r}"
                elif slot not in confirmed or slot not in asked:
                    yield here, f"the slot {slot!r} is never asked and confirmed"


def _reach(dialogue: Dialogue) -> Iterator[Fault]:
    reached: set[str] = set()
    ahead = [name for path, name in _named_states(dialogue) if path[0] != "states"]
    while ahead:
        name = ahead.pop()
        state = dialogue.states.get(name)
        if name in reached or state is None:
            continue
        reached.add(name)
        ahead += [target for _, target in follows(state)]
        if isinstance(state, Ask | Confirm) and state.patience is not None:
            ahead += [state.patience.next, state.patience.silence_next]
    for name in dialogue.states.keys() - reached:
        yield ("states", name), "nothing leads here"


def _circles(dialogue: Dialogue) -> Iterator[Fault]:
    """Find states that lead to each other without ever letting the caller speak."""
    silent = {n: s for n, s in dialogue.states.items() if isinstance(s, Tell | Tool)}
    for name, state in silent.items():
        seen: set[str] = set()
        ahead = [target for _, target in follows(state)]
        while ahead:
            target = ahead.pop()
            if target == name:
                yield ("states", name), "this leads back here without asking anything"
                break
            if target in silent and target not in seen:
                seen.add(target)
                ahead += [after for _, after in follows(silent[target])]
