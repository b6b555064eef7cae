"""Providers of brains with a voice of their own, each with its stand-in, under one set of questions."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from own_voice_calls import QUICK, Tools, a_brief, nothing_left, performed, until

from trunkline.providers.gemini_live import GeminiLiveBrain, GeminiLiveOptions
from trunkline.providers.openai_realtime import OpenAIRealtimeBrain, OpenAIRealtimeOptions
from trunkline.providers.ports import Brain, BrainFailed, CallBrief, Conversation
from trunkline.simulators.gemini_live import GeminiLiveStandIn
from trunkline.simulators.openai_realtime import OpenAIRealtimeStandIn
from trunkline.simulators.voice_script import VoiceScript

KEY = "key-of-the-test"
GREETING = "Hello, this is Oak Dental."


class Provider:
    """One provider. `sessions` are those of its stand-in, in order."""

    AGENT: ClassVar[str]
    """Whose the model's own words are in the stand-in's memory."""
    TOLD: ClassVar[str]
    """Whose the words are that we tell the model."""
    UNUSED: ClassVar[int]
    """How many of two tools it is told were not used, where the caller spoke during the first: a protocol
    that takes back by itself what was asked for is told of none."""
    WRONG_KEY: ClassVar[str]
    """What it says of a key that is none."""
    NONSENSE: ClassVar[tuple[str, ...]]
    HUGE: ClassVar[str]
    server: Any

    def brain(self, key: str = KEY, **patience: Any) -> Brain:
        raise NotImplementedError

    def texts(self, session: Any) -> list[tuple[str, str]]:
        """Return what the model remembers: whose words, and the words."""
        raise NotImplementedError

    def heard_ms(self, session: Any) -> list[float]:
        """Return how long each turn of the caller was that the model has heard."""
        raise NotImplementedError

    def is_set_up(self, session: Any) -> bool:
        raise NotImplementedError

    def check_cut(self, session: Any, heard: str) -> None:
        """The model knows that of its words only these were heard; every word lasts 300 ms."""
        raise NotImplementedError

    @property
    def sessions(self) -> list[Any]:
        return self.server.sessions  # type: ignore[no-any-return]

    def program(self, *answers: Any, hears: list[str | None] | None = None) -> VoiceScript:
        script: VoiceScript = self.server.script
        script.answers, script.caller_says = deque(answers), deque(hears or [])
        return script

    def talking(self, brief: CallBrief | None = None, **patience: Any) -> Talking:
        return Talking(self.brain(**patience), brief or a_brief())


class OpenAI(Provider):
    AGENT, TOLD, WRONG_KEY = "assistant", "system", "401"
    UNUSED = 1
    NONSENSE = (
        "no json", "[]", "{}", '{"type": 5}', '{"type": "never_heard_of"}', "null",
        '{"type": "response.output_audio.delta", "delta": 7}',
        '{"type": "response.output_audio.delta", "event_id": "e", "response_id": "r", "item_id": "i",'
        ' "output_index": 0, "content_index": 0, "delta": "AAAA"}',
        '{"type": "response.done"}',
        '{"type": "input_audio_buffer.committed", "event_id": "e", "item_id": "nobody\'s"}',
    )  # fmt: skip
    HUGE = '{"type": "' + "x" * 5_000_000 + '"}'

    def __init__(self) -> None:
        self.server = OpenAIRealtimeStandIn(api_key=KEY)

    def brain(self, key: str = KEY, **patience: Any) -> OpenAIRealtimeBrain:
        options = OpenAIRealtimeOptions(patience=replace(QUICK, **patience))
        return OpenAIRealtimeBrain(key, base_url=self.server.base_url, options=options)

    def texts(self, session: Any) -> list[tuple[str, str]]:
        return [(item.role, item.text) for item in session.items]

    def heard_ms(self, session: Any) -> list[float]:
        return [item.audio_ms for item in session.items if item.role == "user"]

    def is_set_up(self, session: Any) -> bool:
        return bool(session.settings)

    def check_cut(self, session: Any, heard: str) -> None:
        (cut,) = [item for item in session.items if item.truncated_ms is not None]
        # Within a word: the record counts one of which half was heard.
        assert len(heard.split()) * 300 == pytest.approx(cut.truncated_ms, abs=300)


class Gemini(Provider):
    AGENT, TOLD, WRONG_KEY = "model", "user", "API key not valid"
    UNUSED = 0
    NONSENSE = (
        "no json", "[]", "{}", "null", '{"neverHeardOf": {}}', '{"serverContent": 5}',
        '{"serverContent": {"interrupted": true}}', '{"serverContent": {"turnComplete": true}}',
        '{"toolCallCancellation": {"ids": ["nobody\'s"]}}',
    )  # fmt: skip
    HUGE = '{"goAway": {"timeLeft": "' + "9" * 5_000_000 + '"}}'

    def __init__(self) -> None:
        self.server = GeminiLiveStandIn(api_key=KEY)

    def brain(self, key: str = KEY, **patience: Any) -> GeminiLiveBrain:
        options = GeminiLiveOptions(patience=replace(QUICK, **patience))
        return GeminiLiveBrain(key, base_url=self.server.base_url, trust=self.server.trust, options=options)

    def texts(self, session: Any) -> list[tuple[str, str]]:
        return [(turn.role, turn.text) for turn in session.turns]

    def heard_ms(self, session: Any) -> list[float]:
        return [turn.audio_ms for turn in session.turns if turn.role == "user" and turn.audio_ms]

    def is_set_up(self, session: Any) -> bool:
        return session.setup is not None

    def check_cut(self, session: Any, heard: str) -> None:
        assert [text for _, text in self.texts(session) if f"«{heard}»" in text]


class Talking:
    """A conversation that is open for the length of a block."""

    def __init__(self, brain: Brain, brief: CallBrief) -> None:
        self._brain, self._brief, self._tools = brain, brief, Tools()

    async def __aenter__(self) -> tuple[Conversation, Tools]:
        self._conversation = self._brain.open(self._brief, self._tools)
        return self._conversation, self._tools

    async def __aexit__(self, *_: object) -> None:
        await self._conversation.close()
        await self._conversation.close()
        await let_go(self._brain)


@asynccontextmanager
async def serving(provider: Provider) -> AsyncIterator[Provider]:
    """Serve a provider while the block runs; behind it nothing is left."""
    async with provider.server, nothing_left():
        yield provider
        await until(lambda: provider.server.open_connections == 0)


async def let_go(brain: Brain) -> None:
    """Close a brain that has something of its own to close."""
    if isinstance(brain, GeminiLiveBrain):
        await brain.close()


async def failure_of(conversation: Conversation) -> str:
    """Return why a conversation cannot begin."""
    with pytest.raises(BrainFailed) as failed:
        await performed(conversation.begin())
    return str(failed.value)
