"""Speech to text by pocketsphinx: the port's side of the helper that listens.

Bound to a grammar and English only: free dictation with this model gets half the words wrong, so
it is not offered. An utterance stays with us until its end and then goes to a helper in one
piece, so a helper that dies in between costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from trunkline.providers.local_speech.helpers import HelperPool
from trunkline.providers.local_speech.requirements import require
from trunkline.providers.ports import SAMPLE_RATE, Grammar, SpeechFailed, Transcript

_HELPER = "trunkline.providers.local_speech.sphinx_helper"
_LONGEST_UTTERANCE = 30 * SAMPLE_RATE * 2
"""Bytes. Nobody answers a grammar for longer; what comes later is not listened to."""


@dataclass(frozen=True, slots=True)
class WeightedGrammar(Grammar):
    """A grammar whose phrases are not equally likely: one weight above zero each, on any scale."""

    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.weights) != len(self.phrases) or any(weight <= 0 for weight in self.weights):
            raise ValueError("a weighted grammar has one weight above zero for each phrase")


class SphinxSpeechToText:
    """The `SpeechToText` port on pocketsphinx. Helpers weigh some 120 MB each, started as needed.

    Phrases that hold a word outside the dictionary cannot be heard. Speech outside the grammar
    and noise give an empty text. Without a grammar every text is empty.
    """

    def __init__(self, *, helpers: int = 2) -> None:
        require("pocketsphinx")
        self._pool = HelperPool(_HELPER, size=helpers)

    def open(self, *, language: str, grammar: Grammar | None) -> SphinxUtterance:
        """Begin an utterance. Raises ValueError for a language other than English."""
        if language.lower().partition("-")[0] != "en":
            raise ValueError(f"local speech recognition is English only, not {language!r}")
        return SphinxUtterance(self._pool, grammar)

    async def warm_up(self) -> None:
        """Have one helper loaded before the first caller needs it. Raises SpeechFailed."""
        await self._pool.ask({"phrases": [], "weights": []})

    async def close(self) -> None:
        """End the helpers. Utterances that are finished later raise SpeechFailed."""
        await self._pool.close()


class SphinxUtterance:
    """One utterance, gathered until it ends."""

    def __init__(self, pool: HelperPool, grammar: Grammar | None) -> None:
        self._pool = pool
        self._grammar = grammar
        self._pcm = bytearray()
        self._cancelled = False

    def feed(self, pcm: bytes) -> None:
        """Take more audio."""
        if not self._cancelled and self._grammar is not None:
            room = _LONGEST_UTTERANCE - len(self._pcm)
            self._pcm += pcm[: max(0, room)]

    @property
    def text_so_far(self) -> str:
        """Nothing is known before the end."""
        return ""

    async def finish(self) -> Transcript:
        """Return the phrase that was said, or an empty text. Raises SpeechFailed."""
        if self._cancelled:
            raise SpeechFailed("the utterance was cancelled")
        if self._grammar is None or not self._pcm:
            return Transcript(text="", confidence=0.0)
        phrases = self._grammar.phrases
        weights = (
            self._grammar.weights if isinstance(self._grammar, WeightedGrammar) else (1.0,) * len(phrases)
        )
        request = {"phrases": phrases, "weights": weights}
        answer, _ = await self._pool.ask(request, bytes(self._pcm))
        return Transcript(text=answer["text"], confidence=answer["confidence"])

    def cancel(self) -> None:
        """Forget the audio."""
        self._cancelled = True
        self._pcm.clear()
