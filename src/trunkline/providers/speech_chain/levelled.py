"""A voice brought to one loudness with the others of the house. Owns what is known of each voice's level."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from copy import copy
from typing import cast

from trunkline.kit.loudness import Leveller
from trunkline.providers.ports import TextToSpeech, Voice

_MOST_VOICES = 500


class LevelledTextToSpeech:
    """The `TextToSpeech` port over another. A voice begins each sentence with the gain of its last."""

    def __init__(self, tts: TextToSpeech) -> None:
        self._tts = tts
        self._known: OrderedDict[tuple[str, str], Leveller] = OrderedDict()

    async def speak(self, text: str, voice: Voice) -> AsyncIterator[bytes]:
        """Yield the speech. Raises SpeechFailed."""
        key = (voice.language, voice.name)
        # Its own copy: sentences of other calls, spoken meanwhile, must not move this one's gain.
        leveller = copy(self._known.get(key, Leveller()))
        async with aclosing(cast("AsyncGenerator[bytes, None]", self._tts.speak(text, voice))) as pieces:
            async for pcm in pieces:
                yield leveller.feed(pcm)
        self._known[key] = leveller
        self._known.move_to_end(key)
        if len(self._known) > _MOST_VOICES:
            self._known.popitem(last=False)

    async def close(self) -> None:
        await self._tts.close()
