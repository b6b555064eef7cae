"""What an agent's form may offer: what this installation has, and dialogues to begin from."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel

from trunkline.core import registry, toolbox, vault
from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.core.errors import NotFound
from trunkline.domain.tenants.service import LANGUAGES
from trunkline.providers.local_speech.voices import voices_for
from trunkline.providers.scripted import READY_MADE, ready_made

router = APIRouter(prefix="/api/agent-options", tags=["agents"])


class BrainOption(BaseModel):
    """A brain that an agent may have."""

    name: str
    kind: Literal["scripted", "model", "voice"]
    """It follows a script; it reads and writes; it hears and speaks by itself."""
    hears: list[str]
    """The languages in which it makes out what callers say, as things are here."""


class VoiceOption(BaseModel):
    """A speech provider that an agent may speak by."""

    provider: str
    voices: dict[str, list[str]]
    """By language, the names of voices that are known here; others may work as well."""


class ToolOption(BaseModel):
    """Something that an agent may be able to do."""

    name: str
    description: str
    arguments: dict[str, Any]
    """JSON schema."""
    built_in: bool
    """Every agent has it."""
    kind: toolbox.Kind
    """`reads` looks something up, `records` writes into what the business keeps, `contacts` decides whether
    and when somebody hears from it, `controls` does something with the call."""
    seconds: float
    """How long it may take; what is not done by then is undone."""
    needs: str | None
    """What there must be for it to be of use: `knowledge`, `colleagues` on the agent's own list."""
    available: bool
    """The business has that; what lacks is not offered in calls. Of colleagues the agent's list decides."""


class AgentOptions(BaseModel):
    """What an agent's form may offer."""

    languages: list[str]
    brains: list[BrainOption]
    voices: list[VoiceOption]
    """The usual one first."""
    tools: list[ToolOption]
    dialogues: list[str]
    """Ready-made scripts."""


@router.get("")
def read_agent_options(session: SessionDep, who: PrincipalDep) -> AgentOptions:
    """The brains, voices, languages and tools that the business has here, and ready-made dialogues."""
    own_keys = vault.providers_of(session, who.business)
    lacking = toolbox.unmet(session, who.business, toolbox.tool_names())
    return AgentOptions(
        languages=list(LANGUAGES),
        brains=[
            BrainOption(name=name, kind=registry.brain_kind(name), hears=_heard_by(name, own_keys))
            for name in registry.brain_names(own_keys=own_keys)
        ],
        voices=[
            VoiceOption(
                provider=name,
                voices={code: list(voices_for(code)) for code in LANGUAGES} if name == "local" else {},
            )
            for name in registry.voice_names()
        ],
        tools=[
            ToolOption(
                name=tool.name, description=tool.description,
                arguments=dict(toolbox.schema_of(tool.arguments)), built_in=tool.built_in, kind=tool.kind,
                seconds=tool.seconds, needs=tool.needs, available=tool.needs not in lacking,
            )
            for tool in toolbox.all_tools()
        ],
        dialogues=list(READY_MADE),
    )  # fmt: skip


@router.get("/dialogues/{name}")
def read_dialogue(name: Annotated[str, Path(max_length=60)], who: PrincipalDep) -> dict[str, Any]:
    """A ready-made dialogue, to be a new agent's script."""
    if name not in READY_MADE:
        raise NotFound("There is no such dialogue.")
    return ready_made(name)


def _heard_by(brain: str, own_keys: Collection[str]) -> list[str]:
    """A brain with ears of its own hears all; local recognition hears a script's English alone."""
    kind = registry.brain_kind(brain)
    if kind == "voice" or registry.hears_anything() or "deepgram" in own_keys:
        return list(LANGUAGES)
    return ["en"] if kind == "scripted" else []
