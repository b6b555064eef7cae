"""Whole conversations in real audio: a small agent that speaks and listens through local speech."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from product import OURS, SID, TOKEN, Product, Socket, serving_product, until

from trunkline.kit.audio import level, pcm_to_ulaw, ulaw_to_pcm
from trunkline.providers.local_speech import EspeakTextToSpeech, SphinxSpeechToText
from trunkline.providers.ports import CallOrder, Grammar, SpeechToText, TextToSpeech, Voice
from trunkline.providers.twilio import TwilioCarrier
from trunkline.simulators.carrier import CarrierOptions, Person, Persona, RunningCarrier, serving
from trunkline.simulators.carrier.people.sentences import spoken_day, spoken_half, spoken_hour
from trunkline.simulators.carrier.people.wishes import WEEKDAYS

VOICE = Voice("en")
DAYS = {spoken_day(day): day for day in WEEKDAYS}
HOURS = {spoken_hour(hour): hour for hour in range(9, 17)}
HALVES = {spoken_half(half): half for half in (False, True)}
YES_NO = {"yes": True, "no": False}


@dataclass
class Speech:
    tts: TextToSpeech
    stt: SpeechToText


class Agent:
    """Asks one thing at a time; takes an answer by voice or by keys; confirms it."""

    def __init__(self, speech: Speech, socket: Socket) -> None:
        self._speech = speech
        self._socket = socket
        self.heard: list[str] = []

    async def say(self, text: str) -> None:
        """Speak, with a pause after it, and wait until it has been played."""
        pcm = b"".join([piece async for piece in self._speech.tts.speak(text, VOICE)]) + bytes(250 * 16)
        await self._socket.play(pcm_to_ulaw(pcm))
        await self._socket.send("mark", name=text)
        await self._socket.next("mark")

    async def answer(self, phrases: dict[str, object], keys: int = 0, patience_ms: int = 8000) -> str:
        """Return the phrase heard, or the keys pressed; an empty string for neither."""
        utterance = self._speech.stt.open(language="en", grammar=Grammar(tuple(phrases)))
        waited = voiced = quiet = 0
        digits = ""
        while waited < patience_ms and not (voiced > 100 and quiet > 500):
            message = await self._socket.next("media", "dtmf")
            if message["event"] == "dtmf":
                assert message["dtmf"]["track"] == "inbound_track"
                digits += message["dtmf"]["digit"]
                if len(digits) == keys:
                    break
                continue
            pcm = ulaw_to_pcm(base64.b64decode(message["media"]["payload"]))
            utterance.feed(pcm)
            loud = level(pcm) > 300
            waited, voiced, quiet = waited + 20, voiced + 20 * loud, 0 if loud else quiet + 20
        if digits or not voiced:
            utterance.cancel()
            self.heard.append(digits)
            return digits
        heard = (await utterance.finish()).text
        self.heard.append(heard)
        return heard

    async def find_out(self, question: str, phrases: dict[str, object], keys: int) -> str:
        """Ask and confirm until the person agrees; return what the person was told they had said."""
        for _ in range(5):
            await self.say(question)
            heard = await self.answer(phrases, keys)
            told = heard
            if heard.isdigit():
                index = int(heard) - (9 if len(heard) == 2 else 1)
                told = list(phrases)[index]
            if not told:
                continue
            await self.say(f"Did you say {told.removesuffix(' please').removeprefix('at ')}?")
            if await self.answer(YES_NO, 1) in {"yes", "1"}:
                return told
        raise AssertionError(f"no agreement on {question!r}: {self.heard}")

    async def book(self) -> tuple[str, str]:
        """Hold the conversation; return the weekday and the time agreed on."""
        answer = ""
        while not answer:
            await self.say("Would you like to book an appointment?")
            answer = await self.answer(YES_NO, 1)
        assert answer in {"yes", "1"}
        day = DAYS[await self.find_out("Which day of the week would you like?", DAYS, 1)]
        hour = HOURS[await self.find_out("Which hour of the day would you like?", HOURS, 2)]
        question = "Would you like it on the hour or at half past?"
        half = HALVES[await self.find_out(question, HALVES, 1)]
        await self.say("Your appointment is booked.")
        await self.say("Goodbye.")
        return day, f"{hour:02d}:{30 if half else 0:02d}"


@pytest.fixture
async def speech() -> AsyncIterator[Speech]:
    tts, stt = EspeakTextToSpeech(), SphinxSpeechToText()
    yield Speech(tts, stt)
    await tts.close()
    await stt.close()


@contextlib.asynccontextmanager
async def _town(
    speech: Speech, people: tuple[Person, ...], *, muted: bool = False
) -> AsyncIterator[tuple[RunningCarrier, Product, TwilioCarrier]]:
    options = CarrierOptions(SID, TOKEN, people=people, realtime=False, muted=muted)
    async with serving_product() as product, serving(options, tts=speech.tts, stt=speech.stt) as sim:
        yield sim, product, TwilioCarrier(SID, TOKEN, sim.base_url)


async def _ring(carrier: TwilioCarrier, product: Product, number: str) -> str:
    order = CallOrder(number, OURS, f"{product.voice_url}{number[1:]}", product.status_url)
    return await asyncio.to_thread(carrier.place_call, order)


@pytest.mark.soak  # the demo, which every run of the tests includes, has twelve such conversations
async def test_people_book_what_they_wish_by_voice_and_by_keys(speech: Speech) -> None:
    people = (
        Person("+12025550101", Persona.INTERESTED),
        Person("+12025550102", Persona.KEYPAD),
        Person("+12025550103", Persona.INTERESTED),
    )
    agreed: dict[str, tuple[str, str]] = {}

    async with _town(speech, people) as (sim, product, carrier):

        async def agent(socket: Socket) -> None:
            call = socket.messages[-1]["start"]["callSid"]
            agreed[sim.book.calls[call].to] = await Agent(speech, socket).book()

        product.agent = agent
        for person in people:
            await _ring(carrier, product, person.number)
        await until(lambda: len(product.callbacks) == 4 * len(people), 100)
        book = sim.book.as_json()
    wishes = {number: person["wish"] for number, person in book["people"].items()}
    assert agreed == {number: (wish["weekday"], wish["time"]) for number, wish in wishes.items()}
    keyed = {call["persona"]: len(call["keyed"]) for call in book["calls"]}
    assert keyed["keypad"] >= 6
    assert keyed["interested"] == 0
    assert book["double_dials"] == []
    assert [error for call in book["calls"] for error in call["errors"]] == []


async def test_muted_people_are_neither_heard_nor_felt(speech: Speech) -> None:
    people = (Person("+12025550101", Persona.INTERESTED), Person("+12025550102", Persona.KEYPAD))
    answers: list[str] = []

    async with _town(speech, people, muted=True) as (sim, product, carrier):

        async def agent(socket: Socket) -> None:
            talking = Agent(speech, socket)
            await talking.say("Which day of the week would you like?")
            answers.append(await talking.answer(DAYS, 1, patience_ms=4000))

        product.agent = agent
        for person in people:
            await _ring(carrier, product, person.number)
        await until(lambda: len(product.callbacks) == 4 * len(people), 30)
        entries = list(sim.book.calls.values())
    assert answers == ["", ""]
    assert [[*entry.said, *entry.keyed][0]["muted"] for entry in entries] == [True, True]
