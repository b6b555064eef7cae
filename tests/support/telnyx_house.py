"""A whole installation on Telnyx: the application on a port, the stand-in for Telnyx, a rehearsed agent."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI
from sqlalchemy import select

from api.doorway import HEADERS, build_app
from control.theatre import Rehearsed, serving_app
from media.media_stubs import StubStt, StubTts, StubVad
from simulators.product import until
from support.installation import Installation
from support.world import PASSWORD, World
from trunkline.core import registry
from trunkline.core.db import unit_of_work
from trunkline.domain.agents import service as agents
from trunkline.domain.calls import service as calls
from trunkline.domain.calls.models import Call, CallEvent
from trunkline.domain.control import places, store
from trunkline.domain.control.models import CallControl
from trunkline.domain.outbound.options import install_limits, installed_limits
from trunkline.domain.tenants import service as tenants
from trunkline.providers.telnyx import TelnyxCarrier
from trunkline.simulators.telnyx import Leg, Manner, RunningTelnyx, TelnyxOptions, serving
from trunkline.web.callroom import CallRoom
from trunkline.web.hired import Speech

API_KEY, CONNECTION = "KEY0188", "1684641123236054244"
PICKED_UP = ["answer", "streaming_start"]
"""What Telnyx is told of a call that an agent gets."""
CALLER, OFFICE, NOBODY = "+12125550301", "+12125550311", "+12125550312"


@dataclass
class House:
    """What a test has in its hands."""

    world: World
    installation: Installation
    sim: RunningTelnyx
    app: FastAPI
    url: str
    brain: Rehearsed
    carrier: TelnyxCarrier
    stt: StubStt

    @property
    def room(self) -> CallRoom:
        return self.app.state.room

    @property
    def events_url(self) -> str:
        return f"{self.url}{places.events_of(places.TELNYX)}"

    def phone_in(self) -> Leg:
        return self.sim.exchange.phone_in(CALLER, self.world.number)

    def row(self, leg: Leg) -> Call:
        with unit_of_work(self.world.scope) as session:
            return session.scalars(select(Call).where(Call.carrier_sid == leg.sid)).one()

    def controls(self, leg: Leg) -> list[CallControl]:
        call_id = self.row(leg).id
        with unit_of_work(self.world.scope) as session:
            return list(store.controls_of(session, self.world.business_id, call_id))

    def told(self, leg: Leg, kind: str) -> list[dict[str, Any]]:
        """The data of what is on record of a call, of one kind."""
        call_id = self.row(leg).id
        with unit_of_work(self.world.scope) as session:
            found: list[CallEvent] = list(calls.events_of(session, self.world.business_id, call_id))
        return [event.data for event in found if event.kind == kind]

    async def live(self, leg: Leg) -> UUID:
        """Wait until the agent has the call and is heard."""
        await until(lambda: leg.telephone.heard_frames > 10)
        return self.row(leg).id

    async def over(self, leg: Leg, seconds: float = 60) -> Call:
        """Wait until the call is over and told of; write it down; return its row."""
        await until(lambda: leg.ended is not None, seconds)
        await until(lambda: self.room.is_empty)
        await until(lambda: ("call.hangup", 200) in self.sim.webhooks.delivered)
        await self.written()
        return self.row(leg)

    async def written(self) -> None:
        assert await self.room.log.flush()
        self.installation.run_jobs("high")


@asynccontextmanager
async def person(house: House) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody of the business who has signed in."""
    async with httpx.AsyncClient(base_url=house.url, trust_env=False, headers=HEADERS, timeout=60) as client:
        body = {"email": house.world.email, "password": PASSWORD}
        (await client.post("/api/sign-in", json=body)).raise_for_status()
        yield client


@asynccontextmanager
async def open_telnyx(
    installation: Installation, world: World, *, bare_repeats: bool = False, timeout_s: float = 5
) -> AsyncIterator[House]:
    """Serve the application and the stand-in, with an agent that may hand calls to 101 and 102."""
    brain, stt = Rehearsed(), StubStt(["hello there"] * 5)
    registry.register_brain("rehearsed", lambda: brain)
    theirs = installed_limits()
    with unit_of_work(world.scope) as session:
        changes = {
            "brain": "rehearsed", "instructions": "What is rehearsed.", "transfer_to": ["101", "102"],
            "tools": [],
        }  # fmt: skip
        listener = socket.create_server(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        tenants.change_business(
            session, world.business_id, {"extensions": [
                {"extension": "101", "name": "Office", "number": OFFICE},
                {"extension": "102", "name": "Nobody", "number": NOBODY},
            ]}, actor="test",
        )  # fmt: skip
        agents.update_agent(session, world.business_id, world.agent_id, changes, actor="test")
    speech = Speech(stt=stt, tts=StubTts(), vad=StubVad)
    app = build_app(public_url=url, speech=speech, spool=installation.home / "telnyx")
    events_url = f"{url}{places.events_of(places.TELNYX)}"
    options = TelnyxOptions(API_KEY, events_url, bare_repeats=bare_repeats)
    try:
        async with serving(options) as sim, serving_app(app, listener, 600):
            sim.exchange.people |= {OFFICE: Manner.ANSWERS_BRIEFLY, NOBODY: Manner.NEVER_ANSWERS}
            carrier = TelnyxCarrier(
                api_key=API_KEY, connection_id=CONNECTION, public_key=sim.public_key, events_url=events_url,
                base_url=sim.base_url, timeout_s=timeout_s,
            )  # fmt: skip
            registry.register_carrier(lambda: carrier, places.TELNYX)
            install_limits(replace(theirs, public_url=url))
            with unit_of_work(world.scope) as session:
                tenants.change_business(session, world.business_id, {"carrier": places.TELNYX}, actor="test")
            yield House(world, installation, sim, app, url, brain, carrier, stt)
            carrier.close()
    finally:
        install_limits(theirs)
        registry._carriers.pop(places.TELNYX, None)
        registry._brains.pop("rehearsed")
