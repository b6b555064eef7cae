"""The scripted brain's engine: from one answer of the caller to the next question. Pure.

Owns the walk through a dialogue's states. It does no I/O and keeps nothing: each function takes
where the conversation stands and returns where it stands next, with the steps to perform.
A `CallTool` is always the last step; `tool_done` continues after it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from trunkline.kit.dialogue import Dialogue
from trunkline.kit.dialogue_parts import Ask, Confirm, End, Patience, Tell, Text, Tool
from trunkline.providers.ports import Grammar, HangUp, Heard, InputKind, Listen, Note, Say, ToolResult
from trunkline.providers.scripted.phrases import understand

_SENTENCE_END = re.compile(r"(?<=[.?!])\s+")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_ANYWHERE = "anywhere:"


@dataclass(frozen=True, slots=True)
class CallTool:
    """Call this tool now; nothing follows before its result is known."""

    name: str
    arguments: Mapping[str, str]


Step = Say | Listen | Note | HangUp | CallTool


@dataclass(frozen=True, slots=True)
class Script:
    """A dialogue as one call speaks it."""

    dialogue: Dialogue
    language: str
    variables: Mapping[str, str]
    greeting: str = ""
    """Takes the place of the dialogue's own opening."""
    disclosure: str = ""
    """Said before either."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where one conversation stands."""

    state: str = ""
    slots: Mapping[str, str] = field(default_factory=dict)
    confirmed: frozenset[str] = frozenset()
    denied: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Values that the caller said were misheard, left out of what is listened for."""
    misses: int = 0
    silences: int = 0
    answers: int = 0
    unheard: bool = False
    """The question was cut off before it could be understood."""
    over: bool = False


Outcome = tuple[Progress, tuple[Step, ...]]


def begin(script: Script) -> Outcome:
    """Open the conversation."""
    opening = script.greeting or _text(script, Progress(), script.dialogue.opening)
    progress, steps = _enter(script, Progress(), script.dialogue.start)
    return progress, (*_say(script.disclosure), *_say(opening), *steps)


def hear(script: Script, progress: Progress, heard: Heard) -> Outcome:
    """Answer the caller."""
    state = script.dialogue.states.get(progress.state)
    if progress.unheard and isinstance(state, Tool | End):
        return _again(script, progress, state, heard)
    if progress.over or not isinstance(state, Ask | Confirm):
        return progress, ()
    return _answer_of(script, progress, state, heard)


def _answer_of(script: Script, progress: Progress, state: Ask | Confirm, heard: Heard) -> Outcome:
    dialogue = script.dialogue
    answered = replace(progress, answers=progress.answers + 1, unheard=False)
    if answered.answers > dialogue.longest:
        return _enter(script, answered, dialogue.give_up)
    if heard.kind is InputKind.MACHINE:
        if dialogue.machine is None:
            return answered, _ask(script, answered)
        return _enter(script, answered, dialogue.machine)
    if heard.kind is InputKind.SILENCE:
        return _silence(script, answered, state)
    meaning = _meaning(script, progress, state, heard)
    if heard.confidence < dialogue.least_confidence and not _is_read_back(state, meaning):
        meaning = None
    return _follow(script, replace(answered, silences=0), state, meaning, counts=not progress.unheard)


def tool_done(script: Script, progress: Progress, result: ToolResult) -> Outcome:
    """Go on after a tool."""
    state = script.dialogue.states.get(progress.state)
    if progress.over or not isinstance(state, Tool):
        return progress, ()
    outcome = "ok" if result.ok else str(result.data.get("error", "other"))
    if outcome == "ok" and not result.ok:
        outcome = "other"
    return _enter(script, progress, state.results.get(outcome, state.results["other"]))


def interrupted(progress: Progress, *, question_heard: bool) -> Progress:
    """The caller cut in. An answer to a question they did not hear is not taken for its answer."""
    return progress if question_heard else replace(progress, unheard=True)


def news(script: Script, outcome: Outcome) -> tuple[Say, ...]:
    """Return what the steps after a tool tell before they come to the state that they lead to.

    That state's own words come again when the caller has not heard them; these would be lost.
    """
    progress, steps = outcome
    says = tuple(step for step in steps if isinstance(step, Say))
    return says[: len(says) - len(_say(_text(script, progress, script.dialogue.states[progress.state].say)))]


def _again(script: Script, progress: Progress, state: Tool | End, heard: Heard) -> Outcome:
    """The caller spoke before a tool was used, or before they were told the end: honour what holds anywhere,
    or else take that step again."""
    dialogue = script.dialogue
    meaning = _meaning(script, progress, state, heard)
    progress = replace(progress, answers=progress.answers + 1, unheard=False, over=False)
    said: tuple[Say, ...] = ()
    if meaning is not None:
        name = meaning.removeprefix(_ANYWHERE)
        if dialogue.anywhere[name].next is not None:
            return _anywhere(script, progress, name)
        said = _say(_text(script, progress, dialogue.anywhere[name].say))
    if isinstance(state, End):
        told = _say(_text(script, progress, state.say))
        return replace(progress, over=True), (*said, *told, HangUp(state.reason))
    is_long = progress.answers > dialogue.longest
    progress, steps = _enter(script, progress, dialogue.give_up if is_long else progress.state)
    return progress, (*said, *steps)


# --- What the caller's answer means ------------------------------------------------------


def _meaning(
    script: Script, progress: Progress, state: Ask | Confirm | Tool | End, heard: Heard
) -> str | None:
    asking = None if progress.unheard or isinstance(state, Tool | End) else state
    if heard.kind is InputKind.DIGITS:
        return asking.keys.get(heard.text) if asking else None
    expected = [
        (phrase, f"{_ANYWHERE}{name}")
        for name, anywhere in script.dialogue.anywhere.items()
        if anywhere.first_answers is None or progress.answers < anywhere.first_answers
        for phrase in anywhere.phrases[script.language]
    ]
    if asking:
        expected += _phrases(script, progress, asking)
    return understand(heard.text, expected)


def _is_read_back(state: Ask | Confirm, meaning: str | None) -> bool:
    """Tell whether the caller will be asked if this is what they said."""
    return isinstance(state, Ask) and state.slot is not None and not (meaning or "").startswith(_ANYWHERE)


def _phrases(script: Script, progress: Progress, state: Ask | Confirm) -> list[tuple[str, str]]:
    """Return (phrase, meaning) of what is expected here, without what was denied."""
    meanings = script.dialogue.answers_of(state)
    denied = progress.denied.get(state.slot or "", frozenset()) if isinstance(state, Ask) else frozenset()
    left = {name: meaning for name, meaning in meanings.items() if name not in denied}
    return [
        (phrase, name)
        for name, meaning in (left or meanings).items()
        for phrase in meaning.phrases.get(script.language, ())
    ]


def _listen(script: Script, progress: Progress, state: Ask | Confirm) -> Listen:
    phrases = [phrase for phrase, _ in _phrases(script, progress, state)]
    for anywhere in script.dialogue.anywhere.values():
        if anywhere.hinted:
            phrases += anywhere.phrases[script.language]
    return Listen(Grammar(tuple(dict.fromkeys(phrases))), max(map(len, state.keys), default=0))


# --- What follows an answer --------------------------------------------------------------


def _follow(
    script: Script, progress: Progress, state: Ask | Confirm, meaning: str | None, *, counts: bool
) -> Outcome:
    if meaning is None:
        return _missed(script, progress, state, counts=counts)
    if meaning.startswith(_ANYWHERE):
        return _anywhere(script, progress, meaning.removeprefix(_ANYWHERE))
    return _answered(script, replace(progress, misses=0), state, meaning)


def _answered(script: Script, progress: Progress, state: Ask | Confirm, meaning: str) -> Outcome:
    if isinstance(state, Confirm):
        if meaning == "yes":
            denied = {slot: values for slot, values in progress.denied.items() if slot != state.slot}
            progress = replace(progress, confirmed=progress.confirmed | {state.slot}, denied=denied)
            return _enter(script, progress, state.yes)
        if meaning == "no":
            return _enter(script, _deny(progress, state.slot), state.no)
        return _missed(script, progress, state, counts=True)
    if state.slot is not None:
        progress = replace(
            progress,
            slots={**progress.slots, state.slot: meaning},
            confirmed=progress.confirmed - {state.slot},
        )
    return _enter(script, progress, state.next if isinstance(state.next, str) else state.next[meaning])


def _deny(progress: Progress, slot: str) -> Progress:
    slots = dict(progress.slots)
    value = slots.pop(slot, None)
    denied = dict(progress.denied)
    if value is not None:
        denied[slot] = denied.get(slot, frozenset()) | {value}
    return replace(progress, slots=slots, confirmed=progress.confirmed - {slot}, denied=denied)


def _anywhere(script: Script, progress: Progress, name: str) -> Outcome:
    anywhere = script.dialogue.anywhere[name]
    said = _say(_text(script, progress, anywhere.say))
    if anywhere.next is None:
        return progress, (*said, *_ask(script, progress))
    progress, steps = _enter(script, progress, anywhere.next)
    return progress, (*said, *steps)


def _missed(script: Script, progress: Progress, state: Ask | Confirm, *, counts: bool) -> Outcome:
    patience = _patience(script, state)
    misses = progress.misses + counts
    if misses >= patience.tries:
        return _enter(script, progress, patience.next)
    progress = replace(progress, misses=misses)
    if not counts:
        return progress, _ask(script, progress)
    hint = _say(_text(script, progress, state.hint)) if misses > 1 else ()
    unclear = _say(_text(script, progress, patience.unclear))
    return progress, (*unclear, *hint, *_ask(script, progress))


def _silence(script: Script, progress: Progress, state: Ask | Confirm) -> Outcome:
    patience = _patience(script, state)
    progress = replace(progress, silences=progress.silences + 1)
    if progress.silences > patience.silences:
        return _enter(script, progress, patience.silence_next)
    return progress, (*_say(_text(script, progress, patience.silence)), *_ask(script, progress))


def _patience(script: Script, state: Ask | Confirm) -> Patience:
    return state.patience or script.dialogue.patience


def _ask(script: Script, progress: Progress) -> tuple[Step, ...]:
    """Put the question of the present state again."""
    state = script.dialogue.states[progress.state]
    if not isinstance(state, Ask | Confirm):
        return ()
    return (*_say(_text(script, progress, state.say)), _listen(script, progress, state))


# --- Entering states ---------------------------------------------------------------------


def _enter(script: Script, progress: Progress, name: str) -> Outcome:
    """Walk on until the caller must speak, a tool must work, or the call is over."""
    dialogue = script.dialogue
    steps: tuple[Step, ...] = ()
    for hop in range(2 * len(dialogue.states) + 2):
        if hop > 2 * len(dialogue.states):
            name = dialogue.give_up
        state = dialogue.states[name]
        detour = _detour(dialogue, progress, state)
        if detour is not None and hop <= 2 * len(dialogue.states):
            name = detour
            continue
        progress = replace(progress, state=name, misses=0)
        steps += tuple(Note(key, value) for key, value in state.notes.items())
        match state:
            case Ask() | Confirm():
                return progress, (*steps, *_ask(script, progress))
            case Tool():
                arguments = {
                    key: _fill(template, progress.slots) for key, template in state.arguments.items()
                }
                said = _say(_text(script, progress, state.say))
                return progress, (*steps, *said, CallTool(state.tool, arguments))
            case End():
                ended = replace(progress, over=True)
                return ended, (*steps, *_say(_text(script, progress, state.say)), HangUp(state.reason))
            case Tell():
                steps += _say(_text(script, progress, state.say))
                name = state.next
    raise AssertionError("give_up is an end state")


def _detour(dialogue: Dialogue, progress: Progress, state: Ask | Confirm | Tool | Tell | End) -> str | None:
    """Return where to go first: nothing unknown is read back, and no tool gets what is not confirmed."""
    if isinstance(state, Confirm) and state.slot not in progress.slots:
        return state.no
    if not isinstance(state, Tool):
        return None
    needed = {slot for template in state.arguments.values() for slot in _PLACEHOLDER.findall(template)}
    missing = needed - progress.confirmed
    asking = (name for name, s in dialogue.states.items() if isinstance(s, Ask) and s.slot in missing)
    return next(asking, None)


# --- Texts -------------------------------------------------------------------------------


def _text(script: Script, progress: Progress, text: Text | None) -> str:
    """Return a text in the call's language with its names filled in."""
    if text is None:
        return ""
    dialogue = script.dialogue
    values = {name: default[script.language] for name, default in dialogue.variables.items()}
    values.update({name: value for name, value in script.variables.items() if value.strip()})
    values = {name: _fill(value, script.variables) for name, value in values.items()}
    for slot, value in progress.slots.items():
        meaning = dialogue.answers[dialogue.slots[slot].answers][value]
        first_phrase = next(iter(meaning.phrases.get(script.language, ())), value)
        values[slot] = meaning.spoken.get(script.language, first_phrase)
    return _fill(text[script.language], values)


def _fill(template: str, values: Mapping[str, Any]) -> str:
    return _PLACEHOLDER.sub(lambda found: str(values.get(found[1], "")), template)


def _say(text: str) -> tuple[Say, ...]:
    """Return a text as the sentences it has; none for an empty one."""
    return tuple(Say(sentence) for sentence in _SENTENCE_END.split(text.strip()) if _speakable(sentence))


def _speakable(sentence: str) -> bool:
    return any(character.isalnum() for character in sentence)
