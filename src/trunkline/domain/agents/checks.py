"""What cannot work of an agent, and what would not work here as things are.

Faults keep an agent from being saved and tell their place; warnings do not. Each bears a code, for pages in
every language, and a sentence. Reads the registry; writes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as default
from typing import Any

from pydantic import ValidationError

from trunkline.core import registry, toolbox
from trunkline.core.errors import InvalidInput
from trunkline.domain.agents.models import Agent
from trunkline.domain.agents.rules import FILLED_IN, OF_LEADS, TOLD_AT_MOST
from trunkline.domain.agents.schemas import VoiceOptions
from trunkline.domain.tenants import service as tenants
from trunkline.domain.tenants.extensions import resolve
from trunkline.domain.tenants.models import Business
from trunkline.domain.tenants.service import LANGUAGES
from trunkline.kit.dialogue import Dialogue
from trunkline.kit.dialogue_parts import PLACEHOLDER

SCRIPTED = "scripted"
"""The brain that follows a written dialogue and needs no AI account."""

TRANSFERS = frozenset({"transfer_call", "warm_transfer"})
"""Tools that need somebody whom calls may be handed to."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that keeps an agent from being saved."""

    path: str
    """Names joined by dots, from the agent's field on: `script.states.day.say.en`."""
    code: str
    fault: str
    names: list[str] = default(default_factory=list)
    """What it is about."""


@dataclass(frozen=True, slots=True)
class Warning:  # noqa: A001 - of agents; the builtin is not used here
    """One thing that would not work, though the agent is kept."""

    code: str
    field: str
    """The agent's field that it belongs to."""
    message: str
    names: list[str] = default(default_factory=list)


def faults_of(agent: Agent, business: Business) -> list[Fault]:
    """Return everything that keeps an agent from being saved."""
    return [*_own_faults(agent), *_of_targets(agent, business)]


def check(agent: Agent) -> None:
    """Raise InvalidInput where an agent cannot work; its message is the first fault, `faults` has all.

    Whom it may hand calls to is not looked at: a list that stands may name who has left.
    """
    faults = _own_faults(agent)
    if faults:
        first = faults[0]
        message = (
            f"The script cannot be followed: {first.fault}."
            if first.path.startswith("script.")
            else first.fault
        )
        raise InvalidInput(message, faults=[_shown(fault) for fault in faults], reason="agent_faults")


def targets_of(agent: Agent, business: Business) -> list[str]:
    """Return whom the agent may hand calls to, as extensions and E.164. Raises InvalidInput."""
    targets = [resolve(text, business.extensions, region=business.region) for text in agent.transfer_to]
    for target in targets:
        tenants.check_transfer(business, target.number, target.label, refusal=InvalidInput)
    return list(dict.fromkeys(target.extension or target.number for target in targets))


def voice_of(agent: Agent) -> dict[str, Any]:
    """Return how an agent sounds, as far as it says so. Raises ValidationError."""
    return VoiceOptions.model_validate(agent.voice).model_dump(exclude_none=True)


def warnings_of(
    agent: Agent, business: Business, *, own_keys: Collection[str], knowledge: int = 0
) -> list[Warning]:
    """Return why this agent would not work here as things are. It is kept all the same.

    `own_keys` names the providers at which the business has a key, `knowledge` is how many characters of it
    there are for the agent.
    """
    return [
        *_of_greeting(agent),
        *_of_hearing(agent, own_keys),
        *_of_lost(agent, own_keys),
        *_of_tools(agent, business),
        *_of_knowledge(agent, knowledge),
    ]


# --- Faults -------------------------------------------------------------------------------


def _shown(fault: Fault) -> dict[str, Any]:
    return {"path": fault.path, "code": fault.code, "fault": fault.fault, "names": fault.names}


def _own_faults(agent: Agent) -> list[Fault]:
    return [*_of_voice(agent), *_of_names(agent), *_of_brain(agent)]


def _of_voice(agent: Agent) -> Iterator[Fault]:
    try:
        voice = voice_of(agent)
    except ValidationError as error:
        yield from _read("voice", error)
        return
    if voice.get("language", agent.language).partition("-")[0] != agent.language:
        spoken = voice["language"]
        yield Fault(
            "voice.language", "voice_language",
            f"A voice for {spoken!r} cannot speak {agent.language!r}.", [spoken, agent.language],
        )  # fmt: skip
    speakers = registry.voice_names()
    for name in sorted({voice.get("provider"), *voice.get("names", {})} - {None, *speakers}):
        yield Fault(
            "voice.provider", "no_voice", f"{name!r} does not speak here; {', '.join(speakers)} does.", [name]
        )


def _of_names(agent: Agent) -> Iterator[Fault]:
    if agent.language not in LANGUAGES:
        yield Fault(
            "language", "no_language",
            f"{agent.language!r} is not a language we speak; we speak {', '.join(LANGUAGES)}.",
            [agent.language],
        )  # fmt: skip
    # Whether the business has the key that a brain wants is for its warnings: keys come and go.
    if agent.brain not in registry.brain_names() and registry.provider_wanted(agent.brain) is None:
        yield Fault(
            "brain", "no_brain",
            f"There is no brain {agent.brain!r} here; there is {', '.join(registry.brain_names())}.",
            [agent.brain],
        )  # fmt: skip
    for name in sorted(set(agent.tools) - set(toolbox.tool_names())):
        yield Fault("tools", "no_tool", f"There is no tool {name!r}.", [name])


def _of_targets(agent: Agent, business: Business) -> Iterator[Fault]:
    try:
        targets_of(agent, business)
    except InvalidInput as error:
        yield Fault("transfer_to", "no_target", error.message)


def _of_brain(agent: Agent) -> Iterator[Fault]:
    if agent.brain != SCRIPTED:
        if not agent.instructions.strip():
            yield Fault("instructions", "no_instructions", "An agent that a model drives needs instructions.")
        return
    if agent.script is None:
        yield Fault("script", "no_script", "A scripted agent needs a script.")
        return
    try:
        dialogue = Dialogue.model_validate(agent.script)
    except ValidationError as error:
        yield from _read("script", error)
        return
    if agent.language not in dialogue.languages:
        yield Fault(
            "script.languages", "script_language",
            f"The script has no texts in the agent's language, {agent.language!r}", [agent.language],
        )  # fmt: skip


_KINDS = frozenset({"ask", "confirm", "tool", "tell", "end"})


def _read(field: str, error: ValidationError) -> Iterator[Fault]:
    for fault in error.errors(include_url=False, include_input=False):
        path = [str(part) for part in fault["loc"]]
        if path[:1] == ["states"] and path[2:3] and path[2] in _KINDS:
            del path[2]  # pydantic's, not the script's: it says as which kind the state was read
        names = fault.get("ctx", {}).get("names", [])
        yield Fault(".".join([field, *path]), fault["type"], fault["msg"], names)


# --- Warnings -----------------------------------------------------------------------------


def _of_greeting(agent: Agent) -> Iterator[Warning]:
    for name in dict.fromkeys(PLACEHOLDER.findall(agent.greeting)):
        # A business's own fields are leads', who are not known of here.
        if name not in FILLED_IN and not name.startswith(OF_LEADS):
            known = ", ".join(f"{{{one}}}" for one in FILLED_IN)
            yield Warning(
                "no_such_name", "greeting",
                f"{{{name}}} would be spoken as it stands: only {known} are filled in.", [name, known],
            )  # fmt: skip


def _of_hearing(agent: Agent, own_keys: Collection[str]) -> Iterator[Warning]:
    if "deepgram" in own_keys:
        return  # it hears for the business whatever the installation has
    if registry.is_deaf(agent.brain):
        yield Warning(
            "deaf", "brain",
            f"{agent.brain!r} would hear nothing of callers but their keys: local speech-to-text makes out "
            "the words of written dialogues alone. Set SPEECH_TO_TEXT to another.",
            [agent.brain],
        )  # fmt: skip
    elif agent.brain == SCRIPTED and agent.language != "en" and not registry.hears_anything():
        yield Warning(
            "language_not_heard", "language",
            f"Callers could answer by keys alone: local speech-to-text hears English, not "
            f"{agent.language!r}. Set SPEECH_TO_TEXT to another.",
            [agent.language],
        )  # fmt: skip


def _of_lost(agent: Agent, own_keys: Collection[str]) -> Iterator[Warning]:
    """What was there when the agent was saved."""
    wanted = registry.provider_wanted(agent.brain)
    if wanted is not None and wanted not in own_keys:
        yield Warning(
            "no_key", "brain",
            f"{agent.brain!r} needs a key of the business's own at {wanted}; calls cannot be held.",
            [agent.brain, wanted],
        )  # fmt: skip
    elif agent.brain not in registry.brain_names(own_keys=own_keys):
        yield Warning(
            "no_brain", "brain", f"There is no brain {agent.brain!r} here any more; calls cannot be held.",
            [agent.brain],
        )  # fmt: skip
    provider = agent.voice.get("provider")
    if provider is not None and provider not in registry.voice_names():
        yield Warning(
            "no_voice",
            "voice",
            f"{provider!r} does not speak here any more; the usual voice does.",
            [provider],
        )


def _of_tools(agent: Agent, business: Business) -> Iterator[Warning]:
    for text in agent.transfer_to:
        try:
            resolve(text, business.extensions, region=business.region)
        except InvalidInput:
            yield Warning(
                "colleague_gone", "transfer_to",
                f"{text!r} is no extension of the business any more; calls cannot be handed there.", [text],
            )  # fmt: skip
    if agent.brain != SCRIPTED:
        return
    used = _tools_used(agent.script or {})
    if used & TRANSFERS and not agent.transfer_to:
        yield Warning(
            "nobody_to_transfer_to", "transfer_to",
            "The script hands calls over, and the agent may hand them to nobody.",
        )  # fmt: skip
    for name in sorted(used - toolbox.built_in_names() - set(agent.tools)):
        yield Warning(
            "tool_not_given",
            "tools",
            f"The script uses {name!r}, which the agent has not been given.",
            [name],
        )


def _tools_used(script: Mapping[str, Any]) -> set[str]:
    return {state["tool"] for state in script.get("states", {}).values() if state.get("kind") == "tool"}


def _of_knowledge(agent: Agent, characters: int) -> Iterator[Warning]:
    if agent.brain != SCRIPTED and characters > TOLD_AT_MOST:
        yield Warning(
            "knowledge_cut", "knowledge",
            f"There are {characters} characters of knowledge; {TOLD_AT_MOST} are told at the beginning of a "
            "call, the agent's own texts first.",
            [str(characters), str(TOLD_AT_MOST)],
        )  # fmt: skip
