"""The exchange: takes orders for calls, rings people, follows TwiML, and lets people phone us.

Owns the life of every call from order to end. REST and the control endpoints only ask here; what
people say and understand is theirs (`people`), how audio travels is the stream's.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Coroutine

from trunkline.kit.clock import now
from trunkline.providers.ports import CallStatus, SpeechFailed
from trunkline.providers.twilio.wire import (
    DIRECTION_INBOUND,
    Field,
    RecordingStatus,
)
from trunkline.simulators.carrier import twiml
from trunkline.simulators.carrier.book import Book, CallEntry
from trunkline.simulators.carrier.calls import Call, Recording, is_outbound
from trunkline.simulators.carrier.course import Course
from trunkline.simulators.carrier.detection import detect
from trunkline.simulators.carrier.faults import Faults
from trunkline.simulators.carrier.options import CarrierOptions, Number
from trunkline.simulators.carrier.people.population import Population, Telephone
from trunkline.simulators.carrier.rooms import Room, Seat
from trunkline.simulators.carrier.webhooks import StatusCallbacks, Webhooks

ANY_NUMBER = "*"
"""Configured like a number, it serves calls to numbers that have no webhook of their own."""

_log = logging.getLogger(__name__)


class NoSuchNumber(Exception):
    """Somebody phoned a number that has no voice webhook here."""


class Exchange:
    """All calls of one account. Lives on one event loop; `close` ends everything."""

    def __init__(self, options: CarrierOptions, book: Book, population: Population) -> None:
        self.book = book
        self.faults = Faults()
        self.calls: dict[str, Call] = {}
        self.numbers = {number.number: number for number in options.numbers}
        self._options = options
        self._population = population
        self._webhooks = Webhooks(options.auth_token)
        self._engaged: set[str] = set()
        self._rooms: dict[str, Room] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._next_dial = 0.0
        for plan in options.inbound:
            self._start(
                self._phone_in_later(plan.after_s, plan.from_, plan.to, plan.persona), f"plan {plan.from_}"
            )

    async def close(self) -> None:
        """End every call at once, without telling anybody, as a carrier that loses power."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._webhooks.close()

    def place(self, call: Call) -> None:
        """Take an order: from here on the call lives by itself."""
        self._open(call, call.to)
        self._start(self._live(call, self._outbound), f"call {call.sid}")

    def phone_in(self, from_: str, to: str, persona: str | None = None) -> Call:
        """Let a person phone one of our numbers; without a persona, whoever lives there already.

        Raises NoSuchNumber, or ValueError on the persona.
        """
        number = self.numbers.get(to) or self.numbers.get(ANY_NUMBER)
        if number is None:
            raise NoSuchNumber(to)
        if persona is not None:
            self._population.admit(from_, persona)
        call = Call(
            account_sid=self._options.account_sid,
            to=to,
            from_=from_,
            direction=DIRECTION_INBOUND,
            answer_url=number.voice_url,
            status_url=number.status_url,
            begun_at=now(),
            status=CallStatus.RINGING,
        )
        self._open(call, from_)
        self.book.status(call.sid, call.status)
        self._start(self._live(call, self._inbound), f"call {call.sid}")
        return call

    def configure(self, number: Number) -> None:
        """Point a number of ours at its webhooks."""
        self.numbers[number.number] = number

    # --- The life of a call --------------------------------------------------------------

    async def _live(
        self, call: Call, course: Callable[[Call, StatusCallbacks], Awaitable[CallStatus]]
    ) -> None:
        callbacks = StatusCallbacks(call, self._webhooks, self.book, self.faults)
        try:
            final = await course(call, callbacks)
            call.ended_at = now()
            for recording in call.recordings.values():
                self.end_recording(call, recording)
            self.book.ended(call.sid, by=call.cut_by or "carrier")
            self._set(call, final, callbacks)
            await callbacks.close()
        finally:
            if call.ended_at is None:
                # Its far end broke: whoever waits for the end of the call learns of it.
                call.ended_at = now()
                self.book.error(call.sid, 0, "the far end of the line broke")
                self.book.ended(call.sid, by="carrier")
            callbacks.abandon()

    async def _outbound(self, call: Call, callbacks: StatusCallbacks) -> CallStatus:
        if await self._cut_within(call, self._dial_delay()):
            return CallStatus.CANCELED
        call.begun_at = now()
        self._set(call, CallStatus.INITIATED, callbacks)
        manner = self._population.manner_of(call.to)
        if manner is None:
            return CallStatus.FAILED
        engaged = call.to in self._engaged or manner.engaged
        self.book.rang(call.to, call.sid, busy=engaged)
        if engaged:
            cut = await self._cut_within(call, self._unheard(manner.ring_s))
            return CallStatus.CANCELED if cut else CallStatus.BUSY
        self._engaged.add(call.to)
        try:
            self._set(call, CallStatus.RINGING, callbacks)
            if await self._cut_within(call, self._unheard(min(manner.ring_s, call.ring_timeout_s))):
                return CallStatus.CANCELED
            if manner.ring_s >= call.ring_timeout_s:
                return CallStatus.NO_ANSWER
            telephone = self._population.pick_up(call.to, call.sid)
            self._answered(call, callbacks)
            course = self._course(call, telephone)
            await self._talk(call, telephone, self._fetched(course, call))
            return CallStatus.COMPLETED
        finally:
            self._engaged.discard(call.to)

    async def _inbound(self, call: Call, callbacks: StatusCallbacks) -> CallStatus:
        self._engaged.add(call.from_)
        try:
            # Nobody has picked up yet: the telephone in the caller's hand rings at ours.
            telephone = self._population.pick_up(call.from_, call.sid)
            course = self._course(call, telephone)
            verbs = await course.fetch(call.answer_url)
            if verbs is None:
                return CallStatus.FAILED
            if verbs and isinstance(verbs[0], twiml.Reject):
                self.book.twiml(call.sid, "Reject", verbs[0].reason)
                call.hang_up("twiml")
                return CallStatus.BUSY if verbs[0].reason == "busy" else CallStatus.NO_ANSWER
            self._answered(call, callbacks)
            await self._talk(call, telephone, course.run(verbs))
            return CallStatus.COMPLETED
        finally:
            self._engaged.discard(call.from_)

    @staticmethod
    async def _fetched(course: Course, call: Call) -> None:
        await course.run(await course.fetch(call.answer_url) or [])

    async def _phone_in_later(self, after_s: float, from_: str, to: str, persona: str) -> None:
        await asyncio.sleep(after_s)
        try:
            self.phone_in(from_, to, persona)
        except NoSuchNumber:
            _log.error("nobody has told the carrier where %s is answered", to)

    async def _talk(self, call: Call, telephone: Telephone, course: Coroutine[None, None, None]) -> None:
        """Run both ends of the conversation until one of them ends the call."""
        person = asyncio.create_task(self._person(call, telephone), name=f"person {call.sid}")
        talk = {
            person,
            asyncio.create_task(course, name=f"twiml {call.sid}"),
            asyncio.create_task(_until(call.cut), name=f"cut {call.sid}"),
        }
        aside = {self._detecting(call, telephone)} if call.machine_url else set()
        try:
            await asyncio.wait(talk, return_when=asyncio.FIRST_COMPLETED)
            person.cancel()
            await asyncio.wait([person])
            await self._play_back(call, telephone)
        finally:
            talk |= aside
            for task in talk:
                task.cancel()
            outcomes = await asyncio.gather(*talk, return_exceptions=True)
            telephone.handset.stop_listening()
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome

    def _detecting(self, call: Call, telephone: Telephone) -> asyncio.Task[None]:
        persona = self._population.persona_name(call.to)
        work = detect(call, persona, telephone, webhooks=self._webhooks, book=self.book)
        return asyncio.create_task(work, name=f"detection {call.sid}")

    async def _person(self, call: Call, telephone: Telephone) -> None:
        try:
            await telephone.mind.live()
        except SpeechFailed as error:
            self.book.error(call.sid, 0, f"the person lost voice or hearing: {error}")
        finally:
            call.hang_up("person")

    async def _play_back(self, call: Call, telephone: Telephone) -> None:
        try:
            await telephone.mind.play_back()
        except SpeechFailed as error:
            self.book.error(call.sid, 0, f"the tape cannot be understood: {error}")

    # --- Legs and recordings -------------------------------------------------------------

    def _course(self, call: Call, telephone: Telephone) -> Course:
        return Course(
            call,
            telephone,
            webhooks=self._webhooks,
            book=self.book,
            auth_token=self._options.auth_token,
            realtime=self._options.realtime,
            rooms=self._rooms,
            dial=self._dial_leg,
            population=self._population,
        )

    async def _dial_leg(self, leg: Call, call: Call, telephone: Telephone, limit_s: float) -> None:
        """Reach a colleague for a call and join the two; how it went is in the leg."""
        self._open(leg, leg.to)
        callbacks = StatusCallbacks(leg, self._webhooks, self.book, self.faults)
        status = CallStatus.CANCELED
        try:
            self._set(leg, CallStatus.RINGING, callbacks)
            status = await self._reach(leg, callbacks, call, telephone, limit_s=limit_s)
        finally:
            if leg.answered_at is not None:
                status = CallStatus.COMPLETED
            leg.ended_at = now()
            self.book.ended(leg.sid, by=leg.cut_by or "carrier")
            self._set(leg, status, callbacks)
            callbacks.abandon()

    async def _reach(
        self, leg: Call, callbacks: StatusCallbacks, call: Call, telephone: Telephone, *, limit_s: float
    ) -> CallStatus:
        manner = self._population.manner_of(leg.to)
        if manner is None:
            return CallStatus.FAILED
        engaged = leg.to in self._engaged or manner.engaged
        self.book.rang(leg.to, leg.sid, busy=engaged)
        if engaged:
            return CallStatus.BUSY
        self._engaged.add(leg.to)
        try:
            await asyncio.sleep(self._unheard(min(manner.ring_s, leg.ring_timeout_s)))
            if manner.ring_s >= leg.ring_timeout_s:
                return CallStatus.NO_ANSWER
            colleague = self._population.pick_up(leg.to, leg.sid)
            self._answered(leg, callbacks)
            await self._join(call, telephone, leg, colleague, limit_s)
            return CallStatus.COMPLETED
        finally:
            self._engaged.discard(leg.to)

    async def _join(
        self, call: Call, telephone: Telephone, leg: Call, colleague: Telephone, limit_s: float
    ) -> None:
        """Let the two talk until the colleague hangs up; the caller's end cancels this."""
        room, seats = Room(begun=True), (Seat(telephone.handset), Seat(colleague.handset))
        person = asyncio.create_task(self._person(leg, colleague), name=f"person {leg.sid}")
        try:
            for seat in seats:
                room.enter(seat, begins=True)
            await self._cut_within(leg, limit_s)
        finally:
            for seat in seats:
                room.go(seat, ends=False)
            person.cancel()
            await asyncio.gather(person, return_exceptions=True)
            colleague.handset.stop_listening()
            for one, seat in zip((call, leg), seats, strict=True):
                self.book.media(one.sid, joined_frames=seat.heard_frames)

    def begin_recording(self, call: Call, *, channels: int, status_url: str) -> Recording:
        """Record a live call, as REST asks for; it ends with the call, or when it is stopped."""
        recording = Recording(f"RE{secrets.token_hex(16)}", channels, status_url, now())
        call.recordings[recording.sid] = recording
        return recording

    def end_recording(self, call: Call, recording: Recording) -> None:
        """End a recording and tell of it; one that is over stays as it is."""
        if recording.ended_at is not None:
            return
        recording.ended_at = now()
        seconds = round((recording.ended_at - recording.begun_at).total_seconds())
        self.book.recorded(call.sid, recording.sid, seconds=seconds)
        if recording.status_url:
            form = {
                Field.RECORDING_SID: recording.sid, Field.RECORDING_STATUS: RecordingStatus.COMPLETED.value,
                Field.RECORDING_DURATION: str(seconds), Field.RECORDING_CHANNELS: str(recording.channels),
                Field.RECORDING_URL: f"https://api.twilio.com/2010-04-01/Accounts/{call.account_sid}"
                f"/Recordings/{recording.sid}",
            }  # fmt: skip
            self._webhooks.post_later(recording.status_url, {**call.webhook_form(), **form})

    # --- Small things --------------------------------------------------------------------

    def _open(self, call: Call, person: str) -> None:
        self.calls[call.sid] = call
        self.book.opened(
            CallEntry(
                sid=call.sid,
                direction=call.direction,
                to=call.to,
                from_=call.from_,
                persona=self._population.persona_name(person),
                answer_url=call.answer_url,
                created_at=call.ordered_at.isoformat(timespec="milliseconds"),
            )
        )
        if is_outbound(call):
            self.book.status(call.sid, call.status)

    def _answered(self, call: Call, callbacks: StatusCallbacks) -> None:
        call.answered_at = now()
        self.book.answered(call.sid)
        self._set(call, CallStatus.IN_PROGRESS, callbacks)

    def _set(self, call: Call, status: CallStatus, callbacks: StatusCallbacks) -> None:
        call.status = status
        self.book.status(call.sid, status)
        callbacks.tell()

    def _dial_delay(self) -> float:
        """Return how long this order stays queued, taking its place in the account's pace."""
        pace = self._options.calls_per_second
        if pace is None:
            return 0.0
        instant = asyncio.get_running_loop().time()
        begin = max(instant, self._next_dial)
        self._next_dial = begin + 1 / pace
        return begin - instant

    def _unheard(self, seconds: float) -> float:
        return seconds if self._options.realtime else 0.0

    async def _cut_within(self, call: Call, seconds: float) -> bool:
        """Wait; return True as soon as somebody ends the call."""
        try:
            async with asyncio.timeout(seconds):
                await call.cut.wait()
        except TimeoutError:
            return call.cut.is_set()
        return True

    def _start(self, work: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("%s failed", task.get_name(), exc_info=error)


async def _until(event: asyncio.Event) -> None:
    await event.wait()
