"""Noise suppression by spectral gating: what it keeps, what it takes away, and when."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from trunkline.kit.audio import FRAME_BYTES, level, ulaw_to_pcm
from trunkline.providers.ports import NoiseSuppression
from trunkline.providers.spectral_gate import SpectralGate
from trunkline.simulators.callers.acoustics import Acoustics
from trunkline.simulators.callers.plan import Line
from trunkline.simulators.carrier.stream import SILENT_FRAME

_RNG = np.random.default_rng(11)
_LATE = 160


def through(gate: NoiseSuppression, pcm: bytes) -> bytes:
    return b"".join(gate.clean(pcm[at : at + FRAME_BYTES]) for at in range(0, len(pcm), FRAME_BYTES))


def street(seconds: float, noise_db: float = -38.0) -> bytes:
    """The noise of the simulated street, as it comes over the line."""
    line = Acoustics(Line(noise_db=noise_db), seed=3)
    return b"".join(ulaw_to_pcm(line.outgoing(SILENT_FRAME)) for _ in range(int(seconds * 50)))


def syllables(seconds: float, amplitude: int = 6_000) -> bytes:
    """Something like speech: a tone with overtones that comes and goes twice a second."""
    time = np.arange(int(seconds * 8_000)) / 8_000
    tone = sum(np.sin(2 * np.pi * 140 * n * time) / n for n in range(1, 16))
    wave = tone * np.maximum(0.0, np.sin(2 * np.pi * 2 * time)) ** 0.5 * (np.sin(2 * np.pi * 2 * time) > 0)
    return (wave / np.abs(wave).max() * amplitude).astype("<i2").tobytes()


def mixed(one: bytes, other: bytes) -> bytes:
    both = np.frombuffer(one, "<i2").astype(float) + np.frombuffer(other, "<i2")[: len(one) // 2]
    return np.clip(both, -32768, 32767).astype("<i2").tobytes()


def test_silence_stays_silence() -> None:
    assert through(SpectralGate(), bytes(50 * FRAME_BYTES)) == bytes(50 * FRAME_BYTES)


def test_a_voice_without_noise_comes_through_20_ms_late() -> None:
    # A line as a caller's is before they speak.
    said = syllables(3.0)
    gate = SpectralGate()
    through(gate, bytes(10 * FRAME_BYTES))
    made = np.frombuffer(through(gate, said), "<i2").astype(float)[_LATE:]
    wanted = np.frombuffer(said, "<i2").astype(float)[: len(made)]
    alike = (made @ wanted) / np.sqrt((made @ made) * (wanted @ wanted))
    assert alike > 0.9
    assert abs(20 * np.log10(level(made.astype("<i2").tobytes()) / level(said))) < 1.5


def test_a_street_becomes_quieter_and_the_voice_in_it_does_not() -> None:
    noise = street(6.0)
    gate = SpectralGate()
    alone = through(gate, noise[: 3 * 16_000])
    before, after = level(noise[16_000 : 3 * 16_000]), level(alone[16_000:])
    assert 20 * np.log10(before / after) > 6
    voice = syllables(3.0)
    spoken = through(gate, mixed(voice, noise[3 * 16_000 :]))
    assert abs(20 * np.log10(level(spoken) / level(voice))) < 2
    # In the pauses of the voice the noise is still down.
    pauses = np.frombuffer(voice, "<i2").reshape(-1, 160).any(axis=1)
    made = np.frombuffer(spoken, "<i2").astype(float).reshape(-1, 160)[1:]
    inside = made[~pauses[:-1]]
    assert 20 * np.log10(before / np.sqrt((inside**2).mean())) > 3


def test_noise_that_becomes_louder_is_learnt_within_seconds() -> None:
    gate = SpectralGate()
    through(gate, street(3.0, noise_db=-50))
    louder = street(5.0, noise_db=-38)
    made = through(gate, louder)
    assert level(made[4 * 16_000 :]) < 0.5 * level(louder[4 * 16_000 :])


@given(st.lists(st.integers(0, 700), min_size=1, max_size=20))
def test_as_much_comes_out_as_goes_in_however_it_is_cut(lengths: list[int]) -> None:
    pcm = _RNG.integers(-9_000, 9_000, 20 * 700).astype("<i2").tobytes()
    gate, at, made = SpectralGate(), 0, []
    for length in lengths:
        piece = pcm[at : at + 2 * length]
        cleaned = gate.clean(piece)
        assert len(cleaned) == len(piece)
        made.append(cleaned)
        at += len(piece)
    # However it is cut, the sound is the same: what has to wait for the rest of a frame comes behind it.
    whole = SpectralGate()
    wanted = through(whole, pcm[: at - at % FRAME_BYTES])
    joined = b"".join(made)
    at_a_frame = all(2 * length % FRAME_BYTES == 0 for length in lengths)
    if at_a_frame:
        assert joined == wanted
