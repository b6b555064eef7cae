"""The edge for Telnyx: its messages in and out; the short way reads what the parser reads."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from trunkline.kit.audio import pcm_to_ulaw, ulaw_to_pcm
from trunkline.media import NoStart, SocketClosed, TelnyxStream
from trunkline.media.frames import AudioIn, BadFrame, Digit, MarkEchoed, WireEnded, WireEvent

ULAW = bytes(range(160))
START = {
    "event": "start", "sequence_number": "1", "stream_id": "32de0dea-53cb",
    "start": {
        "user_id": "u", "call_control_id": "v3:one", "client_state": "c3RhdGU=",
        "custom_parameters": {"token": "t"},
        "media_format": {"encoding": "PCMU", "sample_rate": 8000, "channels": 1},
    },
}  # fmt: skip
PAYLOAD = base64.b64encode(ULAW).decode()
PLAIN = (
    '{"event":"media","sequence_number":"4","media":{"track":"inbound","chunk":"2","timestamp":"40",'
    f'"payload":"{PAYLOAD}"}},"stream_id":"32de0dea-53cb"}}'
)


class Line:
    """A socket that brings what it is given and keeps what is sent."""

    def __init__(self, *texts: str) -> None:
        self.texts = list(texts)
        self.sent: list[dict[str, Any]] = []
        self.take: Callable[[bytes], None] | None = None

    async def receive_text(self) -> str:
        if not self.texts:
            raise SocketClosed
        return self.texts.pop(0)

    async def send_text(self, text: str) -> None:
        self.sent.append(json.loads(text))

    async def close(self) -> None: ...

    def listen(self, take: Callable[[bytes], None], closed: Callable[[], None]) -> None:
        self.take = take


async def begun(*texts: str) -> tuple[TelnyxStream, Line]:
    line = Line('{"event":"connected","version":"1.0.0"}', json.dumps(START), *texts)
    edge = TelnyxStream(line)
    start = await edge.start()
    assert (start.stream_sid, start.call_sid, start.state) == ("32de0dea-53cb", "v3:one", "c3RhdGU=")
    assert start.parameters == {"token": "t"}
    return edge, line


async def test_what_telnyx_sends_is_understood() -> None:
    spaced = json.dumps(json.loads(PLAIN))
    texts = [
        PLAIN,
        spaced,
        '{"event":"mark","sequence_number":"5","stream_id":"s","mark":{"name":"m1"}}',
        '{"event":"dtmf","stream_id":"s","occurred_at":"x","sequence_number":"6","dtmf":{"digit":"#"}}',
        '{"event":"error","stream_id":"s","payload":{"code":100002,"title":"unknown_error"}}',
        spaced.replace('"inbound"', '"outbound"'),
        '{"event":"stop","sequence_number":"7","stream_id":"s","stop":{"user_id":"u"}}',
    ]
    edge, _ = await begun(*texts)
    audio = AudioIn(ulaw_to_pcm(ULAW), 40)
    events = [await edge.receive() for _ in texts]
    assert events == [
        audio, audio, MarkEchoed("m1"), Digit("#"), BadFrame("carrier_error"), BadFrame("other_track"),
        WireEnded("stop"),
    ]  # fmt: skip


async def test_the_short_way_reads_what_the_parser_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    edge, line = await begun()
    taken: list[WireEvent] = []
    assert edge.listen(taken.append)
    assert line.take is not None
    line.take(json.dumps(json.loads(PLAIN)).encode())
    monkeypatch.setattr("trunkline.media.json_stream.json.loads", lambda _: pytest.fail("parsed"))
    line.take(PLAIN.encode())
    assert taken == [AudioIn(ulaw_to_pcm(ULAW), 40)] * 2


async def test_what_is_sent_is_in_telnyx_words() -> None:
    edge, line = await begun()
    pcm = ulaw_to_pcm(ULAW)
    await edge.send_audio(pcm)
    await edge.send_mark("m1")
    await edge.send_clear()
    stream = {"stream_id": "32de0dea-53cb"}
    assert line.sent == [
        {"event": "media", **stream, "media": {"payload": base64.b64encode(pcm_to_ulaw(pcm)).decode()}},
        {"event": "mark", **stream, "mark": {"name": "m1"}},
        {"event": "clear", **stream},
    ]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"start": {**START["start"], "media_format": {"encoding": "L16", "sample_rate": 16000}}}, "PCMU"),  # type: ignore[dict-item]
        ({"start": {**START["start"], "media_format": None}}, "PCMU"),  # type: ignore[dict-item]
        ({"stream_id": ""}, "stream_id"),
        ({"start": []}, "says nothing"),
        ({"event": "media"}, "began with 'media'"),
    ],
)
async def test_a_stream_that_we_cannot_speak_to_is_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(NoStart, match=reason):
        await TelnyxStream(Line(json.dumps({**START, **change}))).start()


async def test_a_stream_that_does_not_begin_is_refused() -> None:
    class Silent(Line):
        async def receive_text(self) -> str:
            return await asyncio.Future()

    with pytest.raises(NoStart, match="within"):
        await TelnyxStream(Silent()).start(timeout_s=0.01)
