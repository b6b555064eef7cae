"""One brain takes a call over from another, over the stand-ins' real sockets and on cardboard."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from media_stubs import StubStt, voice
from own_voice_calls import QUICK, SPEECH, Tools, a_brief, caller_speaks, hold, nothing_left, performed, until

from trunkline.media import EventKind
from trunkline.providers.brain_fallback import FallbackBrain, FallbackOptions
from trunkline.providers.openai_realtime import OpenAIRealtimeBrain, OpenAIRealtimeOptions
from trunkline.providers.ports import (
    Act,
    BrainFailed,
    CallBrief,
    Heard,
    InputKind,
    Line,
    Listen,
    Note,
    Say,
    ToolRunner,
)
from trunkline.providers.scripted import ScriptedBrain, ready_made
from trunkline.simulators.openai_realtime import OpenAIRealtimeStandIn
from trunkline.simulators.voice_script import Drop, Obey, Speak, Stall, Use

pytestmark = pytest.mark.hasty

KEY = "sk-of-the-test"
FILLER = {"en": "One moment, please."}


class Words:
    """A brain without ears that answers with what it was told; one that fails raises at every turn."""

    def __init__(self, *, fails: bool = False, slow_s: float = 0.0) -> None:
        self.fails, self.slow_s = fails, slow_s
        self.briefs: list[CallBrief] = []
        self.heard: list[Heard] = []
        self.cuts: list[tuple[str, int]] = []
        self.closed = 0

    def open(self, brief: CallBrief, tools: ToolRunner) -> Words:
        self.briefs.append(brief)
        return self

    async def _say(self, text: str) -> AsyncIterator[Act]:
        await asyncio.sleep(self.slow_s)
        if self.fails:
            raise BrainFailed("on purpose")
        yield Say(text)
        yield Listen(None)

    def begin(self) -> AsyncIterator[Act]:
        return self._say("Hello.")

    def hear(self, heard: Heard) -> AsyncIterator[Act]:
        self.heard.append(heard)
        return self._say(f"You said {heard.text}.")

    def interrupted(self, said: str, *, played_ms: int) -> None:
        self.cuts.append((said, played_ms))

    def listen(self) -> None:
        """A recogniser hears the caller."""

    async def close(self) -> None:
        self.closed += 1


@pytest.fixture
async def openai() -> AsyncIterator[OpenAIRealtimeStandIn]:
    async with OpenAIRealtimeStandIn(api_key=KEY) as server, nothing_left():
        yield server
        await until(lambda: server.open_connections == 0)


def first(
    openai: OpenAIRealtimeStandIn, *answers: Any, hears: Sequence[str | None] = ()
) -> OpenAIRealtimeBrain:
    openai.script.answers = deque(answers)
    openai.script.caller_says = deque(hears)
    options = OpenAIRealtimeOptions(patience=QUICK)
    return OpenAIRealtimeBrain(KEY, base_url=openai.base_url, options=options)


async def test_the_next_brain_has_what_was_said_and_answers_the_last_turn(
    openai: OpenAIRealtimeStandIn,
) -> None:
    second = Words()
    brain = FallbackBrain(
        [first(openai, [Obey()], [Use("book", {"time": "ten"})], [Speak("Booked it.")], [Stall()],
               hears=["at ten", "and parking"]), second],
        FallbackOptions(filler=FILLER, filler_after_s=0.2),
    )  # fmt: skip
    tools = Tools()
    conversation = brain.open(a_brief(), tools)
    await performed(conversation.begin())
    await caller_speaks(conversation)
    await performed(conversation.hear(SPEECH))
    conversation.interrupted("Booked", played_ms=100)
    transcript = await caller_speaks(conversation)
    await transcript.later()
    turn = await performed(conversation.hear(SPEECH))
    assert isinstance(turn.acts[0], Note)
    assert turn.acts[1:] == [
        Say("One moment, please."), Say("You said and parking."), Listen(None),
    ]  # fmt: skip
    (brief,) = second.briefs
    said = [(line.who, line.text) for line in brief.past if line.who != "tool"]
    assert said == [
        ("agent", "Hello, this is Oak Dental."), ("caller", "at ten"), ("agent", "Booked"),
        ("agent", "One moment, please."),
    ]  # fmt: skip
    (tool,) = [json.loads(line.text) for line in brief.past if line.who == "tool"]
    assert tool == {"name": "book", "arguments": {"time": "ten"}, "ok": True, "answer": {"booked": "ten"}}
    await conversation.close()
    assert second.closed == 1


async def test_sound_that_was_not_written_down_is_heard_by_a_recogniser(
    openai: OpenAIRealtimeStandIn,
) -> None:
    second = Words()
    openai.script.transcript_after_s = 60
    stt = StubStt(["at eleven"])
    brain = FallbackBrain([first(openai, [Stall()], hears=["never"]), second], stt=stt)
    conversation = brain.open(a_brief(), Tools())
    transcript = await caller_speaks(conversation, 700)
    await performed(conversation.hear(SPEECH))
    assert second.heard == [Heard(InputKind.SPEECH, "at eleven", 0.9)]
    assert len(stt.utterances[0].pcm) == 700 * 16
    assert stt.open_count == 0
    await conversation.close()
    # Whoever keeps the record gets the words that the recogniser made out.
    assert (await transcript.later()).text == "at eleven"


async def test_the_next_brain_answers_the_turn_that_ended_and_not_the_one_that_has_begun(
    openai: OpenAIRealtimeStandIn,
) -> None:
    second = Words()
    openai.script.transcript_after_s = 60
    stt = StubStt(["at eleven"])
    brain = FallbackBrain([first(openai, [Stall()]), second], stt=stt)
    conversation = brain.open(a_brief(), Tools())
    await caller_speaks(conversation, 700)
    going_on = conversation.listen()
    assert going_on is not None
    going_on.feed(voice(100))
    await performed(conversation.hear(SPEECH))
    assert second.heard == [Heard(InputKind.SPEECH, "at eleven", 0.9)]
    assert len(stt.utterances[0].pcm) == 700 * 16
    going_on.cancel()
    await conversation.close()


async def test_sound_is_given_to_the_next_brains_ears(openai: OpenAIRealtimeStandIn) -> None:
    async with OpenAIRealtimeStandIn(api_key=KEY) as other:
        openai.script.transcript_after_s = 60
        brain = FallbackBrain(
            [first(openai, [Stall()]), first(other, [Speak("At eleven, then.")], hears=["at eleven"])]
        )
        conversation = brain.open(a_brief(), Tools())
        transcript = await caller_speaks(conversation, 700)
        turn = await performed(conversation.hear(SPEECH))
        assert turn.said == ["At eleven, then."]
        assert [item.audio_ms for item in other.sessions[0].items if item.role == "user"] == [700.0]
        assert (await transcript.later()).text == "at eleven"
        await conversation.close()
        await until(lambda: other.open_connections == 0)


async def test_a_greeting_that_never_comes_is_said_by_the_next(openai: OpenAIRealtimeStandIn) -> None:
    openai.is_deaf = True
    brain = FallbackBrain(
        [first(openai), Words()], FallbackOptions(greeting_s=0.3, filler=FILLER, filler_after_s=9)
    )
    conversation = brain.open(a_brief(), Tools())
    turn = await performed(conversation.begin())
    assert [act for act in turn.acts if isinstance(act, Say)] == [Say("Hello.")]
    assert "no sound within 0.3 s" in str(turn.acts[0])
    await conversation.close()


async def test_a_tool_that_takes_its_time_is_no_silence_of_the_brain() -> None:
    class Using(Words):
        def open(self, brief: CallBrief, tools: ToolRunner) -> Using:
            self.tools = tools
            return self

        async def _say(self, text: str) -> AsyncIterator[Act]:
            await self.tools("book", {"time": "ten"})
            yield Say("Booked.")

    tools = Tools()
    tools.wait = asyncio.Event()
    conversation = FallbackBrain([Using(), Words()], FallbackOptions(first_sound_s=0.1)).open(
        a_brief(), tools
    )
    turn = asyncio.create_task(performed(conversation.begin()))
    await asyncio.sleep(0.3)
    tools.wait.set()
    assert (await turn).acts == [Say("Booked.")]


async def test_each_brain_has_its_turn_and_the_last_failure_is_told() -> None:
    brains = [Words(fails=True), Words(fails=True), Words(fails=True)]
    conversation = FallbackBrain(brains, FallbackOptions(filler=FILLER, filler_after_s=0)).open(
        a_brief(), Tools()
    )
    acts: list[Act] = []

    async def perform() -> None:
        async for act in conversation.begin():
            acts.append(act)

    with pytest.raises(BrainFailed, match="on purpose"):
        await perform()
    # One filler, however many fail.
    assert [act for act in acts if isinstance(act, Say)] == [Say("One moment, please.")]
    await conversation.close()
    assert [brain.closed for brain in brains] == [1, 1, 1]


async def test_a_cut_turn_of_two_brains_is_told_each_its_part(openai: OpenAIRealtimeStandIn) -> None:
    class Halting(Words):
        async def _say(self, text: str) -> AsyncIterator[Act]:
            yield Say("First two words")
            raise BrainFailed("half way")

    second = Words()
    conversation = FallbackBrain([Halting(), second]).open(a_brief(), Tools())
    await performed(conversation.hear(Heard(InputKind.SPEECH, "hi")))
    conversation.interrupted("First two words You", played_ms=1500)
    assert second.cuts == [("You", 1500 - 3 * 350)]
    assert second.briefs[0].past == (Line("agent", "First two words"),)


@pytest.mark.parametrize(
    ("heard", "past", "cut"),
    [
        (
            "Let me look. Ten is free. You",
            ["Let me look.", "tool", "Ten is free. You"],
            ("You", 3000 - 6 * 350),
        ),
        ("Let me", ["Let me", "tool"], ("", 3000 - 3 * 350)),
        # The voice could not say what was before the tool.
        ("Ten is free. You said", ["tool", "Ten is free. You said"], ("You said", 3000 - 3 * 350)),
    ],
)
async def test_a_turn_that_used_a_tool_is_told_by_what_was_heard_before_and_behind_it(
    heard: str, past: list[str], cut: tuple[str, int]
) -> None:
    class Halting(Words):
        def open(self, brief: CallBrief, tools: ToolRunner) -> Words:
            self.tools = tools
            return super().open(brief, tools)

        async def _say(self, text: str) -> AsyncIterator[Act]:
            yield Say("Let me look.")
            await self.tools("book", {})
            yield Say("Ten is free.")
            raise BrainFailed("half way")

    second, third = Words(), Words()
    conversation = FallbackBrain([Halting(), second, third]).open(a_brief(), Tools())
    await performed(conversation.hear(Heard(InputKind.SPEECH, "hi")))
    conversation.interrupted(heard, played_ms=3000)
    assert second.cuts == [cut]
    second.fails = True
    await performed(conversation.hear(Heard(InputKind.SPEECH, "go on")))
    (brief,) = third.briefs
    lines = [line.text if line.who == "agent" else line.who for line in brief.past]
    assert lines == ["caller", *past]


async def test_none_that_can_use_the_brief_is_a_fault_of_the_brief() -> None:
    with pytest.raises(ValueError, match="no script"):
        FallbackBrain([ScriptedBrain(), ScriptedBrain()]).open(a_brief(), Tools())
    with pytest.raises(ValueError, match="no brain"):
        FallbackBrain([])


async def test_a_whole_call_goes_from_a_voice_of_its_own_to_the_scripted_brain(
    openai: OpenAIRealtimeStandIn,
) -> None:
    brain = FallbackBrain(
        [first(openai, [Obey()], [Speak("Let me"), Drop()], [Stall()], hears=["yes"]), ScriptedBrain()],
        FallbackOptions(filler=FILLER, filler_after_s=0.1),
    )
    call = await hold(
        brain,
        (lambda c: c.told(EventKind.AGENT_SAID), lambda c: c.carrier.say(voice(600))),
        (
            lambda c: any(note["name"] == "brain_replaced" for note in c.told(EventKind.NOTE)),
            lambda c: None,
        ),
        (lambda c: len(c.told(EventKind.AGENT_SAID)) >= 2, lambda c: c.carrier.hang_up()),
        script=ready_made("appointment"),
    )
    said = [event["text"] for event in call.told(EventKind.AGENT_SAID)]
    assert said[0] == "Hello, this is Oak Dental."
    assert "One moment, please." in said[1]
    assert said[1].count("One moment, please.") == 1
    # The dialogue's own question came after it, in the process's own voice.
    assert len(call.tts.spoken) >= 2
