"""Does noise suppression help to understand callers in noise, and what does it cost?

Speaks the answers of the demo's dialogue with several voices over a telephone line with street noise 10 and
5 dB below the voice, and recognises them as a call does: without suppression and with it. Further: how much
quieter the noise gets before anybody speaks, how many windows of speech the voice detector still finds, how
many of noise it takes for speech, and the CPU that a second of a call costs. Last line: one JSON object.

    python benchmarks/noise.py [rounds]
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable

import numpy as np
from speech import ASIDES, QUESTIONS

from trunkline.kit.audio import FRAME_BYTES, level, pcm_to_ulaw, ulaw_to_pcm
from trunkline.providers.local_speech import (
    EspeakTextToSpeech,
    SileroVoiceActivity,
    SphinxSpeechToText,
    tuning,
)
from trunkline.providers.ports import Grammar, NoiseSuppression, Voice
from trunkline.providers.spectral_gate import SpectralGate

NOISE_DB = (None, 10, 5)
LEAD_MS = 2_000
"""Noise alone before each answer: what a call has heard of the line by then."""
PREROLL_MS = 400
"""Of it, the recogniser gets this much."""
LATE_MS = 20
"""What suppression is late."""


class Plain:
    """No suppression."""

    def clean(self, pcm: bytes) -> bytes:
        return pcm


WAYS: dict[str, Callable[[], NoiseSuppression]] = {"without": Plain, "with": SpectralGate}


def pink(rng: np.random.Generator, samples: int) -> np.ndarray:
    """Noise whose power falls with its frequency, as that of a street; of unit power."""
    spectrum = np.fft.rfft(rng.normal(0, 1, samples))
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), samples / 200))
    wave = np.fft.irfft(spectrum, samples)
    return wave / wave.std()


def on_the_line(pcm: bytes, noise_db: int | None, rng: np.random.Generator) -> bytes:
    """An answer with noise before, in and behind it, through mu-law."""
    voice = np.frombuffer(pcm, "<i2") * 0.6
    spoken = voice[np.abs(voice) > 200]
    whole = np.concatenate([np.zeros(LEAD_MS * 8), voice, np.zeros(4_000)])
    if noise_db is not None:
        whole = whole + pink(rng, len(whole)) * np.sqrt(np.mean(spoken**2)) / 10 ** (noise_db / 20)
    return ulaw_to_pcm(pcm_to_ulaw(np.clip(whole, -32768, 32767).astype("<i2").tobytes()))


def cleaned(make: Callable[[], NoiseSuppression], pcm: bytes) -> tuple[bytes, float]:
    """Return it frame by frame through a suppressor, and the seconds of CPU that it took."""
    suppressor = make()
    begun = time.process_time()
    frames = [suppressor.clean(pcm[at : at + FRAME_BYTES]) for at in range(0, len(pcm), FRAME_BYTES)]
    return b"".join(frames), time.process_time() - begun


def windows(pcm: bytes) -> list[bool]:
    """Which windows the voice detector takes for speech."""
    detector = SileroVoiceActivity()
    size = detector.window_samples * 2
    return [detector.probability(pcm[at : at + size]) >= 0.5 for at in range(0, len(pcm) - size + 1, size)]


async def measure(rounds: int) -> dict[str, float]:
    rng = np.random.default_rng(7)
    tts, stt = EspeakTextToSpeech(), SphinxSpeechToText(helpers=2)
    await stt.warm_up()
    figures: dict[str, float] = {}
    right: dict[str, list[bool]] = {}
    cpu: dict[str, list[float]] = {way: [] for way in WAYS}
    quieter: list[float] = []
    for question, answers in QUESTIONS.items():
        grammar = Grammar(answers + ASIDES)
        for answer in answers * rounds:
            for voice in tuning.PERSON_VOICES:
                spoken = Voice("en-US", voice, tuning.WORDS_PER_MINUTE)
                pcm = b"".join([part async for part in tts.speak(answer, spoken)])
                for noise_db in NOISE_DB:
                    line = on_the_line(pcm, noise_db, rng)
                    truth = windows(on_the_line(pcm, None, rng))
                    for way, make in WAYS.items():
                        sound, seconds = cleaned(make, line)
                        cpu[way].append(seconds / (len(line) / 16_000))
                        name = f"{'clean' if noise_db is None else f'{noise_db}db'}_{way}"
                        if noise_db is not None and way == "with":
                            lead = slice(16 * 1_000, 16 * LEAD_MS)
                            quieter.append(20 * np.log10(level(line[lead]) / max(1, level(sound[lead]))))
                        begin = (LEAD_MS - PREROLL_MS) * 16
                        utterance = stt.open(language="en-US", grammar=grammar)
                        utterance.feed(sound[begin:])
                        right.setdefault(f"{name}_right", []).append(
                            (await utterance.finish()).text == answer
                        )
                        found = windows(sound[LATE_MS * 16 :] if way == "with" else sound)
                        pairs = list(zip(truth, found, strict=False))
                        right.setdefault(f"{name}_voice_found", []).extend(f for t, f in pairs if t)
                        right.setdefault(f"{name}_noise_as_voice", []).extend(f for t, f in pairs if not t)
        print(question, {name: round(float(np.mean(each)), 3) for name, each in right.items()}, flush=True)
    figures.update({name: float(np.mean(each)) for name, each in right.items()})
    figures["noise_quieter_db"] = float(np.mean(quieter))
    figures["cpu_ms_a_call_second"] = (float(np.mean(cpu["with"])) - float(np.mean(cpu["without"]))) * 1000
    figures["answers"] = len(right["clean_with_right"])
    await tts.close()
    await stt.close()
    return figures


if __name__ == "__main__":
    result = asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 1))
    print(json.dumps({name: round(value, 3) for name, value in result.items()}))
