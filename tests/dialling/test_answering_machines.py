"""Answering machines in real audio: the local carrier's machine greets and beeps, and its book judges."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest
import uvicorn
from anyio.from_thread import start_blocking_portal
from sqlalchemy import select

from api.doorway import build_app
from dialling.staging import items, limit, start
from support.installation import Installation
from support.processes import eventually
from support.world import World
from trunkline.core import registry
from trunkline.core.db import unit_of_work
from trunkline.core.events import Event
from trunkline.core.runs.models import Run
from trunkline.core.settings import Settings
from trunkline.domain.calls.models import Call, CallEvent
from trunkline.domain.leads.models import Lead
from trunkline.domain.leads.selection import Whom
from trunkline.domain.outbound import service
from trunkline.domain.outbound.models import ItemState, OutboundItem
from trunkline.domain.outbound.options import Machines, RunOptions, install_limits, installed_limits
from trunkline.providers.local_speech import EspeakTextToSpeech, SphinxSpeechToText
from trunkline.providers.twilio import TwilioCarrier
from trunkline.simulators.carrier import CarrierOptions, Person, Persona, RunningCarrier, serving
from trunkline.simulators.carrier.book import CallEntry
from trunkline.speech import build_speech

ACCOUNT, TOKEN = "AC" + "7" * 32, "a token for tests"
MESSAGE = "Your appointment is booked. Goodbye."
ON_TAPE = ["your appointment is booked", "goodbye"]
"""What the machine makes of the message, with its own recognition."""
FINAL = {ItemState.COMPLETED, ItemState.FAILED, ItemState.CANCELLED, ItemState.UNKNOWN, ItemState.RETRY_WAIT}


@dataclass
class Line:
    """One call as each side has it on record."""

    item: OutboundItem
    call: Call
    events: list[CallEvent]
    entry: CallEntry

    def told(self, kind: str) -> list[dict[str, Any]]:
        return [event.data for event in self.events if event.kind == kind]

    @property
    def on_tape(self) -> list[str]:
        return [piece["heard"] for piece in self.entry.understood]


@asynccontextmanager
async def serving_app(installation: Installation) -> AsyncIterator[str]:
    """Serve the application, with real speech, and yield its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    app = build_app(
        public_url=url,
        speech=build_speech(Settings()),
        max_calls=20,
        spool=installation.home / "machines-spool",
    )
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws_per_message_deflate=False))
    served = asyncio.create_task(server._serve([listener]))
    try:
        async with asyncio.timeout(60):
            while not server.started or not await is_ready(url):
                await asyncio.sleep(0.05)
        yield url
    finally:
        server.should_exit = True
        await served


async def is_ready(url: str) -> bool:
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.get(f"{url}/api/me")).status_code == 401


@asynccontextmanager
async def serving_carrier(options: CarrierOptions) -> AsyncIterator[RunningCarrier]:
    """Serve the local carrier, with real speech."""
    tts, stt = EspeakTextToSpeech(), SphinxSpeechToText()
    try:
        async with serving(options, tts=tts, stt=stt) as sim:
            yield sim
    finally:
        await tts.close()
        await stt.close()


@contextmanager
def town(
    installation: Installation, world: World, personas: list[Persona], *, muted: bool = False
) -> Iterator[RunningCarrier]:
    """Let people of these kinds live at the business's numbers, and have the dialler use their carrier."""
    theirs, limits = registry._carriers["twilio"], installed_limits()
    people = tuple(Person(phone, kind) for phone, kind in zip(world.phones, personas, strict=False))
    options = CarrierOptions(ACCOUNT, TOKEN, people=people, realtime=False, muted=muted, seed=3)
    with (
        start_blocking_portal() as loop,
        loop.wrap_async_context_manager(serving_carrier(options)) as sim,
        loop.wrap_async_context_manager(serving_app(installation)) as url,
    ):
        registry.register_carrier(lambda: TwilioCarrier(ACCOUNT, TOKEN, sim.base_url))
        install_limits(replace(limits, public_url=url, per_second=float("inf"), starts_per_minute=1_000))
        limit(world, max_outbound_calls=10, max_calls=10)
        try:
            yield sim
        finally:
            registry.register_carrier(theirs)
            install_limits(limits)


def run_to(world: World, phone: str, **machines: str) -> Run:
    """Start a run to one person."""
    with unit_of_work(world.scope) as session:
        lead_id = session.scalars(select(Lead.id).where(Lead.phone == phone)).one()
        run = service.create_run(
            session, world.business_id, title="To one", whom=Whom(lead_ids=[lead_id]), actor="test",
            options=RunOptions(
                agent_id=world.agent_id, from_number=world.number, max_attempts=2,
                retries={"voicemail": {"times": 1, "delay_s": 3_600}},
                machines=Machines.model_validate(machines),
            ),
        )  # fmt: skip
    start(world, run)
    return run


def held(
    installation: Installation, world: World, sim: RunningCarrier, runs: list[Run], within_s: float
) -> list[Line]:
    """Work the ledger until every call is over and written down; return what each side knows of it."""

    def are_over() -> bool:
        installation.run_jobs("high")
        return all(item.state in FINAL for run in runs for item in items(world, run))

    eventually(are_over, "every call is over and written down", within_s=within_s)
    return [line_of(world, sim, item) for run in runs for item in items(world, run)]


def line_of(world: World, sim: RunningCarrier, item: OutboundItem) -> Line:
    with unit_of_work(world.scope) as session:
        call = session.scalars(select(Call).where(Call.theirs == item.phone)).one()
        events = session.scalars(
            select(CallEvent).where(CallEvent.call_id == call.id).order_by(CallEvent.sequence)
        )
        return Line(item, call, list(events), sim.book.calls[call.carrier_sid])


@pytest.mark.timeout(240)
def test_machines_are_hung_up_on_left_a_message_or_talked_to(installation: Installation, acme: World) -> None:
    kinds = [Persona.VOICEMAIL, Persona.VOICEMAIL, Persona.REFUSES]
    with town(installation, acme, kinds) as sim:
        one, two, person = acme.phones
        leave = {"action": "leave_message", "message": MESSAGE}
        runs = [
            run_to(acme, one, **leave),
            run_to(acme, two, action="hang_up"),
            run_to(acme, person, detection="carrier", **leave),
        ]
        left, hung_up, refused = held(installation, acme, sim, runs, 120)
    # The message, whole, after the beep, heard by the machine itself; and then we hung up.
    assert left.told("machine_found")[0]["action"] == "leave_message"
    assert [found["text"] for found in left.told("message_left")] == [MESSAGE]
    assert left.told("message_left")[0]["after"] == "beep"
    assert left.on_tape == ON_TAPE
    assert (left.call.disposition, left.call.end_reason) == ("voicemail", "voicemail")
    assert left.entry.said[-1]["text"] == "(beep)"
    # Nobody was left a message who was to be hung up on.
    assert (hung_up.call.disposition, hung_up.told("message_left")) == ("voicemail", [])
    # The run calls both again, by its rule for machines.
    assert [line.item.state for line in (left, hung_up)] == [ItemState.RETRY_WAIT] * 2
    # A person is none, neither to us nor to the carrier.
    assert (refused.call.disposition, refused.call.answered_by) == ("declined", "human")
    assert refused.told("machine_found") == []
    assert [found["answered_by"] for found in refused.entry.detections] == ["human"]
    assert left.call.answered_by is None
    with unit_of_work(acme.scope) as session:
        told = session.scalars(select(Event.subject_id).where(Event.kind == "call.message_left")).all()
    assert told == [left.call.id]


@pytest.mark.soak
@pytest.mark.timeout(240)
def test_carried_on_with_or_not_looked_for_a_machine_is_talked_to(
    installation: Installation, acme: World
) -> None:
    kinds = [Persona.VOICEMAIL, Persona.VOICEMAIL]
    with town(installation, acme, kinds) as sim:
        one, two, _ = acme.phones
        runs = [run_to(acme, one, action="carry_on"), run_to(acme, two, detection="off")]
        carried_on, not_looked_for = held(installation, acme, sim, runs, 120)
    assert [found["action"] for found in carried_on.told("machine_found")] == ["carry_on"]
    assert not_looked_for.told("machine_found") == []
    for line in (carried_on, not_looked_for):
        # What it said was answered as anybody's words are.
        assert line.told("message_left") == []
        assert {turn["kind"] for turn in line.told("caller_said")} <= {"speech", "silence"}
        assert "speech" in {turn["kind"] for turn in line.told("caller_said")}


@pytest.mark.soak
@pytest.mark.timeout(240)
def test_the_carrier_s_word_alone_has_a_message_left(installation: Installation, acme: World) -> None:
    # The machine cannot be heard, so only the carrier can know that it is one.
    with town(installation, acme, [Persona.VOICEMAIL], muted=True) as sim:
        run = run_to(acme, acme.phones[0], detection="carrier", action="leave_message", message=MESSAGE)
        (line,) = held(installation, acme, sim, [run], 120)
    assert line.call.answered_by == "machine"
    assert [found["answered_by"] for found in line.entry.detections] == ["machine_end_beep"]
    assert [found["replies"] for found in line.entry.detections] == [[204]]
    assert [found["by"] for found in line.told("machine_found")] == ["carrier"]
    assert line.on_tape == ON_TAPE
    assert line.call.disposition == "voicemail"
    assert line.item.state == ItemState.RETRY_WAIT
