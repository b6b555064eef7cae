"""The streaming resampler: steady, clean, and the same however the stream is cut."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.kit.resampling import StreamResampler

RATES = [(8000, 16000), (16000, 8000), (24000, 8000), (8000, 24000), (22050, 8000)]


def tone(hertz: float, rate: int, ms: int = 400, amplitude: int = 10_000) -> bytes:
    return (
        (amplitude * np.sin(2 * np.pi * hertz * np.arange(rate * ms // 1000) / rate)).astype("<i2").tobytes()
    )


def strength(pcm: bytes, rate: int, hertz: float) -> float:
    """Return the amplitude of a tone in the middle of the audio."""
    samples = np.frombuffer(pcm, "<i2")[rate // 20 : -rate // 20].astype(float)
    wave = np.exp(-2j * np.pi * hertz * np.arange(len(samples)) / rate) * np.hanning(len(samples))
    return float(abs(samples @ wave) * 2 / np.hanning(len(samples)).sum())


@pytest.mark.parametrize(("source", "target"), RATES)
def test_every_piece_gives_what_is_due_at_once(source: int, target: int) -> None:
    resampler = StreamResampler(source, target)
    piece = bytes(source // 50 * 2)
    due = target / 50
    lengths = [len(resampler.feed(piece)) // 2 for _ in range(50)]
    assert all(abs(length - due) <= 1 for length in lengths)
    assert sum(lengths) == pytest.approx(50 * due, abs=1)


@pytest.mark.parametrize(("source", "target"), RATES)
@pytest.mark.parametrize("hertz", [300, 1000, 3000])
def test_what_a_telephone_carries_passes_unchanged(source: int, target: int, hertz: int) -> None:
    made = StreamResampler(source, target).feed(tone(hertz, source))
    assert strength(made, target, hertz) == pytest.approx(10_000, rel=0.02)


@pytest.mark.parametrize(("source", "target", "sent", "false"), [
    (24000, 8000, 5000, 3000), (24000, 8000, 7000, 1000), (16000, 8000, 5500, 2500),
    (8000, 16000, 3000, 5000), (8000, 24000, 2500, 5500),
])  # fmt: skip
def test_aliases_and_images_are_gone(source: int, target: int, sent: int, false: int) -> None:
    made = StreamResampler(source, target).feed(tone(sent, source))
    assert strength(made, target, false) < 10_000 * 10 ** (-50 / 20)


@pytest.mark.parametrize(("source", "target"), RATES)
def test_the_delay_is_two_milliseconds_and_flush_gives_the_end(source: int, target: int) -> None:
    click = np.zeros(source // 10, "<i2")
    click[-1] = 20_000
    resampler = StreamResampler(source, target)
    made = np.frombuffer(resampler.feed(click.tobytes()) + resampler.flush(), "<i2")
    peak_s = int(np.argmax(np.abs(made))) / target
    assert peak_s == pytest.approx((len(click) - 1) / source + 0.002, abs=1 / 8000)


@given(cuts=st.lists(st.integers(0, 1600), max_size=12), rates=st.sampled_from(RATES))
def test_it_does_not_matter_how_the_stream_is_cut(cuts: list[int], rates: tuple[int, int]) -> None:
    pcm = np.random.default_rng(3).integers(-20_000, 20_000, 800, dtype=np.int16).tobytes()
    whole = StreamResampler(*rates).feed(pcm)
    resampler = StreamResampler(*rates)
    edges = [0, *sorted(cuts), len(pcm)]
    parts = b"".join(resampler.feed(pcm[a:b]) for a, b in pairwise(edges))
    # Sums of floats come out a unit apart, depending on where a piece begins.
    assert np.abs(np.frombuffer(whole, "<i2").astype(int) - np.frombuffer(parts, "<i2")).max(initial=0) <= 1


def test_loud_sound_is_clipped_and_does_not_wrap() -> None:
    square = np.where(np.arange(800) // 10 % 2, 32767, -32768).astype("<i2")
    made = np.frombuffer(StreamResampler(8000, 16000).feed(square.tobytes()), "<i2").astype(int)
    # Two milliseconds late, and away from the edges, each half of the wave has kept its sign.
    halves = made[32 + 160 : 32 + 1560].reshape(-1, 20)[:, 5:15]
    assert np.abs(halves).min() > 20_000


def test_the_same_rate_passes_and_a_rate_of_nothing_is_refused() -> None:
    assert StreamResampler(8000, 8000).feed(b"\1\2") == b"\1\2"
    with pytest.raises(ValueError, match="positive"):
        StreamResampler(8000, 0)
