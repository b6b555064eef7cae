"""Brains with a voice, as the settings make them: who stands behind one, by whose ears, what stays open."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import AsyncIterator
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from media_stubs import StubStt, StubTts, StubVad
from openai import OpenAIError
from own_voice_calls import SPEECH, Tools, a_brief, caller_speaks, nothing_left, performed, until
from test_brain_fallback import Words

from support.installation import TOKEN_KEY
from trunkline import own_voices
from trunkline.core import provider_failures, registry
from trunkline.core.provider_failures import Kind, Part, Then
from trunkline.core.settings import load_settings
from trunkline.providers.ports import Heard, InputKind, Note
from trunkline.simulators.openai_realtime import OpenAIRealtimeStandIn
from trunkline.simulators.voice_script import Drop, Obey, Speak
from trunkline.web.callroom import CallRoom
from trunkline.web.hired import Speech

pytestmark = pytest.mark.hasty

KEY = "sk-of-the-test"


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_brains", "_closers", "_keyed"):
        monkeypatch.setattr(registry, name, {})
    monkeypatch.setattr(registry, "_ears", None)
    monkeypatch.setattr(provider_failures, "_counted", Counter())


@pytest.fixture
async def openai() -> AsyncIterator[OpenAIRealtimeStandIn]:
    async with OpenAIRealtimeStandIn(api_key=KEY) as server, nothing_left():
        yield server
        await until(lambda: server.open_connections == 0)


def a_room(folder: Path, stt: StubStt) -> CallRoom:
    return CallRoom(
        speech=Speech(stt=stt, tts=StubTts(), vad=StubVad), token_key=TOKEN_KEY, spool=folder / "spool",
        max_calls=2, longest_call=timedelta(minutes=1),
    )  # fmt: skip


def register(openai: OpenAIRealtimeStandIn, **more: Any) -> None:
    own_voices.register_own_voices(
        load_settings(openai_api_key=KEY, openai_base_url=openai.base_url, gemini_api_key="g", **more)
    )


def sockets() -> int:
    """How many sockets this process has open."""
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return sum(str(link.readlink()).startswith("socket:") for link in links)


async def test_whoever_takes_over_without_ears_is_given_those_of_the_process(
    openai: OpenAIRealtimeStandIn, tmp_path: Path
) -> None:
    words = Words()
    registry.register_brain("words", lambda: words)
    register(openai, brain_fallbacks="words")
    room = a_room(tmp_path, StubStt(["at eleven"]))
    openai.script.answers = deque([[Obey()], [Drop()]])
    openai.script.transcript_after_s = 60
    openai.script.caller_says = deque(["never", "never"])
    conversation = registry.brain("openai_realtime").open(a_brief(), Tools())
    await performed(conversation.begin())
    await caller_speaks(conversation, 700)
    openai.refuses_with = HTTPStatus.UNAUTHORIZED
    turn = await performed(conversation.hear(SPEECH))
    assert words.heard == [Heard(InputKind.SPEECH, "at eleven", 0.9)]
    assert str(turn.others[-2]).startswith("Note(name='brain_replaced', value='openai_realtime: ")
    await conversation.close()
    failed = provider_failures.counted()
    assert failed[Part.BRAIN, "openai_realtime", Kind.BROKEN, Then.RECONNECTED] == 1
    assert failed[Part.BRAIN, "openai_realtime", Kind.REFUSED, Then.HANDED_OVER] == 1
    await room.close()
    assert registry.ears() is None, "who has closed hears for nobody"


async def test_a_provider_that_breaks_off_with_every_answer_is_left_for_the_next(
    openai: OpenAIRealtimeStandIn,
) -> None:
    words = Words()
    registry.register_brain("words", lambda: words)
    register(openai, brain_fallbacks="words")
    openai.script.answers = deque([[Obey()], *[[Drop()]] * 20])
    openai.script.caller_says = deque(["yes"] * 20)
    conversation = registry.brain("openai_realtime").open(a_brief(), Tools())
    await performed(conversation.begin())
    await caller_speaks(conversation, 700)
    turn = await performed(conversation.hear(SPEECH))
    assert [note.value for note in turn.others if isinstance(note, Note)] == [
        "openai_realtime: the provider breaks off with every answer"
    ]
    assert len(openai.script.answers) == 16, "it was asked four times"
    await conversation.close()


async def test_nothing_stays_open_when_the_room_is_closed(
    openai: OpenAIRealtimeStandIn, tmp_path: Path
) -> None:
    before = sockets()
    register(openai)
    room = a_room(tmp_path, StubStt())
    brains: list[Any] = [registry.brain(name) for name in ("openai_realtime", "gemini_live")]
    assert [registry.brain(name) for name in ("openai_realtime", "gemini_live")] == brains, (
        "one for all calls"
    )
    openai.script.answers = deque([[Obey()], [Speak("Yes.")]])
    conversation = brains[0].open(a_brief(), Tools())
    await performed(conversation.begin())
    assert openai.open_connections == 1
    await conversation.close()
    # As a client keeps one open that was used for more than its WebSocket.
    with pytest.raises(OpenAIError):
        await brains[0]._client.models.list()
    await room.close()
    assert brains[0]._client.is_closed()
    await until(lambda: openai.open_connections == 0)
    await until(lambda: sockets() <= before)
    again: Any = registry.brain("openai_realtime")
    assert again is not brains[0]
    for close in registry.brain_closers():
        await close()
    assert again._client.is_closed()


async def test_one_that_was_never_asked_for_is_closed_without_being_made(
    openai: OpenAIRealtimeStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(openai)
    monkeypatch.setattr(own_voices, "_openai", pytest.fail)
    for close in registry.brain_closers():
        await close()
