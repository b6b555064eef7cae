"""How calls end: what is still put on record, what can no longer begin, and that the end is always told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from media_stubs import Call, Streaming, StubBrain, StubConversation, StubStt, StubTts, ask, goodbye, voice
from virtual_time import run

from trunkline.media import EventKind, LiveSessions, SessionOptions
from trunkline.providers.brain_fallback import FallbackBrain, FallbackOptions
from trunkline.providers.ports import CallBrief, Listen, Say, ToolResult, ToolRunner


class _SlowToLeave(StubBrain):
    """Takes almost as long as it may to let go."""

    def open(self, brief: CallBrief, tools: ToolRunner) -> StubConversation:
        conversation = super().open(brief, tools)
        conversation.close = lambda: asyncio.sleep(1.9)  # type: ignore[method-assign]
        return conversation


def test_a_call_that_is_cancelled_while_it_closes_is_closed_all_the_same() -> None:
    async def scene() -> Call:
        call = Call(_SlowToLeave(ask("Hello.")))
        task = asyncio.create_task(call.run())
        await asyncio.sleep(1)
        for _ in range(3):
            task.cancel()
            await asyncio.sleep(0.5)
        with pytest.raises(asyncio.CancelledError):
            await task
        call.check_nothing_left()
        return call

    call = run(scene())
    assert call.events[-1].data["reason"] == "cancelled"


def test_a_socket_that_fails_to_close_does_not_keep_the_end_from_being_told() -> None:
    call = Call(StubBrain(ask("Hello.")))

    async def broken() -> None:
        raise ConnectionResetError

    call.carrier.close = broken  # type: ignore[method-assign]
    with pytest.raises(ConnectionResetError):
        run(call.run((1.0, call.carrier.hang_up)))
    assert call.events[-1].kind is EventKind.ENDED


def test_the_reaper_cancels_a_call_only_once() -> None:
    async def scene() -> list[list[str]]:
        live = LiveSessions(socket_grace_s=1.0)
        call = Call(_SlowToLeave(["book"]), tool=_endless)
        task = asyncio.create_task(call.run_on(live))
        await asyncio.sleep(1)
        call.carrier.hang_up()
        await asyncio.sleep(2)
        looks = [live.reap() for _ in range(4)]
        await asyncio.wait([task])
        call.check_nothing_left()
        return looks

    assert run(scene()) == [["7"], ["7"], [], []]


async def _endless(_name: str, _arguments: Any) -> Any:
    await asyncio.Event().wait()


@pytest.mark.parametrize(("hang_up_at_s", "delay_s"), [(3.8, 0.1), (4.6, 1.0), (3.2, 0.1)])
def test_what_the_caller_says_last_is_on_record(hang_up_at_s: float, delay_s: float) -> None:
    """They hang up behind their words, while these are made out, and in the middle of them."""
    brain = StubBrain(ask("Hello."))
    call = Call(brain, stt=StubStt(["never call me again"], delay_s=delay_s))
    run(call.run((2.0, lambda: call.carrier.say(voice(1500))), (hang_up_at_s, call.carrier.hang_up)))
    assert [said["text"] for said in call.told(EventKind.CALLER_SAID)] == ["never call me again"]
    assert call.events[-1].data["duration_ms"] < (hang_up_at_s + 1.5) * 1000
    assert brain.heard == []


def test_last_words_that_are_not_made_out_in_time_do_not_hold_the_call() -> None:
    call = Call(StubBrain(ask("Hello.")), stt=StubStt(["too late"], delay_s=5.0))
    run(call.run((1.0, lambda: call.carrier.say(voice(600))), (2.0, call.carrier.hang_up)))
    assert call.told(EventKind.CALLER_SAID) == []
    assert call.events[-1].data["duration_ms"] < 5_500


def test_nothing_is_answered_behind_the_end() -> None:
    """Two turns wait, and the agent was cut, when the caller hangs up: no brain is asked and nothing said."""
    brain = StubBrain(ask("One two three four five six seven eight nine ten."))
    call = Call(brain, stt=StubStt(["wait", "never mind"], delay_s=1.0))
    script = [(at, lambda: call.carrier.say(voice(400))) for at in (1.0, 2.3)]
    run(call.run(*script, (3.2, call.carrier.hang_up)))
    assert [said["text"] for said in call.told(EventKind.CALLER_SAID)] == ["wait", "never mind"]
    # The first one was understood 0.2 s before the end.
    assert [heard.text for heard in brain.heard] == ["wait"]
    assert len(call.told(EventKind.AGENT_SAID)) == 1


async def _takes_8_s(_name: str, _arguments: Any) -> ToolResult:
    await asyncio.sleep(8)
    return ToolResult(ok=True, data={"booked": 1})


@pytest.mark.parametrize(("grace_s", "ok"), [(12.0, True), (5.0, False)])
def test_a_tool_that_outlasts_the_hang_up_is_on_record_whatever_comes_of_it(grace_s: float, ok: bool) -> None:
    options = SessionOptions(tool_grace_s=grace_s)
    call = Call(StubBrain(["book", *goodbye()]), tool=_takes_8_s, options=options)
    run(call.run((1.0, call.carrier.hang_up)))
    data = {"booked": 1} if ok else {"error": "unknown"}
    assert [(used["ok"], used["data"]) for used in call.told(EventKind.TOOL_USED)] == [(ok, data)]


def test_no_tool_begins_behind_the_end() -> None:
    """The brain goes on from one tool to the next, and the caller has hung up meanwhile."""
    began: list[str] = []

    async def tool(name: str, _arguments: Any) -> ToolResult:
        began.append(name)
        await asyncio.sleep(2)
        return ToolResult(ok=True, data={})

    call = Call(StubBrain(["look", "book", *goodbye()]), tool=tool)
    run(call.run((1.0, call.carrier.hang_up)))
    assert began == ["look"]
    assert [used["name"] for used in call.told(EventKind.TOOL_USED)] == ["look"]


LONG = "This is a very long farewell that goes on for quite some while, and then on."


def test_a_slow_tool_between_a_slow_brain_s_steps_does_not_end_the_call() -> None:
    """Each within its own limit, and more than the longest wait for a reply together."""

    async def tool(_name: str, _arguments: Any) -> ToolResult:
        await asyncio.sleep(9.5)
        return ToolResult(ok=True, data={})

    brain = Streaming(ask("Hello."), [3.0, "book", 3.0, Say("Done."), Listen(None)])
    call = Call(brain, stt=StubStt(["book it"]), tool=tool)
    run(call.run((2.0, lambda: call.carrier.say(voice(600))), (20.5, call.carrier.hang_up)))
    assert call.events[-1].data["reason"] == "disconnect"
    assert call.told(EventKind.AGENT_SAID)[-1]["heard_text"] == "Done."


@pytest.mark.parametrize("filler", [None, {"en": "One moment, please."}])
@pytest.mark.parametrize("voice_s", [0.05, 1.5])
def test_another_brain_greets_before_a_silent_one_costs_the_call(
    filler: dict[str, str] | None, voice_s: float
) -> None:
    """With the limits of every call: the first brain is silent, the second one slow."""
    second = Streaming([2.5, *ask("Hello from the second.")])
    brain = FallbackBrain([Streaming([1000.0]), second], FallbackOptions(filler=filler))
    call = Call(brain, tts=StubTts(delay_s=voice_s))
    ended = run(call.run((14, call.carrier.hang_up)))
    assert ended.data["reason"] == "disconnect"
    assert call.told(EventKind.AGENT_SAID)[-1]["heard_text"].endswith("Hello from the second.")


def test_the_last_brain_is_given_its_time_to_open() -> None:
    brain = FallbackBrain([Streaming([1000.0]), Streaming([4.5, *ask("Hello.")])])
    call = Call(brain)
    ended = run(call.run((14, call.carrier.hang_up)))
    assert ended.data["reason"] == "disconnect"
    assert call.told(EventKind.AGENT_SAID)[0]["heard_text"] == "Hello."


@pytest.mark.parametrize("hangs", [(), ("I am sorry.",)])
def test_a_reply_that_never_comes_is_apologised_for(hangs: tuple[str, ...]) -> None:
    brain = Streaming(ask("Hello."), [1000.0])
    options = SessionOptions(apology="I am sorry.")
    call = Call(brain, stt=StubStt(["what now"]), tts=StubTts(hangs=hangs), options=options)
    ended = run(call.run((2.0, lambda: call.carrier.say(voice(600)))))
    assert ended.data["reason"] == "stuck_reply"
    assert call.told(EventKind.AGENT_SAID)[-1]["heard_text"] == ("" if hangs else "I am sorry.")
    assert ended.data["duration_ms"] < 26_000


@pytest.mark.parametrize("reason", ["draining", "too_long", "whatever"])
@pytest.mark.parametrize("speak_at_s", [1.7, 3.0])
def test_a_call_that_is_parted_with_ends_whatever_is_said_to_it(reason: str, speak_at_s: float) -> None:
    """The caller speaks as the farewell is due, and during it."""
    brain = StubBrain(ask("Hello."), ask("What is it?"))
    call = Call(brain, stt=StubStt(["wait a moment"]), options=SessionOptions(farewell=LONG))
    script = [(2.0, lambda: call.session.part(reason)), (speak_at_s, lambda: call.carrier.say(voice(600)))]
    ended = run(call.run(*script, (25, call.carrier.hang_up)))
    assert ended.data["reason"] == reason
    assert ended.data["duration_ms"] < 9_500
    assert brain.heard == []
    assert call.told(EventKind.AGENT_SAID)[-1]["heard_text"] == LONG


def test_a_parting_that_comes_during_a_goodbye_makes_it_the_last_word() -> None:
    brain = StubBrain(goodbye(LONG), ask("What is it?"))
    call = Call(brain, stt=StubStt(["wait a moment"]), options=SessionOptions(farewell="We close."))
    script = [(1.0, lambda: call.session.part("draining")), (2.0, lambda: call.carrier.say(voice(600)))]
    ended = run(call.run(*script, (25, call.carrier.hang_up)))
    assert (ended.data["reason"], brain.heard) == ("done", [])
    assert call.told(EventKind.AGENT_SAID)[-1]["heard_text"] == LONG


def test_a_parting_that_waited_for_a_transfer_does_not_speak_over_its_last_words() -> None:
    async def transfer(_name: str, _arguments: Any) -> ToolResult:
        await asyncio.sleep(3)
        call.session.leave("transferred")
        return ToolResult(ok=True, data={})

    call = Call(StubBrain(["transfer"]), tool=transfer, options=SessionOptions(farewell=LONG))
    ended = run(call.run((1.0, lambda: call.session.part("draining"))))
    assert ended.data["reason"] == "transferred"
    assert LONG not in call.tts.spoken
    assert [said["heard_text"] for said in call.told(EventKind.AGENT_SAID)] == ["tool True"]


def test_a_goodbye_behind_a_transfer_does_not_end_the_call_in_its_place() -> None:
    async def transfer(_name: str, _arguments: Any) -> ToolResult:
        call.session.leave("transferred")
        return ToolResult(ok=True, data={})

    call = Call(StubBrain(["transfer", *goodbye("I put you through.")]), tool=transfer)
    ended = run(call.run())
    assert ended.data["reason"] == "transferred"
    assert call.told(EventKind.AGENT_SAID)[-1]["heard_text"] == "tool True I put you through."
