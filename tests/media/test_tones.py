"""Keys as tones: each is told from all others, on the wire as well, and nothing else is taken for one."""

from __future__ import annotations

import numpy as np
import pytest

from media.media_stubs import silence, tone, voice
from trunkline.kit import tones
from trunkline.kit.audio import FRAME_BYTES, level, pcm_to_ulaw, ulaw_to_pcm

KEYS = "0123456789*#"


def key_of(pcm: bytes) -> str | None:
    """Return which key these samples are the tones of; None for anything else. Needs some 20 ms."""
    samples = np.frombuffer(pcm, "<i2").astype(float)
    energy = float(np.mean(samples**2)) if len(samples) else 0.0
    if energy < 10_000:
        return None
    time = np.arange(len(samples)) / 8000

    def strength(tone: int) -> float:
        return float(abs(np.mean(samples * np.exp(-2j * np.pi * tone * time))) ** 2)

    rows, columns = [strength(tone) for tone in tones._ROWS], [strength(tone) for tone in tones._COLUMNS]
    # Of a pure pair of tones all energy is in the two strongest.
    if 2 * (max(rows) + max(columns)) < 0.8 * energy or min(max(rows), max(columns)) < 0.1 * energy:
        return None
    return tones._PAD[rows.index(max(rows))][columns.index(max(columns))]


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_known_by_each_20_ms_of_it_over_a_telephone(key: str) -> None:
    sound = ulaw_to_pcm(pcm_to_ulaw(tones.keys(key)))
    heard = [key_of(sound[start : start + FRAME_BYTES]) for start in range(0, len(sound), FRAME_BYTES)]
    assert heard == [key] * 5 + [None] * 5


def test_keys_follow_each_other_with_pauses() -> None:
    sound = tones.keys("1w#")
    assert len(sound) == 16 * (200 + 500 + 200)
    assert level(sound[16 * 100 : 16 * 700]) == 0


@pytest.mark.parametrize("text", ["x", "A", "+1"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no key of a telephone"):
        tones.keys(text)


def test_nothing_else_is_taken_for_a_key() -> None:
    for other in (silence(20), voice(20), tone(20), tone(20, 697.0), tone(20, 1209.0)):
        assert key_of(other) is None


def test_the_music_has_no_click_where_it_begins_anew() -> None:
    assert len(tones.music()) == 16_000 * tones.MUSIC_S
    edge = tones.music()[-320:] + tones.music()[:320]
    assert level(edge) < level(tones.music()) / 3
    assert tones.music_file()[:4] == b"RIFF"
