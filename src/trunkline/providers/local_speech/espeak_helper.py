"""The program that speaks: `python -m trunkline.providers.local_speech.espeak_helper`.

The only place that loads libespeak-ng, which is GPL-3.0-or-later: this process and ours share
pipes and nothing else. A request is `{"text", "voices", "wpm"}`; the answer's body is 8 kHz PCM.
"""

from __future__ import annotations

import ctypes
import signal
from typing import Any

import espeakng_loader

from trunkline.kit.processes import die_with_parent
from trunkline.kit.resample import resample
from trunkline.providers.local_speech.wire import Message, serve
from trunkline.providers.ports import SAMPLE_RATE

_SYNCHRONOUS = 2
_DO_NOT_EXIT = 0x8000
_UTF8_WITH_END_PAUSE = 1 | 0x1000
_RATE = 1

_SamplesCallback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


class _Espeak:
    """The library with its global state: one voice, one text at a time."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path().encode()
        self._sample_rate = self._library.espeak_Initialize(_SYNCHRONOUS, 0, data, _DO_NOT_EXIT)
        if self._sample_rate <= 0:
            raise OSError("espeak-ng did not start")
        self._made: list[bytes] = []
        # Kept on the object: the library calls it long after this function has returned.
        self._callback = _SamplesCallback(self._take)
        self._library.espeak_SetSynthCallback(self._callback)

    def handle(self, request: dict[str, Any], _body: bytes) -> Message:
        """Speak one piece of text. Raises ValueError for a voice that espeak does not have."""
        for voice in request["voices"]:
            if self._library.espeak_SetVoiceByName(voice.encode()) == 0:
                break
        else:
            raise ValueError(f"espeak has no voice {request['voices'][0]!r}")
        self._library.espeak_SetParameter(_RATE, int(request["wpm"]), 0)
        self._made.clear()
        text = request["text"].replace("\0", " ").encode()
        spoken = self._library.espeak_Synth(
            text, ctypes.c_size_t(len(text) + 1), 0, 1, 0, _UTF8_WITH_END_PAUSE, None, None
        )
        if spoken != 0:
            raise ValueError(f"espeak refused the text (error {spoken})")
        self._library.espeak_Synchronize()
        return {}, resample(b"".join(self._made), self._sample_rate, SAMPLE_RATE)

    def _take(self, samples: Any, count: int, _events: Any) -> int:
        if samples and count > 0:
            self._made.append(ctypes.string_at(samples, count * 2))
        return 0


if __name__ == "__main__":
    # By force: it may be in the middle of its work.
    die_with_parent(signal.SIGKILL)
    serve(_Espeak().handle)
