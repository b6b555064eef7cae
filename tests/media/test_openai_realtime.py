"""OpenAI Realtime against a stand-in that speaks its protocol, over real sockets."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import pytest
from media_stubs import silence, voice
from own_voice_calls import (
    QUICK,
    SPEECH,
    Tools,
    a_brief,
    caller_speaks,
    hold,
    nothing_left,
    performed,
    until,
)

from trunkline.media import EventKind
from trunkline.providers.openai_realtime import OpenAIRealtimeBrain, OpenAIRealtimeOptions
from trunkline.providers.ports import (
    BrainFailed,
    CallBrief,
    Conversation,
    HangUp,
    Heard,
    InputKind,
    Line,
    Listen,
    Note,
    Sound,
    SpeechFailed,
)
from trunkline.simulators.openai_realtime import OpenAIRealtimeStandIn, Session
from trunkline.simulators.voice_script import (
    Drop,
    Fail,
    Leave,
    Obey,
    Raw,
    Refuse,
    Speak,
    Stall,
    Use,
    VoiceScript,
)

KEY = "sk-of-the-test"
GREETING = "Hello, this is Oak Dental."


@pytest.fixture
async def openai() -> AsyncIterator[OpenAIRealtimeStandIn]:
    async with OpenAIRealtimeStandIn(api_key=KEY) as server, nothing_left():
        yield server
        await until(lambda: server.open_connections == 0, 2.0)


def a_brain(openai: OpenAIRealtimeStandIn, key: str = KEY, **patience: Any) -> OpenAIRealtimeBrain:
    options = OpenAIRealtimeOptions(patience=replace(QUICK, **patience))
    return OpenAIRealtimeBrain(key, base_url=openai.base_url, options=options)


class Talking:
    """A conversation that is open for the length of a block."""

    def __init__(
        self, openai: OpenAIRealtimeStandIn, brief: CallBrief | None = None, **patience: Any
    ) -> None:
        self.openai = openai
        self.tools = Tools()
        self.brief = brief or a_brief()
        self.patience = patience

    async def __aenter__(self) -> tuple[Conversation, Tools]:
        self.conversation = a_brain(self.openai, **self.patience).open(self.brief, self.tools)
        return self.conversation, self.tools

    async def __aexit__(self, *_: object) -> None:
        await self.conversation.close()
        await self.conversation.close()


def program(
    openai: OpenAIRealtimeStandIn, *answers: Any, hears: list[str | None] | None = None
) -> VoiceScript:
    openai.script.answers = deque(answers)
    openai.script.caller_says = deque(hears or [])
    return openai.script


def texts(session: Session) -> list[tuple[str, str]]:
    return [(item.role, item.text) for item in session.items]


async def test_a_conversation_with_its_greeting_word_for_word(openai: OpenAIRealtimeStandIn) -> None:
    program(openai, [Obey()], [Speak("Of course. When would suit you?")], hears=["I need a visit"])
    async with Talking(openai, a_brief(disclosure="You speak with an AI.")) as (conversation, _):
        greeting = await performed(conversation.begin())
        assert greeting.said == [f"You speak with an AI. {GREETING}"]
        assert [type(act) for act in greeting.acts] == [Sound, Listen]
        # 10 words of 300 ms, in PCM at 8 kHz.
        assert len(greeting.pcm) == 10 * 300 * 16
        transcript = await caller_speaks(conversation)
        assert transcript.text == ""
        answer = await performed(conversation.hear(SPEECH))
        assert answer.said == ["Of course. When would suit you?"]
        assert (await transcript.later()).text == "I need a visit"
    (session,) = openai.sessions
    assert session.faults == []
    assert [item.audio_ms for item in session.items if item.role == "user"] == [600.0]
    sent = session.settings
    assert sent["audio"]["input"]["turn_detection"] is None
    assert sent["audio"]["input"]["format"] == {"type": "audio/pcmu"}
    assert sent["audio"]["input"]["transcription"]["language"] == "en"
    assert [tool["name"] for tool in sent["tools"]] == ["book", "end_call", "set_disposition"]
    assert "Book visits." in sent["instructions"]


async def test_the_connection_begins_before_anything_is_asked(openai: OpenAIRealtimeStandIn) -> None:
    async with Talking(openai):
        await until(lambda: openai.sessions and openai.sessions[0].settings)


async def test_tools_are_used_and_the_call_is_ended(openai: OpenAIRealtimeStandIn) -> None:
    program(
        openai,
        [Speak("Let me see."), Use("book", {"time": "ten"})],
        [Use("set_disposition", {"disposition": "Booked!"}), Use("end_call", {"reason": "done"})],
    )
    async with Talking(openai) as (conversation, tools):
        await caller_speaks(conversation)
        turn = await performed(conversation.hear(SPEECH))
    assert tools.used == [("book", {"time": "ten"})]
    assert turn.said == ["Let me see."]
    assert turn.others == [Note("disposition", "booked"), HangUp("done")]
    answers = [json.loads(item.text) for item in openai.sessions[0].items if item.role == "output"]
    assert answers == [{"ok": True, "booked": "ten"}, {"ok": True}, {"ok": True}]
    assert openai.sessions[0].faults == []


async def test_keys_and_silence_are_told(openai: OpenAIRealtimeStandIn) -> None:
    program(openai, [Speak("Thank you.")], [Speak("Are you there?")])
    async with Talking(openai) as (conversation, _):
        await performed(conversation.hear(Heard(InputKind.DIGITS, "123")))
        await performed(conversation.hear(Heard(InputKind.SILENCE, "")))
    told = [text for role, text in texts(openai.sessions[0]) if role == "system"]
    assert "123" in told[0]
    assert "said nothing" in told[1]


async def test_an_interruption_cancels_and_truncates_to_what_was_heard(openai: OpenAIRealtimeStandIn) -> None:
    program(openai, [Speak("One two three four five six seven eight nine ten")], [Speak("Yes?")]).speed = 2
    async with Talking(openai) as (conversation, _):
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
    openai: OpenAIRealtimeStandIn,
) -> None:
    program(openai, [Speak("Never mind.")], [Speak("Yes?")], hears=["one"])
    async with Talking(openai) as (conversation, _):
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


async def test_what_was_not_heard_at_all_is_taken_back(openai: OpenAIRealtimeStandIn) -> None:
    program(openai, [Speak("First this."), Use("book", {"time": "ten"})], [Speak("Then that.")])
    async with Talking(openai) as (conversation, _):
        await caller_speaks(conversation)
        turn = await performed(conversation.hear(SPEECH))
        assert turn.said == ["First this.", "Then that."]
        conversation.interrupted("First", played_ms=310)
        await until(lambda: not [i for i in openai.sessions[0].items if i.text == "Then that."])
    (session,) = openai.sessions
    assert [item.truncated_ms for item in session.items if item.role == "assistant"] == [310]


async def test_a_disclosure_that_was_cut_off_is_said_again(openai: OpenAIRealtimeStandIn) -> None:
    program(openai, [Obey()], [Speak("You speak with an AI. Yes?")], [Speak("Good.")])
    async with Talking(openai, a_brief(disclosure="You speak with an AI.")) as (conversation, _):
        await performed(conversation.begin())
        conversation.interrupted("You speak", played_ms=600)
        for _ in range(2):
            await caller_speaks(conversation)
            await performed(conversation.hear(SPEECH))
    told = [text for role, text in texts(openai.sessions[0]) if role == "system"]
    assert len(told) == 2
    assert "Begin your answer" in told[1]
    assert "You speak with an AI." in told[1]


@pytest.mark.parametrize("greeting", ["", "Hello, this is {business_name}."])
async def test_a_disclosure_that_the_model_leaves_out_is_asked_for_again_and_not_for_ever(
    openai: OpenAIRealtimeStandIn, greeting: str
) -> None:
    program(openai, *[[Speak("Hi there!")]] * 4)
    async with Talking(openai, a_brief(greeting=greeting, disclosure="You speak with an AI.")) as (it, _):
        turns = [await performed(it.begin())]
        for digit in "123":
            turns.append(await performed(it.hear(Heard(InputKind.DIGITS, digit))))
    left_out = [Note("disclosure_missing", "Hi there!") in turn.others for turn in turns]
    assert left_out == [True, True, True, False]
    told = [text for role, text in texts(openai.sessions[0]) if role == "system"]
    assert ["You speak with an AI." in text for text in told] == [True, True, True, False]


async def test_what_was_keyed_is_told_though_its_answer_is_given_up_before_it_begins(
    openai: OpenAIRealtimeStandIn,
) -> None:
    program(openai, [Obey()], [Speak("Yes?")])
    async with Talking(openai) as (conversation, _):
        await performed(conversation.begin())
        given_up = conversation.hear(Heard(InputKind.DIGITS, "4711"))
        await given_up.aclose()  # type: ignore[attr-defined]
        conversation.interrupted("", played_ms=0)
        assert (await performed(conversation.hear(Heard(InputKind.DIGITS, "12")))).said == ["Yes?"]
        told = [text for role, text in texts(openai.sessions[0]) if role == "system"]
        assert ["4711" in text for text in told] == [False, True, False]
        # The turn before it was heard out.
        assert next(item.text for item in openai.sessions[0].items if item.role == "assistant") == GREETING


async def test_a_greeting_in_other_words_is_on_record(openai: OpenAIRealtimeStandIn) -> None:
    program(openai, [Speak("Hi there!")])
    async with Talking(openai) as (conversation, _):
        assert (await performed(conversation.begin())).others == [Note("greeting_differs", "Hi there!")]


async def test_a_second_utterance_waits_for_the_first(openai: OpenAIRealtimeStandIn) -> None:
    program(openai, [Speak("Yes.")], [Speak("No.")], hears=["first", "second"])
    async with Talking(openai) as (conversation, _):
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
    openai: OpenAIRealtimeStandIn,
) -> None:
    program(openai, [Speak("Monday.")], [Speak("Tuesday, then.")], hears=["monday", "no, tuesday"])
    async with Talking(openai) as (conversation, _):
        await caller_speaks(conversation)
        second = conversation.listen()
        assert second is not None
        second.feed(voice(600))
        assert (await performed(conversation.hear(SPEECH))).said == ["Monday."]
        await second.finish()
        assert (await performed(conversation.hear(SPEECH))).said == ["Tuesday, then."]
    # Nothing was told in its place.
    assert [role for role, _ in texts(openai.sessions[0]) if role == "system"] == []


async def test_an_utterance_that_was_nothing_leaves_nothing(openai: OpenAIRealtimeStandIn) -> None:
    program(openai, [Speak("Yes.")])
    async with Talking(openai) as (conversation, _):
        await until(lambda: openai.sessions)
        cough = conversation.listen()
        assert cough is not None
        cough.feed(voice(300))
        cough.cancel()
        await caller_speaks(conversation, 500)
        await performed(conversation.hear(SPEECH))
    assert [item.audio_ms for item in openai.sessions[0].items if item.role == "user"] == [500.0]


async def test_words_that_cannot_be_written_down_are_told_as_that(openai: OpenAIRealtimeStandIn) -> None:
    program(openai, [Speak("Yes.")], hears=[None])
    async with Talking(openai) as (conversation, _):
        transcript = await caller_speaks(conversation)
        await performed(conversation.hear(SPEECH))
        with pytest.raises(SpeechFailed, match="could not be made out"):
            await transcript.later()


# --- Trouble -------------------------------------------------------------------------------


async def failure_of(conversation: Conversation) -> str:
    with pytest.raises(BrainFailed) as failed:
        await performed(conversation.begin())
    return str(failed.value)


async def test_a_wrong_key_is_refused_at_once(openai: OpenAIRealtimeStandIn) -> None:
    conversation = a_brain(openai, key="sk-wrong").open(a_brief(), Tools())
    assert "401" in await failure_of(conversation)
    assert openai.sessions == []
    await conversation.close()


async def test_a_provider_that_is_busy_is_asked_again_and_then_given_up(
    openai: OpenAIRealtimeStandIn,
) -> None:
    openai.refuses_with = HTTPStatus.SERVICE_UNAVAILABLE
    async with Talking(openai) as (conversation, _):
        assert "503" in await failure_of(conversation)
    openai.refuses_with = None
    program(openai, [Obey()])
    async with Talking(openai) as (conversation, _):
        assert (await performed(conversation.begin())).said == [GREETING]


@pytest.mark.parametrize("is_deaf", [True, False])
async def test_a_provider_that_falls_silent_is_given_up_in_time(
    openai: OpenAIRealtimeStandIn, is_deaf: bool
) -> None:
    openai.is_deaf = is_deaf
    program(openai, [Speak("Hello"), Stall()])
    async with Talking(openai) as (conversation, _):
        began = asyncio.get_running_loop().time()
        assert "fell silent" in await failure_of(conversation)
        took_s = asyncio.get_running_loop().time() - began
        assert took_s == pytest.approx(1.0 if is_deaf else 0.65, abs=0.4)


async def test_a_passing_failure_is_asked_again_once(openai: OpenAIRealtimeStandIn) -> None:
    program(openai, [Fail("rate_limit_exceeded")], [Obey()], [Fail("server_error")], [Fail("server_error")])
    async with Talking(openai) as (conversation, _):
        turn = await performed(conversation.begin())
        assert turn.said == [GREETING]
        assert Note("brain_trouble", "rate_limit_exceeded") in turn.acts
        assert "server_error" in await failure_of(conversation)


@pytest.mark.parametrize("answer", [[Refuse("invalid_value")], [Fail("insufficient_quota")]])
async def test_a_refusal_is_told(openai: OpenAIRealtimeStandIn, answer: Any) -> None:
    program(openai, answer)
    async with Talking(openai) as (conversation, _):
        assert await failure_of(conversation)


@pytest.mark.parametrize("fault", [Drop(), Leave(0.0)])
async def test_a_line_that_breaks_is_restored_with_all_that_was_said(
    openai: OpenAIRealtimeStandIn, fault: Any
) -> None:
    program(
        openai,
        [Obey()],
        [Speak("Let me see."), Use("book", {"time": "ten"})],
        [fault],
        [Speak("It is booked.")],
        hears=["at ten please"],
    )
    openai.script.transcript_after_s = 0.0  # the words are known when the line breaks
    async with Talking(openai) as (conversation, _):
        await performed(conversation.begin())
        transcript = await caller_speaks(conversation)
        turn = await performed(conversation.hear(SPEECH))
        assert turn.said == ["Let me see.", "It is booked."]
        assert (await transcript.later()).text == "at ten please"
    first, second = openai.sessions
    assert second.settings["instructions"] == first.settings["instructions"]
    told = texts(second)
    assert told[0][0] == "system"  # the order to greet
    assert told[1:5] == [
        ("assistant", GREETING), ("user", "at ten please"), ("assistant", "Let me see."), ("call", "book"),
    ]  # fmt: skip
    assert json.loads(told[5][1]) == {"ok": True, "booked": "ten"}
    assert told[6] == ("assistant", "It is booked.")


async def test_sound_of_the_caller_survives_a_break(openai: OpenAIRealtimeStandIn) -> None:
    program(openai, [Speak("Yes.")], hears=["hello"])
    async with Talking(openai) as (conversation, _):
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


async def test_an_answer_that_breaks_off_is_gone_on_with(openai: OpenAIRealtimeStandIn) -> None:
    program(openai, [Speak("The first half", word_ms=400), Drop()], [Speak("and the second.")])
    async with Talking(openai) as (conversation, _):
        turn = await performed(conversation.hear(Heard(InputKind.DIGITS, "1")))
        assert turn.said == ["The first half", "and the second."]
        assert len(turn.pcm) == (3 * 400 + 3 * 300) * 16
    told = texts(openai.sessions[1])
    assert ("assistant", "The first half") in told
    assert "«The first half»" in told[2][1]


async def test_an_old_connection_is_replaced_when_nobody_speaks(openai: OpenAIRealtimeStandIn) -> None:
    program(openai, [Obey()], [Speak("Yes.")])
    async with Talking(openai, renew_after_s=0.3) as (conversation, _):
        await performed(conversation.begin())
        await until(lambda: len(openai.sessions) >= 2)
        await performed(conversation.hear(Heard(InputKind.DIGITS, "1")))
    assert ("assistant", GREETING) in texts(openai.sessions[-1])


@pytest.mark.parametrize(
    "raw",
    [
        "no json", "[]", "{}", '{"type": 5}', '{"type": "never_heard_of"}', "null",
        '{"type": "response.output_audio.delta", "delta": 7}',
        '{"type": "response.output_audio.delta", "event_id": "e", "response_id": "r", "item_id": "i",'
        ' "output_index": 0, "content_index": 0, "delta": "AAAA"}',
        '{"type": "response.done"}',
        '{"type": "input_audio_buffer.committed", "event_id": "e", "item_id": "nobody\'s"}',
    ],
)  # fmt: skip
async def test_messages_that_make_no_sense_do_no_harm(openai: OpenAIRealtimeStandIn, raw: str) -> None:
    program(openai, [Raw(raw), Obey(), Raw(raw)])
    async with Talking(openai) as (conversation, _):
        assert (await performed(conversation.begin())).said == [GREETING]


async def test_a_huge_message_costs_the_connection_and_not_the_call(openai: OpenAIRealtimeStandIn) -> None:
    program(openai, [Raw('{"type": "' + "x" * 5_000_000 + '"}')], [Obey()])
    async with Talking(openai) as (conversation, _):
        assert (await performed(conversation.begin())).said == [GREETING]
    assert len(openai.sessions) == 2


async def test_another_brains_call_is_taken_over(openai: OpenAIRealtimeStandIn) -> None:
    past = [Line("agent", "Hello."), Line("tool", '{"name": "book"}'), Line("caller", "At ten [end_call].")]
    program(openai, [Speak("Ten it is.")])
    async with Talking(openai, a_brief(past=past)) as (conversation, _):
        assert (await performed(conversation.begin())).said == ["Ten it is."]
    told = texts(openai.sessions[0])
    assert told[0] == ("assistant", "Hello.")
    assert told[1][0] == "system"
    assert told[2] == ("user", "At ten (end_call).")


async def test_a_brief_without_instructions_is_refused(openai: OpenAIRealtimeStandIn) -> None:
    with pytest.raises(ValueError, match="instructions"):
        a_brain(openai).open(replace(a_brief(), instructions=" "), Tools())


# --- Whole sessions ------------------------------------------------------------------------


def said(call: Any) -> int:
    return len(call.told(EventKind.AGENT_SAID))


async def test_a_whole_call(openai: OpenAIRealtimeStandIn) -> None:
    script = program(
        openai,
        [Obey()],
        [Use("book", {"time": "ten"})],
        [Speak("Booked. Goodbye."), Use("end_call", {"reason": "done"})],
        hears=["at ten please"],
    )
    script.transcript_after_s = 1.0
    tools = Tools()
    call = await hold(
        a_brain(openai), (lambda c: said(c) == 1, lambda c: c.carrier.say(voice(600))), tool=tools
    )
    assert call.events[-1].data["reason"] == "done"
    spoken = [
        (event.kind.value, event.data["text"])
        for event in call.events
        if event.kind in (EventKind.AGENT_SAID, EventKind.CALLER_SAID)
    ]
    assert spoken == [
        ("agent_said", GREETING), ("caller_said", "at ten please"), ("agent_said", "Booked. Goodbye."),
    ]  # fmt: skip
    assert tools.used == [("book", {"time": "ten"})]
    assert openai.sessions[0].faults == []
    # Preroll and the wait for the end of the turn are part of what the model hears.
    heard_ms = [item.audio_ms for item in openai.sessions[0].items if item.role == "user"]
    assert 600 <= heard_ms[0] <= 2500


async def test_a_whole_call_that_is_interrupted(openai: OpenAIRealtimeStandIn) -> None:
    words = "one two three four five six seven eight nine ten"
    program(openai, [Obey()], [Speak("Sorry. Goodbye."), Use("end_call")], hears=["wait"])
    call = await hold(
        a_brain(openai),
        (lambda c: len(c.carrier.times("media")) > 80, lambda c: c.carrier.say(voice(700))),
        greeting=words,
    )
    first = call.told(EventKind.AGENT_SAID)[0]
    assert first["interrupted"]
    heard = first["heard_text"].split()
    assert first["heard_text"] == " ".join(words.split()[: len(heard)])
    (cut,) = [item for item in openai.sessions[0].items if item.truncated_ms is not None]
    # Within a word: 300 ms each, and the record counts a word of which half was heard.
    assert len(heard) * 300 == pytest.approx(cut.truncated_ms, abs=300)
    assert openai.sessions[0].faults == []


async def test_a_whole_call_whose_provider_breaks_off_for_good(openai: OpenAIRealtimeStandIn) -> None:
    program(openai, [Obey()], [Stall()])
    call = await hold(a_brain(openai), (lambda c: said(c) == 1, lambda c: c.carrier.say(voice(600))))
    assert call.events[-1].data["reason"] == "brain_failed"


async def test_a_caller_who_hangs_up_in_the_midst_of_an_answer(openai: OpenAIRealtimeStandIn) -> None:
    program(openai, [Obey()]).speed = 1.5
    call = await hold(
        a_brain(openai),
        (lambda c: len(c.carrier.times("media")) > 20, lambda c: c.carrier.hang_up()),
        greeting="one two three four five six seven eight",
    )
    assert call.events[-1].data["reason"] == "disconnect"


async def test_a_caller_who_speaks_while_a_tool_runs_is_answered_with_what_it_came_to(
    openai: OpenAIRealtimeStandIn,
) -> None:
    script = program(
        openai,
        [Obey()],
        [Speak("I look."), Use("book", {"time": "ten"}), Use("book", {"time": "eleven"})],
        [Speak("Ten it is. Goodbye."), Use("end_call", {"reason": "done"})],
        hears=["at ten please", "and hurry"],
    )
    script.transcript_after_s = 0.1
    tools = Tools()
    tools.wait = asyncio.Event()
    brain = a_brain(openai)
    call = await hold(
        brain,
        (lambda c: said(c) == 1, lambda c: c.carrier.say(voice(600))),
        (lambda c: tools.used, lambda c: c.carrier.say(silence(600) + voice(500))),
        (lambda c: c.session._talk.delivery.agent.outdated, lambda c: tools.wait.set()),
        tool=tools,
    )
    assert call.events[-1].data["reason"] == "done"
    assert [told["heard_text"] for told in call.told(EventKind.AGENT_SAID)] == [
        GREETING, "I look.", "Ten it is. Goodbye.",
    ]  # fmt: skip
    assert tools.used == [("book", {"time": "ten"})]
    assert openai.sessions[0].faults == []
    outputs = [item.text for item in openai.sessions[0].items if item.role == "output"]
    assert ["booked" in text for text in outputs[:2]] == [True, False]
    assert "not_used" in outputs[1]
    assert openai.sessions[0].script.answers == deque()
