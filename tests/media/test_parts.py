"""The small parts: heard words, keypad, watchdog, gate, machine, reader and Twilio's edge."""

from __future__ import annotations

import asyncio
import base64
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextvars import Context, ContextVar
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from media_stubs import FakeCarrier, StubStt, StubTts, StubVad, silence, tone, voice
from virtual_time import run

from trunkline.kit.audio import level, pcm_to_ulaw, ulaw_to_pcm
from trunkline.media import SocketClosed, TwilioStream
from trunkline.media.answering import MachineDetector, MachineRules
from trunkline.media.frames import AudioIn, BadFrame, Digit, MarkEchoed, WireEnded, WireEvent
from trunkline.media.keypad import Keypad
from trunkline.media.listener import Listener
from trunkline.media.playback import words_within
from trunkline.media.reader import Reader
from trunkline.media.speaker import Speaker
from trunkline.media.transmitter import Transmitter
from trunkline.media.vad import VoiceGate, Window
from trunkline.media.watchdog import Alarm, Signs, Watchdog, WatchRules
from trunkline.providers.ports import SpeechFailed, Voice

_RNG = np.random.default_rng(3)

# --- Audio and words ----------------------------------------------------------------------


def test_mulaw_survives_the_way_out_and_back() -> None:
    assert pcm_to_ulaw(silence(20)) == b"\xff" * 160
    loud = tone(20)
    back = ulaw_to_pcm(pcm_to_ulaw(loud))
    assert len(back) == len(loud)
    assert level(back) == pytest.approx(level(loud), rel=0.02)


@pytest.mark.parametrize(
    ("played_s", "heard"),
    [
        (-1, ""),
        (0, ""),
        (0.1, ""),
        (0.3, "one"),
        (1.0, "one two three"),
        (1.75, "one two three four"),
        (9, None),
    ],
)
def test_words_within_a_share_of_the_sentence(played_s: float, heard: str | None) -> None:
    text = "one two three four five"
    assert words_within(text, played_s, 2.0) == (text if heard is None else heard)


@given(st.text(max_size=80), st.floats(0, 10), st.floats(0, 10), st.floats(0.1, 10))
def test_more_playing_time_never_means_fewer_words(text: str, a: float, b: float, whole: float) -> None:
    first, second = sorted((a, b))
    fewer, more = words_within(text, first, whole).split(), words_within(text, second, whole).split()
    assert more[: len(fewer)] == fewer
    assert text.split()[: len(more)] == more


# --- Keypad -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "keys", "entries"),
    [
        (2, "12", ["12"]),
        (1, "123", ["1", "2", "3"]),
        (10, "0501*22#", ["22"]),
        (4, "#7#", ["7"]),
        (0, "12#", []),
        (3, "1*", []),
    ],
)
def test_what_completes_an_entry(wanted: int, keys: str, entries: list[str]) -> None:
    keypad = Keypad(pause_s=3)
    keypad.offer(wanted)
    pressed = [keypad.press(key, 0.0) for key in keys]
    assert [entry for entry in pressed if entry is not None] == entries


def test_a_pause_submits_what_was_typed_once() -> None:
    keypad = Keypad(pause_s=3)
    keypad.offer(5)
    keypad.press("4", 10.0)
    assert keypad.open
    assert keypad.tick(12.9) is None
    assert keypad.tick(13.0) == "4"
    assert keypad.tick(20.0) is None


# --- Watchdog -----------------------------------------------------------------------------


def watch(seconds: float, *, rules: WatchRules | None = None, **signs: Any) -> list[tuple[float, Alarm]]:
    """Let time pass in steps of 0.2 s; a sign may be a function of the time."""
    dog = Watchdog(rules or WatchRules(), started_at=0.0)
    usual = {"audio_in_at": lambda now: now, "agent_spoke": True, "reply_due_since": None}
    usual |= {"sending_since": None, "quiet": False, "brain_due_since": signs.get("reply_due_since")} | signs
    told = []
    for tick in range(1, int(seconds * 5) + 1):
        now = tick / 5
        given_signs = Signs(**{name: sign(now) if callable(sign) else sign for name, sign in usual.items()})
        alarm = dog.check(now, given_signs)
        if alarm is not None:
            told.append((now, alarm))
    return told


def test_silence_is_told_after_ten_seventeen_and_twenty_seconds_and_no_more() -> None:
    told = watch(60, quiet=True)
    assert told == [(10.0, Alarm.SILENCE), (17.0, Alarm.SILENCE), (20.0, Alarm.LONG_SILENCE)]


def test_only_true_silence_counts() -> None:
    told = watch(60, quiet=lambda now: int(now) % 2 == 0)
    assert told[0][0] == pytest.approx(20, abs=1.1)
    assert watch(60, quiet=False) == []


@pytest.mark.parametrize(
    ("signs", "expected"),
    [
        ({"audio_in_at": 3.0}, (13.0, Alarm.NO_AUDIO)),
        ({"agent_spoke": False}, (8.0, Alarm.NO_GREETING)),
        ({"reply_due_since": 4.0}, (6.6, Alarm.LATE_REPLY)),
        ({"sending_since": 4.0}, (9.0, Alarm.STUCK_WIRE)),
    ],
)
def test_each_limit_raises_its_alarm(signs: dict[str, Any], expected: tuple[float, Alarm]) -> None:
    at, alarm = watch(14, **signs)[0]
    assert alarm is expected[1]
    assert at == pytest.approx(expected[0], abs=0.21)


def test_a_late_reply_is_told_once_and_a_stuck_one_again_behind_the_apology() -> None:
    told = watch(23.2, reply_due_since=0.0)
    assert told == [(2.6, Alarm.LATE_REPLY), (15.0, Alarm.STUCK_REPLY), (23.0, Alarm.STUCK_REPLY)]


def test_the_time_that_a_tool_takes_does_not_make_a_reply_stuck() -> None:
    told = watch(25, reply_due_since=0.0, brain_due_since=lambda now: None if now < 9.9 else 10.0)
    assert [alarm for _, alarm in told] == [Alarm.LATE_REPLY, Alarm.STUCK_REPLY]
    assert told[-1][0] == pytest.approx(25.0)


def test_the_longest_call_is_told_once_and_then_has_a_last_limit() -> None:
    told = watch(45, rules=WatchRules(longest_call_s=10, parting_s=30))
    assert told[0] == (10.0, Alarm.TOO_LONG)
    assert told[1] == (40.0, Alarm.OVERDUE)


# --- Gate, listener, machine --------------------------------------------------------------


class CountingVad(StubVad):
    def __init__(self) -> None:
        self.asked = 0

    def probability(self, pcm: bytes) -> float:
        assert len(pcm) == 512
        self.asked += 1
        return super().probability(pcm)


def test_frames_become_windows_without_a_lost_sample() -> None:
    gate = VoiceGate(StubVad())
    audio = voice(1000)
    windows = [w for n in range(0, len(audio), 320) for w in gate.feed(audio[n : n + 320])]
    assert len(windows) == 31
    assert b"".join(window.pcm for window in windows) == audio[: 31 * 512]
    assert all(window.probability > 0.9 for window in windows)


def test_silence_never_reaches_the_model_and_speech_always_does() -> None:
    vad = CountingVad()
    gate = VoiceGate(vad)
    gate.feed(silence(9_600))
    assert vad.asked == 0
    gate.feed(voice(320))
    assert vad.asked == 10
    # It stays open for the soft end of the word, then closes.
    gate.feed(silence(3200))
    assert vad.asked == 18


def hiss(ms: int) -> bytes:
    return _RNG.normal(0, 230, ms * 8).astype("<i2").tobytes()


def test_a_steady_noise_raises_the_floor_until_the_gate_closes() -> None:
    vad = CountingVad()
    gate = VoiceGate(vad)
    for _ in range(500):
        gate.feed(hiss(20))
    asked = vad.asked
    for _ in range(500):
        gate.feed(hiss(20))
    assert gate.floor == pytest.approx(230, rel=0.1)
    assert vad.asked - asked < 10


class LateVad(StubVad):
    """Answers when it is told to, as one does that judges many calls together."""

    def __init__(self) -> None:
        self.asked: deque[tuple[bytes, Callable[[float], None]]] = deque()

    def judge(self, pcm: bytes, then: Callable[[float], None]) -> None:
        self.asked.append((pcm, then))

    def answer(self, count: int) -> None:
        for _ in range(count):
            pcm, then = self.asked.popleft()
            then(self.probability(pcm))


def test_windows_judged_late_are_the_same_windows_in_the_same_order() -> None:
    audio = silence(320) + voice(400) + silence(480) + voice(200, 300) + silence(400)
    at_once = VoiceGate(StubVad()).feed(audio)
    vad, told = LateVad(), []
    gate = VoiceGate(vad, on_late=lambda: told.append(len(vad.asked)))
    late: list[Window] = []
    for offset in range(0, len(audio), 320):
        late += gate.feed(audio[offset : offset + 320])
        if len(vad.asked) > 2:
            vad.answer(2)
    assert len(late) < len(at_once)
    vad.answer(len(vad.asked))
    late += gate.take()
    assert told
    assert gate.take() == []
    assert [window.pcm for window in late] == [window.pcm for window in at_once]
    assert [window.probability for window in late] == [window.probability for window in at_once]


def test_a_recogniser_that_hangs_is_given_up() -> None:
    async def scene() -> None:
        stt = StubStt(["never"], delay_s=100)
        listener = Listener(stt, language="en", preroll_ms=400, timeout_s=6)
        listener.begin(None)
        utterance = listener.end()
        assert utterance is not None
        with pytest.raises(SpeechFailed):
            await listener.text_of(utterance)
        assert stt.open_count == 0

    run(scene())


def key_five(ms: int) -> bytes:
    low, high = (np.frombuffer(tone(ms, hertz, 4000), dtype="<i2") for hertz in (770, 1336))
    return (low + high).astype("<i2").tobytes()


def test_a_voice_that_is_cancelled_is_closed_at_once() -> None:
    class Kept(StubTts):
        """Its iterators are held on to, so that only a proper close ends them."""

        def speak(self, text: str, voice: Voice) -> AsyncIterator[bytes]:
            self.kept = super().speak(text, voice)
            return self.kept

    async def scene() -> int:
        async def idle(_seconds: float) -> None:
            await asyncio.Event().wait()

        loop = asyncio.get_running_loop()
        wire: Any = None
        tx = Transmitter(wire, lead_s=0.08, limit_frames=5, mark_grace_s=1, clock=loop.time, sleep=idle)
        tts = Kept()
        speaker = Speaker(
            tts,
            Voice("en"),
            tx,
            timeout_s=4,
            pause_ms=0,
            clock=loop.time,
            spawn=lambda _, work: loop.create_task(work),  # type: ignore[arg-type]
            on_failure=lambda *_: None,
        )
        speaker.say("Longer than the queue.")
        await asyncio.sleep(1)
        assert (speaker.busy, tts.running) == (True, 1)
        speaker.cancel()
        await asyncio.sleep(0.001)
        return tts.running

    assert run(scene()) == 0


def machine(*audio: bytes, speaking: bool = True) -> str | None:
    detector = MachineDetector(MachineRules())
    found = None
    for window in VoiceGate(StubVad()).feed(b"".join(audio)):
        loud = window.probability > 0.5
        found = found or detector.hear(
            pcm=window.pcm, level=window.level, voice=loud, speaking=speaking and loud
        )
    return found


@pytest.mark.parametrize(
    ("audio", "found"),
    [
        ([silence(3000), tone(300, 1000), silence(500)], "beep"),
        ([silence(3000), tone(300, 440), silence(500)], "beep"),
        ([silence(3000), tone(120, 1000), silence(500)], None),
        ([silence(31_000), tone(300, 1000)], None),
        ([voice(4600)], "greeting"),
        ([voice(1500), silence(1000)], None),
        ([voice(2500), silence(600)] * 3, "greeting"),
        ([silence(9000), voice(6000)], None),
        # A key's two tones are no beep.
        ([silence(500), key_five(400), silence(500)], None),
    ],
)
def test_what_gives_a_machine_away(audio: list[bytes], found: str | None) -> None:
    assert machine(*audio) == found


# --- The wire -----------------------------------------------------------------------------


def received(*texts: str | None) -> list[Any]:
    async def scene() -> list[Any]:
        carrier = FakeCarrier()
        edge = TwilioStream(carrier)
        for text in texts:
            carrier.inbox.put_nowait(text)
        events = [await edge.receive()]
        while not isinstance(events[-1], WireEnded):
            events.append(await edge.receive())
        return events

    return run(scene())


def media(payload: str, **more: Any) -> str:
    return json.dumps({"event": "media", "media": {"track": "inbound", "payload": payload, **more}})


def test_messages_become_events() -> None:
    payload = base64.b64encode(b"\xff" * 160).decode()
    events = received(
        media(payload, timestamp="40", chunk="3"),
        json.dumps({"event": "mark", "mark": {"name": "p1"}}),
        json.dumps({"event": "dtmf", "dtmf": {"track": "inbound_track", "digit": "#"}}),
        json.dumps({"event": "something-new"}),
        json.dumps({"event": "stop", "stop": {}}),
    )
    assert events == [AudioIn(silence(20), 40), MarkEchoed("p1"), Digit("#"), WireEnded("stop")]


@pytest.mark.parametrize(
    ("timestamp", "believed"),
    [
        ("40", 40),
        ("86400000", 86_400_000),
        ("86400001", -1),
        ("9" * 18, -1),
        pytest.param("9" * 4_000, -1, id="huge"),
        ("-7", -1),
    ],
)
def test_a_timestamp_is_believed_within_the_longest_call(timestamp: str, believed: int) -> None:
    payload = base64.b64encode(b"\xff" * 160).decode()
    assert received(media(payload, timestamp=timestamp), None)[0] == AudioIn(silence(20), believed)
    whole = _TWILIO % ("4", "inbound", "2", timestamp, payload, "MZ1")
    assert brought(whole.encode())[0] == AudioIn(silence(20), believed)


def test_more_than_a_second_of_audio_in_a_message_is_refused_also_on_the_short_way() -> None:
    payload = base64.b64encode(b"\xff" * 8_001).decode()
    assert received(media(payload, timestamp="40"), None)[0] == BadFrame("too_long")
    whole = _TWILIO % ("4", "inbound", "2", "40", payload, "MZ1")
    assert brought(whole.encode())[0] == BadFrame("too_long")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "malformed"),
        ("[]", "malformed"),
        (media("***"[:1]), "malformed"),
        (media(""), "empty"),
        (media("AAAA", track="outbound"), "other_track"),
        (media("AAAA", timestamp="soon"), "malformed"),
        (json.dumps({"event": "media"}), "malformed"),
        ("x" * 70_000, "malformed"),
    ],
)
def test_what_cannot_be_used_is_told_with_its_reason(text: str, reason: str) -> None:
    assert received(text, None) == [BadFrame(reason), WireEnded("disconnect")]


_TWILIO = (
    '{"event":"media","sequenceNumber":"%s","media":{"track":"%s","chunk":"%s","timestamp":"%s",'
    '"payload":"%s"},"streamSid":"%s"}'
)
_digits = st.text("0123456789", max_size=20)
_payload = st.one_of(
    st.binary(max_size=200).map(lambda ulaw: base64.b64encode(ulaw).decode()),
    st.text('AB+/=\\"\n\té ', max_size=12),
)


def brought(text: bytes) -> list[WireEvent]:
    """Return what becomes of a message that is brought."""

    class Bringing(FakeCarrier):
        def listen(self, take: Callable[[bytes], None], closed: Callable[[], None]) -> None:
            take(text)
            closed()

    events: list[WireEvent] = []
    assert TwilioStream(Bringing()).listen(events.append)
    return events


_messages = st.tuples(
    _digits, st.sampled_from(["inbound", "outbound", ""]), _digits, _digits, _payload, st.text(max_size=4)
).map(lambda parts: _TWILIO % parts)
_thrown_in = st.sampled_from(["", " ", "}", '"', "\\", "x", ',"media":{}', "\x00"])


@given(_messages, st.integers(0, 400), _thrown_in)
def test_a_message_brought_is_read_as_a_parser_reads_it(text: str, at: int, thrown_in: str) -> None:
    for message in (text, text[:at] + thrown_in + text[at:]):
        assert brought(message.encode()) == received(message, None)


def test_what_twilio_writes_is_read_without_a_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trunkline.media.json_stream.json.loads", lambda _: pytest.fail("parsed"))
    payload = base64.b64encode(b"\xff" * 160).decode()
    message = _TWILIO % ("4", "inbound", "2", "20", payload, "MZ" + "0f" * 16)
    assert brought(message.encode()) == [AudioIn(silence(20), 20), WireEnded("disconnect")]


def test_the_end_is_repeated_for_ever_and_close_may_be_called_twice() -> None:
    async def scene() -> None:
        carrier = FakeCarrier()
        edge = TwilioStream(carrier)
        carrier.inbox.put_nowait(None)
        assert [await edge.receive() for _ in range(3)] == [WireEnded("disconnect")] * 3
        await edge.close()
        await edge.close()
        with pytest.raises(SocketClosed):
            await edge.send_clear()

    run(scene())


def test_what_is_sent_is_twilios_own_format() -> None:
    async def scene() -> list[dict[str, Any]]:
        texts: list[str] = []
        carrier = FakeCarrier()
        carrier.put(
            "start",
            start={"streamSid": 'M"Z', "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000}},
        )
        edge = TwilioStream(carrier)
        await edge.start()

        async def keep(text: str) -> None:
            texts.append(text)

        carrier.send_text = keep  # type: ignore[method-assign]
        await edge.send_audio(silence(20))
        await edge.send_mark("p1")
        await edge.send_clear()
        return [json.loads(text) for text in texts]

    payload = base64.b64encode(b"\xff" * 160).decode()
    assert run(scene()) == [
        {"event": "media", "streamSid": 'M"Z', "media": {"payload": payload}},
        {"event": "mark", "streamSid": 'M"Z', "mark": {"name": "p1"}},
        {"event": "clear", "streamSid": 'M"Z'},
    ]


def test_the_start_carries_the_rooms_parameters() -> None:
    async def scene() -> Any:
        carrier = FakeCarrier()
        carrier.connect(token="t0")
        start = await TwilioStream(carrier).start()
        carrier.hang_up()
        await asyncio.sleep(0)
        return start

    start = run(scene())
    assert (start.call_sid, start.stream_sid, start.parameters) == ("CA1", "MZ1", {"token": "t0"})


class ListWire:
    def __init__(self, *events: Any) -> None:
        self.events = list(events)

    async def receive(self) -> Any:
        return self.events.pop(0) if self.events else WireEnded("stop")


def test_a_frame_that_breaks_the_call_is_accounted_for() -> None:
    async def scene() -> dict[str, Any]:
        def breaks(_pcm: bytes) -> str | None:
            raise LookupError("of the ear")

        wire: Any = ListWire(AudioIn(silence(20)))
        reader = Reader(wire, on_audio=breaks, on_digit=lambda _: asyncio.sleep(0), on_mark=lambda _: None)
        with pytest.raises(LookupError, match="of the ear"):
            await reader.run()
        return reader.frames.as_data()

    assert run(scene()) == {"received": 1, "forwarded": 0, "dropped": {"ended": 1}, "lost_ms": 0}


class BringingWire(ListWire):
    """Hands over what it has as soon as somebody listens."""

    def listen(self, take: Callable[[WireEvent], None]) -> bool:
        while self.events:
            take(self.events.pop(0))
        take(WireEnded("stop"))
        return True

    send_audio = send_mark = send_clear = close = ListWire.receive


def test_what_a_wire_brings_is_taken_at_once_and_what_breaks_is_raised_in_the_loop() -> None:
    async def scene() -> None:
        keys: list[str] = []

        async def on_digit(key: str) -> None:
            keys.append(key)

        frames = [silence(20), voice(20)]
        wire: Any = BringingWire(AudioIn(frames[0]), Digit("4"), AudioIn(frames[1]))
        taken: list[bytes] = []
        reader = Reader(wire, on_audio=taken.append, on_digit=on_digit, on_mark=lambda _: None)
        assert await reader.run() == "stop"
        assert (taken, keys) == (frames, ["4"])

        def breaks(_pcm: bytes) -> str | None:
            raise LookupError("of the ear")

        broken: Any = BringingWire(AudioIn(frames[0]), AudioIn(frames[1]))
        reader = Reader(broken, on_audio=breaks, on_digit=on_digit, on_mark=lambda _: None)
        with pytest.raises(LookupError, match="of the ear"):
            await reader.run()
        assert reader.frames.dropped == {"ended": 2}

    run(scene())


def test_what_a_wire_brings_is_taken_in_the_context_of_the_call() -> None:
    whose: ContextVar[str] = ContextVar("whose", default="nobody's")

    class Foreign(BringingWire):
        def listen(self, take: Callable[[WireEvent], None]) -> bool:
            return Context().run(super().listen, take)

    async def scene() -> list[str]:
        seen: list[str] = []

        def on_audio(_pcm: bytes) -> None:
            seen.append(whose.get())

        wire: Any = Foreign(AudioIn(silence(20)))
        reader = Reader(wire, on_audio=on_audio, on_digit=lambda _: asyncio.sleep(0), on_mark=lambda _: None)
        whose.set("this call's")
        await reader.run()
        return seen

    assert run(scene()) == ["this call's"]


def test_every_frame_is_accounted_for_and_holes_are_measured() -> None:
    async def scene() -> Reader:
        taken: list[bytes] = []

        def on_audio(pcm: bytes) -> str | None:
            taken.append(pcm)
            return "goodbye" if len(taken) > 2 else None

        async def on_digit(_key: str) -> None:
            return None

        frame = silence(20)
        wire: Any = ListWire(
            AudioIn(frame, 0), BadFrame("malformed"), AudioIn(frame, 20), AudioIn(frame, 120), AudioIn(frame)
        )
        reader = Reader(wire, on_audio=on_audio, on_digit=on_digit, on_mark=lambda _: None)
        assert await reader.run() == "stop"
        return reader

    frames = run(scene()).frames
    assert frames.as_data() == {
        "received": 5,
        "forwarded": 2,
        "dropped": {"malformed": 1, "goodbye": 2},
        "lost_ms": 80,
    }
