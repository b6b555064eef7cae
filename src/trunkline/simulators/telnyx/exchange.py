"""The stand-in's calls: legs that ring, are answered, commanded and end, and what their people hear.

Owns the states of legs and what each command does. HTTP is the server's, the wire of events `webhooks`'.
Of commands it has those that we send. A word that is spoken sounds as a tone of 20 ms a letter.
"""

from __future__ import annotations

import asyncio
import base64
import io
import struct
import wave
from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime
from math import sin
from typing import Any

import httpx

from trunkline.kit.audio import pcm_to_ulaw
from trunkline.kit.tls import trusted
from trunkline.providers.telnyx.wire import Action, ErrorCode, EventType, HangupCause
from trunkline.simulators.carrier.line import Line
from trunkline.simulators.carrier.rooms import Room, Seat
from trunkline.simulators.carrier.stream import StreamTrouble
from trunkline.simulators.telnyx.legs import CommandRefused, Leg
from trunkline.simulators.telnyx.people import Manner
from trunkline.simulators.telnyx.stream import TelnyxMedia
from trunkline.simulators.telnyx.webhooks import Webhooks

_BRIEF_S = 1.0
_LETTER_PCM = struct.pack("<160h", *(int(9000 * sin(i / 3)) for i in range(160)))
_ENDLESS = "infinity"


class Exchange:
    """Every leg there is. `people` says what somebody does whose number is rung."""

    def __init__(self, webhooks: Webhooks, *, webhook_url: str, no_answer_s: float) -> None:
        self.webhooks = webhooks
        self.webhook_url = webhook_url
        """Where events of calls to us go."""
        self.people: dict[str, Manner] = {}
        self.legs: dict[str, Leg] = {}
        self.dials: list[dict[str, Any]] = []
        """Every order for a call that came in, repeated ones too."""
        self._dialled: dict[str, Leg] = {}
        self._no_answer_s = no_answer_s
        self._tasks: set[asyncio.Task[None]] = set()

    # --- What a test does ----------------------------------------------------------------

    def phone_in(self, from_: str, to: str) -> Leg:
        """Somebody phones a number of ours."""
        leg = Leg("incoming", from_, to, self.webhook_url, connection_id="1684641123236054244")
        self.legs[leg.sid] = leg
        self.tell(leg, EventType.INITIATED, direction="incoming", state="parked")
        return leg

    async def person_hangs_up(self, leg: Leg) -> None:
        """The person puts the receiver down."""
        await self.end(leg, HangupCause.NORMAL, source="caller" if leg.direction == "incoming" else "callee")

    # --- Orders --------------------------------------------------------------------------

    def dial(self, body: Mapping[str, Any]) -> tuple[Leg, bool]:
        """Place a call; True: the order was known, and nothing is placed. Raises CommandRefused."""
        self.dials.append(dict(body))
        for name in ("connection_id", "to", "from"):
            if not body.get(name):
                raise CommandRefused(422, ErrorCode.MISSING_PARAMETER, f"Missing required parameter {name}")
        if not str(body["to"]).startswith("+"):
            raise CommandRefused(422, ErrorCode.INVALID_NUMBER, "Phone number must be in +E.164 format")
        key = str(body.get("command_id", ""))
        if key and key in self._dialled:
            return self._dialled[key], True
        url = str(body.get("webhook_url") or self.webhook_url)
        leg = Leg("outgoing", str(body["from"]), str(body["to"]), url, str(body["connection_id"]))
        leg.client_state = str(body.get("client_state", ""))
        self.legs[leg.sid] = leg
        if key:
            self._dialled[key] = leg
        self._begin(self._ring(leg, detects=bool(body.get("answering_machine_detection"))), leg)
        return leg, False

    def leg_of(self, sid: str) -> Leg:
        """Return a leg. Raises CommandRefused."""
        if sid not in self.legs:
            raise CommandRefused(404, ErrorCode.NOT_FOUND, "Resource not found")
        return self.legs[sid]

    async def command(self, sid: str, action: str, body: Mapping[str, Any]) -> None:
        """Carry a command out, once for each `command_id`. Raises CommandRefused."""
        leg = self.leg_of(sid)
        if leg.ended is not None:
            raise CommandRefused(422, ErrorCode.CALL_OVER, "Call has already ended")
        key = str(body.get("command_id", ""))
        if key and key in leg.known:
            leg.ignored.append(action)
            return
        known = {
            Action.ANSWER: self._answer, Action.REJECT: self._reject, Action.HANGUP: self._hang_up,
            Action.SPEAK: self._speak, Action.PLAYBACK_START: self._play,
            Action.PLAYBACK_STOP: self._stop_play, Action.SEND_DTMF: self._send_dtmf,
            Action.STREAMING_START: self._stream, Action.STREAMING_STOP: self._stop_stream,
            Action.TRANSFER: self._transfer,
        }  # fmt: skip
        if action not in known:
            raise CommandRefused(404, ErrorCode.NOT_FOUND, "Resource not found")
        if not leg.answered and action not in {Action.ANSWER, Action.REJECT, Action.HANGUP}:
            raise CommandRefused(422, ErrorCode.NOT_ANSWERED, "Call not answered yet")
        await known[Action(action)](leg, body)
        # Noted behind it: what was refused may be sent again.
        if key:
            leg.known.add(key)
        leg.commands.append((action, dict(body)))
        if body.get("client_state"):
            leg.client_state = str(body["client_state"])

    async def end(self, leg: Leg, cause: HangupCause, *, source: str = "unknown") -> None:
        """End a leg: what it was at ends first, then whoever was joined with it."""
        if leg.ended is not None:
            return
        leg.ended, leg.ended_at = cause, datetime.now(UTC)
        await self._quit(leg)
        self.tell(
            leg, EventType.HANGUP, hangup_cause=cause.value, hangup_source=source, state="hangup",
            sip_hangup_cause="unspecified", start_time=f"{leg.started_at:%Y-%m-%dT%H:%M:%S.%fZ}",
        )  # fmt: skip
        # A leg that rings for another ends with it; of two that are joined, either ends the other.
        other, joined = leg.other, leg.seat is not None
        if other is not None and (joined or not leg.rings_for_another):
            await self.end(other, HangupCause.NORMAL if joined else HangupCause.CANCELLED)

    async def close(self) -> None:
        for leg in self.legs.values():
            await self._quit(leg)
            if leg.seat is not None:
                leg.seat.leave()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def tell(self, leg: Leg, event: EventType, **more: Any) -> None:
        """Have an event sent, with the state that the leg has now."""
        leg.events.append(event)
        self.webhooks.tell(leg.sid, leg.webhook_url, event, {**leg.fields(), **more})

    # --- Ringing -------------------------------------------------------------------------

    async def _ring(self, leg: Leg, *, detects: bool = False) -> None:
        self.tell(leg, EventType.INITIATED, direction="outgoing", state="bridging")
        manner = self.people.get(leg.to, Manner.ANSWERS)
        if manner is Manner.NEVER_ANSWERS:
            await asyncio.sleep(self._no_answer_s)
            await self.end(leg, HangupCause.TIMEOUT)
        elif manner is Manner.ENGAGED:
            await self.end(leg, HangupCause.BUSY, source="callee")
        elif manner is Manner.DECLINES:
            await self.end(leg, HangupCause.REJECTED, source="callee")
        elif leg.ended is None:
            leg.answered = True
            self.tell(leg, EventType.ANSWERED, state="answered")
            if detects:
                self.tell(leg, EventType.MACHINE_DETECTION_ENDED, result="human")

    # --- Commands ------------------------------------------------------------------------

    async def _answer(self, leg: Leg, _body: Mapping[str, Any]) -> None:
        if leg.direction != "incoming" or leg.answered:
            raise CommandRefused(422, ErrorCode.BAD_REQUEST, "The call cannot be answered")
        leg.answered = True
        self.tell(leg, EventType.ANSWERED, state="answered")

    async def _reject(self, leg: Leg, body: Mapping[str, Any]) -> None:
        if body.get("cause") not in {"CALL_REJECTED", "USER_BUSY"}:
            raise CommandRefused(422, ErrorCode.MISSING_PARAMETER, "Missing required parameter cause")
        await self.end(leg, HangupCause.REJECTED, source="callee")

    async def _hang_up(self, leg: Leg, _body: Mapping[str, Any]) -> None:
        cause = HangupCause.NORMAL if leg.answered else HangupCause.CANCELLED
        await self.end(leg, cause, source="caller" if leg.direction == "outgoing" else "callee")

    async def _speak(self, leg: Leg, body: Mapping[str, Any]) -> None:
        for name in ("payload", "voice"):
            if not body.get(name):
                raise CommandRefused(422, ErrorCode.MISSING_PARAMETER, f"Missing required parameter {name}")
        audio = pcm_to_ulaw(_LETTER_PCM * len(str(body["payload"])))
        await self._sound(leg, body, audio, EventType.SPEAK_STARTED, EventType.SPEAK_ENDED)

    async def _play(self, leg: Leg, body: Mapping[str, Any]) -> None:
        content = str(body.get("playback_content", ""))
        file = base64.b64decode(content) if content else await _fetched(str(body.get("audio_url", "")))
        await self._sound(leg, body, _mulaw_of(file), EventType.PLAYBACK_STARTED, EventType.PLAYBACK_ENDED)

    async def _sound(
        self, leg: Leg, body: Mapping[str, Any], audio: bytes, begun: EventType, over: EventType
    ) -> None:
        if leg.playback is not None and body.get("stop") == "all":
            await self._stop_play(leg, {})
        state = str(body.get("client_state", "")) or leg.client_state
        loop = body.get("loop", 1)
        line = Line(leg.telephone)

        async def play() -> None:
            status = "cancelled"
            try:
                count = 0
                while loop == _ENDLESS or count < int(loop):
                    await line.play(audio)
                    count += 1
                status = "completed"
            finally:
                leg.playback = None
                said = status if leg.ended is None else "call_hangup"
                self.tell(leg, over, client_state=state, status=said)

        self.tell(leg, begun, client_state=state)
        leg.playback = self._begin(play(), leg)

    async def _stop_play(self, leg: Leg, _body: Mapping[str, Any]) -> None:
        if leg.playback is None:
            raise CommandRefused(422, ErrorCode.BAD_REQUEST, "Nothing is being played")
        await _ended(leg.playback)

    async def _send_dtmf(self, leg: Leg, body: Mapping[str, Any]) -> None:
        leg.telephone.tones += str(body["digits"])

    async def _stream(self, leg: Leg, body: Mapping[str, Any]) -> None:
        if leg.stream is not None:
            raise CommandRefused(422, ErrorCode.BAD_REQUEST, "The call is being streamed")
        if (body.get("stream_bidirectional_mode"), body.get("stream_bidirectional_codec")) != ("rtp", "PCMU"):
            raise CommandRefused(422, ErrorCode.BAD_REQUEST, "This stand-in streams rtp in PCMU")
        media = TelnyxMedia(leg.fields(), body)
        leg.streams.append(media.figures)
        state = str(body.get("client_state", ""))

        async def carry() -> None:
            trouble = ""
            try:
                self.tell(leg, EventType.STREAMING_STARTED, client_state=state, stream_url=body["stream_url"])
                await media.run(leg.telephone)
            except StreamTrouble as error:
                trouble = str(error)
                leg.troubles.append(trouble)
            finally:
                leg.stream = None
                if trouble:
                    self.tell(leg, EventType.STREAMING_FAILED, client_state=state, failure_reason=trouble)
                else:
                    self.tell(leg, EventType.STREAMING_STOPPED, client_state=state)

        leg.stream = self._begin(carry(), leg)

    async def _stop_stream(self, leg: Leg, _body: Mapping[str, Any]) -> None:
        if leg.stream is None:
            raise CommandRefused(422, ErrorCode.BAD_REQUEST, "The call is not being streamed")
        await _ended(leg.stream)

    async def _transfer(self, leg: Leg, body: Mapping[str, Any]) -> None:
        if not str(body.get("to", "")).startswith("+"):
            raise CommandRefused(422, ErrorCode.INVALID_NUMBER, "Phone number must be in +E.164 format")
        other = Leg(
            "outgoing", str(body.get("from") or leg.to), str(body["to"]),
            str(body.get("webhook_url") or leg.webhook_url), leg.connection_id, leg.session_id,
        )  # fmt: skip
        other.client_state = str(body.get("target_leg_client_state", ""))
        self.legs[other.sid] = other
        leg.other, other.other, other.rings_for_another = other, leg, True
        self._begin(self._join(leg, other), other)

    async def _join(self, leg: Leg, other: Leg) -> None:
        await self._ring(other)
        if not other.answered or leg.ended is not None:
            return
        await _ended(leg.stream)
        await _ended(leg.playback)
        room = Room(begun=True)
        for party in (leg, other):
            party.seat = Seat(party.telephone)
            room.enter(party.seat, begins=True)
            self.tell(party, EventType.BRIDGED)
        if self.people.get(other.to) is Manner.ANSWERS_BRIEFLY:
            await asyncio.sleep(_BRIEF_S)
            await self.end(other, HangupCause.NORMAL, source="callee")
        for party in (leg, other):
            assert party.seat is not None
            await party.seat.left.wait()
            room.go(party.seat, ends=True)

    async def _quit(self, leg: Leg) -> None:
        await _ended(leg.stream)
        await _ended(leg.playback)
        if leg.seat is not None:
            leg.seat.leave()

    def _begin(self, work: Coroutine[Any, Any, None], leg: Leg) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=f"telnyx {leg.sid}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


async def _ended(task: asyncio.Task[None] | None) -> None:
    if task is not None and task is not asyncio.current_task():
        task.cancel()
        await asyncio.wait([task])


async def _fetched(url: str) -> bytes:
    async with httpx.AsyncClient(verify=trusted(), trust_env=False) as client:
        return (await client.get(url)).raise_for_status().content


def _mulaw_of(file: bytes) -> bytes:
    with wave.open(io.BytesIO(file)) as audio:
        return pcm_to_ulaw(audio.readframes(audio.getnframes()))
