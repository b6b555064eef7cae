"""The scripted dialogue in writing: one step of the same engine for each message that came in.

Owns how its progress is kept between two messages. It needs no model, no key and no network.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trunkline.kit.dialogue_parts import Ask, Confirm
from trunkline.providers.ports import CannotWrite, ChatBrief, Heard, InputKind, Note, Reply, Say, UseTool
from trunkline.providers.scripted import engine
from trunkline.providers.scripted.brain import script_of

HAND_OVER = "hand_over_to_person"
_TO_A_PERSON = frozenset({"transfer_call", "warm_transfer"})
"""What a dialogue does with a call for which in writing a person is called."""
_LOST = "not_understood"
"""The disposition that a dialogue notes when it gives up."""


class ScriptedWriter:
    """Answers by the dialogue in the brief."""

    def reply(self, brief: ChatBrief, tools: UseTool) -> Reply:
        """Take what is unanswered for one answer. Raises CannotWrite without a sound dialogue."""
        try:
            script = script_of(
                brief.script, brief.language, brief.business_name, brief.variables,
                greeting=brief.filled(brief.greeting),
            )  # fmt: skip
        except ValueError as error:
            raise CannotWrite(str(error)) from error
        progress = None if brief.progress is None else _read(brief.progress)
        said: list[str] = []
        is_lost = False
        if progress is None or progress.over:
            # Whoever writes first, or anew, is greeted; the question that they are asked they have not heard.
            outcome = engine.begin(script)
        else:
            outcome = engine.hear(script, progress, _heard(script, progress, "\n".join(brief.unanswered)))
        while True:
            progress, steps = outcome
            said += [step.text for step in steps if isinstance(step, Say)]
            is_lost = is_lost or any(
                isinstance(step, Note) and (step.name, step.value) == ("disposition", _LOST) for step in steps
            )
            call = next((step for step in steps if isinstance(step, engine.CallTool)), None)
            if call is None:
                return Reply(" ".join(said)[: brief.longest], progress=_kept(progress), at_a_loss=is_lost)
            name = HAND_OVER if call.name in _TO_A_PERSON else call.name
            result = tools(name, {"reason": "asked"} if name == HAND_OVER else call.arguments)
            if result.ok and name in brief.last_words:
                return Reply("")
            outcome = engine.tool_done(script, progress, result)


def _heard(script: engine.Script, progress: engine.Progress, text: str) -> Heard:
    """What is typed may be a key of the question, as on a telephone; else it is words."""
    state = script.dialogue.states.get(progress.state)
    typed = text.strip()
    if isinstance(state, Ask | Confirm) and typed in state.keys:
        return Heard(InputKind.DIGITS, typed)
    return Heard(InputKind.SPEECH, text)


def _kept(progress: engine.Progress) -> dict[str, Any]:
    return {
        "state": progress.state, "slots": dict(progress.slots), "confirmed": sorted(progress.confirmed),
        "denied": {slot: sorted(values) for slot, values in progress.denied.items()},
        "misses": progress.misses, "silences": progress.silences, "answers": progress.answers,
        "over": progress.over,
    }  # fmt: skip


def _read(kept: Mapping[str, Any]) -> engine.Progress:
    return engine.Progress(
        state=kept["state"], slots=kept["slots"], confirmed=frozenset(kept["confirmed"]),
        denied={slot: frozenset(values) for slot, values in kept["denied"].items()},
        misses=kept["misses"], silences=kept["silences"], answers=kept["answers"], over=kept["over"],
    )  # fmt: skip
