"""Voices over HTTP, against servers that speak OpenAI's and ElevenLabs' protocols over real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import numpy as np
import pytest

from support.speech import ENGLISH, close_early, nothing_left, spoken, until
from trunkline.providers.elevenlabs import ElevenLabsTextToSpeech
from trunkline.providers.openai_audio import OpenAiTextToSpeech
from trunkline.providers.ports import SpeechFailed, TextToSpeech, Voice
from trunkline.simulators import elevenlabs, openai_audio
from trunkline.simulators.speech_plans import Fault, Sentence, Voicing

pytestmark = pytest.mark.hasty

TEXT = "Good morning, this is the clinic."

Build = Callable[[str], TextToSpeech]

OPENAI: Build = lambda url: OpenAiTextToSpeech(api_key="key", base_url=url, wait_s=2)  # noqa: E731
ELEVEN: dict[str, Build] = {
    form: (
        lambda url, form=form: ElevenLabsTextToSpeech(
            api_key="key", base_url=url, voice="Ann", output_format=form, wait_s=2
        )
    )
    for form in ("ulaw_8000", "pcm_16000", "pcm_24000")
}


@pytest.fixture(params=["openai", *ELEVEN])
async def voice(request: pytest.FixtureRequest) -> AsyncIterator[tuple[TextToSpeech, Voicing]]:
    plan = Voicing()
    async with nothing_left():
        if request.param == "openai":
            async with openai_audio.serving(voicing=plan) as api:
                tts = OPENAI(api.base_url)
                yield tts, plan
                await tts.close()
        else:
            async with elevenlabs.serving(voicing=plan) as other:
                tts = ELEVEN[request.param](other.base_url)
                yield tts, plan
                await tts.close()


async def test_a_sentence_is_spoken_at_the_telephones_rate(voice: tuple[TextToSpeech, Voicing]) -> None:
    tts, plan = voice
    pcm = await spoken(tts, TEXT)
    assert abs(len(pcm) / 16 - len(TEXT) * plan.ms_per_letter) <= 1
    samples = np.frombuffer(pcm, "<i2").astype(float)
    loudest = np.argmax(np.abs(np.fft.rfft(samples))) * 8_000 / len(samples)
    assert abs(loudest - 300) < 2, "the tone has kept its pitch"
    assert abs(samples[800:-800].std() / (plan.amplitude / np.sqrt(2)) - 1) < 0.03
    assert plan.whole == 1


async def test_sound_comes_before_the_sentence_is_finished(voice: tuple[TextToSpeech, Voicing]) -> None:
    tts, plan = voice
    plan.plan(Sentence(Fault.STALL, after_ms=400))
    came = bytearray()

    async def listen() -> None:
        async for pcm in tts.speak(TEXT, ENGLISH):
            came.extend(pcm)

    with pytest.raises(SpeechFailed):
        await listen()
    assert 390 < len(came) / 16 <= 400


async def test_closing_early_drops_the_request(voice: tuple[TextToSpeech, Voicing]) -> None:
    tts, plan = voice
    plan.pace = 0.5
    speech = tts.speak(TEXT * 20, ENGLISH)
    assert await anext(speech)
    await close_early(speech)
    await until(lambda: plan.cut == 1)
    assert plan.whole == 0


@pytest.mark.parametrize(
    ("fault", "after_ms", "reason"),
    [
        (Fault.REFUSE, 0, "401"),
        (Fault.ERROR, 0, "500"),
        (Fault.STALL, 0, "ReadTimeout"),
        (Fault.CLOSE, 0, "broke off"),
        (Fault.CLOSE, 600, "broke off"),
        (Fault.STALL, 600, "ReadTimeout"),
        (Fault.NONSENSE, 0, "not with sound"),
        (Fault.HUGE, 0, "does not stop"),
    ],
)
async def test_what_goes_wrong_is_said_and_the_next_sentence_is_spoken(
    voice: tuple[TextToSpeech, Voicing], fault: Fault, after_ms: int, reason: str
) -> None:
    tts, plan = voice
    plan.plan(Sentence(fault, after_ms))
    with pytest.raises(SpeechFailed, match=reason):
        await spoken(tts, TEXT)
    assert len(await spoken(tts, TEXT)) > 16 * 1_000


async def test_what_openai_is_asked_for() -> None:
    async with openai_audio.serving() as api:
        tts = OPENAI(api.base_url)
        await spoken(tts, "Yes.", Voice("he", "coral", words_per_minute=180))
        await spoken(tts, "Yes.")
        await tts.close()
        first, second = api.voicing.asked
    assert first == {
        "model": "gpt-4o-mini-tts", "input": "Yes.", "voice": "coral", "response_format": "pcm", "speed": 1.2,
    }  # fmt: skip
    assert (second["voice"], "speed" in second) == ("alloy", False)


async def test_what_elevenlabs_is_asked_for() -> None:
    async with elevenlabs.serving() as api:
        tts = ElevenLabsTextToSpeech(api_key="key", base_url=api.base_url)
        await spoken(tts, "כן.", Voice("he-IL", "a b?c", words_per_minute=300))
        with pytest.raises(SpeechFailed, match="ELEVENLABS_VOICE"):
            await spoken(tts, "Yes.")
        await tts.close()
        [asked] = api.voicing.asked
    assert asked["voice_id"] == "a b?c"
    assert (asked["language_code"], asked["output_format"]) == ("he", "ulaw_8000")
    assert (asked["text"], asked["voice_settings"]) == ("כן.", {"speed": 1.2})
    with pytest.raises(ValueError, match="mp3_44100_128"):
        ElevenLabsTextToSpeech(api_key="key", output_format="mp3_44100_128")


async def test_a_key_that_is_wrong_is_named_and_nobody_there_is_too() -> None:
    async with openai_audio.serving() as api:
        tts = OpenAiTextToSpeech(api_key="other", base_url=api.base_url)
        with pytest.raises(SpeechFailed, match="401 Incorrect API key"):
            await spoken(tts, TEXT)
        await tts.close()
        gone = api.base_url
    tts = OpenAiTextToSpeech(api_key="key", base_url=gone)
    with pytest.raises(SpeechFailed, match="gave no answer"):
        await spoken(tts, TEXT)
    await tts.close()
