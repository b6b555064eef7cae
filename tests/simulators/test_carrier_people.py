"""People's minds, ears and wishes, without a line between: what they do about what they understood."""

from __future__ import annotations

import asyncio
from random import Random

import pytest
from product import FakeHearing, FakeVoice

from trunkline.kit.audio import pcm_to_ulaw
from trunkline.providers.ports import Grammar, Transcript
from trunkline.simulators.carrier import Persona, demo_population
from trunkline.simulators.carrier.book import Book, CallEntry
from trunkline.simulators.carrier.people import mind as minds
from trunkline.simulators.carrier.people import sentences, wishes
from trunkline.simulators.carrier.people.ear import Ear
from trunkline.simulators.carrier.people.mind import Memory, Mind
from trunkline.simulators.carrier.people.mouth import Mouth
from trunkline.simulators.carrier.people.sentences import Asked
from trunkline.simulators.carrier.people.telephone import Handset
from trunkline.simulators.carrier.stream import SILENT_FRAME

pytestmark = pytest.mark.hasty

SID, NUMBER = "CA1", "+12025550101"
LOUD_FRAME = pcm_to_ulaw(b"\x00\x20\x00\xe0" * 80)


class Line(Handset):
    """A handset whose agent is a list of turns; what the person does is written down."""

    def __init__(self, turns: list[list[str]], book: Book, rng: Random) -> None:
        ear = Ear(FakeHearing(), language="en", grammar=Grammar(()), piece_gap_ms=200, turn_gap_ms=600)
        mouth = Mouth(FakeVoice(), muted=False)
        super().__init__(sid=SID, book=book, ear=ear, mouth=mouth, voice=sentences.VOICES[0], rng=rng)
        self.turns = turns
        self.did: list[str] = []
        self.speaking_ms = 0
        self.off_hook.set()

    @property
    def agent_speaking_ms(self) -> int:
        return self.speaking_ms

    @property
    def agent_has_finished(self) -> bool:
        return bool(self.turns) and not self.speaking_ms

    async def listen(self) -> list[Transcript]:
        if not self.turns:
            await asyncio.Event().wait()
        return [Transcript(piece, 0.9) for piece in self.turns.pop(0)]

    async def think(self, least_s: float = 0.0, most_s: float = 0.0) -> None: ...

    async def say(self, text: str) -> None:
        self.did.append(text)
        self.speaking_ms = 0

    async def press(self, digits: str) -> None:
        self.did.append(f"#{digits}")


class Talk:
    """One person, one call, and the agent's turns."""

    def __init__(self, persona: Persona, turns: list[list[str]]) -> None:
        self.book = Book(seed=1)
        self.book.opened(CallEntry(SID, "outbound-api", NUMBER, "+1", persona, "", ""))
        self.memory = Memory(persona, Random(3))
        self.line = Line(turns, self.book, self.memory.rng)
        self.mind = Mind(number=NUMBER, sid=SID, memory=self.memory, handset=self.line, book=self.book)

    async def held(self) -> list[str]:
        await self.mind.live()
        return self.line.did


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minds, "_PATIENCE_S", 0.2)
    monkeypatch.setattr(minds, "_GOODBYE_S", 0.0)


def _said(asked: Asked, value: str = "") -> str:
    return next(
        text
        for text, meaning in sentences.AGENT_SAYS.items()
        if (meaning.asked, meaning.value) == (asked, value)
    )


INTEREST, DAY, HOUR, HALF = (_said(asked) for asked in (Asked.INTEREST, Asked.DAY, Asked.HOUR, Asked.HALF))
GOODBYE = _said(Asked.GOODBYE)


def test_every_sentence_and_answer_is_in_the_recogniser_s_form() -> None:
    for text in sentences.HEARING.phrases:
        assert text == text.lower()
        assert text.replace("'", "").replace(" ", "").isalpha()
    assert len({(meaning.asked, meaning.value) for meaning in sentences.AGENT_SAYS.values()}) > 20


async def test_interested_person_tells_the_wish_and_confirms_truthfully() -> None:
    wish = wishes.draw(Random(3), ())
    wrong = "friday" if wish.weekday != "friday" else "monday"
    turns = [
        ["hello", INTEREST],
        [DAY],
        [_said(Asked.CONFIRM_DAY, wrong)],
        [DAY],
        [_said(Asked.CONFIRM_DAY, wish.weekday)],
        [HOUR],
        [_said(Asked.CONFIRM_HOUR, str(wish.hour))],
        [HALF],
        [_said(Asked.CONFIRM_HALF, "0" if wish.half else "30")],
        [HALF],
        [_said(Asked.CONFIRM_HALF, "30" if wish.half else "0")],
        [GOODBYE],
    ]
    talk = Talk(Persona.INTERESTED, turns)
    day, hour, half = (
        sentences.spoken_day(wish.weekday),
        sentences.spoken_hour(wish.hour),
        sentences.spoken_half(wish.half),
    )
    yes, no = sentences.Words.YES, sentences.Words.NO
    assert await talk.held() == [yes, day, no, day, yes, hour, yes, half, no, half, yes]
    told = talk.book.as_json()["people"][NUMBER]["wish"]
    assert (told["weekday"], told["time"]) == (wish.weekday, wish.time)
    assert talk.book.calls[SID].understood[1]["meaning"] == "ask_interest"


async def test_taken_slot_brings_another_wish_and_the_book_keeps_both() -> None:
    talk = Talk(Persona.INTERESTED, [[_said(Asked.SLOT_TAKEN), DAY], [GOODBYE]])
    (answer,) = await talk.held()
    person = talk.book.as_json()["people"][NUMBER]
    assert len(person["wishes"]) == 2
    assert person["wishes"][0] != person["wishes"][1]
    assert answer == sentences.spoken_day(person["wish"]["weekday"])


async def test_keypad_person_presses_where_they_can() -> None:
    wish = wishes.draw(Random(3), ())
    turns = [[INTEREST], [DAY], [_said(Asked.CONFIRM_DAY, wish.weekday)], [HOUR], [HALF], [GOODBYE]]
    talk = Talk(Persona.KEYPAD, turns)
    assert await talk.held() == [
        sentences.Words.YES,
        f"#{sentences.keyed_day(wish.weekday)}",
        f"#{sentences.Keys.YES}",
        f"#{sentences.keyed_hour(wish.hour)}",
        f"#{sentences.keyed_half(wish.half)}",
    ]


@pytest.mark.parametrize(
    ("persona", "words"),
    [
        (Persona.REFUSES, sentences.Words.REFUSAL),
        (Persona.LATER, sentences.Words.LATER),
        (Persona.OPTS_OUT, sentences.Words.OPT_OUT),
    ],
)
async def test_others_say_their_one_thing(persona: Persona, words: str) -> None:
    assert await Talk(persona, [[INTEREST], [GOODBYE]]).held() == [words]


async def test_interrupting_person_talks_over_the_agent_and_then_answers() -> None:
    talk = Talk(Persona.INTERRUPTS, [[DAY], [GOODBYE]])
    talk.line.speaking_ms = 5_000
    said = await talk.held()
    assert said == [
        sentences.Words.INTERRUPTIONS[0],
        sentences.spoken_day(talk.memory.wish.weekday),
    ]


async def test_unintelligible_agent_is_asked_again_and_a_silent_one_left() -> None:
    talk = Talk(Persona.INTERESTED, [[""]])
    assert await talk.held() == [sentences.Words.AGAIN, sentences.Words.ANYBODY]


def test_wishes_are_half_hours_of_the_working_week_and_never_the_same_again() -> None:
    rng = Random(0)
    wished: list[wishes.Wish] = []
    for _ in range(80):
        wished.append(wishes.draw(rng, wished))
    assert len({(wish.weekday, wish.time) for wish in wished}) == 80
    assert min(wish.time for wish in wished) == "09:00"
    assert max(wish.time for wish in wished) == "16:30"


def test_demo_people_have_numbers_of_their_own() -> None:
    people = demo_population(100)
    assert len({person.number for person in people}) == 100
    # Colleagues work for the businesses; nobody has them on a list.
    colleagues = {Persona.COLLEAGUE, Persona.BUSY_COLLEAGUE}
    assert {person.persona for person in people} == set(Persona) - colleagues


async def test_ear_cuts_turns_into_pieces_and_ignores_clicks() -> None:
    hearing = FakeHearing("something")
    ear = Ear(hearing, language="en", grammar=Grammar(()), piece_gap_ms=200, turn_gap_ms=600)

    def hear(loud_ms: int, quiet_ms: int) -> None:
        for frame, length in ((LOUD_FRAME, loud_ms), (SILENT_FRAME, quiet_ms)):
            for _ in range(length // 20):
                ear.hear(frame)

    hear(60, 1000)
    assert (ear.has_turn, ear.turn_ms) == (False, 0)
    hear(500, 100)
    assert ear.turn_ms == 600
    hear(500, 300)
    hear(400, 300)
    assert not ear.has_turn
    hear(0, 320)
    assert ear.has_turn
    assert [piece.text for piece in await ear.turn()] == ["something", "something"]
    fed = hearing.fed
    hear(0, 5000)
    assert hearing.fed == fed
    hear(500, 300)
    ear.forget()
    hear(0, 1000)
    assert not ear.has_turn


async def test_muted_mouth_is_silent_for_as_long_as_it_would_speak() -> None:
    aloud, muted = Mouth(FakeVoice(), muted=False), Mouth(FakeVoice(), muted=True)
    spoken = await aloud.utter("monday please", sentences.VOICES[0])
    silence = await muted.utter("monday please", sentences.VOICES[0])
    assert len(silence) == len(spoken)
    assert set(silence) == {0xFF}
    assert await aloud.utter("monday please", sentences.VOICES[0]) is spoken
