"""What is measured of the caller's sound: articulation, echo, and the floor of the noise."""

from __future__ import annotations

import time

import numpy as np
import pytest
from media_stubs import StubVad, hum, silence, tone, voice

from trunkline.media.echo import ECHO, EchoGuard
from trunkline.media.evidence import Articulation
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


# --- Echo ---------------------------------------------------------------------------------


def speech(ms: int, seed: int) -> np.ndarray:
    """Voiced sound of changing pitch, colour and loudness, different for every seed."""
    rng = np.random.default_rng(seed)
    count = ms * 8
    pitch = np.interp(
        np.arange(count), np.arange(0, count + 800, 800), rng.uniform(90, 220, count // 800 + 2)
    )
    source = 2 * (np.cumsum(pitch) / 8_000 % 1) - 1 + rng.normal(0, 0.05, count)
    made = np.zeros(count)
    for begin in range(0, count, 640):
        taps = rng.normal(0, 1, 12) * 0.7 ** np.arange(12)
        part = np.convolve(source[begin : begin + 640], taps, "same") * rng.uniform(0.2, 1.0)
        made[begin : begin + 640] = part
    return made / np.abs(made).max() * 8_000


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
def test_the_agents_own_voice_is_known_at_any_delay(delay_ms: int, jitter_s: float) -> None:
    agent = speech(4_000, 1)
    told = shares(agent, late(agent, delay_ms, 0.25), jitter_s=jitter_s)
    heard = told[(delay_ms + 400) // 32 :]
    assert np.mean(np.array(heard) >= ECHO) > 0.9


def test_another_voice_is_not_taken_for_the_agents() -> None:
    told = np.array(
        [share for seed in range(2, 7) for share in shares(speech(3_000, 1), speech(3_000, seed))]
    )
    assert np.mean(told >= ECHO) < 0.03


def test_a_caller_who_speaks_over_the_echo_is_heard() -> None:
    agent, caller = speech(4_000, 1), speech(4_000, 2)
    caller[:16_000] = 0
    told = np.array(shares(agent, late(agent, 200, 0.25) + caller * 0.7))
    assert np.mean(told[20:60] >= ECHO) > 0.9
    assert np.mean(told[64:] < ECHO) > 0.75


def test_silence_is_no_echo_and_an_echo_cannot_come_before_its_cause() -> None:
    agent = speech(2_000, 1)
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
def test_the_guard_and_articulation_cost_little() -> None:
    """Worst case: a voice that is no echo, so that every delay is tried. The processor's time, not the clock's."""
    agent, caller = speech(20_000, 1), speech(20_000, 2)
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
