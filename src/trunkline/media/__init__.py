"""Floor 3: the clean room. One live call's audio; nothing here blocks.

What the call room uses:

    edge = TwilioStream(socket)                 # or TelnyxStream; a Socket: receive_text, send_text, close
    start = await edge.start(timeout_s=5)       # NoStart, or call_sid and parameters such as `token`
    ...                                         # authenticate, build the CallBrief
    session = Session(options=SessionOptions(voice=...), wire=edge, brief=brief, brain=brain,
                      tools=run_tool, stt=stt, tts=tts, vad=vad, sink=sink)
    ended = await live.run(session)             # live: LiveSessions, one a process; `live.patrol()` reaps

The sink gets each `CallEvent` at once, must not block and must not raise. Kinds and their data
(times in milliseconds):

    started      direction, language
    agent_said   turn, text, heard_text, interrupted, resumed; heard_ms where a mark has told it
    caller_said  text, confidence, kind (speech, silence, machine)
    digits       digits
    note         name, value
    tool_used    name, arguments, ok, data, ms
    machine_found  by (heard, words, carrier), what (greeting, beep, voicemail, machine, fax), action
    message_left  text, heard_text, after (beep, silence)
    latency      turn and one of: greeting_ms | clear_ms | kind, endpoint_ms, transcript_ms,
                 first_token_ms, first_audio_ms, on_the_wire_ms, decided_to_wire_ms, reply_ms
    trouble      what, detail (an alarm's name, voice_failed, brain_failed, transcript_failed, ...)
    ended        reason, duration_ms, frames_in {received, forwarded, dropped {reason: n}, lost_ms},
                 frames_out {queued, sent, cleared, stalls, gap_ms, worst_gap_ms, starved, comfort}, turns,
                 interruptions, windows_judged

What the caller said may be known behind the answer to it; it is told before, and what follows waits.
Reasons of the end: the brain's own (HangUp), `brain_failed`, `voicemail`, `stop` and `disconnect` (the
carrier), `silence`, `too_long`, `speech_failed`, the watchdog's alarms, `cancelled`, `reaped`,
`internal_error`, or what `Session.stop` was given. Of a call that no Session could be built for,
`record_stillborn` tells the same way.
"""

from trunkline.media.answering import MachineRules, OnMachine
from trunkline.media.browser_stream import BrowserSocket, BrowserStream
from trunkline.media.frames import SocketClosed
from trunkline.media.json_stream import JsonStream, Socket, StreamStart
from trunkline.media.options import SessionOptions
from trunkline.media.reaper import LiveSessions
from trunkline.media.scribe import CallEvent, EventKind, EventSink, record_stillborn
from trunkline.media.session import Ended, Session
from trunkline.media.stream_edge import NoStart
from trunkline.media.telnyx_stream import TelnyxStream
from trunkline.media.twilio_stream import TwilioStream

__all__ = [
    "BrowserSocket",
    "BrowserStream",
    "CallEvent",
    "Ended",
    "EventKind",
    "EventSink",
    "JsonStream",
    "LiveSessions",
    "MachineRules",
    "NoStart",
    "OnMachine",
    "Session",
    "SessionOptions",
    "Socket",
    "SocketClosed",
    "StreamStart",
    "TelnyxStream",
    "TwilioStream",
    "record_stillborn",
]
