"""The API with a voice and ears whose provider stalls and fails now and then; else the process as it is.

`python -m support.stalling_api`. The voice is a tone of 50 ms a letter, made at once; every fifth sentence
stalls for ever, every seventh fails. The ears hear nothing, and every third utterance is never finished.
"""

from __future__ import annotations

import asyncio
import math
import struct
from collections.abc import AsyncIterator
from itertools import count

from trunkline import asgi
from trunkline.core.settings import load_settings
from trunkline.providers.local_speech import SileroVoiceActivity
from trunkline.providers.ports import Grammar, SpeechFailed, Transcript, Voice
from trunkline.web.hired import Speech
from trunkline.wiring import Command

_LETTER = struct.pack("<400h", *(int(7000 * math.sin(i / 3)) for i in range(400)))


class StallingVoice:
    def __init__(self) -> None:
        self._spoken = count(1)

    async def speak(self, text: str, voice: Voice) -> AsyncIterator[bytes]:
        number = next(self._spoken)
        if number % 5 == 0:
            await asyncio.Event().wait()
        if number % 7 == 0:
            raise SpeechFailed("the provider refused")
        for _ in text:
            yield _LETTER

    async def close(self) -> None: ...


class StallingEars:
    def __init__(self) -> None:
        self._opened = count(1)

    def open(self, *, language: str, grammar: Grammar | None) -> _Utterance:
        return _Utterance(stalls=next(self._opened) % 3 == 0)

    async def close(self) -> None: ...


class _Utterance:
    text_so_far = ""

    def __init__(self, *, stalls: bool) -> None:
        self._stalls = stalls

    def feed(self, pcm: bytes) -> None: ...

    async def finish(self) -> Transcript:
        if self._stalls:
            await asyncio.Event().wait()
        return Transcript("", 0.0)

    def cancel(self) -> None: ...


if __name__ == "__main__":
    asgi.local_speech = lambda: Speech(stt=StallingEars(), tts=StallingVoice(), vad=SileroVoiceActivity)
    asgi.serve(Command.API, load_settings())
