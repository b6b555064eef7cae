"""What of a model's own voice and ears is kept has a bound, whatever the provider sends."""

from __future__ import annotations

import pytest
from media_stubs import voice

from trunkline.providers.own_voice import LiveSpeech, LiveUtterance
from trunkline.providers.ports import SpeechFailed


class NoEars:
    """Takes an utterance and does nothing with it."""

    def more(self, utterance: LiveUtterance, pcm: bytes) -> None: ...

    def finished(self, utterance: LiveUtterance) -> None: ...

    def dropped(self, utterance: LiveUtterance) -> None: ...


async def test_a_speech_without_end_fails_after_two_minutes() -> None:
    speech = LiveSpeech()
    second = voice(1000)
    for _ in range(300):
        speech.add(second)
    heard = [await anext(speech) for _ in range(120)]
    assert heard == [second] * 120
    with pytest.raises(SpeechFailed, match="does not stop"):
        await anext(speech)
    assert not speech.is_whole


async def test_the_sound_of_a_turn_that_nobody_could_write_down_is_let_go() -> None:
    utterance = LiveUtterance(NoEars())
    utterance.feed(voice(600))
    transcript = await utterance.finish()
    assert transcript.later is not None
    utterance.fail("no")
    assert not utterance.pcm
    with pytest.raises(SpeechFailed, match="no"):
        await transcript.later()
