"""Keys as tones: each is told from all others, on the wire as well, and nothing else is taken for one."""

from __future__ import annotations

import base64
import json
from itertools import groupby
from typing import Any

import numpy as np
import pytest
from media_stubs import Call, FakeCarrier, StubBrain, StubStt, silence, tone, voice
from virtual_time import run as run_call

from trunkline.kit import tones
from trunkline.kit.audio import FRAME_BYTES, level, pcm_to_ulaw, ulaw_to_pcm
from trunkline.providers.ports import Listen, Say, ToolResult

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


MENU = "For sales press one."
LONG = "One two three four five six seven eight nine ten."


class Listening(FakeCarrier):
    """Keeps what it would play, and throws away at a `clear` what it has not played yet."""

    def __init__(self) -> None:
        super().__init__()
        self.buffer = bytearray()
        self.begins = 0.0

    async def send_text(self, text: str) -> None:
        message = json.loads(text)
        now = self.now()
        if message["event"] == "media":
            played_s = max(0.0, now - self.begins)
            if played_s * 8000 > len(self.buffer):
                self.buffer += b"\xff" * (int(played_s * 8000) - len(self.buffer))
            self.buffer += base64.b64decode(message["media"]["payload"])
        elif message["event"] == "clear":
            del self.buffer[int((now - self.begins) * 8000) :]
        await super().send_text(text)

    def keys(self) -> str:
        """Return the keys of which at least 60 ms in a row were heard."""
        sound = ulaw_to_pcm(bytes(self.buffer))
        heard = [
            key_of(sound[at : at + FRAME_BYTES]) for at in range(0, len(sound) - FRAME_BYTES, FRAME_BYTES)
        ]
        runs = [(key, len(list(run))) for key, run in groupby(heard)]
        return "".join(key for key, length in runs if key is not None and length >= 3)


@pytest.mark.parametrize("acts", [["keys", Listen(None)], [Say(LONG), "keys", Listen(None)]])
@pytest.mark.parametrize("speak_at_s", [0.5, 1.0, 3.1])
def test_keys_go_out_whole_while_the_menu_talks(acts: list[Any], speak_at_s: float) -> None:
    """Over the keys, over what is said before them, and behind them."""
    carrier = Listening()

    async def tool(_name: str, _arguments: Any) -> ToolResult:
        await call.session.press("12345678")
        return ToolResult(ok=True, data={})

    async def scene() -> None:
        carrier.begins = carrier.now()
        await call.run((speak_at_s, lambda: carrier.say(voice(800))), (9.0, carrier.hang_up))

    call = Call(
        StubBrain(acts, [Say("Thank you."), Listen(None)]), carrier=carrier, tool=tool, stt=StubStt([MENU])
    )
    run_call(scene())
    assert carrier.keys() == "12345678"
    assert call.events[-1].data["reason"] == "disconnect"


def test_the_end_of_the_call_cuts_even_keys() -> None:
    carrier = Listening()

    async def tool(_name: str, _arguments: Any) -> ToolResult:
        await call.session.press("12345678")
        return ToolResult(ok=True, data={})

    call = Call(StubBrain(["keys", Listen(None)]), carrier=carrier, tool=tool)
    run_call(call.run((0.6, carrier.hang_up)))
    out = call.events[-1].data["frames_out"]
    assert out["queued"] == out["sent"] + out["cleared"]
    assert out["cleared"] > 0
