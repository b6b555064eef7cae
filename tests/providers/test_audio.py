"""Sample rates and loudness: lag, images, steadiness; gain that neither pumps nor clips."""

from __future__ import annotations

import numpy as np
import pytest

from trunkline.kit.audio import level
from trunkline.kit.loudness import TARGET, Leveller
from trunkline.kit.resample import StreamResampler, resample


def tone(hertz: float, rate: int, seconds: float = 1.0, amplitude: float = 10_000) -> bytes:
    count = int(rate * seconds)
    return (amplitude * np.sin(2 * np.pi * hertz * np.arange(count) / rate)).astype("<i2").tobytes()


def decibels(pcm: bytes, reference: float) -> float:
    kept = np.frombuffer(pcm, "<i2")[400:-400].astype(float)
    return float(20 * np.log10(kept.std() / reference + 1e-9))


def streamed(pcm: bytes, source: int, target: int, piece_ms: int = 20) -> list[bytes]:
    stream = StreamResampler(source, target)
    size = source * piece_ms // 1000 * 2
    return [*(stream.feed(pcm[at : at + size]) for at in range(0, len(pcm), size)), stream.flush()]


@pytest.mark.parametrize("rate", [24_000, 22_050, 16_000])
def test_the_telephone_band_passes_and_the_rest_does_not(rate: int) -> None:
    for hertz, least, most in ((300, -0.1, 0.1), (3_000, -0.1, 0.1), (4_300, -200, -50), (6_500, -200, -60)):
        made = b"".join(streamed(tone(hertz, rate), rate, 8_000))
        assert least < decibels(made, 10_000 / np.sqrt(2)) < most, hertz


@pytest.mark.parametrize("rate", [16_000, 24_000])
def test_going_up_leaves_no_image(rate: int) -> None:
    made = np.frombuffer(b"".join(streamed(tone(3_000, 8_000), 8_000, rate)), "<i2").astype(float)
    power = np.abs(np.fft.rfft(made * np.hanning(len(made)))) ** 2
    hertz = np.fft.rfftfreq(len(made), 1 / rate)
    above = power[hertz > 4_500].max() / power.max()
    assert 10 * np.log10(above) < -55


@pytest.mark.parametrize(
    ("source", "target"), [(24_000, 8_000), (22_050, 8_000), (16_000, 8_000), (8_000, 24_000)]
)
def test_a_stream_is_steady_and_lags_less_than_five_milliseconds(source: int, target: int) -> None:
    pieces = streamed(tone(440, source), source, target)
    ends = np.cumsum([len(piece) // 2 for piece in pieces[:-1]])
    came = np.minimum(np.arange(1, len(ends) + 1) * (source // 50), source)
    lag_ms = came / source * 1000 - ends / target * 1000
    assert lag_ms.min() >= 0
    assert lag_ms.max() < 5
    sizes = [len(piece) // 2 for piece in pieces[1:49]]
    assert max(sizes) - min(sizes) <= 1
    assert abs(sum(len(piece) for piece in pieces) // 2 - target) <= 1


def test_a_click_stays_where_it_was() -> None:
    click = np.zeros(24_000, "<i2")
    click[12_000] = 30_000
    made = np.frombuffer(b"".join(streamed(click.tobytes(), 24_000, 8_000)), "<i2")
    assert int(np.abs(made.astype(int)).argmax()) == 4_000


@pytest.mark.parametrize("sizes", [(1,), (3, 7, 1), (4_801,), (2, 0, 9_999)])
def test_pieces_of_any_length_make_the_same_sound(sizes: tuple[int, ...]) -> None:
    pcm = np.random.default_rng(3).integers(-9_000, 9_000, 2_400).astype("<i2").tobytes()
    stream = StreamResampler(24_000, 8_000)
    made, at, turn = b"", 0, 0
    while at < len(pcm):
        size = sizes[turn % len(sizes)]
        made += stream.feed(pcm[at : at + size])
        at, turn = at + size, turn + 1
    assert made + stream.flush() == resample(pcm, 24_000, 8_000)
    assert resample(b"", 24_000, 8_000) == b""


def speech(seconds: float, amplitude: float, seed: int = 5) -> bytes:
    """Syllables of noise, 160 ms long with pauses of 80: nothing that a level could call steady."""
    noise = np.random.default_rng(seed).normal(0, amplitude, int(8_000 * seconds))
    noise[(np.arange(len(noise)) // 640) % 3 == 2] *= 0.01
    return np.clip(noise, -32_768, 32_767).astype("<i2").tobytes()


@pytest.mark.parametrize("amplitude", [1_300, 3_000, 7_000])
def test_voices_come_out_alike(amplitude: float) -> None:
    leveller = Leveller()
    leveller.feed(speech(3, amplitude))
    syllables = leveller.feed(speech(1, amplitude))[: 640 * 4]
    assert abs(20 * np.log10(level(syllables) / TARGET)) < 2.0


def test_a_voice_at_the_target_is_left_alone() -> None:
    pcm = speech(2, TARGET)
    assert Leveller().feed(pcm) == pcm


def test_the_gain_moves_gently_and_not_at_all_in_silence() -> None:
    leveller, gains = Leveller(), []
    pcm = speech(4, 1_000)
    for start in range(0, len(pcm), 320):
        leveller.feed(pcm[start : start + 320])
        gains.append(leveller.gain)
    steps = 20 * np.log10(np.array(gains[1:]) / np.array(gains[:-1]))
    assert 0 < np.abs(steps).max() <= 6 * 0.02 + 1e-6
    assert np.all(steps >= 0), "a gain that goes up and down is pumping"
    settled = leveller.gain
    hiss = np.random.default_rng(1).normal(0, 60, 16_000).astype("<i2").tobytes()
    leveller.feed(hiss)
    leveller.feed(bytes(32_000))
    assert leveller.gain == settled


def test_peaks_are_not_clipped() -> None:
    leveller = Leveller()
    leveller.feed(speech(4, 1_000))
    assert leveller.gain > 2
    shout = leveller.feed(tone(300, 8_000, 0.2, 25_000))
    samples = np.frombuffer(shout, "<i2")[200:]
    assert np.abs(samples.astype(int)).max() < 32_000
