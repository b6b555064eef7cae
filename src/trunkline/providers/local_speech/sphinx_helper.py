"""The program that listens: `python -m trunkline.providers.local_speech.sphinx_helper`.

Owns the recogniser and the rules by which an answer is refused. A request is
`{"phrases", "weights"}` with one whole utterance of 8 kHz PCM; the answer `{"text", "confidence"}`.

The utterance is decoded in one go after its end, which takes 12 ms for a second of audio: the
channel's mean is then that of the utterance itself, and nothing of one caller tints the next.
"""

from __future__ import annotations

import math
import re
import signal
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pocketsphinx

from trunkline.kit.processes import die_with_parent
from trunkline.kit.resample import resample
from trunkline.providers.local_speech import tuning
from trunkline.providers.local_speech.wire import Message, serve
from trunkline.providers.ports import SAMPLE_RATE

_MODEL_RATE = 16_000
"""The bundled model's filters reach to 6,800 Hz; it refuses 8 kHz audio."""

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)*")
_SEARCH = "answers"


class _Recogniser:
    """One decoder and the grammar that it was last bound to."""

    def __init__(self) -> None:
        self._decoder = pocketsphinx.Decoder(
            lm=None, loglevel="FATAL", samprate=_MODEL_RATE, **tuning.DECODER_OPTIONS
        )
        for number, (word, phones) in enumerate(tuning.EXTRA_PRONUNCIATIONS, start=7):
            self._decoder.add_word(f"{word}({number})", phones, True)
        self._bound_to: str | None = None
        self._phrases: frozenset[str] = frozenset()

    def handle(self, request: dict[str, Any], pcm: bytes) -> Message:
        """Recognise one utterance."""
        self._bind(request["phrases"], request["weights"])
        if not self._phrases or not pcm:
            return {"text": "", "confidence": 0.0}, b""
        self._decoder.start_utt()
        audio = resample(_with_line_noise(pcm), SAMPLE_RATE, _MODEL_RATE)
        self._decoder.process_raw(audio, full_utt=True)
        self._decoder.end_utt()
        heard = self._decoder.hyp()
        # A text that is no whole phrase is a decoy, or a path that never reached the grammar's end.
        if (
            heard is None
            or heard.hypstr not in self._phrases
            or self._acoustic_score() < tuning.LEAST_ACOUSTIC_SCORE
        ):
            return {"text": "", "confidence": 0.0}, b""
        confidence = min(1.0, max(0.0, heard.prob * tuning.CONFIDENCE_SCALE))
        return {"text": heard.hypstr, "confidence": confidence}, b""

    def _bind(self, phrases: list[str], weights: list[float]) -> None:
        usable: dict[str, float] = {}
        for phrase, weight in zip(phrases, weights, strict=True):
            words = phrase.split()
            if words and all(self._knows(word) for word in words):
                spoken = " ".join(words)
                usable[spoken] = usable.get(spoken, 0.0) + weight
        alternatives = " | ".join(
            [
                *(f"/{weight:.6f}/ {phrase}" for phrase, weight in usable.items()),
                *(f"/{tuning.DECOY_WEIGHT:.15f}/ {decoy}" for decoy in _decoys_beside(usable)),
            ]
        )
        if usable and alternatives != self._bound_to:
            grammar = f"#JSGF V1.0;\ngrammar {_SEARCH};\npublic <phrase> = {alternatives};\n"
            self._decoder.add_jsgf_string(_SEARCH, grammar)
            self._decoder.activate_search(_SEARCH)
            self._bound_to = alternatives
        self._phrases = frozenset(usable)

    def _knows(self, word: str) -> bool:
        # The pattern also keeps grammar syntax out of the grammar.
        return bool(_WORD.fullmatch(word)) and self._decoder.lookup_word(word) is not None

    def _acoustic_score(self) -> float:
        """Return the words' mean log likelihood a frame, silences left out."""
        total, frames = 0.0, 0
        for segment in self._decoder.seg():
            if segment.word.startswith(("<", "+", "(")):
                continue
            total += math.log(max(segment.ascore, 1e-300))
            frames += segment.end_frame - segment.start_frame + 1
        return total / frames if frames else -math.inf


def _decoys_beside(phrases: Iterable[str]) -> Iterator[str]:
    """Yield the decoys that are neither part of a phrase nor hold one: those would cost right answers."""
    padded = [f" {phrase} " for phrase in phrases]
    for decoy in tuning.DECOYS:
        within = f" {decoy} "
        if not any(within in phrase or phrase in within for phrase in padded):
            yield decoy


def _with_line_noise(pcm: bytes) -> bytes:
    # The same noise every time: the same audio is to be understood in the same way.
    samples = np.frombuffer(pcm, "<i2")
    noise = np.random.default_rng(0).normal(0.0, tuning.LINE_NOISE, len(samples))
    return np.clip(np.rint(samples + noise), -32768, 32767).astype("<i2").tobytes()


if __name__ == "__main__":
    # By force: it may be in the middle of its work.
    die_with_parent(signal.SIGKILL)
    serve(_Recogniser().handle)
