"""Comfort noise, judged at the carrier's ear."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hearing_carrier import HearingCarrier, loudness
from media_stubs import Call, StubBrain, StubStt, ask, goodbye, voice
from virtual_time import run

from trunkline.kit.audio import level
from trunkline.media import EventKind, SessionOptions
from trunkline.media.comfort import ComfortNoise
from trunkline.providers.ports import Act, Listen, Say, ToolResult

_SPEECH = 1_000
LONG = "one two three four five six seven eight nine ten eleven twelve"


async def _slow(_name: str, _arguments: Any) -> ToolResult:
    await asyncio.sleep(3)
    return ToolResult(ok=True, data={})


def held(*turns: Any, says: list[tuple[float, bytes]], comfort: bool = True, noise: int = 0) -> Call:
    """Hold a call in virtual time; the caller's line has noise of this amplitude."""

    async def play() -> Call:
        call = Call(
            StubBrain(*turns), stt=StubStt(["yes", "no wait"]), carrier=HearingCarrier(), tool=_slow,
            options=SessionOptions(comfort_noise=comfort),
        )  # fmt: skip
        if noise:
            call.carrier.say_over(voice(60_000, noise))
        await call.run(*((at_s, lambda pcm=pcm: call.carrier.say(pcm)) for at_s, pcm in says))
        return call

    return run(play())


def test_the_line_is_never_dead_once_the_agent_has_spoken() -> None:
    turns: list[list[Act | str]] = [ask("Hello."), ["look", Listen(None)], goodbye()]
    call = held(turns[0], [*turns[1][:1], Say("Here."), *goodbye()], says=[(1.5, voice(300))])
    levels = loudness(call.carrier.heard())
    begin = next(number for number, loud in enumerate(levels) if loud > _SPEECH)
    # From the first word to the last, the three seconds of the tool included.
    assert len(levels) - begin > 200
    assert min(levels[begin:]) > 4
    quiet = [loud for loud in levels[begin:] if loud < _SPEECH]
    assert len(quiet) > 180
    assert max(quiet[5:-5]) < 40
    assert call.told(EventKind.ENDED)[0]["frames_out"]["comfort"] > 180


def test_without_the_option_nothing_but_speech_is_sent() -> None:
    call = held(ask("Hello."), ["look", *goodbye()], says=[(1.5, voice(300))], comfort=False)
    sent = call.told(EventKind.ENDED)[0]["frames_out"]
    assert sent["comfort"] == 0
    assert len(call.carrier.times("media")) == sent["sent"]
    levels = loudness(call.carrier.heard())
    assert levels.count(0.0) > 150


def test_it_is_no_speech_of_the_agent() -> None:
    """The same call with and without it: the same turns, words, marks and silences."""
    says = [(2.0, voice(300)), (4.5, voice(900))]
    plain, noisy = (
        held(ask("Hello there."), ask(LONG), goodbye(), says=says, comfort=comfort)
        for comfort in (False, True)
    )  # fmt: skip
    for kind in (EventKind.AGENT_SAID, EventKind.CALLER_SAID, EventKind.TROUBLE):
        assert [{**told, "heard_ms": 0} for told in plain.told(kind)] == [
            {**told, "heard_ms": 0} for told in noisy.told(kind)
        ]
    assert len(plain.carrier.times("mark")) == len(noisy.carrier.times("mark"))
    ends = [call.told(EventKind.ENDED)[0] for call in (plain, noisy)]
    assert [end["frames_out"]["stalls"] for end in ends] == [0, 0]
    assert ends[0]["frames_out"]["sent"] == pytest.approx(ends[1]["frames_out"]["sent"], abs=2)
    assert ends[0]["duration_ms"] == pytest.approx(ends[1]["duration_ms"], abs=150)


def test_silence_follow_ups_come_all_the_same() -> None:
    call = held(ask("Hello."), ask("Are you there?"), goodbye(), says=[])
    assert [heard.kind.value for heard in call.brain.heard][:1] == ["silence"]  # type: ignore[attr-defined]


def test_a_clear_takes_it_along_and_half_a_second_of_the_line_is_the_callers() -> None:
    call = held(ask("Hello."), ask(LONG), goodbye(), says=[(1.5, voice(300)), (4.0, voice(900))])
    (cleared_at,) = call.carrier.clears
    behind = loudness(call.carrier.heard(cleared_at, cleared_at + 1.2))
    silent = next(number for number, loud in enumerate(behind) if loud > 0)
    assert silent == pytest.approx(25, abs=3)


def test_speech_hardly_waits_behind_it() -> None:
    waited = []
    for comfort in (False, True):
        call = held(ask("Hello."), goodbye("Very well."), says=[(1.5, voice(300))], comfort=comfort)
        levels = loudness(call.carrier.heard())
        first = next(n for n, loud in enumerate(levels) if loud > _SPEECH)
        pause = next(n for n in range(first, len(levels)) if levels[n] < _SPEECH)
        waited.append(next(n for n in range(pause, len(levels)) if levels[n] > _SPEECH))
    assert waited[1] - waited[0] <= 2  # frames


def test_it_is_as_loud_as_suits_the_callers_line() -> None:
    def at_the_ear(noise: int) -> float:
        call = held(ask("Hello."), goodbye(), says=[(6.0, voice(300))], noise=noise)
        return float(np.median(loudness(call.carrier.heard(3.0, 6.0))))

    still, loud = at_the_ear(0), at_the_ear(150)
    assert 8 < still < 25
    assert 2 * still < loud < 100


@pytest.mark.parametrize(("floor", "wanted"), [(1.0, 14), (60.0, 42), (5_000.0, 90)])
def test_its_level_stays_within_bounds(floor: float, wanted: int) -> None:
    noise = ComfortNoise(lambda: floor)
    frames = [noise.frame() for _ in range(300)]
    assert level(b"".join(frames)) == pytest.approx(wanted, rel=0.12)
    assert all(one != other for one, other in pairwise(frames))
