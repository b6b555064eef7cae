"""The stand-ins for language models with the client of each, for tests that are the same for all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from trunkline.providers.anthropic_model import AnthropicModel
from trunkline.providers.gemini_model import GeminiModel
from trunkline.providers.openai_compatible import OpenAICompatibleModel
from trunkline.providers.ports import LanguageModel, Message, ToolCall, ToolSpec
from trunkline.simulators.anthropic import AnthropicWire
from trunkline.simulators.gemini import GeminiWire
from trunkline.simulators.model_server import Plan, serving
from trunkline.simulators.openai import OpenAIWire

PROVIDERS = ("openai", "anthropic", "gemini")

TOOLS = (
    ToolSpec(
        "find_free_slots",
        "List the free times of a day.",
        {
            "type": "object",
            "properties": {"weekday": {"$ref": "#/$defs/Weekday"}},
            "required": ["weekday"],
            "$defs": {"Weekday": {"type": "string", "enum": ["monday", "tuesday"]}},
        },
    ),
)


@dataclass(frozen=True, slots=True)
class Served:
    """A model and the server that it talks to."""

    model: LanguageModel
    plan: Plan


@asynccontextmanager
async def served(
    provider: str, *, key: str = "secret-key", model: str = "stand-in-1"
) -> AsyncIterator[Served]:
    """Start a provider's stand-in and its client; nothing of either is left behind."""
    wire = {"openai": OpenAIWire, "anthropic": AnthropicWire, "gemini": GeminiWire}[provider]()
    async with serving(wire, Plan()) as running:
        client = client_of(provider, running.base_url, key=key, model=model)
        try:
            yield Served(client, running.plan)
        finally:
            await client.close()
            await until(lambda: running.plan.open == 0)


def client_of(provider: str, base_url: str, *, key: str, model: str) -> LanguageModel:
    match provider:
        case "openai":
            return OpenAICompatibleModel(model=model, api_key=key, base_url=f"{base_url}/v1", timeout_s=5)
        case "anthropic":
            return AnthropicModel(model=model, api_key=key, base_url=base_url, timeout_s=5)
    return GeminiModel(model=model, api_key=key, base_url=base_url, timeout_s=5)


async def answer(
    model: LanguageModel, messages: Sequence[Message], instructions: str = "Be kind."
) -> tuple[str, list[ToolCall]]:
    """Ask once; return the text and the tools of the whole answer."""
    text, calls = "", []
    async for piece in model.answer(instructions, messages, TOOLS):
        if isinstance(piece, ToolCall):
            calls.append(piece)
        else:
            text += piece
    return text, calls


async def until(holds: Callable[[], bool], *, within_s: float = 60) -> None:
    """Wait until it holds; fails when it does not in time."""
    async with asyncio.timeout(within_s):
        while not holds():
            await asyncio.sleep(0.005)
