"""Callers with a plan on a real socket: what they send, withhold, measure and break off."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from product import SID, TOKEN, FakeHearing, FakeVoice, Product, Socket, serving_product, until

from trunkline.kit.audio import level, pcm_to_ulaw, ulaw_to_pcm
from trunkline.providers.ports import LanguageModel, Message, ModelFailed, ToolCall, ToolSpec
from trunkline.simulators.callers import (
    Caller,
    CallerAnswer,
    CallerPlan,
    CallerStep,
    Deed,
    EarFigures,
    Line,
    NoiseKind,
)
from trunkline.simulators.callers.acoustics import Acoustics, sound
from trunkline.simulators.callers.ear_watch import EarWatch
from trunkline.simulators.carrier import CarrierOptions, Number, RunningCarrier, serving
from trunkline.simulators.carrier.book import CallEntry
from trunkline.simulators.carrier.people.mouth import Mouth

pytestmark = pytest.mark.hasty

OURS, THEIRS = "+12025550199", "+12025550101"
SPEECH = pcm_to_ulaw((8000 * np.sin(np.arange(160) / 3)).astype("<i2").tobytes())


@dataclass
class Connection:
    """One caller at a carrier, and the product that they phone."""

    sim: RunningCarrier
    product: Product
    caller: Caller

    async def call(self, seconds: float = 60) -> CallEntry:
        sid = self.sim.exchange.phone_in(THEIRS, OURS).sid
        entry = self.sim.book.calls[sid]
        await until(lambda: entry.ended_at is not None, seconds)
        return entry

    def figures(self, entry: CallEntry) -> EarFigures:
        return self.caller.figures[entry.sid]


@asynccontextmanager
async def line_of(
    plan: CallerPlan, *, hears: Sequence[str] = (), model: LanguageModel | None = None
) -> AsyncIterator[Connection]:
    stt = FakeHearing(hears[0] if hears else "")
    options = CarrierOptions(SID, TOKEN, seed=7, realtime=False)
    async with serving_product() as product, serving(options, tts=FakeVoice(), stt=stt) as sim:
        sim.exchange.configure(Number(OURS, product.voice_url, product.status_url))
        caller = Caller(plan, mouth=Mouth(FakeVoice(), muted=False), stt=stt, seed=1, model=model)
        sim.population.settle(THEIRS, caller)
        yield Connection(sim, product, caller)
        assert product.unsigned == []


def planned(*steps: CallerStep, **more: object) -> CallerPlan:
    return CallerPlan(kind="planned", steps=steps, **more)  # type: ignore[arg-type]


async def listen(socket: Socket) -> None:
    """An agent that says nothing and stays."""
    while True:
        await socket.next("stop")


async def speak_for(socket: Socket, seconds: float) -> None:
    await socket.play(SPEECH * int(seconds * 50))
    await socket.send("mark", name="end")


def media_times(socket: Socket) -> list[int]:
    return [int(m["media"]["timestamp"]) for m in socket.messages if m["event"] == "media"]


async def test_a_caller_says_keys_and_hangs_up_with_a_stop() -> None:
    steps = (
        CallerStep(Deed.SAYS, "good morning everybody"), CallerStep(Deed.KEYS, "4#"),
        CallerStep(Deed.HANGS_UP),
    )  # fmt: skip
    async with line_of(planned(*steps)) as line:
        line.product.agent = listen
        entry = await line.call()
        (socket,) = line.product.sockets
        assert entry.ended_by == "person"
        assert [m["dtmf"]["digit"] for m in socket.messages if m["event"] == "dtmf"] == ["4", "#"]
        assert socket.messages[-1]["event"] == "stop"
        assert level(ulaw_to_pcm(socket.heard())) > 1000


async def test_a_caller_who_breaks_ends_the_call_and_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    async def breaks(*_: object) -> bytes:
        raise OSError("no voice left")

    async with line_of(planned(CallerStep(Deed.SAYS, "good morning"))) as line:
        line.product.agent = listen
        monkeypatch.setattr(line.caller._mouth, "utter", breaks)
        entry = await line.call()
    assert entry.ended_by == "carrier"
    assert [error["message"] for error in entry.errors] == ["the far end of the line broke"]


async def test_a_dropped_line_breaks_off_without_a_stop() -> None:
    async with line_of(planned(CallerStep(Deed.WAITS, 0.1), CallerStep(Deed.DROPS_THE_LINE))) as line:
        line.product.agent = listen
        entry = await line.call()
        (socket,) = line.product.sockets
        assert "stop" not in {message["event"] for message in socket.messages}
        assert entry.errors == []
        assert entry.ended_at is not None


async def test_withheld_frames_are_missing_and_time_goes_on() -> None:
    steps = (CallerStep(Deed.WAITS, 0.2), CallerStep(Deed.STOPS_SENDING, 0.4), CallerStep(Deed.WAITS, 0.2))
    async with line_of(planned(*steps, CallerStep(Deed.HANGS_UP))) as line:
        line.product.agent = listen
        await line.call()
        times = media_times(line.product.sockets[0])
        holes = [after - before for before, after in pairwise(times) if after - before > 20]
        assert holes == [420]


async def test_the_ear_measures_greeting_reply_and_interruption() -> None:
    async def agent(socket: Socket) -> None:
        await socket.next("media")
        await asyncio.sleep(0.2)
        await speak_for(socket, 6.0)
        heard = 0
        while heard < 10:
            # Loud frames of the caller's: they are interrupting.
            message = await socket.next("media")
            socket.messages.clear()
            heard += level(ulaw_to_pcm(base64.b64decode(message["media"]["payload"]))) > 1000
        await socket.send("clear")
        await asyncio.sleep(0.6)
        await speak_for(socket, 0.3)
        await listen(socket)

    steps = (
        CallerStep(Deed.INTERRUPTS, "one moment please wait for a bit of time", 0.3),
        CallerStep(Deed.WAITS, 1.5), CallerStep(Deed.HANGS_UP),
    )  # fmt: skip
    async with line_of(planned(*steps)) as line:
        line.product.agent = agent
        entry = await line.call()
        figures = line.figures(entry)
        assert figures.greeting_ms is not None
        assert 150 <= figures.greeting_ms < 1500
        assert len(figures.interruption_ms) == 1
        assert 100 <= figures.interruption_ms[0] < 1500
        assert entry.media["clears"] == 1
        assert figures.talked_ms > 1500


async def test_a_hole_within_a_sentence_is_in_the_book_and_one_between_sentences_is_not() -> None:
    async def choppy(socket: Socket) -> None:
        await socket.play(SPEECH * 10)
        await asyncio.sleep(0.6)
        await socket.play(SPEECH * 10)
        await socket.send("mark", name="end")
        await socket.next("mark")
        await asyncio.sleep(0.5)
        await speak_for(socket, 0.2)
        await listen(socket)

    steps = (CallerStep(Deed.WAITS, 2.2), CallerStep(Deed.HANGS_UP))
    async with line_of(planned(*steps)) as line:
        line.product.agent = choppy
        entry = await line.call()
        assert entry.media["gaps"] == 1
        assert 200 < entry.media["worst_gap_ms"] < 900


async def test_a_plan_that_waits_in_vain_is_told_and_ends() -> None:
    async with line_of(planned(CallerStep(Deed.INTERRUPTS, "hello"), patience_s=0.2)) as line:
        line.product.agent = listen
        entry = await line.call()
        assert [row["message"] for row in entry.errors] == [
            "step 1, interrupts: waited for the agent in vain"
        ]


async def test_what_is_understood_is_answered_by_the_plan_and_one_after_another() -> None:
    async def asks_thrice(socket: Socket) -> None:
        for _ in range(3):
            await speak_for(socket, 0.4)
            await asyncio.sleep(2.2)
        await listen(socket)

    answers = (CallerAnswer("what is it", says=("first", "second")),)
    async with line_of(
        planned(answers=answers, patience_s=2.0, again=""), hears=["what is it you want"]
    ) as line:
        line.product.agent = asks_thrice
        entry = await line.call()
        assert [row["text"] for row in entry.said] == ["first", "second", "second", "hello"]


class Script:
    """A language model that knows its lines: each answer is the next of these."""

    def __init__(self, *answers: Sequence[str | ToolCall]) -> None:
        self.answers = list(answers)
        self.asked: list[list[Message]] = []
        self.told = ""

    async def answer(
        self, instructions: str, messages: Sequence[Message], tools: Sequence[ToolSpec]
    ) -> AsyncIterator[str | ToolCall]:
        self.told = instructions
        self.asked.append(list(messages))
        if not self.answers:
            raise ModelFailed("no more lines")
        for piece in self.answers.pop(0):
            yield piece

    async def close(self) -> None: ...


async def test_a_caller_with_a_persona_says_what_the_model_does_and_hangs_up_when_it_wants() -> None:
    model = Script(
        ["I would like ", "a table."], [ToolCall("1", "press_keys", {"keys": "2"})],
        ["Goodbye.", ToolCall("2", "hang_up", {})],
    )  # fmt: skip

    async def asks(socket: Socket) -> None:
        for _ in range(3):
            await speak_for(socket, 0.4)
            await asyncio.sleep(2.2)
        await listen(socket)

    plan = planned(persona="You are hungry.")
    async with line_of(plan, hears=["how can i help"], model=model) as line:
        line.product.agent = asks
        entry = await line.call()
        assert [row["text"] for row in entry.said] == ["I would like a table.", "Goodbye."]
        assert [row["digits"] for row in entry.keyed] == ["2"]
        assert "You are hungry." in model.told
        assert model.asked[0] == [Message("user", "how can i help")]
        assert entry.errors == []


async def test_a_model_that_fails_is_told_and_ends_the_call() -> None:
    async def asks(socket: Socket) -> None:
        await speak_for(socket, 0.4)
        await listen(socket)

    async with line_of(planned(persona="You are shy."), model=Script()) as line:
        line.product.agent = asks
        entry = await line.call()
        assert [row["message"] for row in entry.errors] == ["the caller's model failed: no more lines"]


async def test_a_persona_that_finds_no_end_hangs_up_by_turns_or_by_time() -> None:
    async def asks(socket: Socket) -> None:
        while True:
            await speak_for(socket, 0.4)
            await asyncio.sleep(1.8)

    # Within 2.5 s the agent is heard out once.
    for plan, says in (
        (planned(persona="You are lonely.", turns=1), "the caller hung up after 1 turns without an end"),
        (planned(persona="You are lonely.", stays_s=2.5), "the caller hung up after 2.5 s without an end"),
    ):
        async with line_of(plan, model=Script(*[["And then?"]] * 9)) as line:
            line.product.agent = asks
            entry = await line.call()
            assert [row["message"] for row in entry.errors] == [says]
            assert entry.ended_by == "person"
            assert len(entry.said) == 1


def test_a_persona_needs_a_model() -> None:
    with pytest.raises(ValueError, match="needs a language model"):
        Caller(planned(persona="x"), mouth=Mouth(FakeVoice(), muted=False), stt=FakeHearing(), seed=1)


def test_an_echo_comes_back_later_and_softer() -> None:
    line = Acoustics(Line(echo_db=-12, echo_ms=60), seed=1)
    quiet, levels = pcm_to_ulaw(bytes(320)), []
    for number in range(8):
        line.incoming(SPEECH if number == 0 else quiet)
        levels.append(level(ulaw_to_pcm(line.outgoing(quiet))))
    loud = [number for number, found in enumerate(levels) if found > 100]
    assert loud == [2]
    assert levels[2] == pytest.approx(level(ulaw_to_pcm(SPEECH)) / 4, rel=0.1)


@pytest.mark.parametrize("noise_db", [-60.0, -40.0, -25.0])
def test_noise_is_as_loud_as_it_says(noise_db: float) -> None:
    line = Acoustics(Line(noise_db=noise_db), seed=1)
    heard = b"".join(line.outgoing(pcm_to_ulaw(bytes(320))) for _ in range(400))
    assert 20 * np.log10(level(ulaw_to_pcm(heard)) / 32_767) == pytest.approx(noise_db, abs=1.5)


@pytest.mark.parametrize("kind", NoiseKind)
def test_every_sound_can_be_heard(kind: NoiseKind) -> None:
    assert 100 < level(sound(kind)) < 12_000
    assert len(sound(kind)) % 2 == 0


def test_the_watch_goes_by_the_clock_it_is_given() -> None:
    now = [0.0]
    watch = EarWatch(lambda: now[0])
    watch.caller(loud=False)
    now[0] = 0.3
    watch.agent(loud=True)
    now[0] = 1.0
    watch.interrupts()
    watch.caller(loud=True)
    now[0] = 1.1
    watch.agent(loud=True)
    now[0] = 1.5
    watch.caller(loud=True)
    watch.agent(loud=False)
    watch.finished()
    now[0] = 2.25
    watch.agent(loud=True)
    assert watch.figures.greeting_ms == 300.0
    assert watch.figures.interruption_ms == [100.0]
    assert watch.figures.reply_ms == [750.0]
