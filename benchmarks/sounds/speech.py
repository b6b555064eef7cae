"""Voices by espeak-ng: people who interrupt, people who only listen, and the agent who goes on.

Speech is made once and kept in a folder, since a corpus asks for the same sentences again.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sounds.noises import Samples
from trunkline.providers.local_speech import EspeakTextToSpeech
from trunkline.providers.ports import Voice

_ENGLISH = (
    "Stop.",
    "Wait a moment please.",
    "No, not on Monday.",
    "Sorry, can I ask you something?",
    "Hold on, I have a question.",
    "Excuse me, who is this?",
    "That is not what I meant.",
    "Actually, I would rather come on Friday.",
    "Hello? Can you hear me?",
    "I am not interested, thank you.",
    "Let me stop you right there.",
    "What does it cost?",
    "Please call me back tomorrow.",
    "Yes, that would be great.",
    "My number has changed.",
    "How long will that take?",
    "Could you say that again?",
    "Never mind, I will do it online.",
    "One more thing before you go.",
    "Um, I think there is a mistake.",
)
_HEBREW = (
    "רגע, רגע בבקשה.",
    "סליחה, יש לי שאלה.",
    "לא, זה לא מתאים לי.",
    "תעצור שנייה.",
    "אפשר לדבר עם נציג?",
    "כמה זה עולה?",
    "מי זה מדבר?",
    "אני לא מעוניין, תודה.",
    "אפשר ביום שלישי?",
    "תתקשרו אליי מחר.",
    "הלו? שומעים אותי?",
    "כן, זה מצוין.",
)
_VOICES = ("", "+m1", "+m3", "+m4", "+m5", "+m7", "+f1", "+f2", "+f3", "+f4", "+klatt", "+klatt2", "+klatt4")
_ACCENTS = ("en-us", "en", "en-gb-scotland", "en-gb-x-rp")
# Only what espeak utters and does not spell: "mhm" would be three letters' names.
_LISTENER = ("uh huh", "uh-huh", "hmm", "humm", "uh", "aha", "מממ", "הממ", "אַהַה", "אֶהְמ")

AGENT_TEXT = (
    "Thank you for calling Oak Dental. I can book an appointment, change one that you have, or answer a "
    "question about our opening hours. We are open from Sunday to Thursday, between eight in the morning and "
    "six in the evening, and on Fridays until noon. Before we begin, may I ask for your name, and what it is "
    "that we can do for you today? If you would rather speak with a person, just tell me so at any time."
)


@dataclass(frozen=True)
class Line:
    """One sentence in one voice."""

    text: str
    voice: str
    words_per_minute: int


def interrupting(rng: np.random.Generator) -> Line:
    """Choose what a person says over the agent."""
    hebrew = rng.random() < 0.35
    text = str(rng.choice(_HEBREW if hebrew else _ENGLISH))
    accent = "he" if hebrew else str(rng.choice(_ACCENTS))
    return Line(text, accent + str(rng.choice(_VOICES)), int(rng.integers(120, 200)))


def listening(rng: np.random.Generator) -> Line:
    """Choose what a person says who only listens."""
    text = str(rng.choice(_LISTENER))
    accent = "he" if text >= "א" else str(rng.choice(_ACCENTS))
    return Line(text, accent + str(rng.choice(_VOICES)), int(rng.integers(110, 170)))


AGENT = Line(AGENT_TEXT, "en-us+klatt3", 150)


def spoken(lines: Iterable[Line], folder: Path) -> dict[Line, Samples]:
    """Return the samples of every line, 16-bit steps at 8 kHz, making what the folder does not have."""
    wanted = set(lines)
    folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(_make([line for line in wanted if not _file(line, folder).is_file()], folder))
    return {
        line: np.frombuffer(_file(line, folder).read_bytes(), "<i2").astype(np.float64) for line in wanted
    }


async def _make(lines: list[Line], folder: Path) -> None:
    tts = EspeakTextToSpeech()
    for line in lines:
        voice = Voice("en", line.voice, line.words_per_minute)
        _file(line, folder).write_bytes(b"".join([pcm async for pcm in tts.speak(line.text, voice)]))
    await tts.close()


def _file(line: Line, folder: Path) -> Path:
    name = hashlib.sha256(f"{line.voice} {line.words_per_minute} {line.text}".encode()).hexdigest()[:24]
    return folder / f"{name}.pcm"
