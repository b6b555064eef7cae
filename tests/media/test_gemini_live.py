"""Gemini Live against a stand-in that speaks its protocol, over real sockets with TLS."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import numpy as np
import pytest
from media_stubs import silence, voice
from own_voice_calls import QUICK, SPEECH, Tools, a_brief, caller_speaks, hold, nothing_left, performed, until

from trunkline.media import EventKind
from trunkline.providers.gemini_live import GeminiLiveBrain, GeminiLiveOptions
from trunkline.providers.ports import (
    BrainFailed,
    CallBrief,
    Conversation,
    HangUp,
    Heard,
    InputKind,
    Line,
    Listen,
    Sound,
)
from trunkline.simulators.gemini_live import GeminiLiveStandIn, Session
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

KEY = "key-of-the-test"
GREETING = "Hello, this is Oak Dental."


@pytest.fixture
async def gemini() -> AsyncIterator[GeminiLiveStandIn]:
    async with GeminiLiveStandIn(api_key=KEY) as server, nothing_left():
        yield server
        await until(lambda: server.open_connections == 0, 2.0)


def a_brain(gemini: GeminiLiveStandIn, key: str = KEY, **patience: Any) -> GeminiLiveBrain:
    options = GeminiLiveOptions(patience=replace(QUICK, **patience))
    return GeminiLiveBrain(key, base_url=gemini.base_url, trust=gemini.trust, options=options)


class Talking:
    """A conversation that is open for the length of a block."""

    def __init__(self, gemini: GeminiLiveStandIn, brief: CallBrief | None = None, **patience: Any) -> None:
        self.brain = a_brain(gemini, **patience)
        self.tools = Tools()
        self.brief = brief or a_brief()

    async def __aenter__(self) -> tuple[Conversation, Tools]:
        self.conversation = self.brain.open(self.brief, self.tools)
        return self.conversation, self.tools

    async def __aexit__(self, *_: object) -> None:
        await self.conversation.close()
        await self.conversation.close()
        await self.brain.close()


def program(gemini: GeminiLiveStandIn, *answers: Any, hears: list[str | None] | None = None) -> VoiceScript:
    gemini.script.answers = deque(answers)
    gemini.script.caller_says = deque(hears or [])
    return gemini.script


def texts(session: Session) -> list[tuple[str, str]]:
    return [(turn.role, turn.text) for turn in session.turns]


def sound_ms(session: Session) -> list[float]:
    return [turn.audio_ms for turn in session.turns if turn.role == "user" and turn.audio_ms]


async def test_a_conversation_with_its_greeting_word_for_word(gemini: GeminiLiveStandIn) -> None:
    program(gemini, [Obey()], [Speak("Of course. When would suit you?")], hears=["I need a visit"])
    async with Talking(gemini, a_brief(disclosure="You speak with an AI.")) as (conversation, _):
        greeting = await performed(conversation.begin())
        assert greeting.said == [f"You speak with an AI. {GREETING}"]
        assert [type(act) for act in greeting.acts] == [Sound, Listen]
        # 10 words of 300 ms at 24 kHz come out at 8 kHz, with the filter's end.
        assert len(greeting.pcm) / 16 == pytest.approx(10 * 300, abs=5)
        assert np.abs(np.frombuffer(greeting.pcm, "<i2")).max() > 2000
        transcript = await caller_speaks(conversation, 1200)
        answer = await performed(conversation.hear(SPEECH))
        assert answer.said == ["Of course. When would suit you?"]
        assert (await transcript.later()).text == "I need a visit"
    (session,) = gemini.sessions
    assert session.faults == []
    assert sound_ms(session) == [pytest.approx(1200, abs=1)]
    setup = session.setup
    assert setup is not None
    assert session.hearing is not None
    assert session.hearing.automatic_activity_detection is not None
    assert session.hearing.automatic_activity_detection.disabled is True
    assert setup.model == "models/gemini-3.8-live"
    declared = [tool.name for tool in setup.tools[0].function_declarations]  # type: ignore[index, union-attr]
    assert declared == ["book", "end_call", "set_disposition"]
    assert "Book visits." in str(setup.system_instruction)


async def test_tools_are_used_and_the_call_is_ended(gemini: GeminiLiveStandIn) -> None:
    program(
        gemini,
        [Speak("Let me see."), Use("book", {"time": "ten"})],
        [Speak("Booked. Goodbye."), Use("end_call", {"reason": "done"})],
    )
    async with Talking(gemini) as (conversation, tools):
        await caller_speaks(conversation, 500)
        turn = await performed(conversation.hear(SPEECH))
    assert tools.used == [("book", {"time": "ten"})]
    assert turn.said == ["Let me see.", "Booked. Goodbye."]
    assert turn.others == [HangUp("done")]
    (session,) = gemini.sessions
    answers = [json.loads(one.text) for one in session.turns if one.role == "output"]
    assert answers == [{"ok": True, "booked": "ten"}]
    assert session.faults == []


async def test_keys_and_silence_are_told(gemini: GeminiLiveStandIn) -> None:
    program(gemini, [Speak("Thank you.")], [Speak("Are you there?")])
    async with Talking(gemini) as (conversation, _):
        assert (await performed(conversation.hear(Heard(InputKind.DIGITS, "123")))).said == ["Thank you."]
        assert (await performed(conversation.hear(Heard(InputKind.SILENCE, "")))).said == ["Are you there?"]
    told = [text for role, text in texts(gemini.sessions[0]) if role == "user"]
    assert "123" in told[0]
    assert "said nothing" in told[1]


async def test_what_was_keyed_is_told_though_its_answer_is_given_up_before_it_begins(
    gemini: GeminiLiveStandIn,
) -> None:
    program(gemini, [Obey()], [Speak("Yes?")])
    async with Talking(gemini) as (conversation, _):
        await performed(conversation.begin())
        given_up = conversation.hear(Heard(InputKind.DIGITS, "4711"))
        await given_up.aclose()  # type: ignore[attr-defined]
        conversation.interrupted("", played_ms=0)
        assert (await performed(conversation.hear(Heard(InputKind.DIGITS, "12")))).said == ["Yes?"]
    told = [text for role, text in texts(gemini.sessions[0]) if role == "user"]
    assert [keyed for text in told for keyed in ("4711", "12") if keyed in text] == ["4711", "12"]
    assert gemini.sessions[0].faults == []


async def test_an_interruption_ends_the_generation_and_tells_what_was_heard(
    gemini: GeminiLiveStandIn,
) -> None:
    words = "one two three four five six seven eight nine ten"
    program(gemini, [Speak(words)], [Speak("Yes?")]).speed = 2
    async with Talking(gemini) as (conversation, _):
        acts = conversation.hear(Heard(InputKind.DIGITS, "1"))
        act = await anext(acts)
        assert isinstance(act, Sound)
        heard = 0
        async for pcm in act.speaking:
            heard += len(pcm)
            if heard >= 900 * 16:
                break
        await acts.aclose()  # type: ignore[attr-defined]
        conversation.interrupted("one two three", played_ms=900)
        await caller_speaks(conversation, 900)
        assert (await performed(conversation.hear(SPEECH))).said == ["Yes?"]
    (session,) = gemini.sessions
    assert session.interruptions == 1
    assert session.faults == []
    (partly,) = [turn for turn in session.turns if turn.role == "model" and turn.text.startswith("one")]
    assert partly.text != words
    assert [text for _, text in texts(session) if "«one two three»" in text]


async def test_what_comes_of_an_answer_that_nobody_wants_is_let_pass(gemini: GeminiLiveStandIn) -> None:
    program(gemini, [Speak("one two three four")], [Speak("Yes?")], [Speak("Good.")]).speed = 4
    async with Talking(gemini) as (conversation, _):
        acts = conversation.hear(Heard(InputKind.DIGITS, "1"))
        await anext(acts)
        await acts.aclose()  # type: ignore[attr-defined]
        conversation.interrupted("", played_ms=0)
        for wanted in ("Yes?", "Good."):
            assert (await performed(conversation.hear(Heard(InputKind.DIGITS, "2")))).said == [wanted]
    assert gemini.sessions[0].faults == []


async def test_an_utterance_that_was_nothing_is_never_sent(gemini: GeminiLiveStandIn) -> None:
    program(gemini, [Speak("Yes.")])
    async with Talking(gemini) as (conversation, _):
        await until(lambda: gemini.sessions and gemini.sessions[0].setup)
        cough = conversation.listen()
        assert cough is not None
        cough.feed(voice(500))
        cough.cancel()
        await caller_speaks(conversation, 500)
        await performed(conversation.hear(SPEECH))
    assert sound_ms(gemini.sessions[0]) == [pytest.approx(500, abs=1)]


async def test_long_speech_is_sent_while_it_is_spoken(gemini: GeminiLiveStandIn) -> None:
    program(gemini, [Speak("Yes.")])
    async with Talking(gemini) as (conversation, _):
        await until(lambda: gemini.sessions and gemini.sessions[0].setup)
        utterance = conversation.listen()
        assert utterance is not None
        for _ in range(60):
            utterance.feed(voice(20))
        await until(lambda: gemini.sessions[0]._activity_ms and gemini.sessions[0]._activity_ms > 1000)
        await utterance.finish()
        assert (await performed(conversation.hear(SPEECH))).said == ["Yes."]
    assert sound_ms(gemini.sessions[0]) == [pytest.approx(1200, abs=1)]


async def test_a_tool_that_the_server_takes_back_is_told_all_the_same(gemini: GeminiLiveStandIn) -> None:
    program(gemini, [Use("book", {"time": "ten"})], [Speak("It is booked.")])
    async with Talking(gemini) as (conversation, tools):
        tools.wait = asyncio.Event()
        acts = conversation.hear(Heard(InputKind.DIGITS, "1"))
        turn = asyncio.create_task(performed(acts))
        await until(lambda: tools.used)
        utterance = conversation.listen()
        assert utterance is not None
        utterance.feed(voice(1000))
        await until(lambda: gemini.sessions[0].cancelled)
        tools.wait.set()
        await utterance.finish()
        assert (await turn).said == ["It is booked."]
    (session,) = gemini.sessions
    assert session.faults == []
    assert [text for _, text in texts(session) if "book" in text and "ten" in text]


# --- Trouble -------------------------------------------------------------------------------


async def failure_of(conversation: Conversation) -> str:
    with pytest.raises(BrainFailed) as failed:
        await performed(conversation.begin())
    return str(failed.value)


async def test_a_wrong_key_is_refused_at_once(gemini: GeminiLiveStandIn) -> None:
    conversation = a_brain(gemini, key="wrong").open(a_brief(), Tools())
    assert "API key not valid" in await failure_of(conversation)
    await conversation.close()


async def test_a_provider_that_is_busy_is_given_up(gemini: GeminiLiveStandIn) -> None:
    gemini.refuses_with = HTTPStatus.SERVICE_UNAVAILABLE
    async with Talking(gemini) as (conversation, _):
        assert "503" in await failure_of(conversation)


@pytest.mark.parametrize("is_deaf", [True, False])
async def test_a_provider_that_falls_silent_is_given_up_in_time(
    gemini: GeminiLiveStandIn, is_deaf: bool
) -> None:
    gemini.is_deaf = is_deaf
    program(gemini, [Speak("Hello"), Stall()])
    async with Talking(gemini) as (conversation, _):
        began = asyncio.get_running_loop().time()
        assert "fell silent" in await failure_of(conversation)
        assert asyncio.get_running_loop().time() - began < 2.5


@pytest.mark.parametrize("fault", [Drop(), Fail("Internal error encountered.")])
async def test_a_line_that_breaks_is_resumed_by_its_handle(gemini: GeminiLiveStandIn, fault: Any) -> None:
    program(gemini, [Obey()], [fault], [Speak("Ten it is.")], hears=["at ten please", None])
    async with Talking(gemini) as (conversation, _):
        await performed(conversation.begin())
        await until(lambda: gemini.saved)
        transcript = await caller_speaks(conversation, 900)
        assert (await performed(conversation.hear(SPEECH))).said == ["Ten it is."]
        assert transcript.later is not None
    first, second = gemini.sessions
    assert second.setup is not None
    assert second.setup.session_resumption is not None
    assert second.setup.session_resumption.handle in gemini.saved
    # The greeting is known by the handle; the turn that was not answered is given once more.
    assert [text for role, text in texts(second) if role == "model"] == [GREETING, "Ten it is."]
    assert first.faults == second.faults == []


async def test_a_handle_that_is_not_known_any_more_costs_a_connection(gemini: GeminiLiveStandIn) -> None:
    program(gemini, [Obey()], [Speak("Yes.")])
    async with Talking(gemini) as (conversation, _):
        await performed(conversation.begin())
        await until(lambda: gemini.saved)
        await asyncio.sleep(0.02)  # the update is on its way to us
        gemini.saved.clear()
        gemini.sessions[0].drop()
        assert (await performed(conversation.hear(Heard(InputKind.DIGITS, "1")))).said == ["Yes."]
    last = gemini.sessions[-1]
    assert ("model", GREETING) in texts(last)
    assert last.faults == []


async def test_an_announced_end_is_met_with_another_connection(gemini: GeminiLiveStandIn) -> None:
    program(gemini, [Leave(1.3), Obey()], [Speak("Yes.")])
    async with Talking(gemini) as (conversation, _):
        assert (await performed(conversation.begin())).said == [GREETING]
        await until(lambda: len(gemini.sessions) == 2 and gemini.sessions[1].setup)
        assert (await performed(conversation.hear(Heard(InputKind.DIGITS, "1")))).said == ["Yes."]
    assert ("model", GREETING) in texts(gemini.sessions[1])


async def test_an_answer_that_breaks_off_is_gone_on_with(gemini: GeminiLiveStandIn) -> None:
    program(gemini, [Speak("The first half", word_ms=400), Drop()], [Speak("and the second.")])
    async with Talking(gemini) as (conversation, _):
        turn = await performed(conversation.hear(Heard(InputKind.DIGITS, "1")))
        assert turn.said == ["The first half", "and the second."]
    assert [text for _, text in texts(gemini.sessions[1]) if "«The first half»" in text]


@pytest.mark.parametrize(
    "raw",
    [
        "no json", "[]", "{}", "null", '{"neverHeardOf": {}}', '{"serverContent": 5}',
        '{"serverContent": {"interrupted": true}}', '{"serverContent": {"turnComplete": true}}',
        '{"toolCallCancellation": {"ids": ["nobody\'s"]}}',
    ],
)  # fmt: skip
async def test_messages_that_make_no_sense_do_no_harm(gemini: GeminiLiveStandIn, raw: str) -> None:
    program(gemini, [Obey(), Raw(raw)], [Speak("Yes.")])
    async with Talking(gemini) as (conversation, _):
        assert (await performed(conversation.begin())).said == [GREETING]
        assert (await performed(conversation.hear(Heard(InputKind.DIGITS, "1")))).said == ["Yes."]


async def test_a_huge_message_costs_the_connection_and_not_the_call(gemini: GeminiLiveStandIn) -> None:
    program(gemini, [Raw('{"goAway": {"timeLeft": "' + "9" * 5_000_000 + '"}}')], [Obey()])
    async with Talking(gemini) as (conversation, _):
        assert (await performed(conversation.begin())).said == [GREETING]
    assert len(gemini.sessions) == 2


async def test_a_refused_session_is_not_tried_again(gemini: GeminiLiveStandIn) -> None:
    program(gemini, [Refuse("1008", "model is not supported")])
    async with Talking(gemini) as (conversation, _):
        assert "not supported" in await failure_of(conversation)
    assert len(gemini.sessions) == 1


async def test_another_brains_call_is_taken_over(gemini: GeminiLiveStandIn) -> None:
    past = [Line("agent", "Hello."), Line("tool", '{"name": "book"}'), Line("caller", "At ten.")]
    program(gemini, [Speak("Ten it is.")])
    async with Talking(gemini, a_brief(past=past)) as (conversation, _):
        assert (await performed(conversation.begin())).said == ["Ten it is."]
    told = texts(gemini.sessions[0])
    assert told[0] == ("model", "Hello.")
    assert told[2] == ("user", "At ten.")
    assert gemini.sessions[0].faults == []


# --- Whole sessions ------------------------------------------------------------------------


def said(call: Any) -> int:
    return len(call.told(EventKind.AGENT_SAID))


async def test_a_whole_call(gemini: GeminiLiveStandIn) -> None:
    program(
        gemini,
        [Obey()],
        [Use("book", {"time": "ten"})],
        [Speak("Booked. Goodbye."), Use("end_call", {"reason": "done"})],
        hears=["at ten please"],
    ).transcript_after_s = 0.6
    tools = Tools()
    brain = a_brain(gemini)
    call = await hold(brain, (lambda c: said(c) == 1, lambda c: c.carrier.say(voice(600))), tool=tools)
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
    assert gemini.sessions[0].faults == []
    await brain.close()


async def test_a_whole_call_that_is_interrupted(gemini: GeminiLiveStandIn) -> None:
    words = "one two three four five six seven eight nine ten"
    program(gemini, [Obey()], [Speak("Sorry. Goodbye."), Use("end_call")], hears=["wait"])
    brain = a_brain(gemini)
    call = await hold(
        brain,
        (lambda c: len(c.carrier.times("media")) > 80, lambda c: c.carrier.say(voice(700))),
        greeting=words,
    )
    first = call.told(EventKind.AGENT_SAID)[0]
    assert first["interrupted"]
    heard = first["heard_text"]
    assert words.startswith(heard)
    assert heard != words
    assert [text for _, text in texts(gemini.sessions[0]) if f"«{heard}»" in text]
    await brain.close()


async def test_a_whole_call_whose_provider_breaks_off_for_good(gemini: GeminiLiveStandIn) -> None:
    program(gemini, [Obey()], [Stall()])
    brain = a_brain(gemini)
    call = await hold(brain, (lambda c: said(c) == 1, lambda c: c.carrier.say(voice(600))))
    assert call.events[-1].data["reason"] == "brain_failed"
    await brain.close()


async def test_a_caller_who_speaks_while_a_tool_runs_is_answered_with_what_it_came_to(
    gemini: GeminiLiveStandIn,
) -> None:
    script = program(
        gemini,
        [Obey()],
        [Speak("I look."), Use("book", {"time": "ten"}), Use("book", {"time": "eleven"})],
        [Speak("Ten it is. Goodbye."), Use("end_call", {"reason": "done"})],
        hears=["at ten please", "and hurry"],
    )
    script.transcript_after_s = 0.1
    tools = Tools()
    tools.wait = asyncio.Event()
    brain = a_brain(gemini)
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
    assert gemini.sessions[0].faults == []
    assert [text for _, text in texts(gemini.sessions[0]) if "booked" in text]
    await brain.close()
