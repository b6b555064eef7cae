"""Whole calls over a fake socket, in virtual time."""

from __future__ import annotations

import asyncio
import base64
import json
import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from media_stubs import (
    LETTER_MS,
    Call,
    FakeCarrier,
    LateVad,
    StubBrain,
    StubStt,
    StubTts,
    StubUtterance,
    ask,
    brief,
    goodbye,
    hum,
    silence,
    tone,
    voice,
)
from virtual_time import run

from trunkline.kit.audio import audioop, ulaw_to_pcm
from trunkline.media import CallEvent, EventKind, LiveSessions, NoStart, SessionOptions, TwilioStream
from trunkline.media.turns import TurnRules
from trunkline.media.watchdog import WatchRules
from trunkline.providers.ports import Grammar, HangUp, Heard, InputKind, Listen, Note, Say, ToolResult
from trunkline.providers.scripted import ScriptedBrain, ready_made


def test_a_whole_call_is_told_in_order() -> None:
    call = Call(
        StubBrain(ask("Hello there."), [Note("disposition", "booked"), *goodbye()]), stt=StubStt(["yes"])
    )
    ended = run(call.run((2.0, lambda: call.carrier.say(voice(400)))))
    assert ended.data["reason"] == "done"
    kinds = [event.kind.value for event in call.events if event.kind is not EventKind.LATENCY]
    assert kinds == ["started", "agent_said", "caller_said", "note", "agent_said", "ended"]
    assert call.brain.heard == [Heard(InputKind.SPEECH, "yes", 0.9)]
    said = call.told(EventKind.AGENT_SAID)
    assert [(s["text"], s["heard_text"], s["interrupted"]) for s in said] == [
        ("Hello there.", "Hello there.", False),
        ("Goodbye.", "Goodbye.", False),
    ]


@pytest.mark.parametrize("late_s", [0.008, 0.05])
def test_a_call_whose_windows_are_judged_late_goes_as_any_other(late_s: float) -> None:
    call = Call(
        StubBrain(ask("Hello there, how may I help you?"), goodbye()),
        stt=StubStt(["yes"]),
        vad=LateVad(late_s),
    )
    ended = run(call.run((1.0, lambda: call.carrier.say(voice(600)))))
    assert ended.data["reason"] == "done"
    assert ended.data["interruptions"] == 1
    assert call.brain.heard == [Heard(InputKind.SPEECH, "yes", 0.9)]


def test_windows_that_are_judged_after_the_end_are_nobodys() -> None:
    call = Call(StubBrain(ask("Hello.")), vad=LateVad(1.0))

    async def scene() -> CallEvent:
        # The caller speaks and is gone before the detector has said so.
        ended = await call.run((2.0, lambda: call.carrier.say(voice(600))), (2.5, call.carrier.hang_up))
        await asyncio.sleep(3)
        call.check_nothing_left()
        return ended

    ended = run(scene())
    assert ended.data["windows_judged"] > 10
    assert ended is call.events[-1]


def test_a_language_that_the_recogniser_does_not_have_can_be_keyed() -> None:
    class EnglishOnly(StubStt):
        def open(self, *, language: str, grammar: Grammar | None) -> StubUtterance:
            raise ValueError("English only")

    call = Call(StubBrain(ask("Hello.", 1), ask("Again?", 1), goodbye()), stt=EnglishOnly())
    ended = run(
        call.run(
            (2.0, lambda: call.carrier.say(voice(400))),
            (6.0, lambda: call.carrier.put("dtmf", dtmf={"track": "inbound_track", "digit": "1"})),
        )
    )
    assert ended.data["reason"] == "done"
    assert call.brain.heard == [Heard(InputKind.SPEECH, "", 0.0), Heard(InputKind.DIGITS, "1", 1.0)]


def test_the_goodbye_is_heard_out_before_the_socket_closes() -> None:
    call = Call(StubBrain(goodbye("A rather long goodbye to you.")))
    run(call.run())
    last_frame_played = call.carrier.plays_until
    assert call.carrier.closed_at is not None
    assert call.carrier.closed_at >= last_frame_played


@pytest.mark.parametrize("echo_marks", [True, False])
def test_a_mark_that_never_comes_back_delays_the_end_by_its_grace_only(echo_marks: bool) -> None:
    carrier = FakeCarrier(echo_marks=echo_marks)
    call = Call(StubBrain(goodbye()), carrier=carrier)
    run(call.run())
    assert carrier.closed_at is not None
    wait = carrier.closed_at - carrier.plays_until
    assert (wait < 0.1) if echo_marks else (0.9 < wait < 1.1)
    assert call.told(EventKind.AGENT_SAID)[0]["heard_text"] == "Goodbye."


def test_latency_is_measured_from_the_last_voiced_frame_to_the_wire() -> None:
    options = SessionOptions(turns=TurnRules(end_ms=700, end_short_ms=400))
    call = Call(StubBrain(ask("Hello."), goodbye(), delay_s=0.2), stt=StubStt(["yes"], 0.1), options=options)
    run(call.run((2.0, lambda: call.carrier.say(voice(500)))))
    greeting, reply = call.told(EventKind.LATENCY)
    assert 250 <= greeting["greeting_ms"] <= 260
    assert 400 <= reply["endpoint_ms"] <= 440
    assert reply["transcript_ms"] == pytest.approx(100, abs=1)
    assert reply["first_token_ms"] == pytest.approx(200, abs=1)
    assert reply["first_audio_ms"] == pytest.approx(50, abs=1)
    first_after = next(at for at in call.carrier.times("media") if at > 1002.5)
    assert reply["reply_ms"] == pytest.approx((first_after - 1002.5) * 1000, abs=40)
    parts = ("transcript_ms", "first_token_ms", "first_audio_ms", "on_the_wire_ms")
    assert reply["decided_to_wire_ms"] == pytest.approx(sum(reply[part] for part in parts), abs=1)


LONG = "One two three four five six seven eight nine ten."


def test_an_interruption_clears_the_wire_and_strikes_what_was_not_heard() -> None:
    call = Call(StubBrain(ask(LONG), goodbye()), stt=StubStt(["stop"]))
    run(call.run((1.5, lambda: call.carrier.say(voice(600)))))
    (cleared_at,) = call.carrier.times("clear")
    # 96 ms of voice that articulates, in windows of 32 ms, cut from frames of 20 ms.
    assert 1001.579 <= cleared_at <= 1001.7
    said = call.told(EventKind.AGENT_SAID)[0]
    assert said["interrupted"]
    assert said["text"] == LONG
    # 1.6 s of 2.94 s: the sixth word is in the air.
    assert said["heard_text"] == "One two three four five six"
    assert call.brain.cut_at == [said["heard_text"]]
    assert call.brain.heard[0].text == "stop"
    clear = next(data for data in call.told(EventKind.LATENCY) if "clear_ms" in data)
    assert clear["clear_ms"] <= 5
    resumed_at = next(at for at in call.carrier.times("media") if at > cleared_at)
    assert resumed_at - cleared_at > 0.5


def test_what_waits_for_the_voice_is_not_spoken_after_an_interruption() -> None:
    acts = [Say("First of all this."), Say("Then that."), Say("And finally more."), Listen(None)]
    call = Call(StubBrain(acts, goodbye()), stt=StubStt(["stop"]), tts=StubTts(delay_s=0.9))
    run(call.run((1.2, lambda: call.carrier.say(voice(600)))))
    assert "And finally more." not in call.tts.spoken
    (cleared_at,) = call.carrier.times("clear")
    assert not any(cleared_at < at < cleared_at + 1.0 for at in call.carrier.times("media"))


def test_turns_that_still_wait_for_an_answer_are_forgotten_at_the_end() -> None:
    call = Call(StubBrain(ask("Hello.")), stt=StubStt(["one", "two", "three"], delay_s=5.0))
    script = [(at, lambda: call.carrier.say(voice(400))) for at in (1.0, 2.5, 4.0)]
    run(call.run(*script, (5.5, call.carrier.hang_up)))
    assert len(call.stt.utterances) == 3
    assert call.brain.heard == []


def test_a_mark_flushed_by_our_clear_is_no_proof_of_playback() -> None:
    # All of it is on the wire already, its mark pending, when the caller speaks up near the end.
    text = "One two three four five six."
    call = Call(StubBrain(ask(text), goodbye()), stt=StubStt(["stop"]), options=SessionOptions(lead_s=1.0))
    run(call.run((1.0, lambda: call.carrier.say(voice(600)))))
    mark_sent, cleared = call.carrier.times("mark")[0], call.carrier.times("clear")[0]
    assert mark_sent < cleared
    assert call.told(EventKind.AGENT_SAID)[0]["heard_text"] == "One two three four"


@pytest.mark.parametrize("text", ["", "mm-hm", None])
def test_a_false_interruption_goes_on_from_the_word_that_was_cut(text: str | None) -> None:
    acts = [Say("First sentence here."), Say("Second sentence here, a long one."), Listen(None)]
    call = Call(StubBrain(acts, goodbye()), stt=StubStt([text, "yes"]))
    run(call.run((2.0, lambda: call.carrier.say(voice(300))), (8.0, lambda: call.carrier.say(voice(300)))))
    assert call.tts.spoken[:3] == ["First sentence here.", acts[1].text, "sentence here, a long one."]
    assert [heard.text for heard in call.brain.heard] == ["yes"]
    assert call.brain.cut_at == []
    said = call.told(EventKind.AGENT_SAID)
    assert sum("greeting_ms" in data for data in call.told(EventKind.LATENCY)) == 1
    assert (said[0]["interrupted"], said[1]["resumed"]) == (True, True)
    assert f"{said[0]['heard_text']} {said[1]['heard_text']}" == f"{acts[0].text} {acts[1].text}"


def test_a_short_noise_over_the_agent_changes_nothing() -> None:
    call = Call(StubBrain(ask(LONG), goodbye()), stt=StubStt(["yes"]))
    run(call.run((1.5, lambda: call.carrier.say(voice(90))), (5.0, lambda: call.carrier.say(voice(300)))))
    assert call.carrier.times("clear") == []
    assert not call.told(EventKind.AGENT_SAID)[0]["interrupted"]


def test_speech_during_the_goodbye_neither_interrupts_nor_crashes() -> None:
    call = Call(StubBrain(goodbye(LONG)))
    ended = run(call.run((1.0, lambda: call.carrier.say(voice(800)))))
    assert ended.data["reason"] == "done"
    assert call.carrier.times("clear") == []
    assert len(call.stt.utterances) == 1


@pytest.mark.parametrize(
    ("said", "goes_on"),
    [
        ("Wait, one more thing.", True),
        ("Okay, thank you, bye.", False),
        ("תודה, להתראות", False),
        ("", False),
    ],
)
def test_a_goodbye_that_is_talked_over_ends_the_call_unless_there_is_more_to_say(
    said: str, goes_on: bool
) -> None:
    brain = StubBrain(goodbye(LONG), [Say("What is it?"), Listen(None)], goodbye())
    call = Call(brain, stt=StubStt([said, "nothing"]))
    ended = run(
        call.run((2.0, lambda: call.carrier.say(voice(600))), (8.0, lambda: call.carrier.say(voice(400))))
    )
    # The goodbye itself is heard out in any case.
    assert call.told(EventKind.AGENT_SAID)[0]["heard_text"] == LONG
    assert [heard.text for heard in brain.heard] == ([said, "nothing"] if goes_on else [])
    assert ended.data["reason"] == "done"
    assert ended.data["turns"] == (3 if goes_on else 1)


def test_speech_that_begins_as_the_last_word_is_played_holds_the_line() -> None:
    brain = StubBrain(goodbye("Goodbye."), [Say("Yes?"), Listen(None)], goodbye())
    call = Call(brain, stt=StubStt(["hold on"], delay_s=2.0))
    # The goodbye plays from 0.06 to 0.54 s; the caller's turn ends after 1.5 s, its text comes at 3.5 s.
    run(call.run((0.3, lambda: call.carrier.say(voice(500))), (6.0, call.carrier.hang_up)))
    assert [heard.text for heard in brain.heard] == ["hold on"]


def test_a_brain_that_has_nothing_to_say_after_its_goodbye_ends_the_call_all_the_same() -> None:
    brain = StubBrain(goodbye(LONG), [])
    call = Call(brain, stt=StubStt(["wait a moment"]))
    ended = run(call.run((2.0, lambda: call.carrier.say(voice(600)))))
    assert (ended.data["reason"], len(brain.heard)) == ("done", 1)
    assert ended.data["duration_ms"] < 6_000


def test_what_is_said_to_a_call_that_has_lasted_too_long_does_not_prolong_it() -> None:
    options = SessionOptions(watch=WatchRules(longest_call_s=5.0), farewell=LONG)
    call = Call(StubBrain(ask("Hello.")), stt=StubStt(["wait a moment"]), options=options)
    ended = run(call.run((6.5, lambda: call.carrier.say(voice(600)))))
    assert ended.data["reason"] == "too_long"
    assert ended.data["frames_in"]["dropped"]["goodbye"] > 50
    assert call.stt.utterances == []


def test_a_listeners_hum_does_not_interrupt_and_a_long_one_does() -> None:
    call = Call(StubBrain(ask(LONG), goodbye()), stt=StubStt(["yes"]))
    run(call.run((1.0, lambda: call.carrier.say(hum(500))), (5.0, lambda: call.carrier.say(voice(300)))))
    assert call.carrier.times("clear") == []
    call = Call(StubBrain(ask(LONG), goodbye()), stt=StubStt(["yes"]))
    run(call.run((1.0, lambda: call.carrier.say(hum(1_500)))))
    (cleared_at,) = call.carrier.times("clear")
    assert 1001.75 <= cleared_at <= 1001.95


@pytest.mark.parametrize(("text", "interrupts"), [("mm-hm", False), ("no no listen", True)])
def test_words_over_the_agent_tell_what_the_sound_does_not(text: str, interrupts: bool) -> None:
    class Streaming(StubStt):
        def open(self, *, language: str, grammar: Grammar | None) -> StubUtterance:
            utterance = super().open(language=language, grammar=grammar)
            utterance.text_so_far = text
            return utterance

    call = Call(StubBrain(ask(LONG), goodbye()), stt=Streaming([text]))
    run(call.run((1.0, lambda: call.carrier.say(hum(600))), (6.0, call.carrier.hang_up)))
    assert len(call.carrier.times("clear")) == interrupts
    # It listened in time, and once.
    assert len(call.stt.utterances) == 1


def test_the_agents_own_voice_coming_back_does_not_interrupt_it() -> None:
    class Echoing(FakeCarrier):
        """Brings back what it plays, 200 ms later and half as loud: the stub detector hears a voice."""

        async def send_text(self, text: str) -> None:
            message = json.loads(text)
            if message["event"] == "media":
                begins_at = max(self.plays_until, self.now() + self.one_way_s)
                pcm = ulaw_to_pcm(base64.b64decode(message["media"]["payload"]))
                weaker = (np.frombuffer(pcm, "<i2") * 0.5).astype("<i2").tobytes()
                asyncio.get_running_loop().call_at(begins_at + 0.2, self.say, weaker)
            await super().send_text(text)

    for own in (b"", voice(800, 15_000)):
        call = Call(StubBrain(ask(LONG * 2), goodbye()), carrier=Echoing(), stt=StubStt(["stop"]))
        run(
            call.run(
                (3.0, lambda call=call, own=own: call.carrier.say_over(own)), (8.0, call.carrier.hang_up)
            )
        )
        assert len(call.carrier.times("clear")) == bool(own)
        assert len(call.brain.heard) == bool(own)


def test_nothing_that_the_agent_says_begins_while_the_caller_speaks() -> None:
    # The caller pauses, is answered too soon, and goes on before the answer sounds.
    brain = StubBrain(ask("Hello."), ask("The answer."), goodbye(), delay_s=0.5)
    call = Call(brain, stt=StubStt(["first", "second"]), options=SessionOptions(turns=TurnRules(end_ms=400)))
    caller = voice(500) + silence(700) + voice(2_000)
    run(call.run((2.0, lambda: call.carrier.say(caller))))
    assert [heard.text for heard in brain.heard] == ["first", "second"]
    assert "The answer." not in call.tts.spoken
    assert not any(1003.2 < at < 1005.2 for at in call.carrier.times("media"))


def test_a_filler_waits_until_the_caller_has_finished() -> None:
    class Filling(StubBrain):
        def next_acts(self) -> Any:
            return self.turns.pop(0)

    async def slow(_name: str, _arguments: Any) -> ToolResult:
        await asyncio.sleep(3)
        return ToolResult(ok=True, data={})

    brain = Filling(ask("Hello."), [Note("a", "b"), "book", Listen(None)], goodbye(), delay_s=0.5)
    call = Call(brain, stt=StubStt(["yes", "hurry"]), tool=slow)
    script = [(at, lambda ms=ms: call.carrier.say(voice(ms))) for at, ms in ((1.5, 300), (5.2, 1_500))]
    run(call.run(*script))
    # The tool ends at 6.1 s, in the middle of what the caller says.
    assert not any(1005.4 < at < 1006.7 for at in call.carrier.times("media"))


def test_a_model_of_turn_ends_shortens_and_lengthens_the_wait() -> None:
    class Model:
        def __init__(self, answer: float) -> None:
            self.answer = answer
            self.asked: list[int] = []

        async def over(self, pcm: bytes) -> float:
            self.asked.append(len(pcm) // 16)
            await asyncio.sleep(0.05)
            return self.answer

    waits = []
    for answer in (0.95, 0.5, 0.05):
        model = Model(answer)
        options = SessionOptions(end_of_turn=model)
        brain = StubBrain([Say("Hello."), Listen(None)], goodbye())
        call = Call(brain, stt=StubStt(["I would"]), options=options)
        run(call.run((2.0, lambda call=call: call.carrier.say(voice(600)))))
        waits += [data["endpoint_ms"] for data in call.told(EventKind.LATENCY) if "endpoint_ms" in data]
        # Once, with the turn and a little before it.
        assert len(model.asked) == 1
        assert 800 <= model.asked[0] <= 1_400
    assert [round(wait, -2) for wait in waits] == [500, 700, 1400]


def test_the_recogniser_gets_the_preroll_and_the_grammar() -> None:
    call = Call(StubBrain(ask("Hello."), goodbye()), stt=StubStt(["yes"]))
    run(call.run((2.0, lambda: call.carrier.say(voice(500)))))
    (utterance,) = call.stt.utterances
    assert call.stt.grammars == [Grammar(("yes", "no"))]
    # Pre-roll, all of the voice, and the silence that ended it.
    assert 1250 <= len(utterance.pcm) / 16 <= 1400
    voiced = [i for i in range(0, len(utterance.pcm) - 320, 320) if any(utterance.pcm[i : i + 320])]
    assert len(voiced) * 20 >= 500


def test_what_the_agent_hears_goes_through_the_noise_suppression_first() -> None:
    class Halved:
        """Halves what it is given, a frame late."""

        def __init__(self) -> None:
            self.given: list[int] = []
            self.before = silence(20)

        def clean(self, pcm: bytes) -> bytes:
            self.given.append(len(pcm))
            made, self.before = self.before, audioop.mul(pcm, 2, 0.5)
            return made

    async def held(suppression: Halved | None) -> tuple[Call, Halved | None]:
        call = Call(StubBrain(ask("Hello."), goodbye()), stt=StubStt(["yes"]))
        await call._open(suppression=suppression)
        asyncio.get_running_loop().call_later(2.0, lambda: call.carrier.say(voice(300, 9_000)))
        await call.session.run()
        call.check_nothing_left()
        return call, suppression

    plain, _ = run(held(None))
    clean, suppression = run(held(Halved()))
    assert suppression is not None
    frames = clean.told(EventKind.ENDED)[0]["frames_in"]
    # Nothing that is said over the goodbye is listened to any more.
    assert 0 < len(suppression.given) <= frames["received"]
    assert set(suppression.given) == {320}
    assert clean.events[-1].data["reason"] == plain.events[-1].data["reason"] == "done"
    heard = [np.frombuffer(call.stt.utterances[0].pcm, "<i2").astype(float) for call in (plain, clean)]
    peaks = [float(np.abs(samples).max()) for samples in heard]
    assert peaks[1] == pytest.approx(peaks[0] / 2, rel=0.1)


def test_keys_answer_where_they_are_offered() -> None:
    brain = StubBrain(ask("Press.", 2), ask("Once more.", 2), ask("Again.", 2), goodbye())
    call = Call(brain)
    key = lambda digit: lambda: call.carrier.put("dtmf", dtmf={"track": "inbound_track", "digit": digit})  # noqa: E731
    script = [(1.0, "1"), (1.2, "2"), (3.0, "7"), (3.1, "*"), (3.2, "4"), (3.3, "#"), (6.0, "5")]
    run(call.run(*((at, key(digit)) for at, digit in script)))
    assert [data["digits"] for data in call.told(EventKind.DIGITS)] == ["12", "4", "5"]
    assert [heard.kind for heard in brain.heard] == [InputKind.DIGITS] * 3
    pressed_last = call.told(EventKind.LATENCY)[-1]
    assert pressed_last["kind"] == "digits"


def test_a_key_silences_the_agent_at_once() -> None:
    call = Call(StubBrain([*ask(LONG, 1)], goodbye()))
    run(call.run((1.0, lambda: call.carrier.put("dtmf", dtmf={"digit": "1"}))))
    assert call.carrier.times("clear") == pytest.approx([1001.0], abs=0.001)
    assert call.brain.cut_at


@pytest.mark.parametrize("keys", ["#", "*", "1*"])
def test_a_key_that_leaves_no_entry_costs_nothing_of_the_question(keys: str) -> None:
    call = Call(StubBrain(ask(LONG, 4), goodbye()), stt=StubStt(["yes"]))
    presses = [
        (1.0 + place / 5, lambda key=key: call.carrier.put("dtmf", dtmf={"digit": key}))
        for place, key in enumerate(keys)
    ]
    run(call.run(*presses, (5.0, lambda: call.carrier.say(voice(300)))))
    heard = [one["heard_text"] for one in call.told(EventKind.AGENT_SAID) if one["turn"] == 1]
    assert " ".join(heard) == LONG
    assert len(call.carrier.times("clear")) == (len(keys) == 2)
    assert [heard.text for heard in call.brain.heard] == ["yes"]


def test_an_entry_that_was_cleared_can_be_keyed_anew() -> None:
    call = Call(StubBrain(ask(LONG, 2), goodbye()))
    presses = [
        (1.0 + place / 5, lambda key=key: call.carrier.put("dtmf", dtmf={"digit": key}))
        for place, key in enumerate("1*23")
    ]
    run(call.run(*presses))
    assert [heard.text for heard in call.brain.heard] == ["23"]


def test_silence_is_asked_about_twice_and_then_ends_the_call_politely() -> None:
    brain = StubBrain(ask("Hello."), ask("Still there?"), ask("Anybody?"), [Say("Then goodbye.")])
    call = Call(brain)
    ended = run(call.run())
    assert [heard.kind for heard in brain.heard] == [InputKind.SILENCE] * 3
    assert ended.data["reason"] == "silence"
    spoken = sum(len(text) for text in call.tts.spoken) * LETTER_MS / 1000
    assert ended.data["duration_ms"] / 1000 == pytest.approx(20 + spoken, abs=1.5)
    assert call.told(EventKind.AGENT_SAID)[-1]["heard_text"] == "Then goodbye."


def test_a_caller_who_speaks_makes_silence_begin_anew() -> None:
    brain = StubBrain(ask("Hello."), ask("Good."), goodbye())
    call = Call(brain, stt=StubStt(["yes"]))
    run(call.run((9.0, lambda: call.carrier.say(voice(300)))))
    assert [heard.kind for heard in brain.heard] == [InputKind.SPEECH, InputKind.SILENCE]


def test_the_longest_call_ends_with_the_farewell() -> None:
    options = SessionOptions(watch=WatchRules(longest_call_s=12.0, silence_s=(5.0,)), farewell="Time is up.")
    call = Call(StubBrain(), options=options)
    ended = run(call.run())
    assert ended.data["reason"] == "too_long"
    assert call.tts.spoken[-1] == "Time is up."
    assert ended.data["duration_ms"] < 16_000


def test_no_audio_from_the_carrier_ends_the_call() -> None:
    call = Call(StubBrain(ask("Hello.")))

    def go_deaf() -> None:
        assert call.carrier._task is not None
        call.carrier._task.cancel()

    ended = run(call.run((1.0, go_deaf)))
    assert ended.data["reason"] == "no_audio"
    assert 10_900 <= ended.data["duration_ms"] <= 11_500


def test_a_voice_that_never_answers_ends_the_call() -> None:
    call = Call(
        StubBrain(ask("Hello.")), tts=StubTts(hangs=["Hello."]), options=SessionOptions(voice_timeout_s=60)
    )
    ended = run(call.run())
    assert ended.data["reason"] == "no_greeting"
    assert ended.data["duration_ms"] == pytest.approx(8000, abs=250)


def test_the_brain_is_told_what_could_not_be_voiced() -> None:
    brain = StubBrain([Say("Bad."), Say("Good."), Listen(None)], goodbye())
    call = Call(brain, stt=StubStt(["yes"]), tts=StubTts(fails=["Bad."]))
    run(call.run((2.0, lambda: call.carrier.say(voice(300)))))
    assert brain.cut_at == ["Good."]


def test_one_failed_sentence_is_left_out_and_the_call_goes_on() -> None:
    brain = StubBrain([Say("Bad."), Say("Good."), Listen(None)], goodbye())
    call = Call(brain, stt=StubStt(["yes"]), tts=StubTts(fails=["Bad."]))
    ended = run(call.run((2.0, lambda: call.carrier.say(voice(300)))))
    assert ended.data["reason"] == "done"
    assert call.told(EventKind.TROUBLE)[0]["what"] == "voice_failed"
    assert call.told(EventKind.AGENT_SAID)[0]["heard_text"] == "Good."


def test_a_turn_that_could_not_be_voiced_at_all_is_said_once_more() -> None:
    tts = StubTts(fails=["Are you there?"])
    call = Call(StubBrain(ask("Are you there?")), tts=tts)
    run(
        call.run(
            (0.15, lambda: setattr(tts, "fails", ())),
            (3.0, call.carrier.hang_up),
        )
    )
    assert tts.spoken == ["Are you there?", "Are you there?"]
    said = call.told(EventKind.AGENT_SAID)
    assert [(one["turn"], one["text"], one["heard_text"]) for one in said] == [
        (1, "Are you there?", "Are you there?")
    ]


def test_a_turn_that_fails_twice_is_not_said_a_third_time() -> None:
    tts = StubTts(fails=["Are you there?"])
    call = Call(StubBrain(ask("Are you there?")), tts=tts)
    run(call.run((4.0, call.carrier.hang_up)))
    assert tts.spoken == ["Are you there?", "Are you there?"]
    assert [one["heard_text"] for one in call.told(EventKind.AGENT_SAID)] == [""]


def test_a_voice_that_always_fails_ends_the_call() -> None:
    brain = StubBrain([Say("Bad."), Say("Bad."), Say("Bad."), Listen(None)])
    ended = run(Call(brain, tts=StubTts(fails=["Bad."])).run())
    assert ended.data["reason"] == "speech_failed"


def test_a_recogniser_that_fails_leaves_an_unintelligible_turn() -> None:
    call = Call(StubBrain(ask("Hello."), goodbye()), stt=StubStt([None]))
    run(call.run((2.0, lambda: call.carrier.say(voice(300)))))
    assert call.brain.heard == [Heard(InputKind.SPEECH, "", 1.0)]
    assert call.told(EventKind.TROUBLE)[0]["what"] == "transcript_failed"


def test_a_brain_that_crashes_is_recorded_and_ends_the_call() -> None:
    brain = StubBrain([object()])  # type: ignore[list-item]

    class Broken(StubBrain):
        def next_acts(self) -> Any:
            raise RuntimeError("broken brain")

    ended = run(Call(Broken()).run())
    assert ended.data["reason"] == "internal_error"
    assert brain.turns


def test_a_machine_is_recognised_by_its_beep_and_by_its_monologue() -> None:
    for audio, expected in ((tone(400), "beep"), (voice(5000), "greeting")):
        call = Call(StubBrain(ask("Hello."), goodbye("Bye.", "voicemail")), direction="outbound")
        ended = run(call.run((1.0, lambda call=call, audio=audio: call.carrier.say(audio))))
        assert call.brain.heard[-1] == Heard(InputKind.MACHINE, expected)
        assert ended.data["reason"] == "voicemail"


def test_a_tool_is_recorded_with_its_outcome() -> None:
    call = Call(StubBrain(["book", *goodbye()]))
    run(call.run())
    (used,) = call.told(EventKind.TOOL_USED)
    assert (used["name"], used["ok"], used["ms"]) == ("book", True, pytest.approx(300, abs=1))


def test_a_tool_under_way_when_the_caller_hangs_up_is_still_recorded() -> None:
    brain = StubBrain(["book", Note("disposition", "booked"), *goodbye()])
    call = Call(brain)
    ended = run(call.run((0.2, call.carrier.hang_up)))
    assert ended.data["reason"] == "disconnect"
    assert call.told(EventKind.TOOL_USED)[0]["ok"]
    assert call.told(EventKind.NOTE) == [{"name": "disposition", "value": "booked"}]


async def _slow_tool(name: str, _arguments: Any) -> ToolResult:
    await asyncio.sleep(3)
    return ToolResult(ok=True, data={})


def test_speech_while_a_tool_runs_is_answered_in_place_of_what_was_asked_before() -> None:
    stale = ["book", Note("disposition", "booked"), Say("That was done."), "remind", HangUp("done")]
    brain = StubBrain(ask("Hello."), [Say("I look."), *stale], goodbye("Very well. Bye."))
    call = Call(brain, stt=StubStt(["yes", "and a window seat"]), tool=_slow_tool)
    run(call.run((1.5, lambda: call.carrier.say(voice(300))), (4.0, lambda: call.carrier.say(voice(300)))))
    assert [(tool["name"], tool["ok"]) for tool in call.told(EventKind.TOOL_USED)] == [("book", True)]
    assert call.told(EventKind.NOTE) == []  # It stands behind the answer that nobody waits for.
    assert [heard.text for heard in brain.heard] == ["yes", "and a window seat"]
    assert [(said["text"], said["heard_text"]) for said in call.told(EventKind.AGENT_SAID)] == [
        ("Hello.", "Hello."),
        ("I look.", "I look."),
        ("Very well. Bye.", "Very well. Bye."),
    ]
    assert brain.cut_at == ["I look."]
    assert "That was done." not in call.tts.spoken
    # The answer begins with the end of the tool, not a turn of the brain's later.
    assert call.told(EventKind.LATENCY)[-1]["on_the_wire_ms"] < 100


def test_an_mm_hm_while_a_tool_runs_changes_nothing() -> None:
    brain = StubBrain(ask("Hello."), [Say("I look."), "book", *goodbye()])
    call = Call(brain, stt=StubStt(["yes", "mm-hm"]), tool=_slow_tool)
    ended = run(
        call.run((1.5, lambda: call.carrier.say(voice(300))), (4.0, lambda: call.carrier.say(voice(300))))
    )
    assert ended.data["reason"] == "done"
    assert call.told(EventKind.AGENT_SAID)[-1]["heard_text"] == "I look. tool True Goodbye."
    assert brain.cut_at == []


def test_an_interruption_of_what_bridges_a_tool_lets_the_tool_end_and_no_more() -> None:
    brain = StubBrain(ask("Hello."), [Say(LONG), "book", *goodbye("Stale.")], goodbye("Fresh."))
    call = Call(brain, stt=StubStt(["yes", "no wait please"]), tool=_slow_tool)
    run(call.run((1.5, lambda: call.carrier.say(voice(300))), (4.0, lambda: call.carrier.say(voice(900)))))
    assert [tool["ok"] for tool in call.told(EventKind.TOOL_USED)] == [True]
    said = call.told(EventKind.AGENT_SAID)
    assert (said[1]["interrupted"], said[-1]["heard_text"]) == (True, "Fresh.")
    assert brain.cut_at == [said[1]["heard_text"]]
    assert not {"Stale.", "tool True"} & set(call.tts.spoken)


def test_a_transfer_under_way_is_not_undone_by_a_word() -> None:
    async def transfer(_name: str, _arguments: Any) -> ToolResult:
        await asyncio.sleep(3)
        call.session.leave("transferred")
        return ToolResult(ok=True, data={})

    brain = StubBrain(ask("Hello."), ["transfer", Say("I put you through.")])
    call = Call(brain, stt=StubStt(["a person please", "thank you"]), tool=transfer)
    ended = run(
        call.run((1.5, lambda: call.carrier.say(voice(300))), (4.0, lambda: call.carrier.say(voice(300))))
    )
    assert ended.data["reason"] == "transferred"
    assert call.told(EventKind.AGENT_SAID)[-1]["heard_text"] == "tool True I put you through."


@pytest.mark.parametrize(
    ("outcome", "result", "then"),
    [
        (ToolResult(ok=True, data={}), "Your visit is booked.", "booked"),
        (ToolResult(ok=False, data={"error": "taken"}), "That time is taken.", "asked"),
    ],
)
def test_a_scripted_call_tells_what_its_tool_came_to_whatever_was_said_meanwhile(
    outcome: ToolResult, result: str, then: str
) -> None:
    async def book(_name: str, _arguments: Any) -> ToolResult:
        await asyncio.sleep(3)
        return outcome

    call = Call(ScriptedBrain(), stt=StubStt(["yes", "hurry up", "yes", "bye"]), tool=book)
    call.brief = replace(brief("7", "outbound"), script=_BOOKING)
    script = [(at_s, lambda: call.carrier.say(voice(300))) for at_s in (2.5, 5.0)]
    ended = run(call.run(*script, (14.0, call.carrier.hang_up)))
    said = [told["heard_text"] for told in call.told(EventKind.AGENT_SAID)]
    assert said[:2] == ["Hello. Shall I book?", "One moment."]
    assert len(call.told(EventKind.TOOL_USED)) == 1
    if then == "booked":
        assert said[2] == f"{result} Goodbye."
        assert ended.data["reason"] == "booked"
    else:
        assert said[2] == f"{result} Shall I book?"


_YES = {"yes": {"phrases": {"en": ["yes"]}}, "no": {"phrases": {"en": ["no"]}}}
_BOOKING = {
    "languages": ["en"],
    "opening": {"en": "Hello."},
    "start": "ask",
    "give_up": "failed",
    "answers": {"yes_no": _YES},
    "slots": {},
    "anywhere": {},
    "patience": {
        "tries": 3, "unclear": {"en": "Pardon?"}, "next": "failed",
        "silences": 2, "silence": {"en": "Hello?"}, "silence_next": "failed",
    },
    "states": {
        "ask": {
            "kind": "ask", "say": {"en": "Shall I book?"}, "answers": "yes_no",
            "next": {"yes": "book", "no": "failed"},
        },
        "book": {
            "kind": "tool", "tool": "book", "say": {"en": "One moment."},
            "results": {"ok": "told", "taken": "taken", "other": "failed"},
        },
        "told": {"kind": "tell", "say": {"en": "Your visit is booked."}, "next": "done"},
        "taken": {"kind": "tell", "say": {"en": "That time is taken."}, "next": "ask"},
        "done": {"kind": "end", "say": {"en": "Goodbye."}, "reason": "booked"},
        "failed": {"kind": "end", "say": {"en": "Goodbye."}, "reason": "failed"},
    },
}  # fmt: skip


def test_a_scripted_call_books_an_appointment_with_keys_and_words() -> None:
    booked: list[dict[str, Any]] = []

    async def book(name: str, arguments: Any) -> ToolResult:
        booked.append({"tool": name, **arguments})
        return ToolResult(ok=True, data={})

    words = ["yes", "tuesday please", "yes", "yes", "half past", "yes"]
    call = Call(ScriptedBrain(), stt=StubStt(words), tool=book)
    call.brief = replace(brief("7", "outbound"), script=ready_made("appointment"))

    def answer(event: CallEvent) -> None:
        call.events.append(event)
        if event.kind is not EventKind.AGENT_SAID:
            return
        after = asyncio.get_running_loop().call_later
        if event.data["text"].startswith("Which hour"):
            after(0.5, lambda: call.carrier.put("dtmf", dtmf={"digit": "1"}))
            after(0.9, lambda: call.carrier.put("dtmf", dtmf={"digit": "5"}))
        elif "Goodbye" not in event.data["text"]:
            after(0.5, lambda: call.carrier.say(voice(400)))

    call.sink = answer
    ended = run(call.run())
    assert booked == [{"tool": "book_appointment", "weekday": "tuesday", "time": "15:30"}]
    assert call.told(EventKind.NOTE) == [{"name": "disposition", "value": "booked"}]
    assert ended.data["reason"] == "booked"
    assert len(call.told(EventKind.AGENT_SAID)) == 8


def test_a_stop_message_ends_everything() -> None:
    call = Call(StubBrain(ask(LONG)))
    ended = run(call.run((1.0, lambda: call.carrier.put("stop", stop={"callSid": "CA1"}))))
    assert ended.data["reason"] == "stop"
    said = call.told(EventKind.AGENT_SAID)[0]
    assert not said["interrupted"]
    assert said["heard_text"] == "One two three"


def test_a_disconnect_at_any_moment_leaves_nothing_running() -> None:
    dice = random.Random(11)
    for _ in range(120):
        moment = dice.uniform(0, 9)
        brain = StubBrain(ask("Hello there."), ["book", *ask(LONG, 2)], ask("Fine."), goodbye())
        call = Call(brain, stt=StubStt(["yes", "no", "maybe"], dice.uniform(0, 1)))
        script = [(at, lambda call=call: call.carrier.say(voice(400))) for at in (1.2, 3.4, 5.0)]
        end = dice.choice([call.carrier.hang_up, lambda call=call: call.carrier.put("stop")])
        ended = run(call.run(*script, (moment, end)))
        assert ended.data["reason"] in {"stop", "disconnect", "done"}


def test_cancelling_the_run_closes_and_records_everything() -> None:
    async def scene() -> Call:
        call = Call(StubBrain(ask(LONG)))
        task = asyncio.create_task(call.run())
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        call.check_nothing_left()
        return call

    call = run(scene())
    assert call.events[-1].data["reason"] == "cancelled"
    assert call.carrier.closed_at is not None


def test_fifty_calls_at_once_leave_nothing() -> None:
    async def scene() -> list[str]:
        calls = [
            Call(StubBrain(ask("Hello."), ask(LONG), goodbye()), stt=StubStt(["yes", "no"]), call_id=str(n))
            for n in range(50)
        ]
        script = [[(at, lambda c=c: c.carrier.say(voice(300))) for at in (1.5, 4.0)] for c in calls]
        ended = await asyncio.gather(*(c.run(*s) for c, s in zip(calls, script, strict=True)))
        return [event.data["reason"] for event in ended]

    assert run(scene()) == ["done"] * 50


def test_the_register_counts_and_stops_calls() -> None:
    async def scene() -> None:
        live = LiveSessions()
        call = Call(StubBrain(ask("Hello.")), call_id="77")
        task = asyncio.create_task(call.run_on(live))
        await asyncio.sleep(1)
        assert live.count == 1
        assert "call-77-tx" in live.task_names()
        assert live.reap() == []
        live.stop_all("shutdown")
        ended = await task
        assert ended.reason == "shutdown"
        assert live.count == 0

    run(scene())


def test_the_reaper_ends_a_session_that_outlived_its_socket() -> None:
    async def scene() -> None:
        live = LiveSessions(socket_grace_s=1.0)
        stuck = asyncio.Event()

        async def never(_name: str, _arguments: Any) -> ToolResult:
            await stuck.wait()
            raise AssertionError

        options = SessionOptions(tool_grace_s=1000.0, tool_timeout_s=2000.0)
        call = Call(StubBrain(["book"]), tool=never, options=options)
        task = asyncio.create_task(call.run_on(live))
        patrol = asyncio.create_task(live.patrol(1.0))
        await asyncio.sleep(1)
        call.carrier.hang_up()
        await asyncio.wait([task], timeout=10)
        assert task.done()
        assert live.count == 0
        assert live.reaped >= 2
        patrol.cancel()
        await asyncio.wait([patrol])

    run(scene())


def test_a_stream_that_does_not_start_is_refused() -> None:
    async def scene(*events: str) -> float:
        carrier = FakeCarrier()
        for event in events:
            carrier.put(event, start={})
        began = carrier.now()
        with pytest.raises(NoStart):
            await TwilioStream(carrier).start(timeout_s=5)
        return carrier.now() - began

    assert run(scene("connected")) == 5
    assert run(scene("media")) == 0
    assert run(scene("start")) == 0
    assert brief().call_id == "7"
