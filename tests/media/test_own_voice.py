"""Whole calls with a brain that has ears and a voice of its own, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import pytest
from media_stubs import Call, Streaming, StubStt, StubTts, silence, voice
from virtual_time import run

from trunkline.media import EventKind, SessionOptions
from trunkline.providers.ports import (
    Act,
    BrainFailed,
    CallBrief,
    HangUp,
    Heard,
    InputKind,
    Listen,
    Say,
    Sound,
    SpeechFailed,
    ToolResult,
    ToolRunner,
    Transcript,
)

WORD_MS = 300


class Voiced:
    """Speaks a word in 300 ms, much faster than real time; its words come `behind` pieces late."""

    def __init__(self, text: str, *, behind: int = 0, fails_after: int | None = None) -> None:
        self.words = text.split()
        self.behind = behind
        self.fails_after = fails_after
        self.made = 0
        self.closed = False

    @property
    def text(self) -> str:
        whole = self.made >= len(self.words)
        return " ".join(self.words if whole else self.words[: max(0, self.made - self.behind)])

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self.made == self.fails_after:
            raise SpeechFailed("broken off")
        if self.made >= len(self.words):
            raise StopAsyncIteration
        await asyncio.sleep(0.01)
        self.made += 1
        # No whole number of frames, as providers do it.
        return voice(WORD_MS - 7) + silence(7)

    async def aclose(self) -> None:
        self.closed = True


class OwnUtterance:
    def __init__(self, brain: OwnVoice, text: str | None, late_s: float) -> None:
        self.brain, self.text, self.late_s = brain, text, late_s
        self.pcm = bytearray()
        self.finished = self.cancelled = False
        self.text_so_far = ""

    def feed(self, pcm: bytes) -> None:
        self.pcm += pcm

    async def finish(self) -> Transcript:
        self.finished = True
        return Transcript("", 1.0, later=self._later)

    async def _later(self) -> Transcript:
        await asyncio.sleep(self.late_s)
        if self.text is None:
            raise SpeechFailed("no words")
        return Transcript(self.text, 0.8)

    def cancel(self) -> None:
        self.cancelled = True


class OwnVoice:
    """Plays the next list of acts at each turn and hears for itself; a plain string is a tool to use.

    It is its own conversation.
    """

    def __init__(
        self, *turns: Sequence[Act | str] | Exception, hears: Sequence[tuple[str | None, float]]
    ) -> None:
        self.turns = list(turns)
        self.hears = list(hears)
        self.heard: list[Heard] = []
        self.cuts: list[tuple[str, int]] = []
        self.utterances: list[OwnUtterance] = []
        self.closed = 0
        self.tools: ToolRunner

    def open(self, brief: CallBrief, tools: ToolRunner) -> OwnVoice:
        self.tools = tools
        return self

    async def _play(self) -> AsyncIterator[Act]:
        await asyncio.sleep(0.05)
        turn = self.turns.pop(0)
        if isinstance(turn, Exception):
            raise turn
        for act in turn:
            if isinstance(act, str):
                await self.tools(act, {})
            else:
                yield act

    def begin(self) -> AsyncIterator[Act]:
        return self._play()

    def hear(self, heard: Heard) -> AsyncIterator[Act]:
        self.heard.append(heard)
        return self._play()

    def interrupted(self, said: str, *, played_ms: int) -> None:
        self.cuts.append((said, played_ms))

    def listen(self) -> OwnUtterance:
        text, late_s = self.hears.pop(0)
        self.utterances.append(OwnUtterance(self, text, late_s))
        return self.utterances[-1]

    async def close(self) -> None:
        self.closed += 1


NUMBERS = "one two three four five six seven eight nine ten"


def test_sound_is_heard_and_its_words_are_told_as_they_grew() -> None:
    brain = OwnVoice([Sound(Voiced("Good morning to you", behind=2)), Listen(None)],
                     [Sound(Voiced("Goodbye then")), HangUp("done")], hears=[("hello", 0.2)])  # fmt: skip
    stt = StubStt()
    call = Call(brain, stt=stt)
    ended = run(call.run((2.5, lambda: call.carrier.say(voice(500)))))
    assert ended.data["reason"] == "done"
    said = call.told(EventKind.AGENT_SAID)
    assert [(s["text"], s["heard_text"]) for s in said] == [
        ("Good morning to you", "Good morning to you"), ("Goodbye then", "Goodbye then"),
    ]  # fmt: skip
    assert brain.heard == [Heard(InputKind.SPEECH, "", 1.0)]
    assert stt.utterances == []
    # The pre-roll reached the brain's ears as well, and 4 words of 300 ms the caller's.
    assert len(brain.utterances[0].pcm) >= 16 * 900
    assert brain.closed == 1
    out = ended.data["frames_out"]
    assert out["sent"] == pytest.approx(6 * WORD_MS / 20, abs=1)
    latency = [data for data in call.told(EventKind.LATENCY) if "reply_ms" in data]
    assert len(latency) == 1


@pytest.mark.parametrize("late_s", [0.05, 2.5, 5.5])
def test_words_that_come_behind_the_answer_are_told_before_it(late_s: float) -> None:
    brain = OwnVoice([Sound(Voiced("Hello")), Listen(None)],
                     [Sound(Voiced("I see")), Listen(None)],
                     [Sound(Voiced("Bye")), HangUp("done")],
                     hears=[("first", late_s), ("second", 0.1)])  # fmt: skip
    call = Call(brain)
    run(call.run((1.0, lambda: call.carrier.say(voice(500))), (4.0, lambda: call.carrier.say(voice(500)))))
    words = [
        event.data["text"]
        for event in call.events
        if event.kind in (EventKind.CALLER_SAID, EventKind.AGENT_SAID)
    ]
    assert words == ["Hello", "first", "I see", "second", "Bye"]


def test_words_that_never_come_leave_their_place_and_are_trouble() -> None:
    brain = OwnVoice([Sound(Voiced("Hello")), Listen(None)],
                     [Sound(Voiced("I see")), Listen(None)], hears=[(None, 0.2)])  # fmt: skip
    call = Call(brain)
    run(call.run((1.0, lambda: call.carrier.say(voice(500))), (5.0, call.carrier.hang_up)))
    told = [e for e in call.events if e.kind in (EventKind.CALLER_SAID, EventKind.AGENT_SAID)]
    assert [(e.kind.value, e.data["text"]) for e in told] == [
        ("agent_said", "Hello"), ("caller_said", ""), ("agent_said", "I see"),
    ]  # fmt: skip
    assert [t["what"] for t in call.told(EventKind.TROUBLE)] == ["transcript_failed"]


def test_a_call_that_ends_first_still_waits_a_moment_for_the_last_words() -> None:
    brain = OwnVoice([Sound(Voiced("Hello")), Listen(None)], [Listen(None)], hears=[("last words", 1.0)])
    call = Call(brain)
    run(call.run((1.0, lambda: call.carrier.say(voice(500))), (2.8, call.carrier.hang_up)))
    assert call.told(EventKind.CALLER_SAID)[0]["text"] == "last words"


def test_an_interruption_cuts_the_words_by_the_sound_that_was_played() -> None:
    brain = OwnVoice([Sound(Voiced(NUMBERS)), Listen(None)],
                     [Sound(Voiced("Bye")), HangUp("done")], hears=[("stop it", 0.3)])  # fmt: skip
    call = Call(brain)
    run(call.run((1.5, lambda: call.carrier.say(voice(800)))))
    said = call.told(EventKind.AGENT_SAID)[0]
    assert said["interrupted"]
    assert said["text"] == NUMBERS
    # The caller began at 1.5 s, the clear came some 200 ms later: 5 words of 300 ms and a bit.
    assert said["heard_text"] in ("one two three four five", "one two three four five six")
    ((heard, played_ms),) = brain.cuts
    assert heard == said["heard_text"]
    assert len(heard.split()) * WORD_MS == pytest.approx(played_ms, abs=WORD_MS)


def test_sound_that_an_mm_hm_cut_goes_on_where_it_was_cut() -> None:
    long = " ".join([NUMBERS] * 4)  # 12 s, more than the transmitter's queue takes
    brain = OwnVoice([Sound(Voiced(long)), Listen(None)],
                     [Sound(Voiced("Bye")), HangUp("done")],
                     hears=[("mm-hm", 0.3), ("yes", 0.1)])  # fmt: skip
    call = Call(brain, options=SessionOptions(queue_frames=400))
    ended = run(
        call.run((6.5, lambda: call.carrier.say(voice(400))), (16.0, lambda: call.carrier.say(voice(400))))
    )
    first, rest, _ = call.told(EventKind.AGENT_SAID)
    assert first["interrupted"]
    assert rest["resumed"]
    assert f"{first['heard_text']} {rest['heard_text']}" == long
    assert brain.cuts == []
    frames = ended.data["frames_out"]
    # All that was made was heard but for the lead that the clear threw away at the carrier.
    assert frames["sent"] == pytest.approx(41 * WORD_MS / 20, abs=2)


@pytest.mark.parametrize(("words", "answered"), [("mm-hm", False), ("and hurry", True)])
def test_what_is_said_while_a_tool_runs_is_waited_for_before_it_counts(words: str, answered: bool) -> None:
    async def slow(_name: str, _arguments: Mapping[str, Any]) -> ToolResult:
        await asyncio.sleep(4)
        return ToolResult(ok=True, data={})

    brain = OwnVoice([Sound(Voiced("Hello there")), Listen(None)],
                     ["book", Sound(Voiced("Booked")), HangUp("booked")],
                     [Sound(Voiced("Very well")), HangUp("done")],
                     hears=[("yes", 0.1), (words, 0.3)])  # fmt: skip
    call = Call(brain, tool=slow)
    ended = run(
        call.run((2.0, lambda: call.carrier.say(voice(400))), (4.0, lambda: call.carrier.say(voice(400))))
    )
    assert ended.data["reason"] == ("done" if answered else "booked")
    said = [told["heard_text"] for told in call.told(EventKind.AGENT_SAID)]
    assert said == ["Hello there", "Very well" if answered else "Booked"]
    assert len(call.told(EventKind.TOOL_USED)) == 1


def test_sound_that_is_not_gone_on_with_is_closed() -> None:
    long = Voiced(" ".join([NUMBERS] * 4))
    brain = OwnVoice([Sound(long), Listen(None)],
                     [Sound(Voiced("Bye")), HangUp("done")], hears=[("no wait", 0.1)])  # fmt: skip
    call = Call(brain)
    run(call.run((6.5, lambda: call.carrier.say(voice(600)))))
    assert long.closed


def test_a_brain_that_fails_ends_the_call_with_an_apology() -> None:
    brain = OwnVoice([Sound(Voiced("Hello")), Listen(None)], BrainFailed("gone"), hears=[("hi", 0.1)])
    tts = StubTts()
    call = Call(brain, tts=tts, options=SessionOptions(apology="Sorry, please call again."))
    ended = run(call.run((1.0, lambda: call.carrier.say(voice(500)))))
    assert ended.data["reason"] == "brain_failed"
    assert call.told(EventKind.AGENT_SAID)[-1]["heard_text"] == "Sorry, please call again."
    assert call.told(EventKind.TROUBLE)[0] == {"what": "brain_failed", "detail": "gone"}
    # The greeting was one; an apology is no reply, and would spoil the figures.
    (measured,) = call.told(EventKind.LATENCY)
    assert "greeting_ms" in measured
    assert brain.closed == 1


def test_an_apology_is_no_greeting() -> None:
    brain = OwnVoice(BrainFailed("gone"), hears=[])
    call = Call(brain, options=SessionOptions(apology="Sorry, please call again."))
    ended = run(call.run())
    assert ended.data["reason"] == "brain_failed"
    assert call.told(EventKind.AGENT_SAID)[0]["heard_text"] == "Sorry, please call again."
    assert call.told(EventKind.LATENCY) == []


def test_a_brain_that_fails_behind_its_first_sentence_has_greeted() -> None:
    brain = Streaming([Say("Hello there."), BrainFailed("gone")])
    call = Call(brain, options=SessionOptions(apology="Sorry, please call again."))
    run(call.run())
    assert call.told(EventKind.AGENT_SAID)[0]["heard_text"] == "Hello there. Sorry, please call again."
    assert [list(measured) for measured in call.told(EventKind.LATENCY)] == [["turn", "greeting_ms"]]


def test_sound_that_breaks_off_is_told_as_far_as_it_came() -> None:
    brain = OwnVoice([Sound(Voiced(NUMBERS, fails_after=4)), HangUp("done")], hears=[])
    call = Call(brain)
    run(call.run())
    (said,) = call.told(EventKind.AGENT_SAID)
    assert said["heard_text"] == "one two three four"
    assert call.told(EventKind.TROUBLE)[0]["what"] == "voice_failed"
