"""The parts a dialogue is written in: texts, answers, slots and the kinds of states.

Owns their shapes, each valid in itself. What holds them together is checked in `dialogue`.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
"""What states, slots, answer sets and variables are called."""
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1_000)]
Phrase = Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, min_length=1, max_length=100)]
Text = dict[Language, Sentence]
"""One text per language; a dialogue's texts have all of its languages."""
Phrases = dict[Language, Annotated[list[Phrase], Field(min_length=1)]]
Keys = dict[Annotated[str, StringConstraints(pattern=r"^[0-9]{1,16}$")], str]
"""What is typed on the keypad, and the meaning it has."""

BUILT_IN = frozenset({"business_name"})
"""Variables that every dialogue has."""
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


class Part(BaseModel):
    """Unknown fields are faults, and a read dialogue does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Meaning(Part):
    """One thing the caller may mean. Without phrases in a language it can only be keyed there."""

    phrases: Phrases = {}
    spoken: dict[Language, Sentence] = {}
    """How the agent says it back; the first phrase where it is not given."""


class Slot(Part):
    """Something to be found out."""

    answers: Name
    """The answer set whose meanings are its values."""


class Patience(Part):
    """What happens when nothing was understood or nothing was said."""

    tries: int = Field(default=3, ge=1, le=10)
    """Unintelligible answers to one question before `next`."""
    unclear: Text
    """Said before the question is asked again."""
    next: Name
    silences: int = Field(default=2, ge=1, le=10)
    """Silences in a row before `silence_next`."""
    silence: Text
    silence_next: Name


class Anywhere(Part):
    """An answer that is understood at every question, such as "don't call me again"."""

    phrases: Phrases
    say: Text | None = None
    next: Name | None = None
    """None asks the same question again, after `say`."""
    first_answers: int | None = Field(default=None, ge=1)
    """Honoured only within so many answers from the start."""
    hinted: bool = True
    """False keeps the phrases from recognisers that hear nothing but what they are told to expect."""


class StateBase(Part):
    """What every kind of state has."""

    notes: dict[Name, Sentence] = {}
    """Facts for the call's record, noted on entry; `disposition` is the outcome."""


class Ask(StateBase):
    """Ask one thing. Either `slot` is filled, or `answers` only decides what follows."""

    kind: Literal["ask"]
    say: Text
    slot: Name | None = None
    answers: Name | None = None
    next: Name | dict[str, Name]
    """What follows: one state, or one for each meaning."""
    keys: Keys = {}
    hint: Text | None = None
    """Said from the second try on, before the question; as a rule about the keypad."""
    patience: Patience | None = None


class Confirm(StateBase):
    """Read a slot back. Yes confirms it; no empties it and leaves that value out when it is asked again."""

    kind: Literal["confirm"]
    slot: Name
    say: Text
    answers: Name = "yes_no"
    """An answer set with the meanings `yes` and `no`."""
    yes: Name
    no: Name
    keys: Keys = {}
    hint: Text | None = None
    patience: Patience | None = None


class Tool(StateBase):
    """Call a tool. Arguments are texts in which `{slot}` stands for the slot's value, confirmed by then."""

    kind: Literal["tool"]
    tool: Name
    arguments: dict[Name, str] = {}
    say: Text | None = None
    """Said while it works."""
    results: dict[Name, Name]
    """What follows: by `ok`, by the name of an error, and by `other` for all else."""


class Tell(StateBase):
    """Say something and go on."""

    kind: Literal["tell"]
    say: Text
    next: Name


class End(StateBase):
    """Say goodbye and hang up."""

    kind: Literal["end"]
    say: Text
    reason: Name = "done"


State = Annotated[Ask | Confirm | Tool | Tell | End, Field(discriminator="kind")]


Path = tuple[str, ...]
"""Where in a dialogue something stands."""


def placeholders(text: str) -> list[str]:
    """Return the names that a text mentions."""
    return PLACEHOLDER.findall(text)


def follows(state: Ask | Confirm | Tool | Tell | End) -> list[tuple[Path, str]]:
    """Return every state that a state can lead to, with the place where it says so."""
    match state:
        case Ask(next=str(name)) | Tell(next=name):
            return [(("next",), name)]
        case Ask(next=dict(by_meaning)):
            return [(("next", meaning), name) for meaning, name in by_meaning.items()]
        case Confirm():
            return [(("yes",), state.yes), (("no",), state.no)]
        case Tool():
            return [(("results", result), name) for result, name in state.results.items()]
        case _:
            return []
