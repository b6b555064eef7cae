"""The wire edge for Twilio Media Streams: what is Twilio's own of its messages, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from trunkline.media.json_stream import JsonStream, StreamStart, text_map
from trunkline.media.stream_edge import NoStart


class TwilioStream(JsonStream):
    """One Media Streams socket as a `Wire`."""

    STREAM_FIELD = "streamSid"
    AUDIO_HEAD = re.compile(
        rb'\{"event":"media","sequenceNumber":"\d{1,18}",'
        rb'"media":\{"track":"inbound","chunk":"\d{1,18}","timestamp":"(\d{1,18})","payload":"'
    )
    AUDIO_TAIL = re.compile(rb'"\},"streamSid":"\w*"\}')

    def introduced(self, start: Mapping[str, Any], message: Mapping[str, Any]) -> StreamStart:
        media_format = start.get("mediaFormat")
        if not isinstance(media_format, dict) or (
            media_format.get("encoding"),
            str(media_format.get("sampleRate")),
        ) != ("audio/x-mulaw", "8000"):
            raise NoStart(f"the stream's format is {media_format!r}, not mu-law at 8000 Hz")
        return StreamStart(
            stream_sid=str(start.get("streamSid") or message.get("streamSid") or ""),
            call_sid=str(start.get("callSid") or ""),
            parameters=text_map(start.get("customParameters")),
        )
