"""Answering machines in whole calls, in virtual time: hang up, leave a message, carry on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from media_stubs import Call, StubBrain, StubStt, ask, goodbye, silence, tone, voice
from virtual_time import run

from trunkline.media import EventKind, MachineRules, OnMachine, SessionOptions
from trunkline.providers.ports import AnsweredBy, HangUp, Listen, Note, Say

MESSAGE = "Please call us. Thank you."
GREETING = voice(5000)
BEEP = tone(400)


def call_of(action: OnMachine, brain: StubBrain | None = None, disclosure: str = "", **more: Any) -> Call:
    options = SessionOptions(on_machine=action, message=MESSAGE, **more)
    call = Call(
        brain or StubBrain(ask("Hello."), ask("What?")), stt=StubStt(["hm"] * 9), options=options,
        direction="outbound",
    )  # fmt: skip
    call.brief = replace(call.brief, disclosure=disclosure)
    return call


def plays(call: Call, *audio: bytes, at: float = 1.0) -> tuple[float, Any]:
    return (at, lambda: call.carrier.say(b"".join(audio)))


def heard(call: Call) -> list[str]:
    return [said["heard_text"] for said in call.told(EventKind.AGENT_SAID) if said["heard_text"]]


def notes(call: Call) -> list[dict[str, Any]]:
    return call.told(EventKind.NOTE)


VOICEMAIL = [{"name": "disposition", "value": "voicemail"}]


@pytest.mark.parametrize(
    ("audio", "found", "begins_s", "after"),
    [
        # Recognised by its monologue, the message waits for the beep that follows.
        ([GREETING, BEEP], "greeting", 6.4, "beep"),
        ([GREETING, silence(1500), BEEP], "greeting", 7.9, "beep"),
        # Without a beep it begins once the greeting has been over for two seconds.
        ([GREETING], "greeting", 8.0, "silence"),
        ([silence(500), BEEP], "beep", 1.9, "beep"),
    ],
)
def test_a_message_is_left_when_the_machine_listens(
    audio: Sequence[bytes], found: str, begins_s: float, after: str
) -> None:
    call = call_of(OnMachine.LEAVE_MESSAGE)
    ended = run(call.run(plays(call, *audio)))
    assert ended.data["reason"] == "voicemail"
    assert call.told(EventKind.MACHINE_FOUND) == [{"by": "heard", "what": found, "action": "leave_message"}]
    assert call.told(EventKind.MESSAGE_LEFT) == [{"text": MESSAGE, "heard_text": MESSAGE, "after": after}]
    assert notes(call) == VOICEMAIL
    assert heard(call)[-1] == MESSAGE
    message_at = min(at for at in call.carrier.times("media") if at > 1000 + begins_s - 0.3)
    assert 0 <= message_at - (1000 + begins_s) <= 0.3
    # The last word is out before the line is.
    assert call.carrier.closed_at is not None
    assert call.carrier.closed_at >= call.carrier.plays_until
    assert [one.kind.value for one in call.brain.heard] == []  # type: ignore[attr-defined]


def test_a_message_begins_with_what_has_to_be_disclosed() -> None:
    call = call_of(OnMachine.LEAVE_MESSAGE, disclosure="An AI of {business_name} speaks. It is {taped}")
    ended = run(call.run(plays(call, GREETING, BEEP)))
    whole = f"An AI of Oak Dental speaks. It is {{taped}} {MESSAGE}"
    assert ended.data["reason"] == "voicemail"
    assert call.told(EventKind.MESSAGE_LEFT) == [{"text": whole, "heard_text": whole, "after": "beep"}]
    assert call.tts.spoken[-4:] == [
        "An AI of Oak Dental speaks.", "It is {taped}", "Please call us.", "Thank you."
    ]  # fmt: skip


def test_a_message_begun_before_the_beep_is_begun_again_after_it() -> None:
    call = call_of(OnMachine.LEAVE_MESSAGE)
    ended = run(call.run(plays(call, GREETING, silence(2700), BEEP)))
    assert ended.data["reason"] == "voicemail"
    cut, whole = call.told(EventKind.AGENT_SAID)[-2:]
    assert cut["interrupted"]
    assert (whole["heard_text"], whole["interrupted"]) == (MESSAGE, False)
    assert [left["after"] for left in call.told(EventKind.MESSAGE_LEFT)] == ["beep"]


def test_a_greeting_without_an_end_gets_no_message() -> None:
    call = call_of(OnMachine.LEAVE_MESSAGE, machine=MachineRules(patience_ms=8_000))
    ended = run(call.run(plays(call, voice(40_000))))
    assert (ended.data["reason"], notes(call)) == ("voicemail", VOICEMAIL)
    assert ended.data["duration_ms"] == pytest.approx(13_500, abs=500)
    assert call.told(EventKind.MESSAGE_LEFT) == []


def test_a_machine_that_hangs_up_has_no_message() -> None:
    call = call_of(OnMachine.LEAVE_MESSAGE)
    ended = run(call.run(plays(call, GREETING, BEEP), (7.0, call.carrier.hang_up)))
    assert (ended.data["reason"], notes(call)) == ("disconnect", VOICEMAIL)
    assert call.told(EventKind.MESSAGE_LEFT) == []


def test_a_machine_that_the_brain_knows_by_its_words_gets_the_message_too() -> None:
    known = [Note("disposition", "voicemail"), Say("We will call again."), HangUp("voicemail")]
    call = call_of(OnMachine.LEAVE_MESSAGE, StubBrain(ask("Hello."), known))
    ended = run(call.run(plays(call, voice(2000), silence(1200), voice(1000), BEEP)))
    assert ended.data["reason"] == "voicemail"
    assert call.told(EventKind.MACHINE_FOUND)[0]["by"] == "words"
    assert heard(call)[-1] == MESSAGE
    assert "We will call again." not in heard(call)
    assert [left["after"] for left in call.told(EventKind.MESSAGE_LEFT)] == ["beep"]


def test_the_carrier_s_word_is_enough_and_counts_once() -> None:
    call = call_of(OnMachine.LEAVE_MESSAGE)
    words = [AnsweredBy.UNKNOWN, AnsweredBy.MACHINE, AnsweredBy.MACHINE, AnsweredBy.HUMAN]
    steps = [(4.0 + n / 10, lambda who=who: call.session.answered_by(who)) for n, who in enumerate(words)]
    ended = run(call.run(plays(call, voice(1200)), *steps))
    assert ended.data["reason"] == "voicemail"
    assert call.told(EventKind.MACHINE_FOUND) == [
        {"by": "carrier", "what": "machine", "action": "leave_message"}
    ]
    assert [left["after"] for left in call.told(EventKind.MESSAGE_LEFT)] == ["silence"]


def test_a_fax_gets_no_message() -> None:
    call = call_of(OnMachine.LEAVE_MESSAGE)
    ended = run(call.run((2.0, lambda: call.session.answered_by(AnsweredBy.FAX))))
    assert (ended.data["reason"], notes(call)) == ("voicemail", VOICEMAIL)
    assert call.told(EventKind.MESSAGE_LEFT) == []


def test_whom_the_carrier_calls_a_person_is_talked_to_however_long_they_speak() -> None:
    call = call_of(OnMachine.HANG_UP, StubBrain(ask("Hello."), goodbye("Bye.", "done")))
    word = (0.5, lambda: call.session.answered_by(AnsweredBy.HUMAN))
    ended = run(call.run(word, plays(call, voice(7000))))
    assert (ended.data["reason"], call.told(EventKind.MACHINE_FOUND)) == ("done", [])


def talked(call: Call, turns: int) -> list[tuple[float, Any]]:
    """Return a person's steps: a word of theirs each three seconds, from the second one on."""
    return [plays(call, voice(700), at=2.0 + 3 * n) for n in range(turns)]


@pytest.mark.parametrize("action", [OnMachine.HANG_UP, OnMachine.LEAVE_MESSAGE])
@pytest.mark.parametrize(
    ("beep_at", "word_at", "found"), [(25.0, None, ("heard", "beep")), (None, 40.0, ("carrier", "machine")),
    (25.0, 26.0, ("heard", "beep"))],
)  # fmt: skip
def test_whoever_has_talked_with_us_is_no_machine_for_a_beep_or_a_late_word(
    beep_at: float | None, word_at: float | None, found: tuple[str, str], action: OnMachine
) -> None:
    call = call_of(action, StubBrain(*[ask(f"Question {n}.") for n in range(16)]))
    call.stt.answers = ["yes"] * 15
    steps = [*talked(call, 15), (48.0, call.carrier.hang_up)]
    if beep_at is not None:
        steps.append(plays(call, tone(300), at=beep_at))
    if word_at is not None:
        steps.append((word_at, lambda: call.session.answered_by(AnsweredBy.MACHINE)))
    ended = run(call.run(*steps))
    by, what = found
    assert call.told(EventKind.MACHINE_FOUND) == [{"by": by, "what": what, "action": "carry_on"}]
    assert (ended.data["reason"], notes(call)) == ("disconnect", [])
    # The beep is a turn of its own, in which nothing is said.
    assert [one.text for one in call.brain.heard if one.text] == ["yes"] * 15  # type: ignore[attr-defined]


def test_a_greeting_in_pieces_that_talks_over_our_answers_is_a_machine_s() -> None:
    call = call_of(OnMachine.LEAVE_MESSAGE, StubBrain(*[ask("Could you say that again?") for _ in range(9)]))
    call.stt.answers = ["you have reached dana", "leave a message", "after the tone"]
    greeting = [voice(900), silence(1300), voice(900), silence(1300), voice(900), silence(1300), BEEP]
    ended = run(call.run(plays(call, *greeting, at=2.5)))
    assert len(call.brain.heard) >= 2  # type: ignore[attr-defined]
    assert call.told(EventKind.MACHINE_FOUND) == [{"by": "heard", "what": "beep", "action": "leave_message"}]
    assert (ended.data["reason"], len(call.told(EventKind.MESSAGE_LEFT))) == ("voicemail", 1)


def test_what_a_machine_says_counts_after_any_talk() -> None:
    known = [Note("disposition", "voicemail"), Say("We will call again."), HangUp("voicemail")]
    asked = [ask(f"Question {n}.") for n in range(4)]
    call = call_of(OnMachine.LEAVE_MESSAGE, StubBrain(*asked, known))
    call.stt.answers = ["yes"] * 4
    ended = run(call.run(*talked(call, 3), plays(call, tone(300), at=12.5), plays(call, voice(900), at=14.0)))
    assert ended.data["reason"] == "voicemail"
    assert [event["by"] for event in call.told(EventKind.MACHINE_FOUND)] == ["heard", "words"]


def test_hanging_up_asks_the_machine_nothing() -> None:
    call = call_of(OnMachine.HANG_UP, StubBrain(ask("Hello."), [Say("Are you there?"), Listen(None)]))
    ended = run(call.run(plays(call, BEEP)))
    assert (ended.data["reason"], notes(call)) == ("voicemail", VOICEMAIL)
    assert heard(call) == ["Hello."]


@pytest.mark.parametrize(("rules", "found"), [(MachineRules(), ["carry_on"]), (None, [])])
def test_carrying_on_and_not_listening_talk_as_with_a_person(
    rules: MachineRules | None, found: list[str]
) -> None:
    brain = StubBrain(ask("Hello."), goodbye("Bye.", "done"))
    call = call_of(OnMachine.CARRY_ON if rules else OnMachine.LEAVE_MESSAGE, brain, machine=rules)
    word = (3.0, lambda: call.session.answered_by(AnsweredBy.MACHINE))
    ended = run(call.run(plays(call, GREETING), word))
    assert (ended.data["reason"], notes(call)) == ("done", [])
    assert [event["action"] for event in call.told(EventKind.MACHINE_FOUND)] == found
    assert [one.text for one in brain.heard] == ["hm"]
