"""The course of an answered call: its documents followed verb by verb, until one ends it.

Owns what each verb does to the line, the questions that follow (actions, redirects), and a REST update
that replaces the document in the middle of a verb. Whom a `<Dial>` reaches, the exchange knows.
"""

from __future__ import annotations

import asyncio
import io
import secrets
import wave
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict

import httpx

from trunkline.kit import tones
from trunkline.kit.audio import pcm_to_ulaw
from trunkline.kit.clock import now
from trunkline.providers.ports import CallStatus
from trunkline.providers.twilio.wire import (
    DIRECTION_DIALLED,
    ErrorCode,
    Field,
    RecordingStatus,
    StreamEvent,
)
from trunkline.simulators.carrier import twiml
from trunkline.simulators.carrier.book import Book
from trunkline.simulators.carrier.calls import Call
from trunkline.simulators.carrier.line import Line
from trunkline.simulators.carrier.people.population import Population, Telephone
from trunkline.simulators.carrier.rooms import Room, Seat
from trunkline.simulators.carrier.stream import MediaStream, StreamTrouble
from trunkline.simulators.carrier.webhooks import Webhooks

_SPOKEN_CHARACTERS_PER_S = 15.0
_LONGEST_LOOP = 1_000
"""Turns of a file that is to be played for ever."""

Verbs = list[twiml.Verb]
DialLeg = Callable[[Call, Call, Telephone, float], Awaitable[None]]
"""Takes a leg through its life, for a call and its telephone, joined with it for so long at most."""


class Course:
    """One call's way through its documents. `run` returns when the last one is at its end."""

    def __init__(
        self,
        call: Call,
        telephone: Telephone,
        *,
        webhooks: Webhooks,
        book: Book,
        auth_token: str,
        realtime: bool,
        rooms: dict[str, Room],
        dial: DialLeg,
        population: Population,
    ) -> None:
        self._call = call
        self._telephone = telephone
        self._webhooks = webhooks
        self._book = book
        self._auth_token = auth_token
        self._realtime = realtime
        self._rooms = rooms
        self._dial = dial
        self._population = population
        self._line = Line(telephone.handset)

    async def run(self, verbs: Verbs | None) -> None:
        """Follow these verbs and whatever comes after them, then hang up."""
        try:
            while verbs is not None:
                verbs = await self._until_redirected(verbs)
        finally:
            self._book.media(self._call.sid, carrier_frames=self._line.heard_frames)
            self._call.hang_up("twiml")

    async def fetch(self, url: str, more: Mapping[str, str] | None = None) -> Verbs | None:
        """Ask the product what is to be done; None, with an error in the book, if it does not say."""
        reply = await self._webhooks.post(url, {**self._call.webhook_form(), **(more or {})})
        if not reply.ok:
            message = f"voice webhook answered {reply.statuses}: {reply.text[:200]}"
            self._book.error(self._call.sid, ErrorCode.WEBHOOK_UNREACHABLE, message)
            return None
        return self._parsed(reply.text)

    def _parsed(self, document: str) -> Verbs | None:
        try:
            return twiml.parse(document)
        except twiml.TwimlError as error:
            self._book.error(self._call.sid, error.code, str(error))
            return None

    async def _until_redirected(self, verbs: Verbs) -> Verbs | None:
        following = asyncio.create_task(self._follow(verbs), name=f"verbs {self._call.sid}")
        redirected = asyncio.create_task(self._call.redirects.get(), name=f"redirect {self._call.sid}")
        try:
            await asyncio.wait({following, redirected}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (following, redirected):
                if not task.done():
                    task.cancel()
            await asyncio.gather(following, redirected, return_exceptions=True)
        if not redirected.cancelled():
            document, url = redirected.result()
            self._book.twiml(self._call.sid, "(update)", url or document)
            return await self.fetch(url) if url else self._parsed(document)
        return following.result()

    async def _follow(self, verbs: Verbs) -> Verbs | None:
        """Return the verbs of the document that follows; None where the call ends with this one."""
        for verb in verbs:
            if isinstance(verb, twiml.Invalid):
                self._book.error(self._call.sid, verb.code, verb.message)
                continue
            self._book.twiml(self._call.sid, *_in_the_book(verb))
            if isinstance(verb, twiml.Hangup | twiml.Reject):
                return None
            onward = await self._do(verb)
            if onward is not None:
                return await self.fetch(*onward)
        return None

    async def _do(self, verb: twiml.Verb) -> tuple[str, Mapping[str, str]] | None:
        """Do what a verb says; return which question of ours follows it, if one does."""
        match verb:
            case twiml.ConnectStream():
                await self._stream(verb)
            case twiml.Say():
                await self._say(verb)
            case twiml.Play():
                await self._play(verb)
            case twiml.Pause():
                await self._line.wait(verb.seconds if self._realtime else 0.0)
            case twiml.Redirect():
                return verb.url, {}
            case _:
                return await self._ask(verb)
        return None

    async def _ask(self, verb: twiml.Verb) -> tuple[str, Mapping[str, str]] | None:
        """Do the same for the verbs that have an action."""
        told: Mapping[str, str] | None = None
        match verb:
            case twiml.DialNumber():
                told = await self._reach(verb)
            case twiml.DialConference():
                await self._confer(verb)
                told = _dialled(CallStatus.COMPLETED)
            case twiml.Record():
                told = await self._record(verb)
            case twiml.Gather():
                keys = await self._gather(verb)
                told = {Field.DIGITS: keys} if keys or verb.even_if_empty else None
            case _:
                raise AssertionError(f"{verb} is followed elsewhere")
        return None if told is None or not verb.action else (verb.action, told)

    # --- Verbs ---------------------------------------------------------------------------

    async def _stream(self, verb: twiml.ConnectStream) -> None:
        call = self._call
        stream = MediaStream(
            account_sid=call.account_sid,
            call_sid=call.sid,
            auth_token=self._auth_token,
            url=verb.url,
            parameters=verb.parameters,
        )
        await self._tell_of_stream(verb, stream.sid, StreamEvent.STARTED)
        event, trouble = StreamEvent.STOPPED, ""
        try:
            await stream.run(self._telephone.handset)
        except StreamTrouble as error:
            self._book.error(call.sid, error.code, str(error))
            event, trouble = StreamEvent.ERROR, str(error)
        finally:
            self._book.media(call.sid, **asdict(stream.figures))
        await self._tell_of_stream(verb, stream.sid, event, trouble)

    async def _tell_of_stream(
        self, verb: twiml.ConnectStream, sid: str, event: StreamEvent, trouble: str = ""
    ) -> None:
        if verb.status_url:
            form = {Field.STREAM_SID: sid, Field.STREAM_EVENT: event.value, Field.STREAM_ERROR: trouble}
            await self._webhooks.post(verb.status_url, {**self._call.webhook_form(), **form})

    async def _say(self, verb: twiml.Say, *, until_keys: int = 0) -> None:
        if self._realtime:
            audio = await self._population.announce(verb.text)
            await self._line.play(audio, until_keys=until_keys)
        elif until_keys:
            await self._line.wait(len(verb.text) / _SPOKEN_CHARACTERS_PER_S, until_keys=until_keys)

    async def _play(self, verb: twiml.Play) -> None:
        if verb.digits:
            await self._line.play(pcm_to_ulaw(tones.keys(verb.digits)))
            return
        audio = await self._file(verb.url)
        for _ in range(verb.loop or _LONGEST_LOOP):
            await self._line.play(audio)

    async def _reach(self, verb: twiml.DialNumber) -> Mapping[str, str]:
        """Return what the action is told; a caller who has gone first has it told all the same."""
        call = self._call
        leg = Call(
            account_sid=call.account_sid, to=verb.number, from_=verb.caller_id or call.to,
            direction=DIRECTION_DIALLED, answer_url="", status_url="", parent_sid=call.sid,
            ring_timeout_s=verb.timeout_s, begun_at=now(),
        )  # fmt: skip
        try:
            await self._dial(leg, call, self._telephone, verb.limit_s)
        except asyncio.CancelledError:
            if call.cut.is_set() and verb.action:
                over = {Field.CALL_STATUS: CallStatus.COMPLETED.value}
                self._webhooks.post_later(verb.action, {**call.webhook_form(), **over, **_of_leg(leg)})
            raise
        return _of_leg(leg)

    async def _confer(self, verb: twiml.DialConference) -> None:
        music = await self._file(verb.wait_url) if verb.wait_url else b""
        room = self._rooms.setdefault(verb.name, Room())
        seat = Seat(self._telephone.handset, music)
        room.enter(seat, begins=verb.begins)
        try:
            await seat.left.wait()
        finally:
            room.go(seat, ends=verb.ends)
            if not room.seats:
                self._rooms.pop(verb.name, None)
            self._book.media(
                self._call.sid, conference_frames=seat.heard_frames, music_frames=seat.music_frames
            )

    async def _gather(self, verb: twiml.Gather) -> str:
        self._line.keys = ""
        wanted = verb.digits or 1
        for said in verb.said:
            if len(self._line.keys) < wanted:
                await self._say(said, until_keys=wanted)
        if len(self._line.keys) < wanted:
            await self._line.wait(verb.timeout_s, until_keys=wanted)
        return self._line.keys[:wanted]

    async def _record(self, verb: twiml.Record) -> dict[str, str] | None:
        """Return what the action is told of the recording; its callback goes out in any case."""
        recording = f"RE{secrets.token_hex(16)}"
        begun = now()
        try:
            await self._line.play(pcm_to_ulaw(tones.beep()))
            await self._line.record(longest_s=verb.longest_s, silence_s=verb.silence_s)
        finally:
            seconds = round((now() - begun).total_seconds())
            said = self._line.speech_s
            self._book.recorded(self._call.sid, recording, seconds=seconds, speech_s=round(said, 2))
            more = self._recording_form(recording, seconds, is_absent=said == 0.0)
            if verb.status_url:
                # The call may be over, and this task with it: the callback is the webhooks' own.
                self._webhooks.post_later(verb.status_url, {**self._call.webhook_form(), **more})
        return None if said == 0.0 else more

    def _recording_form(self, sid: str, seconds: int, *, is_absent: bool) -> dict[str, str]:
        status = RecordingStatus.ABSENT if is_absent else RecordingStatus.COMPLETED
        return {
            Field.RECORDING_SID: sid,
            Field.RECORDING_STATUS: status.value,
            Field.RECORDING_DURATION: str(seconds),
            Field.RECORDING_URL: f"https://api.twilio.com/2010-04-01/Accounts/{self._call.account_sid}"
            f"/Recordings/{sid}",
            Field.RECORDING_CHANNELS: "1",
        }

    async def _file(self, url: str) -> bytes:
        """Fetch a WAV file (8 kHz, 16 bit, mono) and return it as mu-law; silence if it cannot be played."""
        try:
            with wave.open(io.BytesIO(await self._webhooks.get(url))) as file:
                shape = (file.getframerate(), file.getsampwidth(), file.getnchannels())
                if shape != (8000, 2, 1):
                    raise wave.Error(f"{shape} is not played here")
                return pcm_to_ulaw(file.readframes(file.getnframes()))
        except (httpx.HTTPError, wave.Error, EOFError) as error:
            self._book.error(self._call.sid, ErrorCode.WEBHOOK_UNREACHABLE, f"{url}: {error}")
            return pcm_to_ulaw(bytes(16_000))


def _of_leg(leg: Call) -> dict[str, str]:
    return _dialled(leg.status, leg.talked_s, leg.sid)


def _dialled(status: CallStatus, seconds: int = 0, sid: str = "") -> dict[str, str]:
    return {
        Field.DIAL_CALL_STATUS: status.value,
        Field.DIAL_CALL_DURATION: str(seconds),
        Field.DIAL_CALL_SID: sid,
        Field.DIAL_BRIDGED: "true" if status is CallStatus.COMPLETED else "false",
    }


_DETAIL = ("url", "text", "seconds", "number", "name")
_NAMES = {"ConnectStream": "Connect", "DialNumber": "Dial", "DialConference": "Conference"}


def _in_the_book(verb: twiml.Verb) -> tuple[str, str]:
    """Return a verb's name and what of it is worth a line."""
    name = type(verb).__name__
    detail = next((str(getattr(verb, key)) for key in _DETAIL if getattr(verb, key, "")), "")
    if isinstance(verb, twiml.Gather):
        detail = " ".join(part.text for part in verb.said)
    return _NAMES.get(name, name), getattr(verb, "digits", "") if name == "Play" and not detail else detail
