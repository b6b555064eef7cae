"""The model of turn ends: what it is given to hear, and what happens without it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from trunkline.providers.smart_turn import SmartTurn
from trunkline.providers.smart_turn.features import RATE, features


def tone(hertz: float, seconds: float) -> bytes:
    time = np.arange(round(seconds * RATE)) / RATE
    return (8_000 * np.sin(2 * np.pi * hertz * time)).astype("<i2").tobytes()


@pytest.mark.parametrize(("hertz", "band"), [(200, 4), (1_000, 26), (3_000, 53), (6_000, 71)])
def test_a_tone_stands_in_its_band_at_the_end_of_what_is_heard(hertz: float, band: int) -> None:
    heard = features(tone(hertz, 2.0))
    assert (heard.shape, heard.dtype) == ((1, 80, 800), np.float32)
    # Slaney: 26.4 Hz to a band and mel up to 1 kHz, then 6.9 % more each.
    assert abs(int(heard[0, :, 700].argmax()) - band) <= 2
    assert heard[0, :, 700].max() > heard[0, :, 300].max() + 1


def test_only_the_last_eight_seconds_count_and_loudness_does_not() -> None:
    last = tone(700, 8.0)
    assert np.array_equal(features(tone(2_000, 3.0) + last), features(last))
    soft = (np.frombuffer(last, "<i2") // 4).astype("<i2").tobytes()
    assert np.abs(features(soft) - features(last)).mean() < 0.3


def test_a_model_that_is_not_there_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no model"):
        SmartTurn(tmp_path / "none.onnx")


async def test_a_file_that_is_no_model_has_no_opinion(tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"nothing")
    model = SmartTurn(tmp_path / "broken.onnx")
    assert await model.over(bytes(16_000)) is None
    await model.close()
    assert await model.over(bytes(16_000)) is None
