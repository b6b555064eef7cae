"""The way out: pace, lead, bounded queue, marks and clear, on a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from media_stubs import silence, voice
from virtual_time import run

from trunkline.media.playback import Piece
from trunkline.media.transmitter import Transmitter


class Wire:
    """Notes what is sent and when; `stall` makes the next send take that long."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.sent: list[tuple[float, str]] = []
        self.stall = 0.0

    async def _note(self, what: str) -> None:
        self.sent.append((self.clock(), what))
        if self.stall:
            stall, self.stall = self.stall, 0.0
            await asyncio.sleep(stall)

    async def send_audio(self, pcm: bytes) -> None:
        assert len(pcm) == 320
        await self._note("audio")

    async def send_mark(self, name: str) -> None:
        await self._note(name)

    async def send_clear(self) -> None:
        await self._note("clear")

    async def receive(self) -> Any:
        raise AssertionError

    async def close(self) -> None:
        raise AssertionError

    def times(self, what: str = "audio") -> list[float]:
        return [at for at, kind in self.sent if kind == what]


class Scene:
    def __init__(self, *, lag: Callable[[], float] = lambda: 0.0, lead_s: float = 0.08) -> None:
        self.clock = asyncio.get_running_loop().time
        self.lag = lag
        self.wire = Wire(self.clock)
        self.played: list[Piece] = []
        self.tx = Transmitter(
            self.wire,
            lead_s=lead_s,
            limit_frames=400,
            mark_grace_s=1.0,
            clock=self.clock,
            sleep=self._sleep,
            on_played=self.played.append,
        )
        self.task = asyncio.create_task(self.tx.run())

    async def _sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds + self.lag())

    async def say(self, pcm: bytes, text: str = "Some words here.") -> Piece:
        piece = Piece(text)
        self.tx.add(piece)
        await self.tx.put(piece, pcm)
        self.tx.finish(piece)
        return piece

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])


def scene(body: Callable[[Scene], Awaitable[None]], **options: Any) -> None:
    async def play() -> None:
        stage = Scene(**options)
        try:
            await body(stage)
        finally:
            await stage.stop()

    run(play())


def assert_never_a_burst(times: list[float], lead_s: float) -> None:
    """No two frames closer than 10 ms, and never more ahead of playing time than the lead."""
    assert all(later - earlier > 0.0094 for earlier, later in pairwise(times))
    plays_until = 0.0
    for at in times:
        plays_until = max(plays_until, at) + 0.02
        assert plays_until - at <= lead_s + 0.0201


def test_frames_go_out_at_the_pace_of_speech_with_a_small_lead() -> None:
    async def body(s: Scene) -> None:
        began = s.clock()
        await s.say(voice(2000))
        await asyncio.sleep(5)
        times = s.wire.times()
        assert len(times) == 100
        assert times[0] == began
        assert times[-1] - began == pytest.approx(2.0 - 0.02 - 0.08, abs=0.011)
        assert_never_a_burst(times, 0.08)
        assert s.wire.sent[-1][1] == "p1"
        assert (s.tx.frames.stalls, s.tx.frames.starved) == (0, 0)

    scene(body)


def test_a_stall_is_a_gap_in_the_account_and_never_a_burst() -> None:
    async def body(s: Scene) -> None:
        task = asyncio.create_task(s.say(voice(3000)))
        await asyncio.sleep(0.5)
        s.wire.stall = 0.5
        await asyncio.sleep(6)
        await task
        times = s.wire.times()
        assert len(times) == 150
        assert_never_a_burst(times, 0.08)
        frames = s.tx.frames
        assert frames.stalls == 1
        # Half a second late, of which the lead covered 80 to 100 ms.
        assert 395 <= frames.gap_ms <= 425
        assert frames.worst_gap_ms == frames.gap_ms

    scene(body)


@given(st.lists(st.sampled_from([0.0, 0.001, 0.004, 0.03, 0.07, 0.4]), min_size=1, max_size=60))
@settings(deadline=None, max_examples=60)
def test_whatever_the_lateness_every_frame_goes_out_once_and_never_in_a_burst(lags: list[float]) -> None:
    remaining = list(lags)

    async def body(s: Scene) -> None:
        await s.say(voice(1500))
        await asyncio.sleep(60)
        assert len(s.wire.times()) == 75
        assert_never_a_burst(s.wire.times(), 0.08)

    scene(body, lag=lambda: remaining.pop() if remaining else 0.0)


def test_the_queue_is_bounded_and_holds_the_speaker_back() -> None:
    async def body(s: Scene) -> None:
        task = asyncio.create_task(s.say(voice(20_000)))
        longest = 0
        for _ in range(200):
            await asyncio.sleep(0.1)
            longest = max(longest, s.tx._waiting)
        assert 390 <= longest <= 400
        assert s.clock() - s.wire.times()[0] > 19
        await task
        await asyncio.sleep(5)
        assert len(s.wire.times()) == 1000
        assert (s.tx.frames.stalls, s.tx.frames.starved) == (0, 0)

    scene(body)


def test_a_voice_slower_than_speech_is_told_from_our_own_stalls() -> None:
    async def body(s: Scene) -> None:
        piece = Piece("Slow.")
        s.tx.add(piece)
        for _ in range(3):
            await s.tx.put(piece, voice(100))
            await asyncio.sleep(0.5)
        s.tx.finish(piece)
        await asyncio.sleep(1)
        assert (s.tx.frames.starved, s.tx.frames.stalls) == (2, 0)
        assert len(s.wire.times()) == 15

    scene(body)


def test_odd_lengths_are_cut_into_whole_frames_and_the_last_is_filled_up() -> None:
    async def body(s: Scene) -> None:
        piece = Piece("Odd.")
        s.tx.add(piece)
        for length in (2, 318, 322, 100):
            await s.tx.put(piece, voice(1000)[:length])
        s.tx.finish(piece)
        await asyncio.sleep(1)
        assert len(s.wire.times()) == 3

    scene(body)


def test_clear_is_on_the_wire_within_the_same_instant_and_nothing_follows_it() -> None:
    async def body(s: Scene) -> None:
        piece = await s.say(voice(4000))
        await asyncio.sleep(1.234)
        now = s.clock()
        await s.tx.clear()
        assert s.wire.sent[-1] == (now, "clear")
        await asyncio.sleep(3)
        assert s.wire.sent[-1] == (now, "clear")
        assert piece.cut
        frames = s.tx.frames
        assert frames.queued == frames.sent + frames.cleared == 200
        assert not s.tx.sounding()

    scene(body)


def test_what_is_said_after_a_clear_starts_at_once() -> None:
    async def body(s: Scene) -> None:
        await s.say(voice(4000))
        await asyncio.sleep(1)
        await s.tx.clear()
        now, said_before = s.clock(), len(s.wire.sent)
        await s.say(voice(200))
        await asyncio.sleep(1)
        after = s.wire.sent[said_before:]
        assert [what for _, what in after] == ["audio"] * 10 + ["p1"]
        assert after[0][0] - now <= 0.021

    scene(body)


def test_sounding_is_what_the_caller_hears_by_mark_or_by_clock() -> None:
    async def body(s: Scene) -> None:
        await s.say(voice(1000))
        await asyncio.sleep(0.99)
        assert s.tx.sounding()
        assert s.wire.sent[-1][1] == "p1"
        await asyncio.sleep(0.05)
        assert s.tx.sounding_ms() is None
        assert s.tx.sounding(), "the mark is not back, the carrier may lag"
        s.tx.mark_echoed("p1")
        assert not s.tx.sounding()
        assert s.played[0].played

    scene(body)


def test_a_lost_mark_is_waited_for_no_longer_than_its_grace() -> None:
    async def body(s: Scene) -> None:
        await s.say(voice(1000))
        await asyncio.sleep(1.9)
        assert s.tx.sounding()
        assert await s.tx.heard_out() is False
        assert not s.tx.sounding()
        assert s.clock() - s.wire.times()[0] == pytest.approx(2.0, abs=0.05)

    scene(body)


def test_a_mark_proves_the_pieces_before_it_and_one_from_before_a_clear_proves_nothing() -> None:
    async def body(s: Scene) -> None:
        first, second = await s.say(voice(200)), await s.say(voice(200))
        await asyncio.sleep(1)
        s.tx.mark_echoed("p2")
        assert (first.played, second.played) == (True, True)
        third = await s.say(voice(200))
        await asyncio.sleep(0.19)
        await s.tx.clear()
        fourth = await s.say(voice(200))
        await asyncio.sleep(0.19)
        s.tx.mark_echoed("p3")
        s.tx.mark_echoed("nonsense")
        assert (third.played, fourth.played) == (False, False)
        assert s.played == [first, second]

    scene(body)


def test_how_long_the_agent_has_been_sounding_goes_on_over_short_pauses() -> None:
    async def body(s: Scene) -> None:
        await s.say(voice(500))
        await asyncio.sleep(0.6)
        await s.say(voice(500))
        await asyncio.sleep(0.2)
        assert s.tx.sounding_ms() == pytest.approx(800, abs=2)
        await asyncio.sleep(3)
        await s.say(voice(500))
        await asyncio.sleep(0.2)
        assert s.tx.sounding_ms() == pytest.approx(200, abs=2)

    scene(body)


def test_what_was_heard_of_a_piece_leaves_out_the_silence_around_it() -> None:
    async def body(s: Scene) -> None:
        piece = await s.say(silence(1000) + voice(1000) + silence(1000), "alpha bravo gamma delta")
        await asyncio.sleep(0.98)
        assert piece.heard(s.clock()) == ""
        await asyncio.sleep(0.52)
        assert piece.heard(s.clock()) == "alpha bravo"
        await asyncio.sleep(0.6)
        assert piece.heard(s.clock()) == "alpha bravo gamma delta"

    scene(body)
