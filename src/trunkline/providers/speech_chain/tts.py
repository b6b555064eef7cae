"""Voices in a chain: where one fails in a sentence, the next goes on with the words that were not spoken.

How far the first one came is judged by the sound it gave and by how fast it has been speaking; the word in
which it broke off is said again whole, and none before it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import replace

from trunkline.kit.audio import BYTES_PER_MS, FRAME_BYTES, level
from trunkline.providers.ports import SpeechFailed, TellFailure, TextToSpeech, Voice
from trunkline.providers.speech_chain.cooling import Cooling
from trunkline.providers.speech_chain.words import USUAL_MS_PER_LETTER, letters, words_left

_AUDIBLE = 100
"""Level below which the beginning of a sentence is silence and no word."""
_SHORTEST_MEASURE = 20.0
"""Letters: a shorter sentence says little about a voice's pace."""
_LEARNING = 0.3


class FallbackTextToSpeech:
    """The `TextToSpeech` port over others. One that fails or stalls is left alone for `cool_s`.

    `patience_s` bounds each wait for the next sound of a voice, `within_s` those of all together: whoever
    takes the sound must have more patience than that, or the last of many never has its turn. `Voice.name`
    is the name at `Voice.provider`, or at the first of the chain; elsewhere the voice is called what
    `Voice.names` says, or has the provider's own.
    """

    def __init__(
        self,
        mouths: Mapping[str, TextToSpeech],
        *,
        patience_s: float = 1.8,
        within_s: float = 3.6,
        cool_s: float = 30.0,
        on_failure: TellFailure | None = None,
    ) -> None:
        self._mouths = dict(mouths)
        self._cooling = Cooling(tuple(mouths), seconds=cool_s)
        self._patience_s = min(patience_s, within_s / len(mouths))
        self._on_failure = on_failure
        self._pace = dict.fromkeys(mouths, USUAL_MS_PER_LETTER)

    async def speak(self, text: str, voice: Voice) -> AsyncIterator[bytes]:
        """Yield the speech as it is made, whoever makes it. Raises SpeechFailed where all have failed."""
        rest, reason = text, ""
        order = self._cooling.order(asyncio.get_running_loop().time(), first=voice.provider)
        for at, name in enumerate(order, 1):
            voiced_ms = 0.0
            try:
                async with aclosing(self._spoken(name, rest, voice)) as pieces:
                    async for pcm in pieces:
                        if voiced_ms or _is_audible(pcm):
                            voiced_ms += len(pcm) / BYTES_PER_MS
                        yield pcm
            except SpeechFailed as failure:
                reason = f"{name}: {failure}"
                rest = words_left(rest, voiced_ms / self._pace[name])
                self._failed(name, str(failure), order[at] if rest and at < len(order) else "")
                if not rest:
                    return
            else:
                self._worked(name, rest, voiced_ms)
                return
        raise SpeechFailed(reason)

    async def close(self) -> None:
        for mouth in self._mouths.values():
            await mouth.close()

    async def _spoken(self, name: str, text: str, voice: Voice) -> AsyncGenerator[bytes, None]:
        speech = self._mouths[name].speak(text, self._voice_of(name, voice))
        try:
            while True:
                async with asyncio.timeout(self._patience_s):
                    pcm = await anext(speech, None)
                if pcm is None:
                    return
                yield pcm
        except TimeoutError as error:
            raise SpeechFailed(f"no sound for {self._patience_s:g} s") from error
        finally:
            aclose = getattr(speech, "aclose", None)
            if aclose is not None:
                await aclose()

    def _voice_of(self, name: str, voice: Voice) -> Voice:
        own = voice.name if name == (voice.provider or self._cooling.names[0]) else ""
        return replace(voice, name=voice.names.get(name, own))

    def _failed(self, name: str, reason: str, taken_over_by: str) -> None:
        self._cooling.failed(name, asyncio.get_running_loop().time())
        if self._on_failure is not None:
            self._on_failure(name, reason, taken_over_by)

    def _worked(self, name: str, text: str, voiced_ms: float) -> None:
        self._cooling.worked(name)
        length = letters(text)
        if length >= _SHORTEST_MEASURE and voiced_ms:
            self._pace[name] += _LEARNING * (voiced_ms / length - self._pace[name])


def _is_audible(pcm: bytes) -> bool:
    return any(
        level(pcm[start : start + FRAME_BYTES]) > _AUDIBLE for start in range(0, len(pcm), FRAME_BYTES)
    )
