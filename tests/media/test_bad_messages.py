"""Messages that no carrier sends: each is counted or refused, and none raises anything else."""

from __future__ import annotations

import asyncio
import base64
import json

import pytest

from trunkline.media import NoStart, TwilioStream
from trunkline.media.frames import BadFrame, WireEvent


class OneMessage:
    """A socket that says one thing and then nothing."""

    def __init__(self, text: str) -> None:
        self.said = [text]

    async def receive_text(self) -> str:
        return self.said.pop() if self.said else await asyncio.Event().wait() or ""

    async def send_text(self, text: str) -> None: ...

    async def close(self) -> None: ...


async def received(text: str) -> WireEvent:
    async with asyncio.timeout(30):
        return await TwilioStream(OneMessage(text)).receive()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[" * 60_000, "malformed"),
        ('{"a":' * 9_000, "malformed"),
        ('{"event": "media", "media": {"timestamp": 1e999, "payload": "/w=="}}', "malformed"),
        ('{"event": "media", "media": {"timestamp": NaN, "payload": "/w=="}}', "malformed"),
        ('{"event": "dtmf", "dtmf": {"digit": "\\u0000"}}', "no_key"),
        ('{"event": "dtmf", "dtmf": {"digit": "\\ud800"}}', "no_key"),
        ('{"event": "dtmf", "dtmf": {"digit": "12"}}', "no_key"),
        ('{"event": "dtmf", "dtmf": {"digit": ["1"]}}', "no_key"),
    ],
)
async def test_what_cannot_be_used_is_counted_with_its_reason(text: str, reason: str) -> None:
    assert await received(text) == BadFrame(reason)


async def test_more_than_a_second_in_one_message_is_not_taken() -> None:
    for length, taken in ((8_000, True), (8_001, False)):
        payload = base64.b64encode(bytes(length)).decode()
        found = await received(json.dumps({"event": "media", "media": {"payload": payload}}))
        assert (found != BadFrame("too_long")) is taken


@pytest.mark.parametrize("length", [0, 1, 8_000, 8_001, 40_000])
async def test_what_is_read_by_the_short_way_a_parser_reads_the_same(length: int) -> None:
    payload = base64.b64encode(bytes(length)).decode()
    text = (
        '{"event":"media","sequenceNumber":"3","media":{"track":"inbound","chunk":"1","timestamp":"20",'
        f'"payload":"{payload}"}},"streamSid":"MZ1"}}'
    )
    read, parsed = TwilioStream.plain_audio(text.encode()), await received(text)
    assert read == parsed if 1 <= length <= 8_000 else (read is None and isinstance(parsed, BadFrame))


@pytest.mark.parametrize("rate", ["fast", None, [8000], {"hz": 8000}, 16_000])
async def test_a_start_with_another_rate_is_refused(rate: object) -> None:
    start = {"streamSid": "MZ1", "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": rate}}
    with pytest.raises(NoStart, match="not mu-law at 8000 Hz"):
        await TwilioStream(OneMessage(json.dumps({"event": "start", "start": start}))).start(timeout_s=5)
