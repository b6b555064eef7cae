"""What reaches a telephone and is nobody's turn: tones, coughs, keys, music, and the hum of a listener.

Every function takes a random generator and returns samples of about unit loudness at 8 kHz, so that a
seed makes the sound. Nothing here knows levels, lines or calls.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

RATE = 8_000
Samples = npt.NDArray[np.float64]
Rng = np.random.Generator

_KEYS = [(low, high) for low in (697, 770, 852, 941) for high in (1209, 1336, 1477)]
_RINGS = ((440.0, 480.0), (425.0, 425.0), (400.0, 400.0), (400.0, 450.0))
_BUSY = ((480.0, 620.0), (425.0, 425.0), (400.0, 400.0))


def unit(samples: Samples) -> Samples:
    """Scale to a root mean square of one over what is not silence."""
    loud = np.abs(samples) > 0.05 * np.abs(samples).max()
    scale = float(np.sqrt(np.mean(samples[loud] ** 2))) if loud.any() else 1.0
    return samples / max(scale, 1e-9)


def silence(ms: float) -> Samples:
    return np.zeros(round(ms * 8))


def sines(hertz: tuple[float, ...], ms: float) -> Samples:
    """Several steady tones at once, faded over 5 ms at both ends."""
    time = np.arange(round(ms * 8)) / RATE
    made: Samples = np.sum([np.sin(2 * np.pi * one * time) for one in hertz], axis=0)
    return faded(made, 5)


def faded(samples: Samples, ms: float) -> Samples:
    edge = min(round(ms * 8), len(samples) // 2)
    shape = np.ones(len(samples))
    shape[:edge] = np.linspace(0, 1, edge)
    shape[len(shape) - edge :] = np.linspace(1, 0, edge)
    return samples * shape


def resonate(source: Samples, formants: tuple[tuple[float, float, float], ...]) -> Samples:
    """Pass a source through resonances of (frequency, bandwidth, gain), side by side."""
    length = 2 ** int(np.ceil(np.log2(len(source) + 400)))
    spectrum = np.fft.rfft(source, length)
    hertz = np.fft.rfftfreq(length, 1 / RATE)
    shape = np.zeros(len(hertz), complex)
    for centre, width, gain in formants:
        shape += gain * (centre * width) / (centre**2 - hertz**2 + 1j * hertz * width)
    made: Samples = np.fft.irfft(spectrum * shape, length)[: len(source)]
    return made


def pulses(pitch: Samples, rng: Rng) -> Samples:
    """A glottis: one soft pulse a period, its pitch given for every sample, a little irregular."""
    jittered = pitch * (1 + 0.01 * np.repeat(rng.normal(0, 1, len(pitch) // 40 + 1), 40)[: len(pitch)])
    phase = np.cumsum(jittered) / RATE
    saw = 2 * (phase % 1) - 1
    # A glottis loses 12 dB an octave; a saw tooth only 6.
    return np.convolve(saw, np.ones(4) / 4, "same")


def beep(rng: Rng) -> Samples:
    hertz = float(rng.uniform(350, 2200))
    gap = float(rng.uniform(80, 400))
    one = sines((hertz,), float(rng.uniform(80, 900)))
    return unit(
        np.concatenate([part for _ in range(int(rng.integers(1, 4))) for part in (one, silence(gap))])
    )


def ring(rng: Rng) -> Samples:
    return unit(sines(_RINGS[int(rng.integers(len(_RINGS)))], float(rng.uniform(700, 2000))))


def busy(rng: Rng) -> Samples:
    pair = _BUSY[int(rng.integers(len(_BUSY)))]
    ms = float(rng.choice([250, 375, 500]))
    return unit(np.concatenate([part for _ in range(3) for part in (sines(pair, ms), silence(ms))]))


def keys(rng: Rng) -> Samples:
    parts: list[Samples] = []
    for _ in range(int(rng.integers(1, 5))):
        low, high = _KEYS[int(rng.integers(len(_KEYS)))]
        parts += [sines((low, high), float(rng.uniform(60, 350))), silence(float(rng.uniform(50, 250)))]
    return unit(np.concatenate(parts))


def cough(rng: Rng) -> Samples:
    """One to three coughs: a burst of breath, a hoarse middle, and what dies away."""
    parts: list[Samples] = []
    for _ in range(int(rng.integers(1, 4))):
        burst, hoarse, tail = rng.uniform(20, 60), rng.uniform(50, 180), rng.uniform(60, 160)
        count = round((burst + hoarse + tail) * 8)
        time = np.arange(count) / 8
        breath = rng.normal(0, 1, count)
        shape = np.minimum(time / 6, 1) * np.exp(-np.maximum(time - burst, 0) / (0.45 * (hoarse + tail)))
        rough = pulses(np.linspace(rng.uniform(180, 320), rng.uniform(90, 160), count), rng)
        rough *= (time > burst) * (time < burst + hoarse) * rng.uniform(0.0, 0.8)
        throat = float(rng.uniform(450, 900))
        sound = resonate(breath + rough, ((throat, 300, 1.0), (throat * 2.4, 400, 0.7), (2900, 700, 0.5)))
        parts += [sound * shape, silence(float(rng.uniform(60, 300)))]
    return unit(np.concatenate(parts))


def breath(rng: Rng) -> Samples:
    count = round(float(rng.uniform(400, 1400)) * 8)
    air = rng.normal(0, 1, count) * np.sin(np.linspace(0, np.pi, count)) ** 1.5
    return unit(resonate(air, ((float(rng.uniform(500, 1500)), 900, 1.0), (2600, 1200, 0.6))))


def typing(rng: Rng) -> Samples:
    """Keystrokes: a click when the key goes down, a smaller one when it comes up."""
    made = silence(float(rng.uniform(1200, 2800)))
    at = float(rng.uniform(0, 60))
    while at < len(made) / 8 - 60:
        for offset, gain in ((0.0, 1.0), (float(rng.uniform(40, 110)), 0.4)):
            begin = round((at + offset) * 8)
            length = min(round(float(rng.uniform(4, 18)) * 8), len(made) - begin)
            if length > 8:
                click = rng.normal(0, 1, length) * np.exp(-np.arange(length) / (0.25 * length))
                made[begin : begin + length] += gain * float(rng.uniform(0.5, 1.5)) * click
        at += float(rng.gamma(4, 40))
    return unit(resonate(made, ((float(rng.uniform(900, 1800)), 900, 1.0), (3000, 1500, 1.0))))


def music(rng: Rng) -> Samples:
    """Chords with a melody over them: harmonic tones that are plucked or held, as on hold or from a radio."""
    beat = float(rng.uniform(220, 600))
    root = float(rng.uniform(110, 260))
    scale = np.array([0, 2, 4, 5, 7, 9, 11, 12])
    held = rng.random() < 0.5
    brightness = float(rng.uniform(0.35, 0.75))
    made = silence(beat * 8 + 400)

    def note(semitones: float, ms: float, gain: float) -> Samples:
        time = np.arange(round(ms * 8)) / RATE
        hertz = root * 2 ** (semitones / 12)
        wave = np.zeros(len(time))
        for harmonic in range(1, 9):
            if harmonic * hertz < 3600:
                phase = rng.uniform(0, 2 * np.pi)
                wave += brightness**harmonic * np.sin(2 * np.pi * harmonic * hertz * time + phase)
        shape = np.ones(len(time)) if held else np.exp(-time * float(rng.uniform(2, 8)))
        return faded(wave * shape, 12) * gain

    for bar in range(8):
        begin = round(bar * beat * 8)
        step = scale[int(rng.integers(8))]
        sounds = [note(12 + step, beat * float(rng.choice([0.5, 1.0])), 1.0)]
        if bar % 4 == 0:
            sounds += [note(chord, beat * 4, 0.6) for chord in rng.permutation([0, 4, 7, 9])[:3]]
        for sound in sounds:
            end = min(begin + len(sound), len(made))
            made[begin:end] += sound[: end - begin]
    return unit(made)


def _two_syllables(rng: Rng, formants: tuple[tuple[float, float, float], ...], aspirated: float) -> Samples:
    base = float(rng.uniform(85, 240))
    parts: list[Samples] = []
    count = int(rng.choice([1, 2, 2, 2]))
    for number in range(count):
        length = round(float(rng.uniform(110, 260)) * 8)
        rise = float(rng.uniform(1.05, 1.35)) if number else float(rng.uniform(0.85, 1.0))
        pitch = np.linspace(base, base * rise, length) * float(rng.uniform(1.0, 1.15) if number else 1.0)
        voiced = resonate(pulses(pitch, rng), formants)
        if number:
            air = faded(rng.normal(0, 1, round(float(rng.uniform(30, 90)) * 8)), 8)
            parts.append(resonate(air, formants) * aspirated)
        parts.append(faded(voiced, 30) * (1.0 if number else float(rng.uniform(0.6, 1.1))))
    return unit(np.concatenate(parts))


def hum(rng: Rng) -> Samples:
    """ "Mm", "mm-hm": a closed mouth, so that all but the lowest kilohertz is lost."""
    low = float(rng.uniform(220, 320))
    return _two_syllables(rng, ((low, 80, 1.0), (1000, 200, 0.05), (2200, 300, 0.015)), 0.05)


def uh_huh(rng: Rng) -> Samples:
    """ "Uh-huh": the same open vowel twice, with a breath between."""
    first, second = float(rng.uniform(520, 720)), float(rng.uniform(1050, 1350))
    return _two_syllables(rng, ((first, 90, 1.0), (second, 120, 0.5), (2450, 180, 0.25)), 0.25)


NOISES: dict[str, Callable[[Rng], Samples]] = {
    "beep": beep,
    "ring": ring,
    "busy": busy,
    "keys": keys,
    "cough": cough,
    "breath": breath,
    "typing": typing,
    "music": music,
    "mm_hm": hum,
    "uh_huh": uh_huh,
}
