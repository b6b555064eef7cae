"""Google's speech, against services that speak its gRPC over a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from support.speech import ENGLISH, close_early, feed, heard, nothing_left, spoken, until
from trunkline.core.provider_failures import Kind, kind_of
from trunkline.providers.google_speech import GoogleSpeechToText, GoogleTextToSpeech, google_credentials
from trunkline.providers.ports import Grammar, SpeechFailed, Transcript, Voice
from trunkline.simulators import google_speech
from trunkline.simulators.google_speech import RunningGoogle
from trunkline.simulators.speech_plans import Fault, Hearing, Sentence, Turn, Voicing

Ears = tuple[GoogleSpeechToText, Hearing]
TEXT = "Good morning, this is the clinic."


@pytest.fixture
async def google() -> AsyncIterator[RunningGoogle]:
    async with nothing_left(), google_speech.serving() as service:
        yield service


@pytest.fixture
async def ears(google: RunningGoogle) -> AsyncIterator[Ears]:
    stt = GoogleSpeechToText(project="clinic", endpoint=google.endpoint, finish_s=1.0)
    yield stt, google.hearing
    await stt.close()
    await until(lambda: google.hearing.live == 0)


async def test_an_utterance_is_heard_while_it_is_spoken(ears: Ears) -> None:
    stt, plan = ears
    plan.plan(Turn("I would like to come on Monday.", interim=("I would", "I would like to")))
    utterance = stt.open(language="en", grammar=None)
    feed(utterance, 120)
    await until(lambda: utterance.text_so_far == "I would")
    feed(utterance, 120)
    await until(lambda: utterance.text_so_far == "I would like to")
    feed(utterance, 900)
    assert await utterance.finish() == Transcript("I would like to come on Monday.", pytest.approx(0.9))
    assert plan.heard_ms == [1_140], "every millisecond arrives"


async def test_what_google_is_asked_for(ears: Ears) -> None:
    stt, plan = ears
    utterance = stt.open(language="he", grammar=Grammar(("כן", "x" * 101, "לא")))
    feed(utterance, 100)
    await utterance.finish()
    assert plan.asked == [
        {
            "recognizer": "projects/clinic/locations/global/recognizers/_",
            "model": "telephony",
            "languages": ["iw-IL"],
            "encoding": "MULAW",
            "rate": 8_000,
            "interim": True,
            "hints": ["כן", "לא"],
        }
    ]


@pytest.mark.parametrize(("batch_ms", "least_ms"), [(20, 20), (30, 40), (100, 100)])
async def test_sound_goes_out_in_batches(google: RunningGoogle, batch_ms: int, least_ms: int) -> None:
    stt = GoogleSpeechToText(project="clinic", endpoint=google.endpoint, batch_ms=batch_ms)
    utterance = stt.open(language="en", grammar=None)
    for number in range(1, 52):
        feed(utterance, 20)
        await until(lambda sent=number * 20 - least_ms: sum(google.hearing.pieces_ms) > sent)
    await utterance.finish()
    *batches, rest = google.hearing.pieces_ms
    assert set(batches) == {least_ms}
    assert 0 < rest <= least_ms
    assert google.hearing.heard_ms == [1_020]
    await stt.close()


async def test_a_long_utterance_outlives_googles_limit_and_loses_nothing() -> None:
    async with google_speech.serving(stream_limit_ms=1_000) as service:
        stt = GoogleSpeechToText(project="clinic", endpoint=service.endpoint)
        service.hearing.plan(Turn("first"), Turn("second"), Turn("third {ms}"))
        utterance = stt.open(language="en", grammar=None)
        for _ in range(23):
            feed(utterance, 100)
            await asyncio.sleep(0.01)
        await until(lambda: service.hearing.connections == 3)
        transcript = await utterance.finish()
        [last_ms] = service.hearing.heard_ms
        assert transcript.text == f"first second third {last_ms}"
        await stt.close()


async def test_a_stream_is_replaced_before_it_is_too_old(google: RunningGoogle) -> None:
    stt = GoogleSpeechToText(project="clinic", endpoint=google.endpoint, stream_s=0.1)
    utterance = stt.open(language="en", grammar=None)
    while google.hearing.connections < 3:
        feed(utterance, 20)
        await asyncio.sleep(0.01)
    fed_ms = utterance._tape.ends_ms + len(utterance._batch) / 8
    transcript = await utterance.finish()
    assert sum(google.hearing.heard_ms) == fed_ms, "no sound is lost between two streams, none is given twice"
    assert transcript.text == " ".join(str(ms) for ms in google.hearing.heard_ms if ms)
    await stt.close()


async def test_a_stream_that_breaks_is_taken_up_by_another(ears: Ears) -> None:
    stt, plan = ears
    plan.plan(Turn(fault=Fault.CLOSE, after_ms=300), Turn("whole"))
    utterance = stt.open(language="en", grammar=None)
    feed(utterance, 400)
    await until(lambda: plan.connections == 2)
    feed(utterance, 200)
    assert (await utterance.finish()).text == "whole"
    assert plan.heard_ms == [600]


@pytest.mark.parametrize("after_ms", [0, 300])
async def test_a_stream_that_ends_early_is_taken_up_by_another_and_counted(
    google: RunningGoogle, after_ms: int
) -> None:
    """With nothing told on it, no sound of it is lost; what was told is not heard twice."""
    why: list[str] = []
    stt = GoogleSpeechToText(project="clinic", endpoint=google.endpoint, on_reconnect=why.append)
    google.hearing.plan(Turn("first", fault=Fault.END, after_ms=after_ms), Turn("rest"))
    utterance = stt.open(language="en", grammar=None)
    for _ in range(20):
        feed(utterance, 40)
        await asyncio.sleep(0.01)
    await until(lambda: google.hearing.connections == 2)
    transcript = await utterance.finish()
    assert transcript.text == ("first rest" if after_ms else "rest")
    assert [kind_of(one) for one in why] == [Kind.BROKEN]
    (heard_ms,) = google.hearing.heard_ms
    assert heard_ms == 800 if not after_ms else 0 < heard_ms <= 500
    await stt.close()


async def test_streams_that_end_with_words_each_time_go_on_and_those_with_none_do_not(
    google: RunningGoogle,
) -> None:
    why: list[str] = []
    stt = GoogleSpeechToText(project="clinic", endpoint=google.endpoint, on_reconnect=why.append)
    google.hearing.plan(*(Turn("word", fault=Fault.END, after_ms=80) for _ in range(5)))
    google.hearing.plan(*(Turn(fault=Fault.END) for _ in range(50)))
    utterance = stt.open(language="en", grammar=None)
    async with asyncio.timeout(30):
        while not utterance.failure:
            feed(utterance, 40)
            await asyncio.sleep(0.01)
    assert utterance.text_so_far == " ".join(["word"] * 5)
    # The fifth that ended with a word is the first of three in a row; the third is the end.
    assert google.hearing.connections == 7
    assert len(why) == 6
    with pytest.raises(SpeechFailed, match="closed"):
        await utterance.finish()
    await stt.close()


@pytest.mark.parametrize(
    ("fault", "times", "reason"),
    [
        (Fault.REFUSE, 1, "PERMISSION_DENIED"),
        (Fault.ERROR, 1, "RESOURCE_EXHAUSTED Quota"),
        (Fault.CLOSE, 3, "UNAVAILABLE"),
        (Fault.HUGE, 1, "no speech"),
    ],
)
async def test_what_goes_wrong_is_said_and_the_next_is_heard(
    ears: Ears, fault: Fault, times: int, reason: str
) -> None:
    stt, plan = ears
    plan.plan(*(Turn(fault=fault) for _ in range(times)))
    utterance = stt.open(language="en", grammar=None)
    feed(utterance, 600)
    await until(lambda: utterance.failure)
    with pytest.raises(SpeechFailed, match=reason):
        await utterance.finish()
    utterance.cancel()
    assert (await heard(stt)).text == "600"


async def test_a_stall_ends_in_time(ears: Ears) -> None:
    stt, plan = ears
    plan.plan(Turn(fault=Fault.STALL, after_ms=100))
    with pytest.raises(SpeechFailed, match="no last words"):
        await heard(stt)
    assert (await heard(stt)).text == "600"


async def test_an_interim_result_that_comes_too_late_changes_nothing(ears: Ears) -> None:
    stt, plan = ears
    plan.plan(Turn("right", fault=Fault.REORDERED))
    assert (await heard(stt)).text == "right"


async def test_a_cancelled_utterance_cancels_its_stream(ears: Ears) -> None:
    stt, plan = ears
    utterance = stt.open(language="en", grammar=None)
    feed(utterance, 200)
    await until(lambda: plan.live == 1)
    utterance.cancel()
    utterance.cancel()
    await until(lambda: plan.live == 0)
    with pytest.raises(SpeechFailed):
        await utterance.finish()


async def test_many_calls_share_one_connection(ears: Ears) -> None:
    stt, plan = ears
    await asyncio.gather(*(heard(stt, 200 + 20 * number) for number in range(20)))
    assert sorted(plan.heard_ms) == [200 + 20 * number for number in range(20)]


def test_credentials_that_are_none_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "key.json"
    file.write_text("{}")
    with pytest.raises(ValueError, match="takes no credentials"):
        google_credentials(file)


# --- The voice ---------------------------------------------------------------------------


@pytest.fixture(params=["Aoede", "en-US-Wavenet-A"])
async def mouth(
    google: RunningGoogle, request: pytest.FixtureRequest
) -> AsyncIterator[tuple[GoogleTextToSpeech, Voicing]]:
    tts = GoogleTextToSpeech(voice=request.param, endpoint=google.endpoint, wait_s=0.5)
    yield tts, google.voicing
    await tts.close()


async def test_a_sentence_is_spoken_at_the_telephones_rate(mouth: tuple[GoogleTextToSpeech, Voicing]) -> None:
    tts, plan = mouth
    pcm = await spoken(tts, TEXT)
    assert abs(len(pcm) / 16 - len(TEXT) * plan.ms_per_letter) <= 1
    samples = np.frombuffer(pcm, "<i2").astype(float)
    assert abs(np.argmax(np.abs(np.fft.rfft(samples))) * 8_000 / len(samples) - 300) < 2


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault.REFUSE, "UNAUTHENTICATED"),
        (Fault.ERROR, "INTERNAL"),
        (Fault.STALL, "no sound"),
        (Fault.CLOSE, "UNAVAILABLE"),
    ],
)
async def test_a_voice_that_fails_says_why(
    mouth: tuple[GoogleTextToSpeech, Voicing], fault: Fault, reason: str
) -> None:
    tts, plan = mouth
    plan.plan(Sentence(fault, after_ms=0))
    with pytest.raises(SpeechFailed, match=reason):
        await spoken(tts, TEXT)
    assert await spoken(tts, TEXT)


async def test_names_paces_and_ways(google: RunningGoogle) -> None:
    tts = GoogleTextToSpeech(endpoint=google.endpoint)
    await spoken(tts, "כן", Voice("he", words_per_minute=180))
    await spoken(tts, "Yes", Voice("en-gb", "en-GB-Wavenet-B"))
    await tts.close()
    first, second = google.voicing.asked
    assert (first["name"], first["language"], first["rate"], first["way"]) == (
        "he-IL-Chirp3-HD-Aoede", "he-IL", 1.2, "stream",
    )  # fmt: skip
    assert (second["name"], second["language"], second["way"]) == ("en-GB-Wavenet-B", "en-GB", "whole")


async def test_an_endless_voice_and_an_unreadable_one_are_stopped(google: RunningGoogle) -> None:
    tts = GoogleTextToSpeech(endpoint=google.endpoint)
    google.voicing.plan(Sentence(Fault.HUGE), Sentence(Fault.NONSENSE))
    with pytest.raises(SpeechFailed, match="does not stop"):
        await spoken(tts, TEXT)
    with pytest.raises(SpeechFailed, match="no sound"):
        await spoken(tts, TEXT, Voice("en", "en-US-Standard-A"))
    await tts.close()


async def test_closing_early_cancels_the_stream(google: RunningGoogle) -> None:
    tts = GoogleTextToSpeech(endpoint=google.endpoint)
    google.voicing.pace = 0.5
    speech = tts.speak(TEXT * 20, ENGLISH)
    assert await anext(speech)
    await close_early(speech)
    await until(lambda: google.voicing.cut == 1)
    await tts.close()
