"""What is measured of the caller's sound: articulation, hisses, echo, and the floor of the noise."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from media_stubs import StubVad, hum, silence, tone, voice

from trunkline.media.echo import ECHO, EchoGuard
from trunkline.media.evidence import Articulation
from trunkline.media.hiss import Hiss
from trunkline.media.turns import TurnRules
from trunkline.media.vad import VoiceGate

SPEAKS = TurnRules().articulate
_RNG = np.random.default_rng(11)


def articulations(pcm: bytes) -> list[float]:
    measure = Articulation()
    measure.wait(silence(32))
    return [measure.take(pcm[at : at + 512]) for at in range(0, len(pcm) - 511, 512)]


@pytest.mark.parametrize(
    "sound",
    [hum(600), hum(600, hertz=110), tone(600, 440), tone(600, 1_000)],
    ids=["low", "lower", "a", "beep"],
)
def test_one_shape_of_the_mouth_is_no_speech(sound: bytes) -> None:
    # From the third window on, when a decision may fall.
    assert max(articulations(sound)[2:]) < SPEAKS


def test_sounds_that_change_are_speech_within_96_ms_of_the_change() -> None:
    told = articulations(voice(600))
    assert told[4] > SPEAKS
    assert min(told[5:]) > SPEAKS


def test_loudness_changes_no_articulation() -> None:
    loud, soft = (articulations(hum(400, amplitude))[-1] for amplitude in (12_000, 600))
    assert loud == pytest.approx(soft, abs=0.15)


def test_a_run_that_is_forgotten_counts_no_more() -> None:
    measure = Articulation()
    changing = voice(400)
    for at in range(0, len(changing) - 511, 512):
        measure.take(changing[at : at + 512])
    measure.forget()
    for _ in range(4):
        measure.wait(silence(32))
    steady = hum(320)
    assert max(measure.take(steady[at : at + 512]) for at in range(0, len(steady), 512)) < SPEAKS


# --- Hisses --------------------------------------------------------------------------------


def an_s(ms: int, amplitude: int = 1_500) -> bytes:
    """Return PCM of what passes between teeth: noise, nearly all of it high."""
    noise = _RNG.uniform(-amplitude, amplitude, ms * 8)
    return (np.convolve(noise, [0.25, -0.5, 0.25], "same") * 2).astype("<i2").tobytes()


def on_a_line(*parts: bytes) -> bytes:
    """Return these sounds with a faint hiss under them, a window of it first."""
    pcm = np.frombuffer(silence(64) + b"".join(parts), "<i2")
    return (pcm + _RNG.normal(0, 20, len(pcm))).astype("<i2").tobytes()


def hissed(pcm: bytes, *, voice_from_ms: int) -> list[bool]:
    """Return what is told of each window of the run that begins there."""
    measure = Hiss()
    windows = [pcm[at : at + 512] for at in range(0, len(pcm) - 511, 512)]
    begin = voice_from_ms // 32
    for window in windows[:begin]:
        measure.wait(window)
    return [measure.take(window) for window in windows[begin:]]


def test_a_hiss_before_a_hum_or_within_it_or_behind_it_is_heard() -> None:
    # "Stop": an "s", a closed mouth, and one vowel.
    assert all(hissed(on_a_line(an_s(96), silence(64), hum(200)), voice_from_ms=224))
    told = hissed(on_a_line(hum(192), an_s(96), hum(96)), voice_from_ms=64)
    assert told[:6] == [False] * 6
    assert all(told[8:])


@pytest.mark.parametrize(
    "parts",
    [(hum(600),), (tone(600, 1_000),), (an_s(96), silence(320), hum(300)), (an_s(96, 12), hum(400))],
    ids=["hum", "beep", "long before", "the line's own"],
)
def test_no_hiss(parts: tuple[bytes, ...]) -> None:
    pcm = on_a_line(*parts)
    assert not any(hissed(pcm, voice_from_ms=len(pcm) // 16 // 32 * 32 - 256))


def test_the_hiss_of_a_run_that_is_forgotten_counts_no_more() -> None:
    measure = Hiss()
    pcm = on_a_line(an_s(96), hum(200))
    told = [measure.take(pcm[at : at + 512]) for at in range(0, len(pcm) - 511, 512)]
    assert told[-1]
    measure.forget()
    for _ in range(8):
        measure.wait(on_a_line()[:512])
    assert not measure.take(hum(32))


def test_a_hiss_before_a_rest_is_not_near_the_hum_after_it() -> None:
    measure = Hiss()
    before = on_a_line(an_s(96))
    for at in range(0, len(before), 512):
        measure.wait(before[at : at + 512])
    measure.rest()
    assert not any(measure.take(hum(32)) for _ in range(4))


# --- Echo ---------------------------------------------------------------------------------


_AGENT = ("en-us+klatt3", "Thank you for calling. I can book an appointment, or change one that you have.")
_CALLERS = (
    ("en-us+f2", "Sorry, can I ask you something before you go on? It is about Monday."),
    ("en+m3", "No, that is not what I meant at all, I would rather come on Friday."),
    ("en-us+klatt4", "Actually I have a question, how long will the whole thing take?"),
    ("he", "סליחה, יש לי שאלה לפני שממשיכים, כמה זמן זה לוקח?"),
)


@pytest.fixture(scope="module")
def voices() -> list[np.ndarray]:
    """The agent, then callers: four seconds each, at the agent's level."""
    program = Path(__file__).with_name("espeak_words.py")
    ran = subprocess.run(
        [sys.executable, program], input=json.dumps([_AGENT, *_CALLERS]), capture_output=True, text=True,
        check=True, timeout=120,
    )  # fmt: skip
    made = [
        np.frombuffer(base64.b64decode(one["pcm"]), "<i2").astype(float) for one in json.loads(ran.stdout)
    ]
    cut = [np.concatenate([one, np.zeros(32_000)])[:32_000] for one in made]
    return [one / np.sqrt(np.mean(one**2)) * 2_500 for one in cut]


def shares(agent: np.ndarray, caller: np.ndarray, *, jitter_s: float = 0.0, seed: int = 0) -> list[float]:
    """Send and hear both in frames of 20 ms, and return what is told of the caller's windows."""
    rng = np.random.default_rng(seed)
    guard = EchoGuard()
    told: list[float] = []
    rest = b""
    for at in range(0, len(agent) - 159, 160):
        now = 50.0 + at / 8_000
        guard.sent(agent[at : at + 160].astype("<i2").tobytes(), now + 0.08)
        frame = caller[at : at + 160].astype("<i2").tobytes()
        guard.heard(frame, now + 0.02 + rng.uniform(0, jitter_s))
        rest += frame
        if len(rest) >= 512:
            told.append(guard.share(rest[:512], (len(rest) - 512) // 16))
            rest = rest[512:]
    return told


def late(samples: np.ndarray, ms: int, gain: float) -> np.ndarray:
    return np.concatenate([np.zeros(ms * 8), samples])[: len(samples)] * gain


@pytest.mark.parametrize("delay_ms", [100, 150, 230, 310, 400])
@pytest.mark.parametrize("jitter_s", [0.0, 0.03])
def test_the_agents_own_voice_is_known_at_any_delay(
    voices: list[np.ndarray], delay_ms: int, jitter_s: float
) -> None:
    agent = voices[0]
    told = shares(agent, late(agent, delay_ms, 0.25), jitter_s=jitter_s)
    heard = np.array(told[(delay_ms + 300) // 32 :])
    # Zero is silence, which is nobody's.
    assert np.mean(heard[heard > 0] >= ECHO) > 0.9


def test_another_voice_is_not_taken_for_the_agents(voices: list[np.ndarray]) -> None:
    told = np.array([share for caller in voices[1:] for share in shares(voices[0], caller)])
    assert np.mean(told > 0) > 0.5
    assert np.mean(told >= ECHO) < 0.05


def test_a_caller_who_speaks_over_the_echo_is_heard(voices: list[np.ndarray]) -> None:
    agent, caller = voices[0], voices[1].copy()
    caller = np.concatenate([np.zeros(16_000), caller])[: len(caller)]
    told = np.array(shares(agent, late(agent, 200, 0.25) + caller))
    before, during = told[16:60], told[66:]
    assert np.mean(before[before > 0] >= ECHO) > 0.85
    assert np.mean(during < ECHO) > 0.7


def test_silence_is_no_echo_and_an_echo_cannot_come_before_its_cause(voices: list[np.ndarray]) -> None:
    agent = voices[0]
    assert max(shares(agent, np.zeros(len(agent)))) == 0.0
    early = np.concatenate([agent[3_200:], np.zeros(3_200)]) * 0.25
    assert np.mean(np.array(shares(agent, early)) >= ECHO) < 0.1


def test_the_guard_listens_as_long_as_something_may_come_back() -> None:
    guard = EchoGuard()
    assert not guard.listening(10.0)
    guard.sent(hum(20), 10.0)
    assert guard.listening(10.5)
    assert not guard.listening(11.0)


@pytest.mark.soak
def test_the_guard_and_articulation_cost_little(voices: list[np.ndarray]) -> None:
    """Worst case: a voice that is no echo, so that every delay is tried. It is the processor's time."""
    agent, caller = (np.tile(one, 5) for one in voices[:2])
    begun = time.thread_time()
    told = shares(agent, caller)
    guard_us = (time.thread_time() - begun) / len(told) * 1e6
    begun = time.thread_time()
    articulations(caller.astype("<i2").tobytes()[: 512 * 90])
    articulation_us = (time.thread_time() - begun) / 90 * 1e6
    # 32 ms windows; a frame of 20 ms has 0.625 of one.
    assert guard_us * 0.625 < 150
    assert articulation_us * 0.625 < 150


# --- The floor ----------------------------------------------------------------------------


def test_the_noise_of_a_line_is_known_after_a_second() -> None:
    gate = VoiceGate(StubVad())
    for _ in range(50):
        gate.feed((_RNG.normal(0, 300, 160)).astype("<i2").tobytes())
    assert gate.floor == pytest.approx(300, rel=0.15)


def test_later_a_noise_is_learnt_slowly_and_its_end_quickly() -> None:
    gate = VoiceGate(StubVad())
    gate.feed(silence(2_000))
    low = gate.floor
    for _ in range(15):
        gate.feed((_RNG.normal(0, 300, 160)).astype("<i2").tobytes())
    assert low < gate.floor < 150
    gate.feed(silence(500))
    assert gate.floor < 20
