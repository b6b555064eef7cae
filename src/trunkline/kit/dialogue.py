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
from typing import Annotated, Literal, LiteralString

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
                type=PydanticCustomError(
                    code, "{fault}", {"fault": FAULTS[code].format(*names), "names": names}
                ),
                loc=path,
                input="",
            )
            for path, code, *names in _faults(self)
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
        return str(state.answers)


FAULTS: dict[LiteralString, str] = {
    "text_missing": "this text is missing",
    "unknown_name": "nothing is called {{{0}}}",
    "lone_brace": "a brace stands alone",
    "no_phrases": "no answer has phrases in {0!r}",
    "phrase_twice": "{0!r} also means {1!r}",
    "phrases_missing": "these phrases are missing",
    "no_state": "there is no state {0!r}",
    "no_answer_set": "there is no answer set {0!r}",
    "no_slot": "there is no slot {0!r}",
    "not_an_end": "this must be an 'end' state",
    "slot_or_answers": "a question has either 'slot' or 'answers'",
    "not_an_answer": "{0!r} is no answer here",
    "yes_and_no": "a confirmation needs the answers 'yes' and 'no'",
    "nothing_follows": "nothing follows {0!r}",
    "no_result": "nothing follows this result",
    "unconfirmed": "the slot {0!r} is never asked and confirmed",
    "unreachable": "nothing leads here",
    "circle": "this leads back here without asking anything",
}
"""What can be wrong with the whole, by code, and what is said of it: with the names that it is about."""

Fault = tuple[Path, LiteralString, *tuple[str, ...]]
"""Where, which, and the names that it is about."""


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
                yield (*path, language), "text_missing"
        for language, sentence in text.items():
            allowed: frozenset[str] | set[str] = BUILT_IN if path[0] == "variables" else known
            for name in placeholders(sentence):
                if name not in allowed:
                    yield (*path, language), "unknown_name", name
            if set("{}") & set(PLACEHOLDER.sub("", sentence)):
                yield (*path, language), "lone_brace"


def _languages_of_answers(dialogue: Dialogue) -> Iterator[Fault]:
    for name, meanings in dialogue.answers.items():
        for language in dialogue.languages:
            if not any(language in meaning.phrases for meaning in meanings.values()):
                yield ("answers", name), "no_phrases", language
            owners: dict[str, str] = {}
            for key, meaning in meanings.items():
                for phrase in meaning.phrases.get(language, ()):
                    if owners.setdefault(phrase, key) != key:
                        yield ("answers", name, key), "phrase_twice", phrase, owners[phrase]
    for name, anywhere in dialogue.anywhere.items():
        for language in dialogue.languages:
            if language not in anywhere.phrases:
                yield ("anywhere", name, "phrases", language), "phrases_missing"


def _references(dialogue: Dialogue) -> Iterator[Fault]:
    for path, name in _named_states(dialogue):
        if name not in dialogue.states:
            yield path, "no_state", name
    for name, slot in dialogue.slots.items():
        if slot.answers not in dialogue.answers:
            yield ("slots", name, "answers"), "no_answer_set", slot.answers
    if not isinstance(dialogue.states.get(dialogue.give_up), End | None):
        yield ("give_up",), "not_an_end"


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
            yield here, "slot_or_answers"
            continue
        if state.slot is not None and state.slot not in dialogue.slots:
            yield (*here, "slot"), "no_slot", state.slot
            continue
        meanings = dialogue.answers.get(dialogue.answer_set_of(state))
        if meanings is None:
            if not isinstance(state, Ask) or state.slot is None:
                yield (*here, "answers"), "no_answer_set", str(state.answers)
            continue
        for keys, meaning in state.keys.items():
            if meaning not in meanings:
                yield (*here, "keys", keys), "not_an_answer", meaning
        if isinstance(state, Confirm) and not {"yes", "no"} <= set(meanings):
            yield (*here, "answers"), "yes_and_no"
        if isinstance(state, Ask) and isinstance(state.next, dict):
            for meaning in meanings.keys() - state.next.keys():
                yield (*here, "next"), "nothing_follows", meaning
            for meaning in state.next.keys() - meanings.keys():
                yield (*here, "next", meaning), "not_an_answer", meaning


def _tools(dialogue: Dialogue) -> Iterator[Fault]:
    states = dialogue.states.values()
    confirmed = {state.slot for state in states if isinstance(state, Confirm)}
    asked = {state.slot for state in states if isinstance(state, Ask)}
    for name, state in dialogue.states.items():
        if not isinstance(state, Tool):
            continue
        for result in ("ok", "other"):
            if result not in state.results:
                yield ("states", name, "results", result), "no_result"
        for argument, template in state.arguments.items():
            for slot in placeholders(template):
                here = ("states", name, "arguments", argument)
                if slot not in dialogue.slots:
                    yield here, "no_slot", slot
                elif slot not in confirmed or slot not in asked:
                    yield here, "unconfirmed", slot


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
        yield ("states", name), "unreachable"


def _circles(dialogue: Dialogue) -> Iterator[Fault]:
    """Find states that lead to each other without ever letting the caller speak."""
    silent = {n: s for n, s in dialogue.states.items() if isinstance(s, Tell | Tool)}
    for name, state in silent.items():
        seen: set[str] = set()
        ahead = [target for _, target in follows(state)]
        while ahead:
            target = ahead.pop()
            if target == name:
                yield ("states", name), "circle"
                break
            if target in silent and target not in seen:
                seen.add(target)
                ahead += [after for _, after in follows(silent[target])]
