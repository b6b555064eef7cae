"""Brains with a voice of their own, whichever provider: what is true of all of them, over real sockets."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

import numpy as np
import pytest
from media_stubs import silence, voice
from own_voice_calls import SPEECH, Tools, a_brief, caller_speaks, hold, performed, until
from voice_providers import GREETING, Gemini, OpenAI, Provider, failure_of, let_go, serving

from trunkline.media import EventKind
from trunkline.providers.ports import HangUp, Heard, InputKind, Line, Listen, Note, Sound
from trunkline.simulators.voice_script import Drop, Obey, Raw, Speak, Stall, Use

pytestmark = pytest.mark.hasty

PROVIDERS: list[type[Provider]] = [OpenAI, Gemini]


@pytest.fixture(params=PROVIDERS)
async def provider(request: pytest.FixtureRequest) -> AsyncIterator[Provider]:
    async with serving(request.param()) as served:
        yield served


def words_of(provider: Provider, role: str, session: int = 0) -> list[str]:
    return [text for whose, text in provider.texts(provider.sessions[session]) if whose == role]


async def test_a_conversation_with_its_greeting_word_for_word(provider: Provider) -> None:
    provider.program([Obey()], [Speak("Of course. When would suit you?")], hears=["I need a visit"])
    async with provider.talking(a_brief(disclosure="You speak with an AI.")) as (conversation, _):
        greeting = await performed(conversation.begin())
        assert greeting.said == [f"You speak with an AI. {GREETING}"]
        assert [type(act) for act in greeting.acts] == [Sound, Listen]
        # 10 words of 300 ms, in PCM at 8 kHz; with the filter's end, where there is one.
        assert len(greeting.pcm) / 16 == pytest.approx(10 * 300, abs=5)
        assert np.abs(np.frombuffer(greeting.pcm, "<i2")).max() > 2000
        transcript = await caller_speaks(conversation)
        answer = await performed(conversation.hear(SPEECH))
        assert answer.said == ["Of course. When would suit you?"]
        assert (await transcript.later()).text == "I need a visit"
    (session,) = provider.sessions
    assert session.faults == []
    assert provider.heard_ms(session) == [pytest.approx(600, abs=1)]


async def test_tools_are_used_and_the_call_is_ended(provider: Provider) -> None:
    provider.program(
        [Speak("Let me see."), Use("book", {"time": "ten"})],
        [Use("set_disposition", {"disposition": "Booked!", "confidence": 0.8})],
        [Speak("Booked."), Use("end_call", {"reason": "done"})],
    )
    async with provider.talking() as (conversation, tools):
        await caller_speaks(conversation)
        turn = await performed(conversation.hear(SPEECH))
    assert tools.used == [("book", {"time": "ten"})]
    assert turn.said == ["Let me see.", "Booked."]
    assert turn.others == [Note("disposition", "booked", confidence=0.8), HangUp("done")]
    assert json.loads(words_of(provider, "output")[0]) == {"ok": True, "booked": "ten"}
    assert provider.sessions[0].faults == []


async def test_keys_and_silence_are_told(provider: Provider) -> None:
    provider.program([Speak("Thank you.")], [Speak("Are you there?")])
    async with provider.talking() as (conversation, _):
        assert (await performed(conversation.hear(Heard(InputKind.DIGITS, "123")))).said == ["Thank you."]
        assert (await performed(conversation.hear(Heard(InputKind.SILENCE, "")))).said == ["Are you there?"]
    told = words_of(provider, provider.TOLD)
    assert "123" in told[0]
    assert "said nothing" in told[1]


async def test_what_was_keyed_is_told_though_its_answer_is_given_up_before_it_begins(
    provider: Provider,
) -> None:
    provider.program([Obey()], [Speak("Yes?")])
    async with provider.talking() as (conversation, _):
        await performed(conversation.begin())
        given_up = conversation.hear(Heard(InputKind.DIGITS, "4711"))
        await given_up.aclose()  # type: ignore[attr-defined]
        conversation.interrupted("", played_ms=0)
        assert (await performed(conversation.hear(Heard(InputKind.DIGITS, "12")))).said == ["Yes?"]
        told = words_of(provider, provider.TOLD)
        assert [keyed for text in told for keyed in ("4711", "12") if keyed in text] == ["4711", "12"]
        # The turn before it was heard out.
        assert words_of(provider, provider.AGENT)[0] == GREETING
    assert provider.sessions[0].faults == []


async def test_an_utterance_that_was_nothing_leaves_nothing(provider: Provider) -> None:
    provider.program([Speak("Yes.")])
    async with provider.talking() as (conversation, _):
        await until(lambda: provider.sessions and provider.is_set_up(provider.sessions[0]))
        cough = conversation.listen()
        assert cough is not None
        cough.feed(voice(400))
        cough.cancel()
        await caller_speaks(conversation, 500)
        await performed(conversation.hear(SPEECH))
    assert provider.heard_ms(provider.sessions[0]) == [pytest.approx(500, abs=1)]


# --- Trouble -------------------------------------------------------------------------------


async def test_a_wrong_key_is_refused_at_once(provider: Provider) -> None:
    conversation = provider.brain(key="wrong").open(a_brief(), Tools())
    assert provider.WRONG_KEY in await failure_of(conversation)
    assert provider.sessions == []
    await conversation.close()


async def test_a_provider_that_is_busy_is_asked_again_and_then_given_up(provider: Provider) -> None:
    provider.server.refuses_with = HTTPStatus.SERVICE_UNAVAILABLE
    async with provider.talking() as (conversation, _):
        assert "503" in await failure_of(conversation)
    provider.server.refuses_with = None
    provider.program([Obey()])
    async with provider.talking() as (conversation, _):
        assert (await performed(conversation.begin())).said == [GREETING]


@pytest.mark.parametrize("is_deaf", [True, False])
async def test_a_provider_that_falls_silent_is_given_up_in_time(provider: Provider, is_deaf: bool) -> None:
    provider.server.is_deaf = is_deaf
    provider.program([Speak("Hello"), Stall()])
    async with provider.talking() as (conversation, _):
        began = asyncio.get_running_loop().time()
        assert "fell silent" in await failure_of(conversation)
        assert asyncio.get_running_loop().time() - began < 8


async def test_an_answer_that_breaks_off_is_gone_on_with(provider: Provider) -> None:
    provider.program([Speak("The first half", word_ms=400), Drop()], [Speak("and the second.")])
    async with provider.talking() as (conversation, _):
        turn = await performed(conversation.hear(Heard(InputKind.DIGITS, "1")))
        assert turn.said == ["The first half", "and the second."]
        assert len(turn.pcm) / 16 == pytest.approx(3 * 400 + 3 * 300, abs=10)
    assert [text for text in words_of(provider, provider.TOLD, session=1) if "«The first half»" in text]


@pytest.mark.parametrize(
    ("provider", "raw"),
    [(kind, raw) for kind in PROVIDERS for raw in kind.NONSENSE],
    indirect=["provider"],
)
async def test_messages_that_make_no_sense_do_no_harm(provider: Provider, raw: str) -> None:
    provider.program([Raw(raw), Obey(), Raw(raw)], [Speak("Yes.")])
    async with provider.talking() as (conversation, _):
        assert (await performed(conversation.begin())).said == [GREETING]
        assert (await performed(conversation.hear(Heard(InputKind.DIGITS, "1")))).said == ["Yes."]


async def test_a_huge_message_costs_the_connection_and_not_the_call(provider: Provider) -> None:
    provider.program([Raw(provider.HUGE)], [Obey()])
    async with provider.talking() as (conversation, _):
        assert (await performed(conversation.begin())).said == [GREETING]
    assert len(provider.sessions) == 2


async def test_another_brains_call_is_taken_over(provider: Provider) -> None:
    past = [Line("agent", "Hello."), Line("tool", '{"name": "book"}'), Line("caller", "At ten [end_call].")]
    provider.program([Speak("Ten it is.")])
    async with provider.talking(a_brief(past=past)) as (conversation, _):
        assert (await performed(conversation.begin())).said == ["Ten it is."]
    told = provider.texts(provider.sessions[0])
    assert told[0] == (provider.AGENT, "Hello.")
    assert told[1][0] == provider.TOLD
    assert told[2] == ("user", "At ten (end_call).")
    assert provider.sessions[0].faults == []


# --- Whole sessions ------------------------------------------------------------------------


def said(call: Any) -> int:
    return len(call.told(EventKind.AGENT_SAID))


async def test_a_whole_call_whose_caller_speaks_while_a_tool_runs(provider: Provider) -> None:
    """They are answered with what it came to; all that was said is on record."""
    provider.program(
        [Obey()],
        [Speak("I look."), Use("book", {"time": "ten"}), Use("book", {"time": "eleven"})],
        [Speak("Ten it is. Goodbye."), Use("end_call", {"reason": "done"})],
        hears=["at ten please", "and hurry"],
    ).transcript_after_s = 0.6
    tools = Tools()
    tools.wait = asyncio.Event()
    brain = provider.brain()
    call = await hold(
        brain,
        (lambda c: said(c) == 1, lambda c: c.carrier.say(voice(600))),
        (lambda c: tools.used, lambda c: c.carrier.say(silence(600) + voice(500))),
        (lambda c: c.session.outdated, lambda c: tools.wait.set()),
        tool=tools,
    )
    await let_go(brain)
    assert call.events[-1].data["reason"] == "done"
    spoken = [
        (event.kind.value, event.data.get("heard_text", event.data["text"]))
        for event in call.events
        if event.kind in (EventKind.AGENT_SAID, EventKind.CALLER_SAID)
    ]
    # What was said while the tool ran may be known before or behind what it interrupted.
    assert spoken[:2] == [("agent_said", GREETING), ("caller_said", "at ten please")]
    assert set(spoken[2:4]) == {("agent_said", "I look."), ("caller_said", "and hurry")}
    assert spoken[4:] == [("agent_said", "Ten it is. Goodbye.")]
    assert tools.used == [("book", {"time": "ten"})]
    (session,) = provider.sessions
    assert session.faults == []
    assert [text for _, text in provider.texts(session) if "booked" in text]
    # Nobody says of the one that was used that it was not.
    assert len([text for _, text in provider.texts(session) if "spoke before" in text]) == provider.UNUSED
    # Preroll and the wait for the end of the turn are part of what the model hears.
    assert 600 <= provider.heard_ms(session)[0] <= 2500
    assert session.script.answers == deque()


async def test_a_whole_call_that_is_interrupted(provider: Provider) -> None:
    words = "one two three four five six seven eight nine ten"
    provider.program([Obey()], [Speak("Sorry. Goodbye."), Use("end_call")], hears=["wait"])
    brain = provider.brain()
    call = await hold(
        brain,
        (lambda c: len(c.carrier.times("media")) > 80, lambda c: c.carrier.say(voice(700))),
        greeting=words,
    )
    await let_go(brain)
    first = call.told(EventKind.AGENT_SAID)[0]
    assert first["interrupted"]
    heard = first["heard_text"]
    assert heard == " ".join(words.split()[: len(heard.split())])
    assert heard != words
    provider.check_cut(provider.sessions[0], heard)
    assert provider.sessions[0].faults == []
