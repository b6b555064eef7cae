"""What the caller of the call benchmark says, and when: one round of three turns, repeated for ever.

Each round the caller says a sentence and hears the answer out; says another one and talks over the
answer after a second; then hears that answer out. Sentences are synthesised, so that Silero takes
them for speech, and lie on the noise of a line. Owns the sound and its timetable; knows no wire.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from trunkline.kit.audio import FRAME_MS, pcm_to_ulaw
from trunkline.providers.local_speech import EspeakTextToSpeech
from trunkline.providers.ports import Voice

REPLY_MS = 2_400
"""How long each answer of the agent is."""
DECISION_MS = 900
"""Room for a system to notice that the caller has finished."""
_OVER_AFTER_MS = 1_000
"""How much of an answer is heard before it is talked over."""
_REST_MS = 400
_NOISE = 12.0
"""Root mean square of the line's noise, in 16-bit steps."""
_LOUD = 300
_SENTENCES = (
    "i would like to book an appointment with the doctor",
    "could you tell me whether you are open in the morning",
    "no sorry i meant the week after that one",
)


@dataclass(frozen=True, slots=True)
class Spoken:
    """One turn of the caller, in frames from the beginning of the round."""

    begins: int
    ends: int
    """The first frame without speech."""
    over: bool
    """It is said over an answer, which has to be cleared."""


@dataclass(frozen=True, slots=True)
class Script:
    """One round: its turns, and its sound as mu-law frames of 20 ms."""

    turns: tuple[Spoken, ...]
    frames: tuple[bytes, ...]

    @property
    def speech_share(self) -> float:
        """The part of the round in which the caller speaks."""
        return sum(turn.ends - turn.begins for turn in self.turns) / len(self.frames)

    def save(self, path: Path) -> None:
        """Write it where the process that makes the load can read it."""
        path.with_suffix(".ulaw").write_bytes(b"".join(self.frames))
        path.write_text(json.dumps([asdict(turn) for turn in self.turns]))


def load(path: Path) -> Script:
    """Read what `save` has written."""
    sound, size = path.with_suffix(".ulaw").read_bytes(), FRAME_MS * 8
    frames = tuple(sound[offset : offset + size] for offset in range(0, len(sound), size))
    return Script(tuple(Spoken(**turn) for turn in json.loads(path.read_text())), frames)


async def compose(voice: str) -> Script:
    """Speak the sentences and lay out the round."""
    speech = EspeakTextToSpeech()
    try:
        spoken = [
            _trimmed(b"".join([pcm async for pcm in speech.speak(text, Voice("en-US", voice, 150))]))
            for text in _SENTENCES
        ]
    finally:
        await speech.close()
    heard_out = DECISION_MS + REPLY_MS + _REST_MS
    after = (heard_out, DECISION_MS + _OVER_AFTER_MS, heard_out)
    turns: list[Spoken] = []
    sound: list[npt.NDArray[np.float64]] = []
    at = 0
    for number, (samples, silence_ms) in enumerate(zip(spoken, after, strict=True)):
        length = len(samples) // (FRAME_MS * 8)
        turns.append(Spoken(at, at + length, over=number == len(spoken) - 1))
        sound += [samples, np.zeros(silence_ms * 8)]
        at += length + silence_ms // FRAME_MS
    noise = np.random.default_rng(7).normal(0, _NOISE, at * FRAME_MS * 8)
    whole = np.clip(np.concatenate(sound) + noise, -32768, 32767).astype("<i2").tobytes()
    ulaw, size = pcm_to_ulaw(whole), FRAME_MS * 8
    return Script(tuple(turns), tuple(ulaw[i : i + size] for i in range(0, len(ulaw), size)))


def _trimmed(pcm: bytes) -> npt.NDArray[np.float64]:
    """Cut the silence off both ends, to whole frames: a turn begins with its first sound."""
    samples = np.frombuffer(pcm, "<i2").astype(np.float64)
    loud = np.flatnonzero(np.abs(samples) > _LOUD)
    size = FRAME_MS * 8
    kept = samples[loud[0] : loud[-1] + 1]
    return np.concatenate([kept, np.zeros(-len(kept) % size)])


def composed(voice: str) -> Script:
    """Return the round, spoken by this voice of espeak-ng."""
    return asyncio.run(compose(voice))
