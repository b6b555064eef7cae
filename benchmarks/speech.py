"""How well does local speech understand itself over a telephone, and how fast is it?

Speaks every answer of the demo's dialogue with several voices, sends it through mu-law with random
gain, speed and line noise, and recognises it; then the agent's sentences by a person's ear, with
and without priors; then speech and noise that no grammar holds. Last line: one JSON object.

    python benchmarks/speech.py [rounds]
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
import warnings

import numpy as np

from trunkline.providers.local_speech import (
    EspeakTextToSpeech,
    SileroVoiceActivity,
    SphinxSpeechToText,
    WeightedGrammar,
    tuning,
)
from trunkline.providers.ports import Grammar, Transcript, Voice

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")
HOURS = ("nine", "ten", "eleven", "twelve", "one", "two", "three", "four")
ASIDES = ("don't call me again", "call me later", "who's calling", "wrong number")
QUESTIONS: dict[str, tuple[str, ...]] = {
    "weekday": tuple(f"{day} please" for day in DAYS),
    "hour": tuple(f"at {hour} o'clock" for hour in HOURS),
    "minutes": ("on the hour", "half past"),
    "yes_no": ("yes please", "that's right", "sure", "no thanks", "no thank you", "that's wrong"),
}
EAR = (
    "which day would suit you best",
    "what time would you like",
    "on the hour or half past",
    *(f"you said {day} is that right" for day in DAYS),
    *(f"you said {hour} o'clock is that right" for hour in HOURS),
)
FOREIGN = (
    "the weather has been lovely in the mountains",
    "my brother bought a new bicycle yesterday",
    "we had roast chicken for dinner",
    "can you speak up i cannot hear you",
    "i really could not tell you about that",
    "banana",
)


class Line:
    """Both speech ports with a telephone line between them."""

    def __init__(self, seed: int) -> None:
        self.tts = EspeakTextToSpeech()
        self.stt = SphinxSpeechToText(helpers=2)
        self._random = random.Random(seed)
        self._noise = np.random.default_rng(seed)
        self.decode_ms: list[float] = []

    def carry(self, pcm: bytes) -> bytes:
        """Random gain and silence, noise of -60 dB on every other call, mu-law."""
        samples = np.frombuffer(pcm, "<i2") * (0.6 * 10 ** (self._random.uniform(-6, 6) / 20))
        lead, tail = (self._random.randint(800, 2_800) for _ in range(2))
        samples = np.concatenate([np.zeros(lead), samples, np.zeros(tail)])
        samples += self._noise.normal(0, self._random.choice((0.0, 32.0)), len(samples))
        whole = np.clip(samples, -32768, 32767).astype("<i2").tobytes()
        return audioop.ulaw2lin(audioop.lin2ulaw(whole, 2), 2)

    async def speak(self, text: str, voice: str) -> bytes:
        speed = round(tuning.WORDS_PER_MINUTE * self._random.uniform(0.92, 1.08))
        return b"".join([pcm async for pcm in self.tts.speak(text, Voice("en-US", voice, speed))])

    async def hear(self, pcm: bytes, grammar: Grammar) -> Transcript:
        utterance = self.stt.open(language="en-US", grammar=grammar)
        utterance.feed(self.carry(pcm))
        begun = time.perf_counter()
        heard = await utterance.finish()
        self.decode_ms.append((time.perf_counter() - begun) * 1000)
        return heard


async def measure(rounds: int) -> dict[str, float]:
    """Return all figures, as shares of one unless the name says otherwise."""
    line = Line(seed=7)
    figures: dict[str, float] = {}
    right_confidence: list[float] = []
    wrong_confidence: list[float] = []
    asked_again: list[bool] = []
    await line.stt.warm_up()
    for question, answers in QUESTIONS.items():
        grammar = Grammar(answers + ASIDES)
        right = wrong = trials = 0
        for answer in answers * rounds:
            for voice in tuning.PERSON_VOICES:
                pcm = await line.speak(answer, voice)
                heard = await line.hear(pcm, grammar)
                trials += 1
                right += heard.text == answer
                if heard.text == answer:
                    right_confidence.append(heard.confidence)
                elif heard.text:
                    wrong += 1
                    wrong_confidence.append(heard.confidence)
                    left = Grammar(tuple(phrase for phrase in grammar.phrases if phrase != heard.text))
                    again = await line.hear(await line.speak(answer, voice), left)
                    asked_again.append(again.text == answer)
        figures[f"{question}_right"] = right / trials
        figures[f"{question}_wrong"] = wrong / trials
    figures["recovered_when_denied"] = float(np.mean(asked_again)) if asked_again else 1.0
    figures["denied"] = len(asked_again)
    figures["confidence_right_5th_percentile"] = float(np.percentile(right_confidence, 5))
    figures["confidence_wrong_median"] = float(np.median(wrong_confidence)) if wrong_confidence else 0.0

    for name, favour in (("ear", 1.0), ("ear_with_priors", 5.0)):
        hits = []
        for sentence in EAR * rounds:
            weights = tuple(favour if phrase == sentence else 1.0 for phrase in EAR)
            heard = await line.hear(
                await line.speak(sentence, tuning.AGENT_VOICE), WeightedGrammar(EAR, weights)
            )
            hits.append(heard.text == sentence)
        figures[f"{name}_right"] = float(np.mean(hits))

    figures.update(await measure_refusals(line))
    figures["recognition_ms_median"] = float(np.median(line.decode_ms))
    figures["recognition_ms_p99"] = float(np.percentile(line.decode_ms, 99))

    first = []
    for _ in range(50):
        begun = time.perf_counter()
        speech = line.tts.speak("Hello, this is the clinic. Is this a good time?", Voice("en-US"))
        await anext(speech)
        first.append((time.perf_counter() - begun) * 1000)
        await speech.aclose()
    figures["first_audio_ms_median"] = float(np.median(first))
    vad = SileroVoiceActivity()
    begun = time.perf_counter()
    for _ in range(1_000):
        vad.probability(bytes(512))
    figures["vad_window_us"] = (time.perf_counter() - begun) * 1000
    await line.tts.close()
    await line.stt.close()
    return figures


async def measure_refusals(line: Line) -> dict[str, float]:
    """Return how much of what no grammar holds is taken for an answer all the same."""
    figures: dict[str, float] = {}
    grammars = [Grammar(answers + ASIDES) for answers in QUESTIONS.values()]
    accepted = [
        bool((await line.hear(await line.speak(text, voice), grammar)).text)
        for text in FOREIGN
        for voice in tuning.PERSON_VOICES
        for grammar in grammars
    ]
    figures["foreign_speech_accepted"] = float(np.mean(accepted))
    noises = [
        np.random.default_rng(seed).normal(0, level, 16_000)
        for seed in range(3)
        for level in (0, 30, 300, 3_000)
    ]
    tones = [3_000 * np.sin(2 * np.pi * hertz * np.arange(16_000) / 8_000) for hertz in (350, 440, 1_000)]
    accepted = [
        bool((await line.hear(sound.astype("<i2").tobytes(), grammar)).text)
        for sound in (*noises, *tones)
        for grammar in grammars
    ]
    figures["noise_and_tones_accepted"] = float(np.mean(accepted))
    return figures


if __name__ == "__main__":
    chosen = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    print(json.dumps({name: round(value, 4) for name, value in asyncio.run(measure(chosen)).items()}))
