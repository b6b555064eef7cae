"""Where an interrupted reply ends in the transcript, against when each word really sounded."""

from __future__ import annotations

import base64
import json
import random
import subprocess
import sys
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from media_stubs import Call, FakeCarrier, StubBrain, StubStt, StubTts, goodbye
from virtual_time import run

from trunkline.kit.audio import FRAME_BYTES
from trunkline.media import EventKind, SessionOptions
from trunkline.providers.ports import Listen, Say, Voice

_REPLIES = {
    "en-us+klatt3": (
        ("Thank you for calling.", "I can book an appointment for you, or change one that you already have."),
        ("We are open from Sunday to Thursday, between eight in the morning and six in the evening.",),
        ("The cleaning takes forty minutes.", "It costs two hundred and fifty shekels.", "Shall I book it?"),
        ("On Tuesday I have half past nine, a quarter to eleven, and three o'clock in the afternoon.",),
        ("Unfortunately nothing is free on that day.", "Would Wednesday morning suit you instead?"),
    ),
    "he": (
        ("תודה שהתקשרתם למרפאה.", "אפשר לקבוע תור חדש או לשנות תור קיים."),
        ("אנחנו פתוחים מיום ראשון עד יום חמישי, בין שמונה בבוקר לשש בערב.",),
    ),
}
_OPTIONS = SessionOptions()
_PAUSE_BYTES = _OPTIONS.sentence_pause_ms * 16


class Spoken:
    """One reply: its sentences' sound, and when each of its words begins in what is sent."""

    def __init__(self, voice: str, sentences: tuple[str, ...]) -> None:
        self.sentences = sentences
        asked = json.dumps([[voice, sentence] for sentence in sentences])
        program = Path(__file__).with_name("espeak_words.py")
        ran = subprocess.run(
            [sys.executable, program], input=asked, capture_output=True, text=True, check=True, timeout=120
        )
        self.pcm: dict[str, bytes] = {}
        self.begins: list[float] = []
        sent = 0
        for sentence, answer in zip(sentences, json.loads(ran.stdout), strict=True):
            self.pcm[sentence] = base64.b64decode(answer["pcm"])
            before = _PAUSE_BYTES if sent else 0
            length_s = len(self.pcm[sentence]) / 16_000
            self.begins += [(sent + before) / 16_000 + at for at in _filled(answer["words"], length_s)]
            sent += -(-(before + len(self.pcm[sentence])) // FRAME_BYTES) * FRAME_BYTES
        self.length_s = sent / 16_000
        self.words = " ".join(sentences).split()
        assert len(self.begins) == len(self.words)
        assert all(earlier < later for earlier, later in pairwise(self.begins)), self.begins

    def reached(self, played_s: float) -> float:
        """Return the place in the words, with the share of the word that was cut, after this much sound."""
        ends = [*self.begins[1:], self.length_s]
        for number, (begin, end) in enumerate(zip(self.begins, ends, strict=True)):
            if played_s < end:
                return number + max(0.0, played_s - begin) / (end - begin)
        return float(len(self.words))


def _filled(begins: list[float], length_s: float) -> list[float]:
    """Put words that espeak speaks as one ("for you") evenly between those whose beginning is known."""
    filled: list[float] = []
    for number, begin in enumerate(begins):
        if begin >= 0:
            filled.append(begin)
            continue
        rest = begins[number:]
        ahead = next((count for count, later in enumerate(rest) if later >= 0), len(rest))
        until = rest[ahead] if ahead < len(rest) else length_s
        filled.append(filled[-1] + (until - filled[-1]) / (ahead + 1))
    return filled


class Tape(StubTts):
    def __init__(self, pcm: dict[str, bytes]) -> None:
        super().__init__(delay_s=0.01)
        self.pcm = pcm

    async def speak(self, text: str, _voice: Voice) -> AsyncIterator[bytes]:
        pcm = self.pcm.get(text, bytes(3_200))
        for at in range(0, len(pcm), 3_200):
            yield pcm[at : at + 3_200]


class PlayingCarrier(FakeCarrier):
    """Knows how much it had played when `clear` came; drops the marks behind it, or echoes them."""

    def __init__(self, *, drops_marks: bool) -> None:
        super().__init__()
        self.drops_marks = drops_marks
        self.played_s: float | None = None
        self._sent_s = 0.0

    async def send_text(self, text: str) -> None:
        event = json.loads(text)["event"]
        if event == "clear" and self.played_s is None:
            self.played_s = self._sent_s - max(0.0, self.plays_until - self.now())
            if self.drops_marks:
                for timer in self.pending.values():
                    timer.cancel()
                self.pending.clear()
        await super().send_text(text)
        if event == "media":
            self._sent_s += 0.02


@pytest.fixture(scope="module")
def replies() -> list[Spoken]:
    return [Spoken(voice, reply) for voice, several in _REPLIES.items() for reply in several]


@pytest.mark.parametrize("drops_marks", [True, False], ids=["marks dropped", "marks echoed"])
def test_the_transcript_ends_within_a_word_of_where_the_sound_was_cut(
    replies: list[Spoken], drops_marks: bool
) -> None:
    chance = random.Random(5)
    errors: list[float] = []
    for number in range(50):
        spoken = replies[number % len(replies)]
        said: Any = [Say(sentence) for sentence in spoken.sentences]
        carrier = PlayingCarrier(drops_marks=drops_marks)
        call = Call(
            StubBrain([*said, Listen(None, digits=1)], goodbye()),
            tts=Tape(spoken.pcm), carrier=carrier, stt=StubStt(),
        )  # fmt: skip
        at_s = chance.uniform(0.3, spoken.length_s - 0.1)
        run(call.run((at_s, lambda carrier=carrier: carrier.put("dtmf", dtmf={"digit": "1"}))))
        told = call.told(EventKind.AGENT_SAID)[0]
        assert told["interrupted"]
        assert carrier.played_s is not None
        heard = told["heard_text"].split()
        assert heard == spoken.words[: len(heard)]
        errors.append(len(heard) - spoken.reached(carrier.played_s))
    worst = max(errors, key=abs)
    assert abs(worst) <= 1.0, (worst, sorted(round(error, 2) for error in errors))
