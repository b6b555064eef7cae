"""A noise over an agent that is still thinking: it falls silent at once, and its answer is not lost."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from media_stubs import Call, Streaming, StubStt, goodbye, voice
from virtual_time import run

from trunkline.media import EventKind, SessionOptions
from trunkline.providers.ports import BrainFailed, HangUp, Listen, Say, ToolResult

FIRST = "One two three four five six seven eight nine ten."
SECOND = "And that is all."


def heard_of(call: Call, turn: int) -> str:
    said = [one["heard_text"] for one in call.told(EventKind.AGENT_SAID) if one["turn"] == turn]
    return " ".join(filter(None, said))


@pytest.mark.parametrize("text", ["", "mm-hm", None])
@pytest.mark.parametrize("pause_s", [0.6, 3.0, 6.0])
def test_what_the_brain_still_has_to_say_is_said_after_a_noise(text: str | None, pause_s: float) -> None:
    """The next sentence comes while the noise lasts, while it is made out, and long after."""
    brain = Streaming([Say(FIRST), pause_s, Say(SECOND), Listen(None)], goodbye())
    call = Call(brain, stt=StubStt([text, "yes"], delay_s=1.0))
    run(call.run((1.0, lambda: call.carrier.say(voice(300))), (11.0, lambda: call.carrier.say(voice(300)))))
    assert len(call.carrier.times("clear")) == 1
    assert [heard.text for heard in brain.heard] == ["yes"]
    assert brain.cut_at == []
    assert heard_of(call, 1) == f"{FIRST} {SECOND}"


def test_words_over_an_agent_that_is_still_thinking_break_it_off() -> None:
    brain = Streaming([Say(FIRST), 1.3, Say(SECOND), "book", Listen(None)], goodbye())
    call = Call(brain, stt=StubStt(["no, stop"]))
    run(call.run((1.0, lambda: call.carrier.say(voice(600)))))
    assert [heard.text for heard in brain.heard] == ["no, stop"]
    assert SECOND not in call.tts.spoken
    assert brain.cut_at == [heard_of(call, 1)] != [FIRST]
    assert call.told(EventKind.TOOL_USED) == []


@pytest.mark.parametrize(("text", "books"), [("no, stop", False), ("", True)])
def test_a_tool_waits_for_what_the_interruption_meant(text: str, books: bool) -> None:
    began: list[float] = []

    async def tool(_name: str, _arguments: Mapping[str, Any]) -> ToolResult:
        began.append(asyncio.get_running_loop().time())
        return ToolResult(ok=True, data={})

    # The model asks for it 100 ms after the caller has begun to speak.
    brain = Streaming([Say(FIRST), 1.2, "book", Say(SECOND), Listen(None)], goodbye())
    call = Call(brain, stt=StubStt([text, "yes"]), tool=tool)
    run(call.run((1.0, lambda: call.carrier.say(voice(600))), (9.0, lambda: call.carrier.say(voice(300)))))
    assert len(began) == books
    assert all(at > 1001.6 for at in began)
    assert (SECOND in call.tts.spoken) == books


def test_a_goodbye_that_was_silenced_by_a_noise_is_heard_out_before_the_end() -> None:
    brain = Streaming([Say(FIRST), 1.2, HangUp("done")])
    call = Call(brain, stt=StubStt([""]))
    ended = run(call.run((1.0, lambda: call.carrier.say(voice(300)))))
    assert ended.data["reason"] == "done"
    assert heard_of(call, 1) == FIRST


def test_a_brain_that_fails_while_it_is_silenced_is_apologised_for() -> None:
    brain = Streaming([Say(FIRST), 1.2, BrainFailed("overloaded")])
    call = Call(brain, stt=StubStt([""]), options=SessionOptions(apology="I am sorry."))
    ended = run(call.run((1.0, lambda: call.carrier.say(voice(300)))))
    assert ended.data["reason"] == "brain_failed"
    assert heard_of(call, 1) == f"{FIRST} I am sorry."


def test_a_noise_that_nobody_makes_out_does_not_hold_the_brain_for_ever() -> None:
    """The interruption's turn is lost: silence is asked about all the same."""
    brain = Streaming([Say(FIRST), 1.2, Say(SECOND), Listen(None)], goodbye())
    call = Call(brain)

    def lose() -> None:
        call.session._ear.drop()

    ended = run(call.run((1.0, lambda: call.carrier.say(voice(300))), (1.3, lose)))
    assert ended.data["reason"] == "done"
    assert ended.data["duration_ms"] < 15_000
