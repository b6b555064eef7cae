"""Chains of providers, against real stand-ins over sockets: takeover in an utterance and in a sentence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from support.speech import ENGLISH, close_early, feed, heard, nothing_left, spoken, until
from trunkline.kit.audio import level
from trunkline.providers.deepgram import DeepgramSpeechToText
from trunkline.providers.elevenlabs import ElevenLabsTextToSpeech
from trunkline.providers.openai_audio import OpenAiSpeechToText, OpenAiTextToSpeech
from trunkline.providers.ports import Grammar, SpeechFailed, SpeechToText, Utterance, Voice
from trunkline.providers.speech_chain import (
    AudioCache,
    CachedTextToSpeech,
    Cooling,
    FallbackSpeechToText,
    FallbackTextToSpeech,
    LevelledTextToSpeech,
)
from trunkline.providers.speech_chain.words import letters, words_left
from trunkline.simulators import deepgram, elevenlabs, openai_audio
from trunkline.simulators.speech_plans import Fault, Hearing, Sentence, Turn, Voicing

TEXT = "Good morning, this is the clinic, your appointment is on Monday at ten."


@dataclass
class House:
    """Two recognisers and two voices in chains, with the plans of each."""

    stt: FallbackSpeechToText
    tts: FallbackTextToSpeech
    first_ear: Hearing
    second_ear: Hearing
    first_mouth: Voicing
    second_mouth: Voicing
    failures: list[tuple[str, str, str]]


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with nothing_left(), AsyncExitStack() as stack:
        first_mouth, second_mouth = Voicing(ms_per_letter=71), Voicing(ms_per_letter=71, amplitude=3_000)
        socket = await stack.enter_async_context(deepgram.serving())
        http = await stack.enter_async_context(openai_audio.serving(voicing=second_mouth))
        eleven = await stack.enter_async_context(elevenlabs.serving(voicing=first_mouth))
        failures: list[tuple[str, str, str]] = []

        def told(name: str, reason: str, taken_over_by: str) -> None:
            failures.append((name, reason, taken_over_by))

        stt = FallbackSpeechToText(
            {
                "deepgram": DeepgramSpeechToText(api_key="key", base_url=socket.base_url, finish_s=1.0),
                "openai": OpenAiSpeechToText(api_key="key", base_url=http.base_url, wait_s=1.0),
            },
            patience_s=2.0,
            on_failure=told,
        )
        tts = FallbackTextToSpeech(
            {
                "elevenlabs": ElevenLabsTextToSpeech(api_key="key", base_url=eleven.base_url, voice="Ann"),
                "openai": OpenAiTextToSpeech(api_key="key", base_url=http.base_url),
            },
            patience_s=0.5,
            on_failure=told,
        )
        yield House(stt, tts, socket.hearing, http.hearing, first_mouth, second_mouth, failures)
        await stt.close()
        await tts.close()
        await until(lambda: socket.hearing.live == 0)


# --- Hearing -----------------------------------------------------------------------------


async def test_the_first_recogniser_is_asked_and_the_second_left_alone(house: House) -> None:
    assert (await heard(house.stt)).text == "600"
    assert house.second_ear.asked == []


async def test_the_next_takes_over_in_the_middle_of_an_utterance(house: House) -> None:
    house.first_ear.plan(Turn(fault=Fault.REFUSE))
    house.second_ear.plan(Turn("all of it"))
    utterance = house.stt.open(language="en", grammar=Grammar(("yes",)))
    feed(utterance, 300)
    await asyncio.sleep(0)
    while not house.failures:
        feed(utterance, 20)
        await asyncio.sleep(0.01)
    feed(utterance, 300)
    assert (await utterance.finish()).text == "all of it"
    assert house.second_ear.heard_ms[0] > 600, "what was said before the failure is heard as well"
    assert house.second_ear.asked[0]["prompt"] == "yes"
    utterance.cancel()


async def test_one_that_stalls_is_replaced_at_the_end_and_then_left_alone(house: House) -> None:
    house.first_ear.plan(Turn(fault=Fault.STALL))
    assert (await heard(house.stt)).text == "600"
    assert house.second_ear.heard_ms == [600]
    assert [(name, after) for name, _, after in house.failures] == [("deepgram", "openai")]
    await heard(house.stt)
    assert house.second_ear.heard_ms == [600, 600], "it is left alone while it cools"
    assert house.first_ear.connections == 1


async def test_where_all_fail_the_last_reason_is_said(house: House) -> None:
    house.first_ear.plan(Turn(fault=Fault.REFUSE))
    house.second_ear.plan(Turn(fault=Fault.ERROR))
    with pytest.raises(SpeechFailed, match="openai: the transcription was refused: 500"):
        await heard(house.stt)
    assert [(name, after) for name, _, after in house.failures] == [("deepgram", "openai"), ("openai", "")]
    assert (await heard(house.stt)).text == "600", "whoever cools is asked all the same where nobody is well"


async def test_what_was_known_stays_known_while_another_begins(house: House) -> None:
    house.first_ear.plan(
        Turn(interim=("I would",), fault=Fault.CLOSE, after_ms=200), Turn(fault=Fault.CLOSE, after_ms=0)
    )
    utterance = house.stt.open(language="en", grammar=None)
    feed(utterance, 120)
    await until(lambda: utterance.text_so_far == "I would")
    while not house.failures:
        feed(utterance, 40)
        await asyncio.sleep(0.01)
    assert utterance.text_so_far == "I would"
    utterance.cancel()
    with pytest.raises(SpeechFailed):
        await utterance.finish()
    assert house.second_ear.asked == [], "a cancelled utterance asks nobody"


async def test_a_language_is_heard_by_whoever_has_it(house: House) -> None:
    class EnglishOnly:
        def open(self, *, language: str, grammar: Grammar | None) -> Utterance:
            raise ValueError("English only")

        async def close(self) -> None:
            """Nothing is held."""

    deaf: SpeechToText = EnglishOnly()
    chain = FallbackSpeechToText({"deaf": deaf, "house": house.stt})
    assert (await heard(chain, language="he")).text == "600"
    with pytest.raises(ValueError, match="English only"):
        FallbackSpeechToText({"deaf": deaf}).open(language="he", grammar=None)


# --- Speaking ----------------------------------------------------------------------------


async def test_a_voice_that_is_refused_is_replaced_before_anything_is_heard(house: House) -> None:
    house.first_mouth.plan(Sentence(Fault.REFUSE))
    pcm = await spoken(house.tts, TEXT)
    assert [asked["input"] for asked in house.second_mouth.asked] == [TEXT]
    assert abs(len(pcm) / 16 - 71 * len(TEXT)) < 5


@pytest.mark.parametrize("fault", [Fault.CLOSE, Fault.STALL])
async def test_the_next_voice_goes_on_with_the_words_that_were_not_spoken(house: House, fault: Fault) -> None:
    house.first_mouth.plan(Sentence(fault, after_ms=2_400))
    pcm = await spoken(house.tts, TEXT)
    [asked] = house.second_mouth.asked
    said, rest = TEXT[: -len(asked["input"])], asked["input"]
    assert TEXT.endswith(rest)
    # 2,400 ms at 71 ms a letter, pauses counted: some thirty letters.
    assert 20 <= len(said) <= 38
    assert abs(len(pcm) / 16 - 2_400 - 71 * len(rest)) < 30
    assert [(name, after) for name, _, after in house.failures] == [("elevenlabs", "openai")]


async def test_a_voice_that_breaks_off_behind_the_last_word_has_said_it_all(house: House) -> None:
    house.first_mouth.plan(Sentence(Fault.CLOSE, after_ms=71 * 14))
    await spoken(house.tts, "Good morning!")
    assert house.second_mouth.asked == []


async def test_each_voice_is_called_by_its_own_name(house: House) -> None:
    voice = Voice("en", "Bea", names={"openai": "coral"})
    house.first_mouth.plan(Sentence(Fault.ERROR))
    await spoken(house.tts, TEXT, voice)
    assert house.first_mouth.asked[0]["voice_id"] == "Bea"
    assert house.second_mouth.asked[0]["voice"] == "coral"
    house.tts._cooling.worked("elevenlabs")
    await spoken(house.tts, TEXT, Voice("en", "ash", provider="openai"))
    assert house.second_mouth.asked[1]["voice"] == "ash", "an agent may ask for another of the house's voices"
    house.second_mouth.plan(Sentence(Fault.ERROR))
    await spoken(house.tts, TEXT, Voice("en", "ash", provider="openai"))
    assert house.first_mouth.asked[1]["voice_id"] == "Ann", "a name goes to its own provider alone"


async def test_where_every_voice_fails_it_is_said(house: House) -> None:
    house.first_mouth.plan(Sentence(Fault.ERROR))
    house.second_mouth.plan(Sentence(Fault.REFUSE))
    with pytest.raises(SpeechFailed, match="openai: the voice refused: 401"):
        await spoken(house.tts, TEXT)


async def test_closing_early_ends_the_voice_behind_the_chain(house: House) -> None:
    house.first_mouth.pace = 0.5
    speech = house.tts.speak(TEXT * 10, ENGLISH)
    await anext(speech)
    await close_early(speech)
    await until(lambda: house.first_mouth.cut == 1)
    assert house.failures == []


def test_words_that_are_left() -> None:
    text = "One two, three four."
    assert words_left(text, 0) == text
    assert words_left(text, 3.1) == text, "half a word is said again"
    assert words_left(text, 4) == "two, three four."
    assert words_left(text, 9.5) == "three four."
    assert words_left(text, letters(text)) == ""
    assert (letters(""), words_left("", 5)) == (0.0, "")


def test_whoever_failed_comes_last_until_they_have_cooled() -> None:
    cooling = Cooling(("a", "b", "c"), seconds=30)
    assert cooling.order(100) == ["a", "b", "c"]
    assert cooling.order(100, first="c") == ["c", "a", "b"]
    cooling.failed("a", 100)
    cooling.failed("b", 110)
    assert cooling.order(120) == ["c", "a", "b"]
    assert cooling.order(131) == ["a", "c", "b"]
    cooling.worked("b")
    assert cooling.order(131) == ["a", "b", "c"]
    with pytest.raises(ValueError, match="once"):
        Cooling(("a", "a"), seconds=1)


# --- What is kept ------------------------------------------------------------------------


async def test_what_was_said_once_is_at_hand(house: House) -> None:
    cache = AudioCache(1_000_000)
    tts = CachedTextToSpeech(house.tts, cache, provider="house")
    first = await spoken(tts, TEXT)
    assert await spoken(tts, TEXT) == first
    assert house.first_mouth.whole == 1
    await spoken(tts, TEXT, Voice("en", "Bea"))
    await spoken(tts, TEXT, Voice("en", words_per_minute=170))
    await spoken(tts, TEXT.upper())
    assert house.first_mouth.whole == 4, "another voice, pace or text is another sound"


async def test_half_a_sentence_is_not_kept(house: House) -> None:
    cache = AudioCache(1_000_000)
    tts = CachedTextToSpeech(house.tts, cache, provider="house")
    speech = tts.speak(TEXT, ENGLISH)
    await anext(speech)
    await close_early(speech)
    house.first_mouth.plan(Sentence(Fault.ERROR))
    house.second_mouth.plan(Sentence(Fault.ERROR))
    with pytest.raises(SpeechFailed):
        await spoken(tts, TEXT)
    assert cache.size == 0


def test_the_cache_has_bounds_and_keeps_what_is_asked_for() -> None:
    cache = AudioCache(10_000)
    cache.put(("greeting",), bytes(2_000))
    assert cache.get(("greeting",)) == bytes(2_000)
    for number in range(50):
        cache.put((number,), bytes(1_000))
        assert cache.size <= 10_000
    assert cache.get(("greeting",)) is not None, "a day's talk does not push out the greeting"
    assert cache.get((0,)) is None
    for number in range(100, 120):
        cache.put((number,), bytes(1_000))
        assert cache.get((number,)) is not None
    assert cache.size <= 10_000
    cache.put(("long",), bytes(3_000))
    assert cache.get(("long",)) is None, "what is larger than the room is not kept"


async def test_voices_of_a_house_are_equally_loud(house: House) -> None:
    house.first_mouth.amplitude, house.second_mouth.amplitude = 9_000, 2_000
    tts = LevelledTextToSpeech(house.tts)
    levels = {}
    for provider in ("elevenlabs", "openai"):
        for _ in range(3):
            pcm = await spoken(tts, TEXT, Voice("en", provider, provider=provider))
        levels[provider] = level(pcm[-16_000:])
    # They came 13 dB apart; either may stay 1.5 dB off the mark.
    assert 0.7 < levels["elevenlabs"] / levels["openai"] < 1.42
