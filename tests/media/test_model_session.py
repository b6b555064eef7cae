"""Whole calls with the model-driven brain: our media session, and a model's stand-in on a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from media.media_stubs import Call, StubStt, StubTts, silence, voice
from providers.model_servers import PROVIDERS, TOOLS, Served, served, until
from trunkline.media import CallEvent, EventKind
from trunkline.providers.model_brain import BrainOptions, FallbackModel, ModelBrain, Patience
from trunkline.providers.ports import ToolResult
from trunkline.simulators.model_server import Answer, Fault, Tool

pytestmark = pytest.mark.hasty

LOOK = Tool("find_free_slots", {"weekday": "monday"})
BYE = Tool("end_call", {"reason": "done"})


def call_with(
    *servers: Served,
    stt: Sequence[str],
    options: BrainOptions | None = None,
    tool_s: float = 0.0,
    between_s: float = 2,
) -> Call:
    async def run_tool(_name: str, _arguments: Mapping[str, Any]) -> ToolResult:
        await asyncio.sleep(tool_s)
        return ToolResult(ok=True, data={"free": ["09:00"]})

    model = FallbackModel(
        [(f"model {number}", server.model) for number, server in enumerate(servers)],
        Patience(first_s=5.0, between_s=between_s),
    )
    call = Call(ModelBrain(model, options), stt=StubStt(stt), tts=StubTts(), tool=run_tool)  # type: ignore[arg-type]
    call.brief = replace(call.brief, greeting="Hi there.", instructions="Be brief.", tools=TOOLS)
    return call


async def held(call: Call, *steps: tuple[Callable[[], bool], Callable[[], None]]) -> CallEvent:
    """Hold the call in real time; each step waits until something holds and then acts."""

    async def act() -> None:
        for holds, do in steps:
            await until(holds)
            do()

    acting = asyncio.ensure_future(act())
    try:
        async with asyncio.timeout(60):
            ended = await call.run()
        await acting
    finally:
        acting.cancel()
    return ended


def told(call: Call, kind: EventKind) -> Callable[[int], Callable[[], bool]]:
    return lambda count: lambda: len(call.told(kind)) >= count


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_call_with_a_tool_and_a_goodbye(provider: str) -> None:
    async with served(provider) as server:
        call = call_with(server, stt=["is monday free", "no thanks"])
        server.plan.then(Answer("I look. ", (LOOK,)), "Nine is free. OK?", Answer("Bye, then.", (BYE,)))
        said = told(call, EventKind.AGENT_SAID)
        ended = await held(
            call,
            (said(1), lambda: call.carrier.say(voice(500))),
            (said(2), lambda: call.carrier.say(voice(500))),
        )
        assert ended.data["reason"] == "done"
        assert [s["heard_text"] for s in call.told(EventKind.AGENT_SAID)] == [
            "Hi there.",
            "I look. Nine is free. OK?",
            "Bye, then.",
        ]
        assert [tool["name"] for tool in call.told(EventKind.TOOL_USED)] == ["find_free_slots"]
        assert [s["text"] for s in call.told(EventKind.CALLER_SAID)] == ["is monday free", "no thanks"]
        assert server.plan.refused == []
        assert server.plan.abandoned == 0


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_an_interrupted_call_tells_the_model_what_was_heard(provider: str) -> None:
    async with served(provider) as server:
        call = call_with(server, stt=["when are you open", "stop"], between_s=30)
        long = "We open at eight. We close at six every day but Friday. And then there is"
        server.plan.then(Answer(long, fault=Fault.STALL, after=99), Answer("Sorry. Bye.", (BYE,)))

        def playing() -> bool:
            # Marks stand behind the greeting and the first sentence; 50 frames are a second of the next.
            marks = call.carrier.times("mark")
            return len(marks) > 1 and sum(at > marks[1] for at in call.carrier.times("media")) > 50

        ended = await held(
            call,
            (told(call, EventKind.AGENT_SAID)(1), lambda: call.carrier.say(voice(500))),
            (playing, lambda: call.carrier.say(voice(900))),
        )
        assert ended.data["reason"] == "done"
        cut = call.told(EventKind.AGENT_SAID)[1]
        assert cut["interrupted"]
        assert cut["heard_text"].startswith("We open at eight. We close at")
        assert cut["heard_text"] != cut["text"]
        heard = [text for role, text in server.plan.asked[-1].messages if role == "assistant"]
        assert heard == ["Hi there.", cut["heard_text"]]
        assert server.plan.asked[-1].messages[-1] == ("user", "stop")
        assert server.plan.abandoned == 1
        assert server.plan.open == 0


async def test_a_call_whose_model_stalls_goes_on_with_the_next() -> None:
    async with served("openai") as first, served("anthropic") as second:
        call = call_with(first, second, stt=["when are you open", "bye"])
        first.plan.then(Answer("We open at eight. We close at six.", fault=Fault.STALL, after=8))
        second.plan.then("at six. OK?", Answer("Bye.", (BYE,)))
        said = told(call, EventKind.AGENT_SAID)
        ended = await held(
            call,
            (said(1), lambda: call.carrier.say(voice(500))),
            (said(2), lambda: call.carrier.say(voice(500))),
        )
        assert ended.data["reason"] == "done"
        assert call.told(EventKind.AGENT_SAID)[1]["heard_text"] == "We open at eight. We close at six. OK?"
        assert first.plan.abandoned == 1
        assert [len(server.plan.asked) for server in (first, second)] == [1, 2]


async def test_a_slow_tool_is_bridged_by_a_phrase_and_hanging_up_leaves_nothing() -> None:
    async with served("openai") as server:
        options = BrainOptions(filler_after_s=0.3, filler_again_s=5)
        call = call_with(server, stt=["is monday free"], options=options, tool_s=1.0)
        server.plan.then(Answer("", (LOOK,)), Answer("Nine.", fault=Fault.STALL, after=1))
        ended = await held(
            call,
            (told(call, EventKind.AGENT_SAID)(1), lambda: call.carrier.say(voice(500))),
            (lambda: len(server.plan.asked) == 2, lambda: call.carrier.put("stop", stop={"callSid": "CA1"})),
        )
        assert ended.data["reason"] == "stop"
        assert call.told(EventKind.AGENT_SAID)[1]["text"].startswith("One moment, please.")
        await until(lambda: server.plan.open == 0)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_caller_who_speaks_while_a_tool_runs_is_answered_with_what_it_came_to(provider: str) -> None:
    async with served(provider) as server:
        options = BrainOptions(fillers_a_turn=0)
        call = call_with(server, stt=["is monday free", "or tuesday"], options=options)
        both = (LOOK, Tool("book_appointment", {"weekday": "monday", "time": "09:00"}))
        server.plan.then(Answer("I look. ", both), Answer("Monday at nine. Bye.", (BYE,)))
        using = [False]
        run_tool = call.tool

        async def watched(name: str, arguments: Mapping[str, Any]) -> ToolResult:
            using[0] = True
            await until(lambda: call.session.outdated)
            return await run_tool(name, arguments)

        call.tool = watched
        ended = await held(
            call,
            (told(call, EventKind.AGENT_SAID)(1), lambda: call.carrier.say(voice(500))),
            (lambda: using[0], lambda: call.carrier.say(silence(600) + voice(400))),
        )
        assert ended.data["reason"] == "done"
        # The second tool of the answer was not begun; what the first came to is known to the next answer.
        assert [tool["name"] for tool in call.told(EventKind.TOOL_USED)] == ["find_free_slots"]
        assert [s["heard_text"] for s in call.told(EventKind.AGENT_SAID)] == [
            "Hi there.",
            "I look.",
            "Monday at nine. Bye.",
        ]
        assert len(server.plan.asked) == 2
        roles = [role for role, _ in server.plan.asked[-1].messages]
        assert roles[-3:] == ["asked", "tool", "user"]
        assert server.plan.asked[-1].messages[-1] == ("user", "or tuesday")
        assert "09:00" in server.plan.asked[-1].messages[-2][1]
        assert server.plan.refused == []
