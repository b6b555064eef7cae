"""A spoken call over the local carrier, by local speech on both sides, judged by the rows that are left:
somebody books, changes their mind, moves the appointment, asks for a person and is handed to one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from control.backstage import worker
from control.theatre import CALLER, OFFICE, Theatre, open_theatre
from simulators.product import until
from support.installation import Installation
from support.world import World
from trunkline.core import registry
from trunkline.core.db import unit_of_work
from trunkline.core.events import Event
from trunkline.domain.agents import service as agents
from trunkline.domain.appointments.models import Appointment
from trunkline.domain.leads import service as leads
from trunkline.domain.leads import statuses
from trunkline.domain.tenants import service as tenants
from trunkline.providers.local_speech import EspeakTextToSpeech, SileroVoiceActivity, SphinxSpeechToText
from trunkline.providers.model_brain import FallbackModel, ModelBrain
from trunkline.providers.openai_compatible import OpenAICompatibleModel
from trunkline.providers.ports import Grammar, Utterance
from trunkline.providers.scripted import ready_made
from trunkline.simulators.callers import Caller, CallerAnswer, CallerPlan
from trunkline.simulators.carrier.people.mouth import Mouth
from trunkline.simulators.model_server import Answer, Asked, Plan, Tool, serving
from trunkline.simulators.openai import OpenAIWire
from trunkline.web.hired import Speech

TOOLS = ["find_free_slots", "book_appointment", "move_appointment", "set_lead_status", "add_note"]
ANSWERS = (
    CallerAnswer("would you like to book an appointment", ("yes",)),
    CallerAnswer("which day of the week would you like", ("monday please", "wednesday please")),
    CallerAnswer("did you say monday", ("yes",)),
    CallerAnswer("did you say wednesday", ("yes",)),
    CallerAnswer("which hour of the day would you like", ("ten o'clock", "eleven o'clock")),
    CallerAnswer("did you say ten o'clock", ("yes",)),
    CallerAnswer("did you say eleven o'clock", ("yes",)),
    CallerAnswer("would you like it on the hour or at half past", ("half past",)),
    CallerAnswer("did you say half past", ("yes",)),
    CallerAnswer("is there anything else", ("i changed my mind", "a person please")),
)
HEARS = (
    "hello", "thank you for calling acme", "are you still there", "did you say tuesday", "did you say friday",
    "did you say thursday", "did you say nine o'clock", "did you say on the hour",
    "your appointment is booked", "your appointment is moved", "one moment i am asking a colleague",
    "thank you for waiting", "sorry i did not understand that", "one moment please", "just a second",
)  # fmt: skip
CAN_BE_SAID = tuple(
    dict.fromkeys(
        [*(said for answer in ANSWERS for said in answer.says), "no", "hello", "please repeat that"]
    )
)


class Expecting:
    """Local recognition for whoever brings no grammar: it makes out what callers of this test may say."""

    def __init__(self, inner: SphinxSpeechToText) -> None:
        self._inner = inner

    def open(self, *, language: str, grammar: Grammar | None) -> Utterance:
        return self._inner.open(language=language, grammar=grammar or Grammar(CAN_BE_SAID))

    async def close(self) -> None:
        await self._inner.close()


@pytest.fixture
async def speech() -> AsyncIterator[Speech]:
    tts, stt = EspeakTextToSpeech(), SphinxSpeechToText()
    yield Speech(stt=Expecting(stt), tts=tts, vad=SileroVoiceActivity)
    await tts.close()
    await stt.close()


class Receptionist(Plan):
    """A language model's stand-in: it asks, books, moves and hands over by what it is told it hears."""

    def next_answer(self, asked: Asked) -> Answer:
        super().next_answer(asked)
        role, heard = asked.messages[-1]
        if role == "tool":
            used = [name for kind, name in asked.messages if kind == "asked"]
            return Answer(AFTER[used[-1]])
        return REPLIES.get(heard, Answer("Would you like to book an appointment?"))


DAY, HOUR = "Which day of the week would you like?", "Which hour of the day would you like?"
FIRST, SECOND = {"weekday": "monday", "time": "10:30"}, {"weekday": "wednesday", "time": "11:30"}
MATTER = {"to": "101", "summary": "The caller moved their appointment and asks for a person."}
REPLIES = {
    "yes": Answer(DAY),
    "i changed my mind": Answer(DAY),
    "monday please": Answer(HOUR),
    "wednesday please": Answer(HOUR),
    "ten o'clock": Answer("One moment, please.", tools=(Tool("book_appointment", FIRST),)),
    "eleven o'clock": Answer("One moment, please.", tools=(Tool("move_appointment", SECOND),)),
    "a person please": Answer(
        "One moment, I am asking a colleague.",
        tools=(Tool("set_lead_status", {"status": "Qualified"}), Tool("warm_transfer", MATTER)),
    ),
}
AFTER = {
    "book_appointment": "Your appointment is booked. Is there anything else?",
    "move_appointment": "Your appointment is moved. Is there anything else?",
    "warm_transfer": "Thank you for waiting.",
}


def set_up(world: World, **agent: Any) -> None:
    with unit_of_work(world.scope) as session:
        agents.update_agent(
            session, world.business_id, world.agent_id, {"tools": TOOLS, **agent}, actor="test"
        )


def phone_in(theatre: Theatre, speech: Speech) -> str:
    plan = CallerPlan(kind="changes their mind", answers=ANSWERS, hears=HEARS, patience_s=40.0)
    mouth = Mouth(speech.tts, muted=False, loudness=plan.line.loudness)
    theatre.sim.population.settle(CALLER, Caller(plan, mouth=mouth, stt=speech.stt, seed=7))
    return theatre.sim.exchange.phone_in(CALLER, theatre.world.number).sid


async def to_its_end(theatre: Theatre, sid: str) -> None:
    await until(lambda: theatre.entry(sid).ended_at is not None, 240)
    await until(lambda: theatre.row(sid).finalized_at is not None, 30)


def grade(theatre: Theatre, sid: str, *, tools: Sequence[str], status: str, disposition: str) -> None:
    """Look at every row that the call has left."""
    world, call = theatre.world, theatre.row(sid)
    said = [(entry.kind, entry.data.get("text")) for entry in theatre.events(sid) if "said" in entry.kind]
    with unit_of_work(world.scope) as session:
        business = tenants.get_business(session, world.business_id)
        (booked,) = session.scalars(select(Appointment)).all()
        local: datetime = booked.starts_at.astimezone(ZoneInfo(business.time_zone))
        assert (booked.state, f"{local:%A %H:%M}") == ("booked", "Wednesday 11:30"), said
        assert (booked.call_id, booked.lead_id) == (call.id, call.lead_id)
        kinds = [
            event.kind
            for event in session.scalars(
                select(Event).where(Event.kind.startswith("appointment.")).order_by(Event.id)
            )
        ]
        assert kinds == ["appointment.booked", "appointment.moved"]
        uses = session.scalars(select(Event).where(Event.kind == "tool.used").order_by(Event.id)).all()
        assert [(use.data["name"], use.data["ok"]) for use in uses] == [(name, True) for name in tools]
        assert {(use.subject_id, use.actor) for use in uses} == {(call.id, f"agent:{world.agent_id}")}
        lead_id = leads.lead_of_caller(session, world.business_id, CALLER)
        assert call.lead_id == lead_id
        lead = leads.get_lead(session, world.business_id, lead_id)
        assert statuses.of_business(session, world.business_id).of(lead).name == status
    (handed,) = theatre.controls(sid)
    assert (handed.verb, handed.state, handed.target) == ("warm_transfer", "done", OFFICE)
    assert (call.disposition, call.end_reason) == (disposition, "transferred")
    assert call.booked_at is not None
    (colleague,) = [leg for leg in theatre.sim.book.calls.values() if leg.direction == "outbound-api"]
    (told,) = [step["detail"] for step in colleague.twiml if step["verb"] == "Gather"]
    assert str(handed.data["summary"]) in told
    assert theatre.entry(sid).errors == colleague.errors == []


@pytest.mark.soak  # the model's call below, which every run of the tests includes, walks the same way
@pytest.mark.timeout(400)
async def test_a_script_books_moves_and_hands_over(
    installation: Installation, acme: World, speech: Speech
) -> None:
    set_up(acme, brain="scripted", script=ready_made("reception"))
    async with (
        open_theatre(installation, acme, realtime=True, speech=speech) as theatre,
        worker(installation),
    ):
        set_up(acme, brain="scripted", script=ready_made("reception"))
        sid = phone_in(theatre, speech)
        await to_its_end(theatre, sid)
        # What the script has noted stays the outcome.
        used = ["book_appointment", "move_appointment", "warm_transfer"]
        grade(theatre, sid, tools=used, status="New", disposition="booked")


@pytest.mark.timeout(400)
async def test_a_model_books_moves_sets_the_status_and_hands_over(
    installation: Installation, acme: World, speech: Speech
) -> None:
    async with (
        serving(OpenAIWire(), Receptionist()) as model_server,
        open_theatre(installation, acme, realtime=True, speech=speech) as theatre,
        worker(installation),
    ):
        client = OpenAICompatibleModel(
            model="stand-in-1", api_key="secret-key", base_url=f"{model_server.base_url}/v1"
        )
        brain = ModelBrain(FallbackModel([("stand-in", client)]))
        registry.register_brain("receptionist", lambda: brain, reads_anything=True)
        try:
            set_up(acme, brain="receptionist", instructions="Book appointments.", greeting="")
            sid = phone_in(theatre, speech)
            await to_its_end(theatre, sid)
        finally:
            registry._brains.pop("receptionist")
            registry._readers.discard("receptionist")
            await client.close()
        assert model_server.plan.refused == []
        used = ["book_appointment", "move_appointment", "set_lead_status", "warm_transfer"]
        grade(theatre, sid, tools=used, status="Qualified", disposition="transferred")
