"""OpenAI Realtime against a stand-in that speaks its protocol, over real sockets: what is peculiar to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from media_stubs import voice
from own_voice_calls import SPEECH, Tools, a_brief, caller_speaks, hold, performed, until
from voice_providers import GREETING, OpenAI, failure_of, serving

from trunkline.media import EventKind
from trunkline.providers.ports import Heard, InputKind, Note, Sound, SpeechFailed
from trunkline.simulators.voice_script import Drop, Fail, Leave, Obey, Refuse, Speak, Stall, Use

pytestmark = pytest.mark.hasty


@pytest.fixture
async def openai() -> AsyncIterator[OpenAI]:
    provider = OpenAI()
    async with serving(provider):
        yield provider


async def test_the_connection_begins_before_anything_is_asked_with_all_that_it_needs(openai: OpenAI) -> None:
    async with openai.talking():
        await until(lambda: openai.sessions and openai.is_set_up(openai.sessions[0]))
    sent = openai.sessions[0].settings
    assert sent["audio"]["input"]["turn_detection"] is None
    assert sent["audio"]["input"]["format"] == {"type": "audio/pcmu"}
    assert sent["audio"]["input"]["transcription"]["language"] == "en"
    assert [tool["name"] for tool in sent["tools"]] == ["book", "end_call", "set_disposition"]
    assert "Book visits." in sent["instructions"]


async def test_an_interruption_cancels_and_truncates_to_what_was_heard(openai: OpenAI) -> None:
    openai.program([Speak("One two three four five six seven eight nine ten")], [Speak("Yes?")]).speed = 2
    async with openai.talking() as (conversation, _):
        await caller_speaks(conversation)
        acts = conversation.hear(SPEECH)
        act = await anext(acts)
        assert isinstance(act, Sound)
        heard = bytearray()
        async for pcm in act.speaking:
            heard += pcm
            if len(heard) >= 900 * 16:
                break
        await acts.aclose()  # type: ignore[attr-defined]
        conversation.interrupted("One two three", played_ms=900)
        await caller_speaks(conversation)
        assert (await performed(conversation.hear(SPEECH))).said == ["Yes?"]
    (session,) = openai.sessions
    kinds = [kind for _, kind in session.received]
    assert kinds.index("response.cancel") < kinds.index("conversation.item.truncate")
    (cut,) = [item for item in session.items if item.truncated_ms is not None]
    assert cut.truncated_ms == 900
    # It was made at twice the pace of speech, and stopped where it was cancelled.
    assert cut.audio_ms < 2400
    assert session.faults == []


async def test_an_answer_given_up_before_it_began_does_not_spoil_the_next(
    openai: OpenAI,
) -> None:
    openai.program([Speak("Never mind.")], [Speak("Yes?")], hears=["one"])
    async with openai.talking() as (conversation, _):
        await caller_speaks(conversation)
        await until(lambda: openai.sessions and openai.sessions[0].items)
        given_up = asyncio.create_task(performed(conversation.hear(SPEECH)))
        await asyncio.sleep(0)  # It is asked for, and nothing has come back.
        given_up.cancel()
        await asyncio.wait([given_up])
        turn = await performed(conversation.hear(Heard(InputKind.DIGITS, "1")))
        assert turn.said == ["Yes?"]
    (session,) = openai.sessions
    assert [kind for _, kind in session.received if kind.startswith("response.")] == [
        "response.create", "response.cancel", "response.cancel", "response.create",
    ]  # fmt: skip


async def test_what_was_not_heard_at_all_is_taken_back(openai: OpenAI) -> None:
    openai.program([Speak("First this."), Use("book", {"time": "ten"})], [Speak("Then that.")])
    async with openai.talking() as (conversation, _):
        await caller_speaks(conversation)
        turn = await performed(conversation.hear(SPEECH))
        assert turn.said == ["First this.", "Then that."]
        conversation.interrupted("First", played_ms=310)
        await until(lambda: not [i for i in openai.sessions[0].items if i.text == "Then that."])
    (session,) = openai.sessions
    assert [item.truncated_ms for item in session.items if item.role == "assistant"] == [310]


async def test_a_disclosure_that_was_cut_off_is_said_again(openai: OpenAI) -> None:
    openai.program([Obey()], [Speak("You speak with an AI. Yes?")], [Speak("Good.")])
    async with openai.talking(a_brief(disclosure="You speak with an AI.")) as (conversation, _):
        await performed(conversation.begin())
        conversation.interrupted("You speak", played_ms=600)
        for _ in range(2):
            await caller_speaks(conversation)
            await performed(conversation.hear(SPEECH))
    told = [text for role, text in openai.texts(openai.sessions[0]) if role == "system"]
    assert len(told) == 2
    assert "Begin your answer" in told[1]
    assert "You speak with an AI." in told[1]


@pytest.mark.parametrize("greeting", ["", "Hello, this is {business_name}."])
async def test_a_disclosure_that_the_model_leaves_out_is_asked_for_again_and_not_for_ever(
    openai: OpenAI, greeting: str
) -> None:
    openai.program(*[[Speak("Hi there!")]] * 4)
    async with openai.talking(a_brief(greeting=greeting, disclosure="You speak with an AI.")) as (it, _):
        turns = [await performed(it.begin())]
        for digit in "123":
            turns.append(await performed(it.hear(Heard(InputKind.DIGITS, digit))))
    left_out = [Note("disclosure_missing", "Hi there!") in turn.others for turn in turns]
    assert left_out == [True, True, True, False]
    told = [text for role, text in openai.texts(openai.sessions[0]) if role == "system"]
    assert ["You speak with an AI." in text for text in told] == [True, True, True, False]


async def test_a_greeting_in_other_words_is_on_record(openai: OpenAI) -> None:
    openai.program([Speak("Hi there!")])
    async with openai.talking() as (conversation, _):
        assert (await performed(conversation.begin())).others == [Note("greeting_differs", "Hi there!")]


async def test_a_second_utterance_waits_for_the_first(openai: OpenAI) -> None:
    openai.program([Speak("Yes.")], [Speak("No.")], hears=["first", "second"])
    async with openai.talking() as (conversation, _):
        await until(lambda: openai.sessions)
        first, second = conversation.listen(), conversation.listen()
        assert first is not None
        assert second is not None
        first.feed(voice(400))
        second.feed(voice(800))
        first.feed(voice(200))
        one = await first.finish()
        await performed(conversation.hear(SPEECH))
        two = await second.finish()
        await performed(conversation.hear(SPEECH))
        assert [(await each.later()).text for each in (one, two)] == ["first", "second"]
    assert [item.audio_ms for item in openai.sessions[0].items if item.role == "user"] == [600.0, 800.0]


async def test_a_turn_is_answered_by_its_own_sound_while_the_caller_goes_on(
    openai: OpenAI,
) -> None:
    openai.program([Speak("Monday.")], [Speak("Tuesday, then.")], hears=["monday", "no, tuesday"])
    async with openai.talking() as (conversation, _):
        await caller_speaks(conversation)
        second = conversation.listen()
        assert second is not None
        second.feed(voice(600))
        assert (await performed(conversation.hear(SPEECH))).said == ["Monday."]
        await second.finish()
        assert (await performed(conversation.hear(SPEECH))).said == ["Tuesday, then."]
    # Nothing was told in its place.
    assert [role for role, _ in openai.texts(openai.sessions[0]) if role == "system"] == []


async def test_words_that_cannot_be_written_down_are_told_as_that(openai: OpenAI) -> None:
    openai.program([Speak("Yes.")], hears=[None])
    async with openai.talking() as (conversation, _):
        transcript = await caller_speaks(conversation)
        await performed(conversation.hear(SPEECH))
        with pytest.raises(SpeechFailed, match="could not be made out"):
            await transcript.later()


@pytest.mark.parametrize("heard", ["One moment, please. Just a second. Ten", "One moment, please. Just"])
async def test_a_slow_tool_is_bridged_beside_the_conversation(openai: OpenAI, heard: str) -> None:
    """The model is told what was heard of its answer, if anything was, and of no phrase before it."""
    openai.program([Use("book", {"time": "ten"})], [Speak("Ten it is.")], [Speak("Bye.")])
    async with openai.talking(filler_after_s=0.1, filler_again_s=0.3) as (conversation, tools):
        tools.wait = asyncio.Event()
        await caller_speaks(conversation)
        turn = asyncio.create_task(performed(conversation.hear(SPEECH)))
        await until(
            lambda: openai.sessions and openai.sessions[0].asides == ["One moment, please.", "Just a second."]
        )
        tools.wait.set()
        answer = await turn
        assert answer.said == ["One moment, please.", "Just a second.", "Ten it is."]
        assert len(answer.pcm) == (3 + 3 + 3) * 300 * 16
        conversation.interrupted(heard, played_ms=len(heard.split()) * 300)
        assert (await performed(conversation.hear(Heard(InputKind.DIGITS, "1")))).said == ["Bye."]
    (session,) = openai.sessions
    answered = [("assistant", 300)] if heard.endswith("Ten") else []
    assert [(item.role, item.truncated_ms) for item in session.items] == [
        ("user", None), ("call", None), ("output", None), *answered, ("system", None), ("assistant", None),
    ]  # fmt: skip
    assert session.faults == []


async def test_a_phrase_whose_connection_breaks_is_not_said_again(openai: OpenAI) -> None:
    openai.program([Use("book", {"time": "ten"})], [Speak("Ten it is.")]).speed = 1
    async with openai.talking(filler_after_s=0.1) as (conversation, tools):
        tools.wait = asyncio.Event()
        await caller_speaks(conversation)
        turn = asyncio.create_task(performed(conversation.hear(SPEECH)))
        await until(lambda: openai.sessions and openai.sessions[0].asides)
        openai.sessions[0].drop()
        await until(lambda: len(openai.sessions) == 2)
        tools.wait.set()
        assert (await turn).said[-1] == "Ten it is."
    assert openai.sessions[1].asides == []
    assert not [text for _, text in openai.texts(openai.sessions[1]) if "moment" in text]


# --- Trouble -------------------------------------------------------------------------------


async def test_a_passing_failure_is_asked_again_once(openai: OpenAI) -> None:
    openai.program([Fail("rate_limit_exceeded")], [Obey()], [Fail("server_error")], [Fail("server_error")])
    async with openai.talking() as (conversation, _):
        turn = await performed(conversation.begin())
        assert turn.said == [GREETING]
        assert Note("brain_trouble", "rate_limit_exceeded") in turn.acts
        assert "server_error" in await failure_of(conversation)


@pytest.mark.parametrize("answer", [[Refuse("invalid_value")], [Fail("insufficient_quota")]])
async def test_a_refusal_is_told(openai: OpenAI, answer: Any) -> None:
    openai.program(answer)
    async with openai.talking() as (conversation, _):
        assert await failure_of(conversation)


@pytest.mark.parametrize("fault", [Drop(), Leave(0.0)])
async def test_a_line_that_breaks_is_restored_with_all_that_was_said(openai: OpenAI, fault: Any) -> None:
    openai.program(
        [Obey()],
        [Speak("Let me see."), Use("book", {"time": "ten"})],
        [fault],
        [Speak("It is booked.")],
        hears=["at ten please"],
    ).transcript_after_s = 0.0  # the words are known when the line breaks
    async with openai.talking() as (conversation, _):
        await performed(conversation.begin())
        transcript = await caller_speaks(conversation)
        turn = await performed(conversation.hear(SPEECH))
        assert turn.said == ["Let me see.", "It is booked."]
        assert (await transcript.later()).text == "at ten please"
    first, second = openai.sessions
    assert second.settings["instructions"] == first.settings["instructions"]
    told = openai.texts(second)
    assert told[0][0] == "system"  # the order to greet
    assert told[1:5] == [
        ("assistant", GREETING), ("user", "at ten please"), ("assistant", "Let me see."), ("call", "book"),
    ]  # fmt: skip
    assert json.loads(told[5][1]) == {"ok": True, "booked": "ten"}
    assert told[6] == ("assistant", "It is booked.")


async def test_sound_of_the_caller_survives_a_break(openai: OpenAI) -> None:
    openai.program([Speak("Yes.")], hears=["hello"])
    async with openai.talking() as (conversation, _):
        await until(lambda: openai.sessions and openai.sessions[0].settings)
        utterance = conversation.listen()
        assert utterance is not None
        utterance.feed(voice(400))
        openai.sessions[0].drop()
        await until(lambda: len(openai.sessions) == 2 and openai.sessions[1].settings)
        utterance.feed(voice(300))
        transcript = await utterance.finish()
        await performed(conversation.hear(SPEECH))
        assert (await transcript.later()).text == "hello"
    assert [item.audio_ms for item in openai.sessions[1].items if item.role == "user"] == [700.0]


async def test_an_old_connection_is_replaced_when_nobody_speaks(openai: OpenAI) -> None:
    openai.program([Obey()], [Speak("Yes.")])
    async with openai.talking(renew_after_s=0.3) as (conversation, _):
        await performed(conversation.begin())
        await until(lambda: len(openai.sessions) >= 2)
        await performed(conversation.hear(Heard(InputKind.DIGITS, "1")))
    assert ("assistant", GREETING) in openai.texts(openai.sessions[-1])


async def test_a_brief_without_instructions_is_refused(openai: OpenAI) -> None:
    with pytest.raises(ValueError, match="instructions"):
        openai.brain().open(replace(a_brief(), instructions=" "), Tools())


# --- Whole sessions ------------------------------------------------------------------------


def said(call: Any) -> int:
    return len(call.told(EventKind.AGENT_SAID))


async def test_a_whole_call_whose_provider_breaks_off_for_good(openai: OpenAI) -> None:
    openai.program([Obey()], [Stall()])
    call = await hold(openai.brain(), (lambda c: said(c) == 1, lambda c: c.carrier.say(voice(600))))
    assert call.events[-1].data["reason"] == "brain_failed"


async def test_a_caller_who_hangs_up_in_the_midst_of_an_answer(openai: OpenAI) -> None:
    openai.program([Obey()]).speed = 1.5
    call = await hold(
        openai.brain(),
        (lambda c: len(c.carrier.times("media")) > 20, lambda c: c.carrier.hang_up()),
        greeting="one two three four five six seven eight",
    )
    assert call.events[-1].data["reason"] == "disconnect"
