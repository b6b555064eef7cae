"""A program of its own that speaks sentences and tells when each word begins.

Reads one JSON list of `[voice, text]` from its input; answers with a JSON list of `{"pcm": base64 of 8 kHz
PCM, "words": seconds at which each word begins, -1 where it does not tell}`.
"""

from __future__ import annotations

import base64
import ctypes
import json
import sys
from typing import Any

import espeakng_loader

from trunkline.kit.resample import resample

_WORD = 1


class Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    )


def main() -> None:
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    rate = library.espeak_Initialize(2, 0, espeakng_loader.get_data_path().encode(), 0x8000)
    made: list[bytes] = []
    words: list[tuple[int, int]] = []

    def take(samples: Any, count: int, events: Any) -> int:
        if samples and count > 0:
            made.append(ctypes.string_at(samples, count * 2))
        at = 0
        while events[at].type:
            if events[at].type == _WORD:
                words.append((events[at].text_position, events[at].audio_position))
            at += 1
        return 0

    kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(Event))
    callback = kind(take)
    library.espeak_SetSynthCallback(callback)
    answers = []
    for voice, text in json.load(sys.stdin):
        made.clear()
        words.clear()
        assert library.espeak_SetVoiceByName(voice.encode()) == 0
        library.espeak_SetParameter(1, 150, 0)
        data = text.encode()
        library.espeak_Synth(data, ctypes.c_size_t(len(data) + 1), 0, 1, 0, 1 | 0x1000, None, None)
        library.espeak_Synchronize()
        pcm = resample(b"".join(made), rate, 8_000)
        answers.append({"pcm": base64.b64encode(pcm).decode(), "words": _begins(text, words)})
    json.dump(answers, sys.stdout)


def _begins(text: str, events: list[tuple[int, int]]) -> list[float]:
    """Return when each word between spaces begins, -1 where espeak has joined it to the one before."""
    begins: list[float] = []
    position = 0
    for word in text.split():
        position = text.index(word, position)
        inside = [ms for at, ms in events if position < at <= position + len(word)]
        begins.append(inside[0] / 1000 if inside else -1.0)
        position += len(word)
    return begins


if __name__ == "__main__":
    main()
