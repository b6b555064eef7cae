"""The wire edge for Telnyx media streaming: what is Telnyx's own of its messages, and nothing else.

The stream brings the caller's track as mu-law at 8 kHz and plays what it is sent, in the bidirectional
mode `rtp`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from trunkline.media.json_stream import JsonStream, StreamStart, text_map
from trunkline.media.stream_edge import NoStart


class TelnyxStream(JsonStream):
    """One media streaming socket as a `Wire`."""

    STREAM_FIELD = "stream_id"
    AUDIO_HEAD = re.compile(
        rb'\{"event":"media","sequence_number":"\d{1,18}",'
        rb'"media":\{"track":"inbound","chunk":"\d{1,18}","timestamp":"(\d{1,18})","payload":"'
    )
    AUDIO_TAIL = re.compile(rb'"\},"stream_id":"[\w-]*"\}')

    def introduced(self, start: Mapping[str, Any], message: Mapping[str, Any]) -> StreamStart:
        media_format = start.get("media_format")
        if not isinstance(media_format, dict) or (
            media_format.get("encoding"),
            str(media_format.get("sample_rate")),
        ) != ("PCMU", "8000"):
            raise NoStart(f"the stream's format is {media_format!r}, not PCMU at 8000 Hz")
        return StreamStart(
            stream_sid=str(message.get("stream_id") or ""),
            call_sid=str(start.get("call_control_id") or ""),
            parameters=text_map(start.get("custom_parameters")),
            state=str(start.get("client_state") or ""),
        )
