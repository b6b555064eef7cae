"""Whoever waits in a call has more patience than those it waits for, as both are set out of the box."""

from __future__ import annotations

from media_stubs import Call, StubBrain, StubStt, StubTts, ask, goodbye, voice
from virtual_time import run

from trunkline.media import EventKind
from trunkline.providers.speech_chain import FallbackSpeechToText, FallbackTextToSpeech


class Voices(FallbackTextToSpeech):
    @property
    def running(self) -> int:
        return sum(mouth.running for mouth in self._mouths.values() if isinstance(mouth, StubTts))


class Recognisers(FallbackSpeechToText):
    @property
    def open_count(self) -> int:
        return sum(ear.open_count for ear in self._ears.values() if isinstance(ear, StubStt))


def test_the_third_voice_speaks_where_two_stall() -> None:
    mouths = {"a": StubTts(hangs=["Hello."]), "b": StubTts(hangs=["Hello."]), "c": StubTts(delay_s=0.7)}
    failures: list[tuple[str, str, str]] = []
    tts = Voices(mouths, on_failure=lambda *what: failures.append(what))
    call = Call(StubBrain(ask("Hello."), goodbye()), stt=StubStt(["yes"]), tts=tts)
    ended = run(call.run((6.0, lambda: call.carrier.say(voice(400)))))
    assert ended.data["reason"] == "done"
    assert call.told(EventKind.TROUBLE) == []
    assert [(name, after) for name, _, after in failures] == [("a", "b"), ("b", "c")]


def test_the_third_recogniser_hears_where_two_stall() -> None:
    ears = {
        "a": StubStt(["?"], delay_s=60),
        "b": StubStt(["?"], delay_s=60),
        "c": StubStt(["yes"], delay_s=1.0),
    }
    failures: list[tuple[str, str, str]] = []
    stt = Recognisers(ears, on_failure=lambda *what: failures.append(what))
    call = Call(StubBrain(ask("Hello."), goodbye()), stt=stt)
    run(call.run((2.0, lambda: call.carrier.say(voice(400)))))
    assert [heard.text for heard in call.brain.heard] == ["yes"]
    assert [(name, after) for name, _, after in failures] == [("a", "b"), ("b", "c")]
