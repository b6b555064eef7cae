"""Transcription by `POST /audio/transcriptions`, against a server that speaks it over a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from support.speech import feed, heard, nothing_left
from trunkline.providers.openai_audio import OpenAiSpeechToText
from trunkline.providers.ports import Grammar, SpeechFailed, Transcript
from trunkline.simulators import openai_audio
from trunkline.simulators.speech_plans import Fault, Hearing, Turn


@pytest.fixture
async def api() -> AsyncIterator[tuple[OpenAiSpeechToText, Hearing]]:
    async with nothing_left(), openai_audio.serving() as running:
        stt = OpenAiSpeechToText(api_key="key", base_url=running.base_url, wait_s=0.3)
        yield stt, running.hearing
        await stt.close()


async def test_an_utterance_and_its_hints(api: tuple[OpenAiSpeechToText, Hearing]) -> None:
    stt, plan = api
    plan.plan(Turn(" Yes, please. "))
    utterance = stt.open(language="he-IL", grammar=Grammar(("yes please", "no thank you")))
    feed(utterance, 620)
    assert utterance.text_so_far == ""
    assert await utterance.finish() == Transcript("Yes, please.", 1.0)
    assert plan.heard_ms == [620]
    assert plan.asked == [
        {
            "model": "gpt-4o-mini-transcribe",
            "response_format": "json",
            "language": "he",
            "prompt": "yes please, no thank you",
        }
    ]


async def test_what_is_too_short_to_be_a_word_is_not_sent(api: tuple[OpenAiSpeechToText, Hearing]) -> None:
    stt, plan = api
    assert await heard(stt, 60) == Transcript("", 0.0)
    assert plan.asked == []


async def test_what_is_too_long_is_bounded(api: tuple[OpenAiSpeechToText, Hearing]) -> None:
    stt, plan = api
    await heard(stt, 70_000)
    assert plan.heard_ms == [60_000]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault.REFUSE, "401"),
        (Fault.ERROR, "500 The server had an error"),
        (Fault.STALL, "ReadTimeout"),
        (Fault.NONSENSE, "cannot be read"),
        (Fault.HUGE, "cannot be read"),
    ],
)
async def test_what_goes_wrong_is_said_and_the_next_is_heard(
    api: tuple[OpenAiSpeechToText, Hearing], fault: Fault, reason: str
) -> None:
    stt, plan = api
    plan.plan(Turn("x", fault=fault))
    with pytest.raises(SpeechFailed, match=reason):
        await heard(stt)
    assert (await heard(stt)).text == "600"


async def test_a_cancelled_utterance_is_not_sent(api: tuple[OpenAiSpeechToText, Hearing]) -> None:
    stt, plan = api
    utterance = stt.open(language="en", grammar=None)
    feed(utterance, 500)
    utterance.cancel()
    utterance.cancel()
    with pytest.raises(SpeechFailed, match="cancelled"):
        await utterance.finish()
    assert plan.asked == []
