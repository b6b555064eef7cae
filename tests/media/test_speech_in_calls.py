"""Whole calls on cardboard lines with real providers behind them: the stand-ins, over sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from media_stubs import Call, FakeCarrier, StubBrain, ask, goodbye, voice

from support.speech import nothing_left, until
from trunkline.media import EventKind, SessionOptions
from trunkline.media.turns import TurnRules
from trunkline.providers.deepgram import DeepgramSpeechToText
from trunkline.providers.elevenlabs import ElevenLabsTextToSpeech
from trunkline.providers.google_speech import GoogleSpeechToText, GoogleTextToSpeech
from trunkline.providers.openai_audio import OpenAiSpeechToText, OpenAiTextToSpeech
from trunkline.providers.ports import Say, SpeechToText, TextToSpeech
from trunkline.providers.speech_chain import FallbackSpeechToText, FallbackTextToSpeech
from trunkline.simulators import deepgram, elevenlabs, google_speech, openai_audio
from trunkline.simulators.speech_plans import Fault, Hearing, Sentence, Turn, Voicing

pytestmark = pytest.mark.hasty

Providers = tuple[SpeechToText, TextToSpeech, Hearing, Voicing]


@asynccontextmanager
async def by_google() -> AsyncIterator[Providers]:
    async with google_speech.serving() as service:
        stt = GoogleSpeechToText(project="clinic", endpoint=service.endpoint)
        tts = GoogleTextToSpeech(endpoint=service.endpoint)
        yield stt, tts, service.hearing, service.voicing
        await stt.close()
        await tts.close()


@asynccontextmanager
async def by_deepgram_and_elevenlabs() -> AsyncIterator[Providers]:
    async with deepgram.serving() as ears, elevenlabs.serving() as mouth:
        stt = DeepgramSpeechToText(api_key="key", base_url=ears.base_url)
        tts = ElevenLabsTextToSpeech(api_key="key", base_url=mouth.base_url, voice="Ann")
        yield stt, tts, ears.hearing, mouth.voicing
        await stt.close()
        await tts.close()
        await until(lambda: ears.hearing.live == 0)


@asynccontextmanager
async def by_openai() -> AsyncIterator[Providers]:
    async with openai_audio.serving() as api:
        stt = OpenAiSpeechToText(api_key="key", base_url=api.base_url)
        tts = OpenAiTextToSpeech(api_key="key", base_url=api.base_url)
        yield stt, tts, api.hearing, api.voicing
        await stt.close()
        await tts.close()


@asynccontextmanager
async def by_chains() -> AsyncIterator[Providers]:
    """The first of each chain is broken; the call is held by the second."""
    async with by_deepgram_and_elevenlabs() as broken, by_openai() as well:
        broken[2].plan(*(Turn(fault=Fault.CLOSE, after_ms=100) for _ in range(4)))
        broken[3].plan(Sentence(Fault.ERROR))
        stt = FallbackSpeechToText({"deepgram": broken[0], "openai": well[0]})
        tts = FallbackTextToSpeech({"elevenlabs": broken[1], "openai": well[1]})
        yield stt, tts, well[2], well[3]


KINDS: dict[str, Callable[[], AbstractAsyncContextManager[Providers]]] = {
    "google": by_google,
    "deepgram and elevenlabs": by_deepgram_and_elevenlabs,
    "openai": by_openai,
    "chains": by_chains,
}


class RealCall(Call):
    """A call whose ears and voice are no stubs."""

    def __init__(self, brain: StubBrain, stt: SpeechToText, tts: TextToSpeech) -> None:
        super().__init__(
            brain, carrier=FakeCarrier(), options=SessionOptions(turns=TurnRules(), sentence_pause_ms=20)
        )
        self.stt = stt  # type: ignore[assignment]
        self.tts = tts  # type: ignore[assignment]

    def check_nothing_left(self) -> None:
        """The providers' own ends are looked at by `nothing_left`."""


@pytest.mark.parametrize("kind", list(KINDS))
async def test_a_call_is_held(kind: str) -> None:
    async with nothing_left(), KINDS[kind]() as (stt, tts, hearing, voicing):
        voicing.ms_per_letter = 30
        hearing.plan(Turn("I would like Monday.", interim=("I would",)))
        brain = StubBrain(ask("Hello there."), goodbye("Goodbye."))
        call = RealCall(brain, stt, tts)
        ended = await call.run((1.2, lambda: call.carrier.say(voice(700))))
    assert ended.data["reason"] == "done"
    assert [heard.text for heard in brain.heard] == ["I would like Monday."]
    said = [(event["text"], event["heard_text"]) for event in call.told(EventKind.AGENT_SAID)]
    assert said == [("Hello there.", "Hello there."), ("Goodbye.", "Goodbye.")]
    [heard_ms] = hearing.heard_ms
    assert 700 <= heard_ms < 2_500, "the whole utterance arrives, with what was before and behind it"


@pytest.mark.parametrize("kind", ["google", "deepgram and elevenlabs", "openai"])
async def test_hanging_up_in_the_middle_leaves_nothing_at_the_provider(kind: str) -> None:
    async with nothing_left(), KINDS[kind]() as (stt, tts, hearing, voicing):
        voicing.pace = 0.8
        brain = StubBrain([Say("A long sentence that nobody is going to hear to its end. " * 4)])
        call = RealCall(brain, stt, tts)
        await call.run((0.8, call.carrier.hang_up))
        await until(lambda: voicing.cut == 1)
        if kind == "google":
            await until(lambda: hearing.live == 0)
