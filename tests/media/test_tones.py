"""Keys as tones: each is told from all others, on the wire as well, and nothing else is taken for one."""

from __future__ import annotations

import pytest

from media.media_stubs import silence, tone, voice
from trunkline.kit import tones
from trunkline.kit.audio import FRAME_BYTES, level, pcm_to_ulaw, ulaw_to_pcm

KEYS = "0123456789*#"


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_known_by_each_20_ms_of_it_over_a_telephone(key: str) -> None:
    sound = ulaw_to_pcm(pcm_to_ulaw(tones.keys(key)))
    heard = [tones.key_of(sound[start : start + FRAME_BYTES]) for start in range(0, len(sound), FRAME_BYTES)]
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
        assert tones.key_of(other) is None


def test_the_music_has_no_click_where_it_begins_anew() -> None:
    assert len(tones.music()) == 16_000 * tones.MUSIC_S
    edge = tones.music()[-320:] + tones.music()[:320]
    assert level(edge) < level(tones.music()) / 3
    assert tones.music_file()[:4] == b"RIFF"
