"""Everybody who can be rung: their kinds, their memories, and a telephone for each call.

Owns who lives at which number and how their line behaves before they answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Protocol

from trunkline.providers.ports import SpeechToText, TextToSpeech
from trunkline.simulators.carrier.book import Book
from trunkline.simulators.carrier.people.ear import Ear
from trunkline.simulators.carrier.people.mind import Memory, Mind
from trunkline.simulators.carrier.people.mouth import Mouth
from trunkline.simulators.carrier.people.personas import Person, Persona
from trunkline.simulators.carrier.people.sentences import HEARING, LANGUAGE, VOICES
from trunkline.simulators.carrier.people.telephone import Handset

_PIECE_GAP_MS = 450
"""Longer than the pauses within a sentence, shorter than those between an agent's sentences (600 up)."""
_TURN_GAP_MS = 1000


@dataclass(frozen=True, slots=True)
class Manner:
    """How a line behaves before it is answered, if it is."""

    ring_s: float
    """Infinite if nobody will come; for an engaged line, the time until that is known."""
    engaged: bool = False


class Holder(Protocol):
    """Whoever holds a telephone during one call."""

    async def live(self) -> None:
        """Hold the conversation; return to hang up. Raises SpeechFailed."""

    async def play_back(self) -> None:
        """The line is dead; understand what was heard last. Raises SpeechFailed."""


@dataclass(frozen=True, slots=True)
class Telephone:
    """A handset and whoever holds it, for one call."""

    handset: Handset
    mind: Holder


class Resident(Protocol):
    """Somebody who follows a plan of their own instead of a persona's."""

    @property
    def kind(self) -> str:
        """What the book calls them."""

    @property
    def manner(self) -> Manner: ...

    def pick_up(self, sid: str, book: Book) -> Telephone:
        """Answer a call, or make one."""


class Population:
    """People by number. `seed` decides everything that is drawn at random, per number."""

    def __init__(
        self,
        people: tuple[Person, ...],
        *,
        book: Book,
        tts: TextToSpeech,
        stt: SpeechToText,
        seed: int,
        muted: bool,
    ) -> None:
        self._book = book
        self._stt = stt
        self._mouth = Mouth(tts, muted=muted)
        self._seed = seed
        self._memories: dict[str, Memory] = {}
        self._residents: dict[str, Resident] = {}
        for person in people:
            self.admit(person.number, person.persona)

    def admit(self, number: str, persona: str) -> None:
        """Let somebody live at this number; a person who does already changes their kind and keeps
        their memory. Raises ValueError on an unknown persona."""
        kind = Persona(persona)
        known = self._memories.get(number)
        if known is not None:
            known.persona = kind
        else:
            # Not for secrets; each number draws by itself, so that the order of calls changes nothing.
            self._memories[number] = Memory(kind, Random(f"{self._seed}/{number}"))  # noqa: S311
        self._book.personas[number] = kind

    def settle(self, number: str, resident: Resident) -> None:
        """Let somebody with a plan of their own live at this number."""
        self._residents[number] = resident
        self._book.personas[number] = resident.kind

    def persona_name(self, number: str) -> str:
        """Return the persona at this number, or an empty string."""
        if number in self._residents:
            return self._residents[number].kind
        memory = self._memories.get(number)
        return memory.persona if memory else ""

    def manner_of(self, number: str) -> Manner | None:
        """Return how this line behaves now; None if nobody lives there."""
        if number in self._residents:
            return self._residents[number].manner
        memory = self._memories.get(number)
        if memory is None:
            return None
        match memory.persona:
            case Persona.BUSY:
                return Manner(ring_s=memory.rng.uniform(0.5, 1.5), engaged=True)
            case Persona.NO_ANSWER:
                return Manner(ring_s=float("inf"))
            case Persona.VOICEMAIL:
                return Manner(ring_s=memory.rng.uniform(4.0, 6.0))
            case _:
                return Manner(ring_s=memory.rng.uniform(1.5, 4.0))

    async def announce(self, text: str) -> bytes:
        """Return a sentence in the carrier's own voice, as mu-law. Raises SpeechFailed."""
        return await self._mouth.utter(text, VOICES[0])

    def pick_up(self, number: str, sid: str) -> Telephone:
        """Somebody answers, or calls: return their telephone, with them at it."""
        if number in self._residents:
            return self._residents[number].pick_up(sid, self._book)
        memory = self._memories[number]
        ear = Ear(
            self._stt,
            language=LANGUAGE,
            grammar=HEARING,
            piece_gap_ms=_PIECE_GAP_MS,
            turn_gap_ms=_TURN_GAP_MS,
        )
        handset = Handset(
            sid=sid,
            book=self._book,
            ear=ear,
            mouth=self._mouth,
            voice=VOICES[sum(map(ord, number)) % len(VOICES)],
            rng=memory.rng,
        )
        mind = Mind(number=number, sid=sid, memory=memory, handset=handset, book=self._book)
        return Telephone(handset, mind)
