"""A caller who lives at a number of the local carrier and follows a plan in every call."""

from __future__ import annotations

from random import Random

from trunkline.providers.ports import Grammar, LanguageModel, SpeechToText, Transcript
from trunkline.simulators.callers.ear_watch import EarFigures
from trunkline.simulators.callers.handset import CallerHandset
from trunkline.simulators.callers.mind import ScriptedMind
from trunkline.simulators.callers.model_mind import ModelMind
from trunkline.simulators.callers.plan import CallerPlan
from trunkline.simulators.carrier.book import Book
from trunkline.simulators.carrier.people.ear import Ear
from trunkline.simulators.carrier.people.mouth import Mouth
from trunkline.simulators.carrier.people.population import Manner, Telephone

_PIECE_GAP_MS = 450
_TURN_GAP_MS = 1000
"""As of the carrier's own people: see `population`."""


class NoWords:
    """An utterance, and a recogniser, in a language that nobody here understands: turns, no words."""

    text_so_far = ""

    def open(self, *, language: str, grammar: Grammar | None) -> NoWords:
        return self

    def feed(self, pcm: bytes) -> None:
        """Nobody listens."""

    async def finish(self) -> Transcript:
        return Transcript("", 0.0)

    def cancel(self) -> None:
        """Nothing is held."""

    async def close(self) -> None:
        """Nothing is held."""


class Caller:
    """The carrier's `Resident`. `figures` holds what each call measured, by the call's sid."""

    def __init__(
        self,
        plan: CallerPlan,
        *,
        mouth: Mouth,
        stt: SpeechToText,
        seed: int,
        model: LanguageModel | None = None,
    ) -> None:
        """`model` plays a caller who has a persona. Raises ValueError where there is none then."""
        if plan.persona and model is None:
            raise ValueError(f"{plan.kind}: a caller with a persona needs a language model")
        self._plan = plan
        self._mouth = mouth
        self._stt = stt if _understands(stt, plan.language) else NoWords()
        self._rng = Random(seed)  # noqa: S311 - not for secrets
        self._model = model
        self.figures: dict[str, EarFigures] = {}

    @property
    def kind(self) -> str:
        return self._plan.kind

    @property
    def manner(self) -> Manner:
        return Manner(ring_s=self._plan.ring_s)

    def pick_up(self, sid: str, book: Book) -> Telephone:
        """Answer, or call. Has to be called on the carrier's loop."""
        plan = self._plan
        handset = CallerHandset(
            sid=sid,
            book=book,
            ear=Ear(
                self._stt,
                language=plan.language,
                grammar=Grammar(plan.phrases),
                piece_gap_ms=_PIECE_GAP_MS,
                turn_gap_ms=_TURN_GAP_MS,
            ),
            mouth=self._mouth,
            voice=plan.voice,
            rng=self._rng,
            line=plan.line,
        )
        self.figures[sid] = handset.watch.figures
        if self._model is not None and plan.persona:
            return Telephone(handset, ModelMind(plan, sid=sid, handset=handset, book=book, model=self._model))
        return Telephone(handset, ScriptedMind(plan, sid=sid, handset=handset, book=book))


def _understands(stt: SpeechToText, language: str) -> bool:
    try:
        stt.open(language=language, grammar=None).cancel()
    except ValueError:
        return False
    return True
