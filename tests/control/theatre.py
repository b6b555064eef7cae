"""A whole installation for call control: the application on a port, the local carrier, an agent that
does what a test has written down for it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import uvicorn
from fastapi import FastAPI
from sqlalchemy import select

from api.doorway import HEADERS, build_app
from media.media_stubs import StubStt, StubTts, StubVad
from simulators.product import FakeHearing, FakeVoice, until
from support.installation import Installation
from support.world import PASSWORD, World
from trunkline.asgi import DrainingServer
from trunkline.core import registry
from trunkline.core.db import unit_of_work
from trunkline.domain.agents import service as agents
from trunkline.domain.calls import service as calls
from trunkline.domain.calls.models import Call, CallEvent
from trunkline.domain.control import store
from trunkline.domain.control.models import CallControl
from trunkline.domain.tenants import service as tenants
from trunkline.providers.ports import (
    Act,
    BrainFailed,
    CallBrief,
    HangUp,
    Heard,
    Listen,
    Say,
    ToolResult,
    ToolRunner,
)
from trunkline.providers.twilio import TwilioCarrier
from trunkline.simulators.carrier import CarrierOptions, Number, Person, Persona, RunningCarrier, serving
from trunkline.simulators.carrier.book import CallEntry
from trunkline.web.callroom import CallRoom
from trunkline.web.hired import Speech

ACCOUNT, TOKEN = "AC" + "0" * 32, "test-token"
CALLER = "+12125550301"
OFFICE, NOBODY, DECLINING = "+12125550311", "+12125550312", "+12125550313"


@dataclass(frozen=True, slots=True)
class Use:
    """A line of the play: the agent uses a tool."""

    tool: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


Script = Sequence[str | Use | Act | BrainFailed]


class Rehearsed:
    """A brain that performs one script a stretch, and keeps what it was told and what tools answered."""

    def __init__(self) -> None:
        self.scripts: list[Script] = []
        self.briefs: list[CallBrief] = []
        self.results: list[ToolResult] = []

    def open(self, brief: CallBrief, tools: ToolRunner) -> Rehearsed.Conversation:
        self.briefs.append(brief)
        script = self.scripts[len(self.briefs) - 1] if len(self.briefs) <= len(self.scripts) else ()
        return Rehearsed.Conversation(self, script, tools)

    class Conversation:
        def __init__(self, brain: Rehearsed, script: Script, tools: ToolRunner) -> None:
            self._brain, self._script, self._tools = brain, script, tools

        async def begin(self) -> AsyncIterator[Act]:
            for line in self._script:
                if isinstance(line, str):
                    yield Say(line)
                elif isinstance(line, Use):
                    self._brain.results.append(await self._tools(line.tool, line.arguments))
                elif isinstance(line, BrainFailed):
                    raise line
                else:
                    yield line
            if not any(isinstance(line, Listen) for line in self._script):
                yield Listen(None)

        async def hear(self, heard: Heard) -> AsyncIterator[Act]:
            yield HangUp("heard_enough")

        def interrupted(self, said: str, *, played_ms: int) -> None: ...

        def listen(self) -> None: ...

        async def close(self) -> None: ...


@dataclass
class Theatre:
    """What a test has in its hands."""

    world: World
    installation: Installation
    sim: RunningCarrier
    app: FastAPI
    url: str
    brain: Rehearsed
    server: DrainingServer

    @property
    def room(self) -> CallRoom:
        return self.app.state.room

    def phone_in(self, persona: Persona = Persona.SILENT, caller: str = CALLER) -> str:
        """Somebody phones the business; returns the carrier's sid."""
        return self.sim.exchange.phone_in(caller, self.world.number, persona).sid

    def entry(self, sid: str) -> CallEntry:
        return self.sim.book.calls[sid]

    def verbs(self, sid: str) -> list[str]:
        """What the carrier was told to do with a call, without the last word."""
        told = [step["verb"] for step in self.entry(sid).twiml]
        return told[:-1] if told and told[-1] == "Hangup" else told

    def legs(self, sid: str) -> list[CallEntry]:
        """What was dialled for a call."""
        children = [call for call in self.sim.exchange.calls.values() if call.parent_sid == sid]
        return [self.entry(child.sid) for child in children]

    async def over(self, sid: str, seconds: float = 60) -> Call:
        """Wait until the call is over and told of; write it down; return its row."""
        await until(lambda: self.entry(sid).ended_at is not None, seconds)
        await until(lambda: self.room.is_empty)
        await until(lambda: any(sent["status"] == "completed" for sent in self.entry(sid).callbacks))
        await self.written()
        return self.row(sid)

    async def written(self) -> None:
        """Have everything told so far written down."""
        assert await self.room.log.flush()
        # Jobs want the main thread, which is the loop's: the town stands still for that moment.
        self.installation.run_jobs("high")

    def row(self, sid: str) -> Call:
        # Read without a lock: whoever holds one may need this loop to let it go.
        with unit_of_work(self.world.scope) as session:
            return session.scalars(select(Call).where(Call.carrier_sid == sid)).one()

    def call_id(self, sid: str) -> UUID:
        return self.row(sid).id

    def controls(self, sid: str) -> list[CallControl]:
        call_id = self.call_id(sid)
        with unit_of_work(self.world.scope) as session:
            return list(store.controls_of(session, self.world.business_id, call_id))

    def events(self, sid: str) -> list[CallEvent]:
        call_id = self.call_id(sid)
        with unit_of_work(self.world.scope) as session:
            return list(calls.events_of(session, self.world.business_id, call_id))

    async def live(self, sid: str, *, talked: bool = True) -> UUID:
        """Wait until the agent has the call; return the call's id."""
        await until(lambda: self.room.live.count > 0)
        call_id = self.call_id(sid)
        if talked:
            session = self.room.live.of_call(str(call_id))
            assert session is not None
            await until(lambda: session._transmitter.frames.sent > 10)
        return call_id

    @asynccontextmanager
    async def person(self, email: str | None = None) -> AsyncIterator[httpx.AsyncClient]:
        """Somebody of the business who has signed in."""
        async with httpx.AsyncClient(
            base_url=self.url, trust_env=False, headers=HEADERS, timeout=60
        ) as client:
            body = {"email": email or self.world.email, "password": PASSWORD}
            (await client.post("/api/sign-in", json=body)).raise_for_status()
            yield client


@asynccontextmanager
async def serving_app(app: FastAPI, listener: socket.socket, drain_s: float) -> AsyncIterator[DrainingServer]:
    config = uvicorn.Config(
        app, log_level="warning", ws_per_message_deflate=False, timeout_graceful_shutdown=5
    )
    server = DrainingServer(config, drain_s=drain_s)
    served = asyncio.create_task(server._serve([listener]))
    try:
        await until(lambda: server.started or served.done())
        await _ready(listener.getsockname()[1])
        yield server
    finally:
        server.should_exit = True
        await served


async def _ready(port: int) -> None:
    """Wait until the doorway has seen that the schema is there."""
    async with asyncio.timeout(60), httpx.AsyncClient(trust_env=False) as client:
        while (await client.get(f"http://127.0.0.1:{port}/api/me")).status_code != 401:
            await asyncio.sleep(0.02)


@asynccontextmanager
async def open_theatre(
    installation: Installation,
    world: World,
    *,
    max_calls: int = 5,
    realtime: bool = False,
    drain_s: float = 600,
    speech: Speech | None = None,
) -> AsyncIterator[Theatre]:
    """Serve the application and the carrier, with an agent that may hand calls to 101, 102 and 103.

    `speech` is what both sides speak and hear by; without it nobody says a word that could be understood.
    """
    people = (
        Person(OFFICE, Persona.COLLEAGUE), Person(NOBODY, Persona.NO_ANSWER),
        Person(DECLINING, Persona.BUSY_COLLEAGUE),
    )  # fmt: skip
    brain = Rehearsed()
    theirs = registry._carriers["twilio"]
    registry.register_brain("rehearsed", lambda: brain)
    with unit_of_work(world.scope) as session:
        tenants.change_business(
            session, world.business_id, {"extensions": [
                {"extension": "101", "name": "Office", "number": OFFICE},
                {"extension": "102", "name": "Nobody", "number": NOBODY},
                {"extension": "103", "name": "Declining", "number": DECLINING},
                {"extension": "104", "name": "Elsewhere", "number": "+12125550314"},
            ]}, actor="test",
        )  # fmt: skip
        changes = {
            "brain": "rehearsed", "instructions": "What is rehearsed.",
            "transfer_to": ["101", "102", "103"], "tools": [],
        }  # fmt: skip
        agents.update_agent(session, world.business_id, world.agent_id, changes, actor="test")
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    hooks = f"{url}/hooks/carrier/inbound"
    stubs = Speech(stt=StubStt(), tts=StubTts(), vad=StubVad)
    app = build_app(
        public_url=url, speech=speech or stubs, max_calls=max_calls, spool=installation.home / "control"
    )
    options = CarrierOptions(
        ACCOUNT, TOKEN, people=people, realtime=realtime, seed=5,
        numbers=(Number(world.number, f"{hooks}/answer", f"{hooks}/status"),),
    )  # fmt: skip
    try:
        async with (
            serving(
                options,
                tts=speech.tts if speech else FakeVoice(),
                stt=speech.stt if speech else FakeHearing(),
            ) as sim,
            serving_app(app, listener, drain_s) as server,
        ):
            twilio = TwilioCarrier(ACCOUNT, TOKEN, sim.base_url, timeout_s=5)
            registry.register_carrier(lambda: twilio)
            yield Theatre(world, installation, sim, app, url, brain, server)
            twilio.close()
    finally:
        registry.register_carrier(theirs)
        registry._brains.pop("rehearsed")
