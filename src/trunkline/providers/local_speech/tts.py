"""Text to speech by espeak-ng: the port's side of the helper that speaks.

Owns how a text is cut into pieces. A piece is a sentence: the first is heard after some ten
milliseconds however long the text is, a helper is busy only while one sentence is made, and so
many calls share few helpers.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

from trunkline.providers.local_speech import tuning
from trunkline.providers.local_speech.helpers import HelperPool
from trunkline.providers.local_speech.requirements import require
from trunkline.providers.ports import Voice

_HELPER = "trunkline.providers.local_speech.espeak_helper"
_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+|\n+")
_LONGEST_PIECE = 300
"""Characters, some 20 seconds of speech; a longer sentence is cut at a space."""

_YIELD_BYTES = 3_200
"""200 ms: small enough that an early close wastes little, large enough to be cheap."""


class EspeakTextToSpeech:
    """The `TextToSpeech` port on espeak-ng, for every language that espeak has.

    `Voice.name` is espeak's own (`en-us+f2`). Without one, English has the agent's voice and
    other languages espeak's own default.
    """

    def __init__(self, *, helpers: int = 1) -> None:
        require("espeakng_loader")
        self._pool = HelperPool(_HELPER, size=helpers)

    async def speak(self, text: str, voice: Voice) -> AsyncIterator[bytes]:
        """Yield the speech in pieces of at most 200 ms. Raises SpeechFailed."""
        voices = _voice_names(voice)
        for piece in _pieces(text):
            _, pcm = await self._pool.ask({"text": piece, "voices": voices, "wpm": voice.words_per_minute})
            for start in range(0, len(pcm), _YIELD_BYTES):
                yield pcm[start : start + _YIELD_BYTES]

    async def close(self) -> None:
        """End the helpers. Later calls of `speak` raise SpeechFailed."""
        await self._pool.close()


def _voice_names(voice: Voice) -> list[str]:
    if voice.name:
        return [voice.name]
    language = voice.language.lower()
    primary = language.partition("-")[0]
    return [tuning.AGENT_VOICE] if primary == "en" else [language, primary]


def _pieces(text: str) -> list[str]:
    pieces = []
    for sentence in _SENTENCE_END.split(text):
        rest = sentence.strip()
        while len(rest) > _LONGEST_PIECE:
            cut = rest.rfind(" ", 1, _LONGEST_PIECE)
            cut = cut if cut > 0 else _LONGEST_PIECE
            pieces.append(rest[:cut])
            rest = rest[cut:].lstrip()
        if rest:
            pieces.append(rest)
    return pieces
