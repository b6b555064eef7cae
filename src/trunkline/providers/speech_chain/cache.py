"""What is said again and again, made once: greetings, disclosures, fillers.

One cache serves a process: the same words by the same voice sound the same, whoever's they are. It keeps what
was asked for twice longer than what was said once, so a day's talk does not push out the greetings.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, cast

from trunkline.kit.audio import BYTES_PER_MS
from trunkline.providers.ports import TextToSpeech, Voice

Key = tuple[Any, ...]

_LONGEST = 30_000 * BYTES_PER_MS
"""Bytes of one text; longer ones are hardly said twice."""
_PIECE = 200 * BYTES_PER_MS
_PART_OF_NEW = 4
"""A quarter of the room is for what was said once."""


class AudioCache:
    """Speech by provider, voice and text, of at most so many bytes."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._new: OrderedDict[Key, bytes] = OrderedDict()
        self._kept: OrderedDict[Key, bytes] = OrderedDict()
        self._sizes = {id(self._new): 0, id(self._kept): 0}

    @property
    def size(self) -> int:
        """Bytes of speech that are held."""
        return sum(self._sizes.values())

    def get(self, key: Key) -> bytes | None:
        """Return a text's speech. What is asked for again is kept longer."""
        if (pcm := self._take(self._new, key)) is None and (pcm := self._take(self._kept, key)) is None:
            return None
        self._add(self._kept, key, pcm, self._most - self._most // _PART_OF_NEW)
        return pcm

    def put(self, key: Key, pcm: bytes) -> None:
        """Hold a text's speech, if there is room for such a long one."""
        if key not in self._kept and len(pcm) <= _LONGEST:
            self._take(self._new, key)
            self._add(self._new, key, pcm, self._most // _PART_OF_NEW)

    def _add(self, part: OrderedDict[Key, bytes], key: Key, pcm: bytes, most: int) -> None:
        part[key] = pcm
        self._sizes[id(part)] += len(pcm)
        while self._sizes[id(part)] > most:
            self._take(part, next(iter(part)))

    def _take(self, part: OrderedDict[Key, bytes], key: Key) -> bytes | None:
        pcm = part.pop(key, None)
        if pcm is not None:
            self._sizes[id(part)] -= len(pcm)
        return pcm


class CachedTextToSpeech:
    """The `TextToSpeech` port over another, whose name `provider` is. Only whole sentences are kept."""

    def __init__(self, tts: TextToSpeech, cache: AudioCache, *, provider: str) -> None:
        self._tts = tts
        self._cache = cache
        self._provider = provider

    async def speak(self, text: str, voice: Voice) -> AsyncIterator[bytes]:
        """Yield the speech, at once where it is known. Raises SpeechFailed."""
        key = (self._provider, voice.language, voice.name, voice.words_per_minute, text)
        known = self._cache.get(key)
        if known is not None:
            for start in range(0, len(known), _PIECE):
                yield known[start : start + _PIECE]
            return
        made = bytearray()
        async with aclosing(cast("AsyncGenerator[bytes, None]", self._tts.speak(text, voice))) as pieces:
            async for pcm in pieces:
                if len(made) <= _LONGEST:
                    made += pcm
                yield pcm
        if made:
            self._cache.put(key, bytes(made))

    async def close(self) -> None:
        await self._tts.close()
