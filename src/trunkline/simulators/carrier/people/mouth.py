"""A person's voice: text to telephone audio, made once per sentence and voice and then kept."""

from __future__ import annotations

from collections import OrderedDict

from trunkline.kit.audio import pcm_to_ulaw
from trunkline.providers.ports import TextToSpeech, Voice
from trunkline.providers.twilio.wire import MULAW_SILENCE
from trunkline.simulators.carrier.line_noise import over_line

_KEPT = 500
_LOUDNESS = 0.45
"""Of what synthesis yields: a telephone's level, at which recognition was measured to err least."""


class Mouth:
    """Shared by all people of a carrier. With `muted`, every sentence is silence of its own length."""

    def __init__(self, tts: TextToSpeech, *, muted: bool, loudness: float = _LOUDNESS) -> None:
        self.muted = muted
        self._loudness = loudness
        self._tts = tts
        self._kept: OrderedDict[tuple[str, Voice], bytes] = OrderedDict()

    async def utter(self, text: str, voice: Voice) -> bytes:
        """Return the sentence as mu-law. Raises SpeechFailed."""
        key = (text, voice)
        audio = self._kept.get(key)
        if audio is None:
            pcm = b"".join([piece async for piece in self._tts.speak(text, voice)])
            audio = pcm_to_ulaw(over_line(pcm, self._loudness))
            self._kept[key] = audio
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return bytes([MULAW_SILENCE]) * len(audio) if self.muted else audio
