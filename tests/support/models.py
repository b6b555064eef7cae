"""OpenAI's stand-in beside a test whose jobs want the main thread, and agents that write by it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Queue
from threading import Event, Thread

from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.core.settings import Settings
from trunkline.domain.agents.models import Agent
from trunkline.simulators.model_server import Plan, serving
from trunkline.simulators.openai import OpenAIWire
from trunkline.writers import register_writers

_KEY = "secret-key"


@contextmanager
def text_model() -> Iterator[tuple[Plan, Settings]]:
    """Serve a language model over a real socket, with the settings by which it is asked."""
    plan, address, over = Plan(key=_KEY), Queue[str](), Event()

    async def serve() -> None:
        async with serving(OpenAIWire(), plan) as running:
            address.put(running.base_url)
            await asyncio.to_thread(over.wait)

    server = Thread(target=lambda: asyncio.run(serve()))
    server.start()
    url = f"{address.get(timeout=20)}/v1"
    try:
        yield plan, Settings(openai_api_key=_KEY, openai_base_url=url, openai_model=plan.model)
    finally:
        over.set()
        server.join()


@contextmanager
def model_of_text() -> Iterator[Plan]:
    """Have a language model for everybody who writes in this process."""
    with text_model() as (plan, settings):
        register_writers(settings)
        yield plan
        register_writers(Settings())


def let_write(world: World, *tools: str, brain: str = "openai") -> None:
    """Let the business's agent write by a language model, with these tools."""
    with unit_of_work(world.scope) as session:
        agent = session.get_one(Agent, world.agent_id)
        agent.brain, agent.tools = brain, list(tools)
        agent.instructions = "Book visits for {business_name}."
