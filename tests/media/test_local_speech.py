"""Local speech through its ports: what is spoken is understood, and nothing is left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import warnings
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from trunkline.kit.resample import resample
from trunkline.providers.local_speech import (
    EspeakTextToSpeech,
    LocalSpeechUnavailable,
    SileroVoiceActivity,
    SphinxSpeechToText,
    WeightedGrammar,
    requirements,
    tuning,
)
from trunkline.providers.ports import Grammar, SpeechFailed, Voice

with warnings.catch_warnings():
    # audioop leaves the standard library in 3.13, where audioop-lts takes its name.
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")
HOURS = ("nine", "ten", "eleven", "twelve", "one", "two", "three", "four")
AGENT = Voice("en-US")


@pytest.fixture
async def tts() -> AsyncIterator[EspeakTextToSpeech]:
    speech = EspeakTextToSpeech()
    yield speech
    await speech.close()


@pytest.fixture
async def stt() -> AsyncIterator[SphinxSpeechToText]:
    speech = SphinxSpeechToText(helpers=1)
    yield speech
    await speech.close()


async def spoken(tts: EspeakTextToSpeech, text: str, voice: Voice = AGENT) -> bytes:
    return b"".join([piece async for piece in tts.speak(text, voice)])


def over_the_line(pcm: bytes, gain: float = 0.6) -> bytes:
    silence = bytes(16 * 200)
    louder = audioop.mul(silence + pcm + silence, 2, gain)
    return audioop.ulaw2lin(audioop.lin2ulaw(louder, 2), 2)


async def understood(stt: SphinxSpeechToText, pcm: bytes, grammar: Grammar | None) -> str:
    utterance = stt.open(language="en-US", grammar=grammar)
    for start in range(0, len(pcm), 320):
        utterance.feed(pcm[start : start + 320])
    return (await utterance.finish()).text


def children(module: str) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            mine = f"\nPPid:\t{os.getpid()}\n" in (entry / "status").read_text()
            if mine and module in (entry / "cmdline").read_text():
                found.append(int(entry.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


@pytest.mark.parametrize(
    ("phrases", "least"),
    [
        (tuple(f"{day} please" for day in DAYS), 0.9),
        (tuple(f"at {hour} o'clock" for hour in HOURS), 0.9),
        (("yes please", "that's right", "no thanks", "no thank you", "don't call me again"), 0.95),
        (("on the hour", "half past"), 0.9),
    ],
)
async def test_what_is_said_over_the_telephone_is_understood(
    tts: EspeakTextToSpeech, stt: SphinxSpeechToText, phrases: tuple[str, ...], least: float
) -> None:
    right = trials = 0
    for name in (tuning.AGENT_VOICE, *tuning.PERSON_VOICES[:2]):
        for speed, gain in ((145, 0.4), (160, 1.0)):
            for phrase in phrases:
                pcm = over_the_line(await spoken(tts, phrase, Voice("en-US", name, speed)), gain)
                right += await understood(stt, pcm, Grammar(phrases)) == phrase
                trials += 1
    assert right / trials >= least


async def test_what_is_said_in_place_of_an_answer_is_not_taken_for_one(
    tts: EspeakTextToSpeech, stt: SphinxSpeechToText
) -> None:
    """Also what is among nobody's decoys; and the answers themselves are still heard."""
    grammar = Grammar(("yes", "sure", "no", "no thank you", "don't call me again"))
    foreign = ("please repeat that", "could you say that again", "hello", "what did you say", "banana")
    right = taken = 0
    voices = [Voice("en-US", name) for name in tuning.PERSON_VOICES]
    for voice in voices:
        for phrase in grammar.phrases:
            right += await understood(stt, over_the_line(await spoken(tts, phrase, voice)), grammar) == phrase
        for phrase in foreign:
            taken += bool(await understood(stt, over_the_line(await spoken(tts, phrase, voice)), grammar))
    assert right >= 0.95 * len(voices) * len(grammar.phrases)
    assert taken <= 0.05 * len(voices) * len(foreign)


async def test_the_agent_is_understood_by_ear_alone(tts: EspeakTextToSpeech, stt: SphinxSpeechToText) -> None:
    sentences = (
        "hello this is the clinic calling",
        "which day would suit you best",
        "what time would you like",
        *(f"you said {day} is that right" for day in DAYS),
        *(f"you said {hour} o'clock is that right" for hour in HOURS),
    )
    for sentence in sentences:
        assert (
            await understood(stt, over_the_line(await spoken(tts, sentence)), Grammar(sentences)) == sentence
        )


async def test_speech_and_noise_outside_the_grammar_are_refused(
    tts: EspeakTextToSpeech, stt: SphinxSpeechToText
) -> None:
    grammar = Grammar((*(f"{day} please" for day in DAYS), "no thank you", "call me later", "wrong number"))
    foreign = [
        "the weather has been lovely in the mountains",
        "my brother bought a new bicycle yesterday",
        "we had roast chicken for dinner",
        "i really could not tell you about that",
    ]
    heard = [
        await understood(stt, over_the_line(await spoken(tts, text, Voice("en-US", name))), grammar)
        for text in foreign
        for name in (tuning.AGENT_VOICE, *tuning.PERSON_VOICES)
    ]
    assert heard.count("") / len(heard) >= 0.8
    noise = np.random.default_rng(1).normal(0, 300, 16_000).astype("<i2").tobytes()
    assert await understood(stt, over_the_line(noise), grammar) == ""
    assert await understood(stt, bytes(32_000), grammar) == ""
    assert await understood(stt, b"", grammar) == ""


async def test_without_a_grammar_nothing_is_heard_and_english_is_the_only_language(
    tts: EspeakTextToSpeech, stt: SphinxSpeechToText
) -> None:
    assert await understood(stt, await spoken(tts, "yes please"), None) == ""
    with pytest.raises(ValueError, match="English only"):
        stt.open(language="de", grammar=None)


async def test_a_phrase_with_an_unknown_word_does_not_spoil_the_others(
    tts: EspeakTextToSpeech, stt: SphinxSpeechToText
) -> None:
    grammar = Grammar(("xqzzt please", "wednesday please", "no; <evil>"))
    assert await understood(stt, over_the_line(await spoken(tts, "wednesday please")), grammar) == (
        "wednesday please"
    )
    assert await understood(stt, over_the_line(await spoken(tts, "yes")), Grammar(("xqzzt",))) == ""


async def test_weights_decide_what_the_sound_does_not(
    tts: EspeakTextToSpeech, stt: SphinxSpeechToText
) -> None:
    # Two words of one sound: only the weight can tell them apart.
    pcm = over_the_line(await spoken(tts, "over there"))
    for wanted, weights in (("over there", (9.0, 0.1)), ("over their", (0.1, 9.0))):
        grammar = WeightedGrammar(("over there", "over their"), weights)
        assert await understood(stt, pcm, grammar) == wanted
    with pytest.raises(ValueError, match="one weight"):
        WeightedGrammar(("yes",), ())


async def test_several_calls_speak_at_once(tts: EspeakTextToSpeech) -> None:
    texts = [f"This is caller number {number}. It speaks two sentences." for number in range(8)]
    together = await asyncio.gather(*(spoken(tts, text) for text in texts))
    alone = [await spoken(tts, text) for text in texts]
    assert [len(pcm) for pcm in together] == [len(pcm) for pcm in alone]
    assert min(len(pcm) for pcm in together) > 16 * 1_500


async def test_an_early_close_leaves_the_helper_in_order(tts: EspeakTextToSpeech) -> None:
    expected = await spoken(tts, "yes please")
    speech = tts.speak("A long sentence that nobody hears out. And another one.", AGENT)
    assert len(await anext(speech)) % 2 == 0
    await speech.aclose()  # type: ignore[attr-defined]
    abandoned = asyncio.create_task(spoken(tts, "A long sentence again. " * 5))
    await asyncio.sleep(0)
    abandoned.cancel()
    with pytest.raises(asyncio.CancelledError):
        await abandoned
    assert len(await spoken(tts, "yes please")) == len(expected)
    assert len(children("espeak_helper")) == 1


async def test_a_helper_that_is_killed_fails_one_sentence_and_not_the_next(tts: EspeakTextToSpeech) -> None:
    long_sentence = "one two three four five six seven eight nine ten " * 5
    await spoken(tts, "yes")
    [helper] = children("espeak_helper")
    os.kill(helper, signal.SIGSTOP)
    speaking = asyncio.create_task(spoken(tts, long_sentence))
    await asyncio.sleep(0.3)
    os.kill(helper, signal.SIGKILL)
    with pytest.raises(SpeechFailed):
        await speaking
    assert await spoken(tts, "yes")
    assert children("espeak_helper") != [helper]


async def test_a_recogniser_killed_while_it_decodes_fails_that_utterance_only(
    tts: EspeakTextToSpeech, stt: SphinxSpeechToText
) -> None:
    grammar = Grammar(("yes please", "no thank you"))
    pcm = over_the_line(await spoken(tts, "yes please"))
    await stt.warm_up()
    [helper] = children("sphinx_helper")
    os.kill(helper, signal.SIGSTOP)
    listening = asyncio.create_task(understood(stt, pcm, grammar))
    await asyncio.sleep(0.3)
    os.kill(helper, signal.SIGKILL)
    with pytest.raises(SpeechFailed):
        await listening
    assert await understood(stt, pcm, grammar) == "yes please"


async def test_a_cancelled_utterance_is_forgotten(stt: SphinxSpeechToText) -> None:
    utterance = stt.open(language="en", grammar=Grammar(("yes",)))
    utterance.feed(bytes(320))
    utterance.cancel()
    utterance.cancel()
    utterance.feed(bytes(320))
    with pytest.raises(SpeechFailed):
        await utterance.finish()


async def test_closing_ends_every_helper_even_one_at_work() -> None:
    tts, stt = EspeakTextToSpeech(), SphinxSpeechToText()
    await spoken(tts, "hello")
    await stt.warm_up()
    starting = asyncio.create_task(spoken(tts, "a sentence that is cut off by the close"))
    await asyncio.sleep(0)
    await tts.close()
    await stt.close()
    with pytest.raises((SpeechFailed, asyncio.CancelledError)):
        await starting
    assert children("_helper") == []
    with pytest.raises(SpeechFailed):
        await spoken(tts, "too late")


async def test_the_gpl_library_stays_out_of_our_process(tts: EspeakTextToSpeech) -> None:
    await spoken(tts, "hello")
    assert "libespeak-ng" not in Path("/proc/self/maps").read_text()
    [helper] = children("espeak_helper")
    assert "libespeak-ng" in Path(f"/proc/{helper}/maps").read_text()


async def test_voices_of_other_languages_and_none_at_all(tts: EspeakTextToSpeech) -> None:
    assert len(await spoken(tts, "guten Tag", Voice("de-DE"))) > 16 * 300
    with pytest.raises(SpeechFailed, match="no voice"):
        await spoken(tts, "hello", Voice("xx-YY"))
    assert await spoken(tts, " \n ") == b""


async def test_voice_activity_tells_speech_from_silence_tone_and_noise(tts: EspeakTextToSpeech) -> None:
    def most(pcm: bytes) -> tuple[float, float]:
        vad = SileroVoiceActivity()
        size = vad.window_samples * 2
        seen = [vad.probability(pcm[i : i + size]) for i in range(0, len(pcm) - size + 1, size)]
        return max(seen), sum(p > 0.5 for p in seen) / len(seen)

    speech = over_the_line(await spoken(tts, "hello this is the clinic calling about your visit"))
    assert most(speech)[1] > 0.5
    time = np.arange(16_000) / 8_000
    tone = (8_000 * np.sin(2 * np.pi * 440 * time)).astype("<i2").tobytes()
    noise = np.random.default_rng(1).normal(0, 500, 16_000).astype("<i2").tobytes()
    for quiet in (bytes(32_000), tone, noise):
        assert most(over_the_line(quiet))[1] < 0.05
    with pytest.raises(ValueError, match="256 samples"):
        SileroVoiceActivity().probability(bytes(10))


async def test_windows_of_many_calls_are_judged_together_as_each_alone(tts: EspeakTextToSpeech) -> None:
    sentences = ("hello this is the clinic", "could you call me later please", "no thank you goodbye")
    sound = [over_the_line(await spoken(tts, sentence))[: 60 * 512] for sentence in sentences]
    windows = [[pcm[i : i + 512] for i in range(0, len(pcm) - 511, 512)] for pcm in sound]
    alone = []
    for call in windows:
        vad = SileroVoiceActivity()
        alone.append([vad.probability(window) for window in call])

    together: list[list[float]] = [[] for _ in windows]
    calls = [SileroVoiceActivity() for _ in windows]
    for number in range(0, max(map(len, windows)), 3):
        # A clump of three, as after a hiccup of the network: each needs the state that the one before left.
        for vad, call, found in zip(calls, windows, together, strict=True):
            for window in call[number : number + 3]:
                vad.judge(window, found.append)
        async with asyncio.timeout(30):
            while any(
                len(found) < len(call[: number + 3]) for call, found in zip(windows, together, strict=True)
            ):
                await asyncio.sleep(0.002)
    for one, many in zip(alone, together, strict=True):
        assert len(one) == len(many)
        assert many == pytest.approx(one, abs=1e-4)
    assert max(map(max, alone)) > 0.9
    with pytest.raises(ValueError, match="256 samples"):
        calls[0].judge(bytes(10), together[0].append)


async def test_one_call_that_breaks_does_not_keep_its_answer_from_the_others() -> None:
    broken, sound, found = SileroVoiceActivity(), SileroVoiceActivity(), []
    complaints: list[str] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _, told: complaints.append(str(told["exception"]))
    )

    def breaks(_probability: float) -> None:
        raise LookupError("of one call")

    broken.judge(bytes(512), breaks)
    broken.judge(bytes(512), breaks)
    sound.judge(bytes(512), found.append)
    async with asyncio.timeout(30):
        while not found or broken.waiting:
            await asyncio.sleep(0.002)
    assert complaints == ["of one call", "of one call"]


def test_resampling_keeps_the_telephone_band_and_drops_the_rest() -> None:
    def level(hertz: int) -> float:
        wave = (10_000 * np.sin(2 * np.pi * hertz * np.arange(22_050) / 22_050)).astype("<i2").tobytes()
        kept = np.frombuffer(resample(wave, 22_050, 8_000), "<i2")[500:-500].astype(float)
        return float(20 * np.log10(kept.std() / (10_000 / np.sqrt(2)) + 1e-9))

    assert abs(level(300)) < 0.1
    assert abs(level(3_000)) < 0.1
    assert level(4_300) < -50
    assert level(7_000) < -60
    assert len(resample(bytes(2 * 22_050), 22_050, 8_000)) == 16_000


def test_missing_packages_are_named_with_their_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements.importlib.util, "find_spec", lambda _name: None)
    for build in (EspeakTextToSpeech, SphinxSpeechToText):
        with pytest.raises(LocalSpeechUnavailable, match=r"pip install 'trunkline\[local-speech\]'"):
            build()
