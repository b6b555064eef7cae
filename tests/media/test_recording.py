"""The recording tap: what stands in the file is what was said and heard, and when."""

from __future__ import annotations

import asyncio
import threading
import time
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hearing_carrier import HearingCarrier
from media_stubs import Call, StubBrain, StubStt, ask, goodbye, silence, voice
from virtual_time import run

from trunkline.kit.audio import pcm_to_ulaw, ulaw_to_pcm
from trunkline.media import EventKind, SessionOptions
from trunkline.media.frames import AudioIn
from trunkline.media.recording import Recording
from trunkline.media.scribe import Scribe
from trunkline.web.recording import Recordings, WavRecording

LONG = "one two three four five six seven eight nine ten eleven twelve"


def sides(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the caller's and the agent's samples."""
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 8000)
        both = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2).astype(float)
    return both[:, 0], both[:, 1]


def lag_of(one: np.ndarray, other: np.ndarray) -> tuple[int, float]:
    """Return by how many samples one is behind the other, and how alike they are then, 0 to 1."""
    length = max(len(one), len(other))
    size = 2 * length
    matched = np.fft.irfft(np.fft.rfft(one, size) * np.fft.rfft(other, size).conj(), size)
    best = int(np.argmax(matched))
    alike = matched[best] / np.sqrt((one**2).sum() * (other**2).sum())
    return (best if best < length else best - size), float(alike)


def recorded(
    path: Path, script: Callable[[Call], list[Any]], *turns: Any, stt: StubStt | None = None, **options: Any
) -> tuple[Call, WavRecording]:
    """Hold a call that is recorded, in virtual time."""

    async def play() -> tuple[Call, WavRecording]:
        call = Call(
            StubBrain(*turns), stt=stt or StubStt(["yes", "no wait"]), carrier=HearingCarrier(one_way_s=0.0),
            options=SessionOptions(**options),
        )  # fmt: skip
        recording = WavRecording(path)
        await call._open(recorder=recording)
        loop = asyncio.get_running_loop()
        timers = [loop.call_later(at_s, step) for at_s, step in script(call)]
        try:
            await call.session.run()
        finally:
            for timer in timers:
                timer.cancel()
        call.check_nothing_left()
        assert recording.is_closed
        return call, recording

    return run(play())


def test_both_sides_are_in_the_file_as_they_were_said_and_heard(tmp_path: Path) -> None:
    said = voice(700)
    call, recording = recorded(
        tmp_path / "call.wav",
        lambda call: [(2.0, lambda: call.carrier.say(said))],
        ask("Hello there."),
        goodbye("Very well. Goodbye."),
    )
    recording.finish()
    caller, agent = sides(tmp_path / "call.wav")
    assert (recording.failure, recording.dropped) == ("", 0)
    # The caller: sample by sample what went through mu-law, and when.
    wanted = np.frombuffer(ulaw_to_pcm(pcm_to_ulaw(said)), "<i2")
    begin = int(np.flatnonzero(caller)[0])
    assert begin / 8000 == pytest.approx(2.0, abs=0.045)
    assert np.array_equal(caller[begin : begin + len(wanted)], wanted)
    # The agent: what the carrier's ear had, at the same moments.
    ear = call.carrier.heard()
    ear = np.where(np.abs(ear) < 9, 0, ear)
    behind, alike = lag_of(ulawed(agent), ear)
    assert abs(behind) <= 0.02 * 8000
    assert alike > 0.999
    assert len(caller) == len(agent)


def ulawed(samples: np.ndarray) -> np.ndarray:
    return np.frombuffer(ulaw_to_pcm(pcm_to_ulaw(samples.astype("<i2").tobytes())), "<i2").astype(float)


def test_what_a_clear_threw_away_is_not_in_the_file(tmp_path: Path) -> None:
    call, recording = recorded(
        tmp_path / "call.wav",
        lambda call: [(2.0, lambda: call.carrier.say(voice(900)))],
        ask(LONG),
        goodbye(),
        lead_s=0.4,  # So that there is much to throw away.
    )
    recording.finish()
    _, agent = sides(tmp_path / "call.wav")
    (cleared_at,) = call.carrier.clears
    resumed = np.flatnonzero(agent[round((cleared_at + 0.1) * 8000) :])[0] / 8000 + 0.1
    end = np.flatnonzero(agent[: round((cleared_at + resumed / 2) * 8000)])[-1] / 8000
    # Nothing behind the clear, and everything before it.
    assert end == pytest.approx(cleared_at, abs=0.03)
    behind, alike = lag_of(ulawed(agent), call.carrier.heard())
    assert abs(behind) <= 0.02 * 8000
    assert alike > 0.99


class Noted:
    """Keeps when the caller's frames were placed."""

    dropped, failure = 0, ""

    def __init__(self) -> None:
        self.at: list[float] = []

    def on_caller(self, pcm: bytes, when: float) -> None:
        self.at.append(when)

    def on_agent(self, pcm: bytes, when: float) -> None:
        raise AssertionError

    def close(self) -> None: ...


def test_one_time_that_is_far_off_misplaces_nothing() -> None:
    noted, now = Noted(), [100.0]
    tap = Recording(noted, Scribe("7", lambda _: None), clock=lambda: now[0])
    for number in range(50):
        now[0] = 100.02 + number * 0.02
        tap.caller(AudioIn(silence(20), 80_000_000 if number == 20 else number * 20))
    assert noted.at == pytest.approx([100.0 + number * 0.02 for number in range(50)], abs=0.005)


def test_bursts_and_stalls_of_the_network_leave_no_trace() -> None:
    noted, now = Noted(), [100.02]
    tap = Recording(noted, Scribe("7", lambda _: None), clock=lambda: now[0])
    for number in range(150):
        # Half a second in which nothing comes, and then everything at once; before it jitter.
        late = 0.5 - (number - 50) * 0.02 if 50 <= number < 75 else 0.01 * (number % 3)
        now[0] = 100.02 + number * 0.02 + max(0.0, late)
        tap.caller(AudioIn(silence(20), number * 20))
    assert noted.at == pytest.approx([100.0 + number * 0.02 for number in range(150)], abs=0.005)


def test_a_full_disk_ends_the_recording_and_not_the_call(tmp_path: Path) -> None:
    # A write to this device fails as one to a disk without room does.
    (tmp_path / "call.part").symlink_to("/dev/full")
    wrote: list[None] = []

    def script(call: Call) -> list[Any]:
        def write() -> None:
            wrote.append(None)
            call.session.taps.recording._recorder.write(all_of_it=False)

        return [(2.0, lambda: call.carrier.say(voice(300))), (1.9, write)]

    call, recording = recorded(tmp_path / "call.wav", script, ask("Hello."), goodbye())
    recording.finish()
    assert wrote
    assert "No space left" in recording.failure
    assert call.events[-1].data["reason"] == "done"
    (trouble,) = [t for t in call.told(EventKind.TROUBLE) if t["what"] == "recording_failed"]
    assert "No space left" in trouble["detail"]
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_hangs_costs_frames_and_no_memory(tmp_path: Path) -> None:
    async def play() -> tuple[Call, WavRecording]:
        call = Call(StubBrain(ask("Hello."), goodbye()), stt=StubStt(["yes"]))
        recording = WavRecording(tmp_path / "call.wav", most_waiting=50)
        await call._open(recorder=recording)
        asyncio.get_running_loop().call_later(2.0, lambda: call.carrier.say(voice(300)))
        await call.session.run()
        return call, recording

    call, recording = run(play())
    assert recording.dropped > 50
    (trouble,) = [t for t in call.told(EventKind.TROUBLE) if t["what"] == "recording_gaps"]
    assert trouble["detail"].startswith(f"{recording.dropped} ")
    recording.finish()
    caller, _ = sides(tmp_path / "call.wav")
    assert len(caller) <= 50 * 160


def test_nobody_s_recording_costs_nothing() -> None:
    async def play() -> None:
        call = Call(StubBrain(ask("Hello.")))
        await call._open()
        session = call.session
        assert (session.taps.recording, session._reader.tap, session._transmitter.tap) == (None, None, None)
        session.stop("done")
        await session.run()

    run(play())


def test_one_thread_writes_for_all_calls_and_files_appear_when_they_are_whole(tmp_path: Path) -> None:
    recordings = Recordings(tmp_path / "spool")
    open_now = [recordings.begin(f"call-{number}") for number in range(20)]
    writers = [thread for thread in threading.enumerate() if thread.name == "recordings"]
    assert len(writers) == 1
    tones = [voice(20) for _ in range(100)]
    for number, pcm in enumerate(tones):
        for recording in open_now:
            recording.on_caller(pcm, number * 0.02)
            recording.on_agent(pcm, 1.0 + number * 0.02)
    until(lambda: len(list((tmp_path / "spool").glob("*.part"))) == 20)
    assert list((tmp_path / "spool").glob("*.wav")) == []
    for recording in open_now[:10]:
        recording.close()
    until(lambda: len(list((tmp_path / "spool").glob("*.wav"))) == 10)
    recordings.close()
    assert len(list((tmp_path / "spool").glob("*.wav"))) == 20
    assert not writers[0].is_alive()
    for path in (tmp_path / "spool").iterdir():
        caller, agent = sides(path)
        assert np.array_equal(caller[:16_000].astype("<i2").tobytes(), b"".join(tones))
        assert np.array_equal(agent[8_000:24_000].astype("<i2").tobytes(), b"".join(tones))
        assert not agent[:8_000].any()


def until(what: Callable[[], bool], within_s: float = 30.0) -> None:
    """Wait for the writer."""
    end = time.monotonic() + within_s
    while not what():
        assert time.monotonic() < end
        time.sleep(0.01)
