"""The browser's edge: what comes is read or refused with its reason, and what goes is as the page expects."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

import pytest

from media.virtual_time import run
from trunkline.kit.audio import pcm_to_ulaw, ulaw_to_pcm
from trunkline.media.browser_stream import (
    LONGEST_MS,
    LONGEST_TEXT,
    MOST_AHEAD_MS,
    MOST_UNUSABLE,
    SHORTEST_MS,
    BrowserStream,
)
from trunkline.media.frames import (
    AudioIn,
    BadFrame,
    Digit,
    MarkEchoed,
    SocketClosed,
    WireEnded,
    WireEvent,
)
from trunkline.media.stream_edge import NoStart

START = '{"event":"start","encoding":"pcm16","rate":8000}'
SOUND = bytes(range(160)) * 2


def virtual(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Let a test's clock jump to its next timer."""

    @wraps(test)
    def on_virtual_time(**given: Any) -> None:
        run(test(**given))

    return on_virtual_time


class Page:
    """A page's end of the socket: says what it was given, and keeps what it is told."""

    def __init__(self, *said: str | bytes) -> None:
        self.said = list(said)
        self.told: list[str | bytes] = []
        self.closed = False

    async def receive(self) -> str | bytes:
        if not self.said or self.closed:
            raise SocketClosed
        return self.said.pop(0)

    async def send_text(self, text: str) -> None:
        if self.closed:
            raise SocketClosed
        self.told.append(text)

    async def send_bytes(self, data: bytes) -> None:
        self.told.append(data)

    async def close(self) -> None:
        self.closed = True


class PushingPage(Page):
    """The same, which brings its messages."""

    def listen(
        self,
        take_text: Callable[[bytes], None],
        take_bytes: Callable[[bytes], None],
        closed: Callable[[], None],
    ) -> None:
        for message in self.said:
            take_text(message.encode()) if isinstance(message, str) else take_bytes(message)
        closed()


def frame(at_ms: int, audio: bytes = SOUND) -> bytes:
    return at_ms.to_bytes(4, "little") + audio


async def heard(*said: str | bytes, kind: type[Page] = Page, start: str = START) -> list[WireEvent]:
    """Return every event of a page that says this behind its start, and then is gone."""
    page = kind(start)
    edge = BrowserStream(page)
    await edge.start()
    page.said = list(said)
    events: list[WireEvent] = []
    if edge.listen(events.append):
        return events
    while not events or not isinstance(events[-1], WireEnded):
        events.append(await edge.receive())
    return events


GONE = WireEnded("disconnect")


@pytest.mark.parametrize("kind", [Page, PushingPage])
@virtual
async def test_audio_keys_and_the_end_come_in_as_events(kind: type[Page]) -> None:
    said = [frame(0), frame(20), '{"event":"digit","digit":"5"}', '{"event":"stop"}', frame(40)]
    assert await heard(*said, kind=kind) == [
        AudioIn(SOUND, 0), AudioIn(SOUND, 20), Digit("5"), WireEnded("stop"),
    ]  # fmt: skip


@virtual
async def test_mu_law_is_expanded_and_compressed() -> None:
    ulaw = bytes(range(160))
    page = Page(START.replace("pcm16", "mulaw"))
    edge = BrowserStream(page)
    await edge.start()
    page.said = [frame(0, ulaw), frame(20, ulaw)]
    assert await edge.receive() == AudioIn(ulaw_to_pcm(ulaw), 0)
    assert await edge.receive() == AudioIn(ulaw_to_pcm(ulaw), 20)
    await edge.send_audio(SOUND)
    assert page.told == [pcm_to_ulaw(SOUND)]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (b"", "malformed"), (b"\0\0\0\0", "malformed"), (b"\0\0", "malformed"),
        (frame(0, b"x" * 321), "malformed"),
        (frame(0, bytes(SHORTEST_MS * 16 - 2)), "too_short"),
        (frame(0, bytes(LONGEST_MS * 16 + 2)), "too_long"),
        (frame(MOST_AHEAD_MS + 20), "too_fast"), (frame(2**32 - 1), "too_fast"),
        ("", "malformed"), ("[]", "malformed"), ("null", "malformed"), ("[" * 500, "malformed"),
        ('{"event":"mark","name":"' + "x" * LONGEST_TEXT + '"}', "malformed"),
        ("{}", "unexpected"), (START, "unexpected"), ('{"event":"clear"}', "unexpected"),
        ('{"event":["stop"]}', "unexpected"),
        ('{"event":"mark","name":"p1"}', "unknown_mark"), ('{"event":"mark","name":{}}', "unknown_mark"),
        ('{"event":"digit","digit":"A"}', "no_key"), ('{"event":"digit","digit":"\\ud800"}', "no_key"),
        ('{"event":"digit"}', "no_key"), ('{"event":"digit","digit":["5"]}', "no_key"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", [Page, PushingPage])
@virtual
async def test_what_cannot_be_used_is_told_by_its_reason_and_the_call_goes_on(
    kind: type[Page], wrong: str | bytes, reason: str
) -> None:
    assert await heard(wrong, frame(0), kind=kind) == [BadFrame(reason), AudioIn(SOUND, 0), GONE]


@virtual
async def test_frames_out_of_order_or_twice_are_dropped_and_a_gap_is_none() -> None:
    events = await heard(frame(40), frame(20), frame(40), frame(59), frame(60), frame(500))
    assert events == [
        AudioIn(SOUND, 40), *[BadFrame("out_of_order")] * 3, AudioIn(SOUND, 60), AudioIn(SOUND, 500), GONE,
    ]  # fmt: skip


@virtual
async def test_audio_comes_no_faster_than_the_clock_but_for_what_a_network_may_hold() -> None:
    page = Page(START)
    edge = BrowserStream(page)
    await edge.start()
    await asyncio.sleep(5)
    page.said = [frame(at) for at in range(0, 16_000, 20)]
    events = [await edge.receive() for _ in range(len(page.said))]
    used = [event for event in events if isinstance(event, AudioIn)]
    assert used[-1].timestamp_ms == 15_000
    assert next(event for event in events if event not in used) == BadFrame("too_fast")


@pytest.mark.parametrize("kind", [Page, PushingPage])
@virtual
async def test_who_goes_on_sending_what_cannot_be_used_is_cut_off_with_a_word(kind: type[Page]) -> None:
    page = kind(START)
    edge = BrowserStream(page)
    await edge.start()
    page.said = ["nonsense"] * MOST_UNUSABLE + [frame(0)]
    events: list[WireEvent] = []
    if not edge.listen(events.append):
        while not events or not isinstance(events[-1], WireEnded):
            events.append(await edge.receive())
    assert events == [*[BadFrame("malformed")] * MOST_UNUSABLE, GONE]
    await edge.close()
    last = json.loads(page.told[-1])
    assert (last["event"], last["code"]) == ("refused", "unusable")
    assert "malformed" in last["message"]
    assert page.closed


@virtual
async def test_a_mark_is_told_of_once_and_only_if_it_was_asked_for() -> None:
    page = Page(START)
    edge = BrowserStream(page)
    await edge.start()
    await edge.send_audio(SOUND)
    await edge.send_mark("p1")
    await edge.send_clear()
    page.said = ['{"event":"mark","name":"p1"}'] * 2
    assert [await edge.receive(), await edge.receive()] == [MarkEchoed("p1"), BadFrame("unknown_mark")]
    await edge.close()
    await edge.close()
    assert page.told == [SOUND, '{"event":"mark","name":"p1"}', '{"event":"clear"}', '{"event":"end"}']


@virtual
async def test_keys_come_no_faster_than_a_hand_presses_them() -> None:
    five = '{"event":"digit","digit":"5"}'
    assert await heard(five, five) == [Digit("5"), BadFrame("too_fast"), GONE]


@pytest.mark.parametrize(
    "first",
    [
        frame(0), b"{}", "", "{}", '{"event":"stop"}', START.replace("pcm16", "opus"),
        START.replace("8000", "48000"), START.replace("8000", '"8000"'), START.replace("start", "mark"),
        START.replace('"pcm16"', "[]"), START.encode(),
    ],
)  # fmt: skip
@virtual
async def test_a_start_that_is_none_is_refused(first: str | bytes) -> None:
    page = Page(first)
    edge = BrowserStream(page)
    with pytest.raises(NoStart):
        await edge.start()
    await edge.refuse("no_start", "why")
    assert [json.loads(said) for said in page.told] == [
        {"event": "refused", "code": "no_start", "message": "why"}
    ]
    assert page.closed


@virtual
async def test_a_page_that_says_nothing_or_goes_is_refused_in_time() -> None:
    with pytest.raises(NoStart, match="closed"):
        await BrowserStream(Page()).start()

    class Silent(Page):
        async def receive(self) -> str | bytes:
            await asyncio.Event().wait()
            raise AssertionError

    with pytest.raises(NoStart, match="within 5 s"):
        await BrowserStream(Silent()).start()
