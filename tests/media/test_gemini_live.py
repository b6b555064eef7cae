"""Gemini Live against a stand-in that speaks its protocol, with TLS: what is peculiar to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from media_stubs import voice
from own_voice_calls import SPEECH, caller_speaks, performed, until
from voice_providers import GREETING, Gemini, failure_of, serving

from trunkline.providers.ports import Heard, InputKind, Sound
from trunkline.simulators.voice_script import Drop, Fail, Leave, Obey, Refuse, Speak, Use

pytestmark = pytest.mark.hasty


@pytest.fixture
async def gemini() -> AsyncIterator[Gemini]:
    provider = Gemini()
    async with serving(provider):
        yield provider


async def test_the_connection_begins_before_anything_is_asked_with_all_that_it_needs(gemini: Gemini) -> None:
    async with gemini.talking():
        await until(lambda: gemini.sessions and gemini.is_set_up(gemini.sessions[0]))
    (session,) = gemini.sessions
    assert session.hearing.automatic_activity_detection.disabled is True
    assert session.setup.model == "models/gemini-3.8-live"
    declared = [tool.name for tool in session.setup.tools[0].function_declarations]
    assert declared == ["book", "end_call", "set_disposition"]
    assert "Book visits." in str(session.setup.system_instruction)


async def test_an_interruption_ends_the_generation_and_tells_what_was_heard(
    gemini: Gemini,
) -> None:
    words = "one two three four five six seven eight nine ten"
    gemini.program([Speak(words)], [Speak("Yes?")]).speed = 2
    async with gemini.talking() as (conversation, _):
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
    assert [text for _, text in gemini.texts(session) if "«one two three»" in text]


async def test_what_comes_of_an_answer_that_nobody_wants_is_let_pass(gemini: Gemini) -> None:
    gemini.program([Speak("one two three four")], [Speak("Yes?")], [Speak("Good.")]).speed = 4
    async with gemini.talking() as (conversation, _):
        acts = conversation.hear(Heard(InputKind.DIGITS, "1"))
        await anext(acts)
        await acts.aclose()  # type: ignore[attr-defined]
        conversation.interrupted("", played_ms=0)
        for wanted in ("Yes?", "Good."):
            assert (await performed(conversation.hear(Heard(InputKind.DIGITS, "2")))).said == [wanted]
    assert gemini.sessions[0].faults == []


async def test_long_speech_is_sent_while_it_is_spoken(gemini: Gemini) -> None:
    gemini.program([Speak("Yes.")])
    async with gemini.talking() as (conversation, _):
        await until(lambda: gemini.sessions and gemini.sessions[0].setup)
        utterance = conversation.listen()
        assert utterance is not None
        for _ in range(60):
            utterance.feed(voice(20))
        await until(lambda: gemini.sessions[0]._activity_ms and gemini.sessions[0]._activity_ms > 1000)
        await utterance.finish()
        assert (await performed(conversation.hear(SPEECH))).said == ["Yes."]
    assert gemini.heard_ms(gemini.sessions[0]) == [pytest.approx(1200, abs=1)]


async def test_a_tool_that_the_server_takes_back_is_told_all_the_same(gemini: Gemini) -> None:
    gemini.program([Use("book", {"time": "ten"})], [Speak("It is booked.")])
    async with gemini.talking() as (conversation, tools):
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
    assert [text for _, text in gemini.texts(session) if "book" in text and "ten" in text]


# --- Trouble -------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [Drop(), Fail("Internal error encountered.")])
async def test_a_line_that_breaks_is_resumed_by_its_handle(gemini: Gemini, fault: Any) -> None:
    gemini.program([Obey()], [fault], [Speak("Ten it is.")], hears=["at ten please", None])
    async with gemini.talking() as (conversation, _):
        await performed(conversation.begin())
        await until(lambda: gemini.server.saved)
        transcript = await caller_speaks(conversation, 900)
        assert (await performed(conversation.hear(SPEECH))).said == ["Ten it is."]
        assert transcript.later is not None
    first, second = gemini.sessions
    assert second.setup is not None
    assert second.setup.session_resumption is not None
    assert second.setup.session_resumption.handle in gemini.server.saved
    # The greeting is known by the handle; the turn that was not answered is given once more.
    assert [text for role, text in gemini.texts(second) if role == "model"] == [GREETING, "Ten it is."]
    assert first.faults == second.faults == []


async def test_a_handle_that_is_not_known_any_more_costs_a_connection(gemini: Gemini) -> None:
    gemini.program([Obey()], [Speak("Yes.")])
    async with gemini.talking() as (conversation, _):
        await performed(conversation.begin())
        await until(lambda: gemini.server.saved)
        await asyncio.sleep(0.5)  # the update is on its way to us
        gemini.server.saved.clear()
        gemini.sessions[0].drop()
        assert (await performed(conversation.hear(Heard(InputKind.DIGITS, "1")))).said == ["Yes."]
    last = gemini.sessions[-1]
    assert ("model", GREETING) in gemini.texts(last)
    assert last.faults == []


async def test_an_announced_end_is_met_with_another_connection(gemini: Gemini) -> None:
    gemini.program([Leave(1.3), Obey()], [Speak("Yes.")])
    async with gemini.talking() as (conversation, _):
        assert (await performed(conversation.begin())).said == [GREETING]
        await until(lambda: len(gemini.sessions) == 2 and gemini.sessions[1].setup)
        assert (await performed(conversation.hear(Heard(InputKind.DIGITS, "1")))).said == ["Yes."]
    assert ("model", GREETING) in gemini.texts(gemini.sessions[1])


async def test_a_refused_session_is_not_tried_again(gemini: Gemini) -> None:
    gemini.program([Refuse("1008", "model is not supported")])
    async with gemini.talking() as (conversation, _):
        assert "not supported" in await failure_of(conversation)
    assert len(gemini.sessions) == 1


# --- Whole sessions ------------------------------------------------------------------------
