"""Each language model by its own client against a server that speaks its wire, over real sockets."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from providers.model_servers import PROVIDERS, answer, client_of, served, until
from trunkline.providers.ports import Message, ModelFailed, ToolCall
from trunkline.simulators.model_server import Answer, Fault, Tool

HELLO = [Message("user", "[The call is connected.]"), Message("user", "Hello?")]

pytestmark = pytest.mark.parametrize("provider", PROVIDERS)


async def test_an_answer_comes_in_pieces_and_whole(provider: str) -> None:
    async with served(provider) as it:
        it.plan.then(Answer("Good morning, how can I help? שלום.", pace_s=0.01))
        pieces = [piece async for piece in it.model.answer("Be kind.", HELLO, ())]
        assert "".join(map(str, pieces)) == "Good morning, how can I help? שלום."
        assert len([piece for piece in pieces if piece]) > 5
        (asked,) = it.plan.asked
        assert asked.instructions == "Be kind."
        assert asked.messages == (("user", "[The call is connected.]"), ("user", "Hello?"))
        assert asked.tools == ()


async def test_a_tool_is_asked_for_and_its_answer_taken_back(provider: str) -> None:
    async with served(provider) as it:
        wish = Tool("find_free_slots", {"weekday": "monday"})
        it.plan.then(
            Answer("One moment.", (wish, Tool("find_free_slots", {"weekday": "tuesday"}))), "Nine is free."
        )
        text, calls = await answer(it.model, HELLO)
        assert text == "One moment."
        assert [(call.name, dict(call.arguments)) for call in calls] == [
            ("find_free_slots", {"weekday": "monday"}),
            ("find_free_slots", {"weekday": "tuesday"}),
        ]
        assert len({call.key for call in calls}) == 2
        told = [
            *HELLO,
            Message("assistant", text, tuple(calls)),
            Message("tool", '{"ok": true, "free": ["09:00"]}', key=calls[0].key),
            Message("tool", '{"ok": false, "error": "closed"}', key=calls[1].key),
        ]
        assert (await answer(it.model, told))[0] == "Nine is free."
        assert it.plan.refused == []
        assert it.plan.asked[1].tools == ("find_free_slots",)
        assert [role for role, _ in it.plan.asked[1].messages[2:]] == [
            "assistant",
            "asked",
            "asked",
            "tool",
            "tool",
        ]
        # And once more, when the caller has spoken since.
        told += [Message("assistant", "Nine is free."), Message("user", "And ten?")]
        assert (await answer(it.model, told))[0] == "You said: And ten?"


async def test_tools_that_another_provider_was_asked_for_are_understood(provider: str) -> None:
    call = ToolCall("a key of 70 signs: " + "x" * 51, "find_free_slots", {})
    told = [
        *HELLO,
        Message("assistant", "", (call,)),
        Message("tool", '{"ok": true}', key=call.key),
        Message("assistant", "All is free."),
        Message("user", "Good."),
    ]
    async with served(provider) as it:
        assert (await answer(it.model, told))[0] == "You said: Good."
        assert it.plan.refused == []


async def test_arguments_that_nobody_can_read_are_a_failure(provider: str) -> None:
    async with served(provider) as it:
        it.plan.then(Answer(tools=(Tool("find_free_slots", '{"weekday": "mon'),)))
        with pytest.raises(ModelFailed):
            await answer(it.model, HELLO)


async def test_no_arguments_are_none(provider: str) -> None:
    async with served(provider) as it:
        it.plan.then(Answer(tools=(Tool("find_free_slots", {}),)))
        _, (call,) = await answer(it.model, HELLO)
        assert dict(call.arguments) == {}


@pytest.mark.parametrize("fault", [Fault.TOO_MANY, Fault.ERROR, Fault.OVERLOADED])
async def test_a_refusal_is_told_at_once_and_never_tried_again(provider: str, fault: Fault) -> None:
    async with served(provider) as it:
        it.plan.then(Answer("Never.", fault=fault))
        with pytest.raises(ModelFailed, match="as planned"):
            await answer(it.model, HELLO)
        assert len(it.plan.asked) == 1
        assert (await answer(it.model, HELLO))[0] == "You said: Hello?"


@pytest.mark.parametrize(
    "fault", [Fault.BREAK_OFF, Fault.END_EARLY, Fault.NONSENSE, Fault.WRONG_SHAPE, Fault.LATE_ERROR]
)
@pytest.mark.parametrize("after", [0, 3])
async def test_an_answer_that_breaks_off_is_a_failure_behind_what_came(
    provider: str, fault: Fault, after: int
) -> None:
    async with served(provider) as it:
        it.plan.then(Answer("One two three four five six.", fault=fault, after=after))
        came: list[str] = []

        async def read() -> None:
            async for piece in it.model.answer("Be kind.", HELLO, ()):
                came.append(str(piece))

        with pytest.raises(ModelFailed):
            await read()
        assert "".join(came) == ("One two three" if after else "")
        assert (await answer(it.model, HELLO))[0] == "You said: Hello?"


async def test_leaving_an_answer_closes_it_at_the_provider(provider: str) -> None:
    async with served(provider) as it:
        it.plan.then(Answer("One two three four.", fault=Fault.STALL, after=2))
        pieces = it.model.answer("Be kind.", HELLO, ())
        assert str(await anext(pieces)).strip()
        assert it.plan.open == 1
        await pieces.aclose()  # type: ignore[attr-defined]
        await until(lambda: it.plan.abandoned == 1)
        assert it.plan.open == 0


async def test_cancelling_whoever_waits_closes_it_at_the_provider(provider: str) -> None:
    async with served(provider) as it:
        for fault, after in ((Fault.MUTE, 0), (Fault.STALL, 2)):
            it.plan.then(Answer("One two three four.", fault=fault, after=after))
            reading = asyncio.ensure_future(answer(it.model, HELLO))
            await until(lambda: it.plan.open == 1)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            await until(lambda: it.plan.open == 0)
        assert it.plan.abandoned == 2


async def test_a_wrong_key_and_a_model_that_is_not_there_are_failures_that_tell_no_key(provider: str) -> None:
    async with served(provider, key="stolen-key") as it:
        with pytest.raises(ModelFailed) as failure:
            await answer(it.model, HELLO)
        assert "stolen-key" not in str(failure.value)
    async with served(provider, model="gone-1") as it:
        with pytest.raises(ModelFailed):
            await answer(it.model, HELLO)
        assert it.plan.asked == []


async def test_a_server_that_is_not_there_is_a_failure(provider: str) -> None:
    model = client_of(provider, "http://127.0.0.1:9", key="k", model="m")
    try:
        with pytest.raises(ModelFailed):
            await answer(model, HELLO)
    finally:
        await model.close()


async def test_many_calls_share_one_model(provider: str) -> None:
    async with served(provider) as it:
        it.plan.answers.clear()
        asked = [[HELLO[0], replace(HELLO[1], text=f"I am caller {number}.")] for number in range(30)]
        answers = await asyncio.gather(*(answer(it.model, messages) for messages in asked))
        assert [text for text, _ in answers] == [f"You said: I am caller {number}." for number in range(30)]


async def test_the_stand_in_refuses_what_the_provider_refuses(provider: str) -> None:
    call = ToolCall("k", "find_free_slots", {})
    async with served(provider) as it:
        for wrong in (
            [*HELLO, Message("assistant", "", (call,)), Message("user", "No answer to the tool.")],
            [*HELLO, Message("robot", "Beep.")] if provider == "openai" else [Message("assistant", "First.")],
        ):
            with pytest.raises(ModelFailed):
                await answer(it.model, wrong)
        assert len(it.plan.refused) == 2
        assert it.plan.asked == []
