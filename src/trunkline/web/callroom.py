"""The call room: binds a media session to its tenant, its agent, its tools and its record.

Authenticates the socket, prepares everything the clean room needs before the first word, and runs
what must touch the database in a bounded executor of its own, never on the loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, AsyncExitStack, contextmanager, nullcontext
from contextvars import copy_context
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from trunkline.core import provider_failures, registry
from trunkline.core.db import of_business, unit_of_work
from trunkline.core.errors import Forbidden, InvalidInput, TrunklineError
from trunkline.core.provider_failures import Failure, Part
from trunkline.core.telemetry import get_logger
from trunkline.domain.calls import service as calls
from trunkline.domain.calls.tickets import MediaTicket, read_media_token
from trunkline.domain.outbound.options import Detection
from trunkline.domain.recordings import service as recordings
from trunkline.kit import tokens
from trunkline.kit.ids import new_id
from trunkline.media import (
    BrowserSocket,
    BrowserStream,
    EventSink,
    JsonStream,
    LiveSessions,
    NoStart,
    OnMachine,
    Session,
    SessionOptions,
    record_stillborn,
)
from trunkline.media.frames import Wire
from trunkline.media.watchdog import WatchRules
from trunkline.providers.ports import Brain, CallBrief
from trunkline.web.browser_calls import BrowserCalls
from trunkline.web.call_answers import CallAnswers
from trunkline.web.call_log import CallLog
from trunkline.web.draining import Draining
from trunkline.web.early_brains import EarlyBrains, Opened
from trunkline.web.hired import Hire, Hired, HiredProviders, Speech
from trunkline.web.live_ends import AGENT_UNUSABLE, DRAINED, SHUTDOWN
from trunkline.web.live_metrics import LiveMetrics
from trunkline.web.live_tools import tools_of
from trunkline.web.loop_lag import DEFAULT_MOST_LAG_S, LoopLag
from trunkline.web.preparation import Preparation, prepare, prepare_early
from trunkline.web.recorded import Recorded
from trunkline.web.recording import Recordings, WavRecording
from trunkline.web.sentences import APOLOGY, FAREWELL
from trunkline.web.standing import StandingTasks
from trunkline.web.telling import also_told, telling
from trunkline.web.warm_connections import WarmConnections, build_brains, build_carriers

_WARM_UP_S = 5.0
_POOL_SIZE = 8
_LONGEST_AFTERMATH = timedelta(minutes=2)
"""How much longer than the longest call its session may be here: less than its row may be thought to live."""

T = TypeVar("T")

log = get_logger(__name__)


class RoomFull(TrunklineError):
    """This process holds as many calls as it may."""

    status = 503
    code = "room_full"


class CallRoom:
    """One process's live calls."""

    def __init__(
        self,
        *,
        speech: Speech,
        token_key: bytes,
        spool: Path,
        max_calls: int,
        longest_call: timedelta,
        most_lag_s: float = DEFAULT_MOST_LAG_S,
        recordings: Recordings | None = None,
        hire: Hire | None = None,
    ) -> None:
        self.live = LiveSessions(oldest_s=(longest_call + _LONGEST_AFTERMATH).total_seconds())
        self._speech = speech
        self._recordings = recordings
        self._token_key = token_key
        self._max_calls = max_calls
        self._longest_call = longest_call
        shared = Hired(registry.brain, speech.stt, speech.tts, close=self._close_speech)
        self._hired = HiredProviders(shared, hire=hire, off_loop=self._off_loop)
        self._pool = ThreadPoolExecutor(_POOL_SIZE, thread_name_prefix="callroom")
        self.log = CallLog(spool=spool, pool=self._pool)
        self.answers = CallAnswers(live=self.live, pool=self._pool)
        self.from_page = BrowserCalls(live=self.live, pool=self._pool)
        self.early = EarlyBrains(prepare=self._early_brief, most=max_calls)
        self.lag = LoopLag()
        self.metrics = LiveMetrics(lag=self.lag, live_calls=lambda: self.live.count)
        self._most_lag_s = most_lag_s
        self._standing = StandingTasks()
        self._places_taken = 0
        registry.register_ears(speech.stt)
        self.parting = Draining(self._off_loop)

    @property
    def is_full(self) -> bool:
        """True when another call would be one too many: every place is taken, or the loop is late as it is.

        Calls that are being prepared count as well. A process that drains takes none.
        """
        return self.draining or not self.has_line

    @property
    def draining(self) -> bool:
        """No new calls are taken; those that are live, or were placed before, come to their own end."""
        return self.parting.since is not None

    @property
    def has_line(self) -> bool:
        """True when one more call could be held here, draining or not."""
        return self._has_place and self.lag.mean_s <= self._most_lag_s

    @property
    def _has_place(self) -> bool:
        return self._places_taken < self._max_calls

    @property
    def is_empty(self) -> bool:
        """True when no call is held here or being prepared."""
        return self._places_taken == 0

    @property
    def is_quiet(self) -> bool:
        """True when no call is held here, none has just left, is away for a while or on its way."""
        return self.is_empty and self.parting.is_quiet

    def expect(self, business_id: UUID, call_id: UUID) -> None:
        """The carrier has been told to connect this call to us: begin its brain. From any thread."""
        self.parting.expect()
        self.early.expect(business_id, call_id)

    def drain(self) -> None:
        """Take no new call from now on."""
        self.parting.begin()

    def part_with_all(self) -> None:
        """Say goodbye on every line; `is_quiet` becomes true when the calls have ended."""
        self.live.part_with_all(DRAINED)

    async def warm_up(self) -> None:
        """Load, off the loop, what the first call would otherwise wait for. Trouble is left to that call."""
        steps = [self._off_loop(work) for work in (self._first_window, build_carriers, build_brains)]
        if self._speech.warm_up is not None:
            steps.append(self._speech.warm_up())
        try:
            async with asyncio.timeout(_WARM_UP_S):
                outcomes = await asyncio.gather(*steps, return_exceptions=True)
        except TimeoutError as error:
            outcomes = [error]
        for failure in outcomes:
            if failure is not None:
                log.warning("warm_up_failed", exc_info=failure)

    def _first_window(self) -> None:
        detector = self._speech.vad()
        detector.probability(bytes(detector.window_samples * 2))

    def open(self) -> None:
        """Begin the room's own tasks."""
        self.early.open()
        self._standing.start("room-log", self.log.write_forever)
        self._standing.start("room-replay", self.log.replay_forever)
        self._standing.start("room-answers", self.answers.watch_forever)
        self._standing.start("room-page", self.from_page.watch_forever)
        self._standing.start("room-reaper", self.live.patrol)
        self._standing.start("room-warm", WarmConnections(self._warmers).keep_forever)
        self._standing.start("room-parting", self.parting.watch_forever)
        self._standing.start("room-hired", self._hired.tend_forever)
        self._standing.start("room-lag", self.lag.measure_forever)
        if self._recordings is not None:
            self._standing.start(
                "room-recorded", Recorded(self._recordings.spool, self._off_loop).watch_forever
            )

    def _warmers(self) -> dict[str, registry.Warmer]:
        brains = registry.brain_warmers()
        return {**self._speech.connections, **{f"{Part.MODEL}/{name}": brains[name] for name in brains}}

    async def close(self) -> None:
        """End every call, write what is still to be written, and leave nothing running."""
        await self.early.close()
        self.live.stop_all(SHUTDOWN)
        while self.live.count:  # noqa: ASYNC110 - the register tells a number, not a moment
            await asyncio.sleep(0.05)
        await self._standing.close()
        if not await self.log.flush():
            log.error("call_log_lost", reason="neither the ledger nor the disk took it before the end")
        registry.register_ears(None)
        await self._hired.close()
        await self._close_speech()
        if self._speech.end_of_turn is not None:
            await self._speech.end_of_turn.close()
        for close in registry.brain_closers():
            await close()
        if self._recordings is not None:
            await self._off_loop(self._recordings.close)
        self._pool.shutdown()

    async def _close_speech(self) -> None:
        await self._speech.stt.close()
        await self._speech.tts.close()

    async def host(
        self, edge: JsonStream, *, carrier: str = calls.TWILIO, let_in: MediaTicket | None = None
    ) -> bool:
        """Hold the call on a carrier's stream, from its start message to its last event. False: refused.

        The door says whose stream it is, and whose ticket has opened it, if one has.
        """
        try:
            start = await edge.start()
            ticket = read_media_token(start.parameters.get("token", ""), key=self._token_key)
            if let_in not in {None, ticket}:
                raise Forbidden("The stream bears another token than its socket.", reason="wrong_call")
            with self._place(comes_back=ticket.leg > 1):
                prepared = await self._off_loop(partial(self._prepare, ticket, carrier, start.call_sid))
                await self._hold(edge, prepared, await self.early.take(ticket.call_id, leg=ticket.leg))
                self.parting.leg_left(ticket.business_id, ticket.call_id)
                return True
        except (NoStart, tokens.InvalidToken, TrunklineError, SQLAlchemyError) as refusal:
            # The last one: the database is away, and nobody knows whose call it is.
            log.warning("media_refused", reason=str(refusal))
            await edge.close()
        return False

    async def host_browser(self, socket: BrowserSocket, ticket: MediaTicket) -> None:
        """Hold a call from the page, whose token has let its socket in; say why, where it cannot be."""
        edge = BrowserStream(socket)
        try:
            # No line before its first word: a token lets in any number of sockets, and is spent behind it.
            await edge.start()
            with self._place():
                prepared = await self._off_loop(partial(self._prepare, ticket, calls.BROWSER, None))
                async with self.from_page.held(ticket):
                    await edge.welcome()
                    early = await self.early.take(ticket.call_id, leg=ticket.leg)
                    async with telling(edge):
                        await self._hold(edge, prepared, early, tell=edge.tell)
        except (NoStart, TrunklineError, SQLAlchemyError) as refusal:
            log.warning("media_refused", reason=str(refusal))
            await edge.refuse(*_in_words(refusal))
            await self.from_page.withdraw(ticket)

    @contextmanager
    def _place(self, *, comes_back: bool = False) -> Iterator[None]:
        """Hold one of the process's lines, taken before anything is awaited. Raises RoomFull.

        A call that comes back to its agent is not a new one, and no limit cuts it. Neither a late loop nor
        draining turns away a call that was let in: its carrier was answered before.
        """
        if not self._has_place and not comes_back:
            raise RoomFull("Every line of this process is taken.")
        self._places_taken += 1
        try:
            yield
        finally:
            self._places_taken -= 1
            self.parting.place_left()

    async def _early_brief(self, business_id: UUID, call_id: UUID) -> tuple[Brain, CallBrief] | None:
        prepared = await self._off_loop(partial(prepare_early, business_id, call_id))
        if prepared is None or prepared.fault:
            return None
        hired = await self._hired.of(prepared.keys)
        return hired.brain(prepared.brain), prepared.brief

    async def _hold(
        self, edge: Wire, prepared: Preparation, early: Opened | None, *, tell: EventSink | None = None
    ) -> None:
        """Hold a call that is known to be ours. One whose agent cannot speak is ended and on record.

        `tell` is told what happens as well, and keeps nothing.
        """
        brief = prepared.brief
        with structlog.contextvars.bound_contextvars(
            business_id=str(prepared.business_id), call_id=brief.call_id, trace_id=new_id().hex
        ):
            after = (prepared.leg - 1) * calls.EVENTS_A_LEG
            sink = self.metrics.tapped(
                also_told(self.log.sink_for(prepared.business_id, after=after), tell), brain=prepared.brain
            )
            try:
                async with AsyncExitStack() as undone:
                    if early is not None:
                        undone.push_async_callback(early.conversation.close)
                    if prepared.fault:
                        raise InvalidInput(prepared.fault)
                    hired = await self._hired.of(prepared.keys)
                    session = Session(
                        options=self._options(prepared),
                        wire=edge,
                        brief=brief,
                        brain=early or hired.brain(prepared.brain),
                        tools=tools_of(prepared, live=self.live, off_loop=self._off_loop),
                        stt=hired.stt,
                        tts=hired.tts,
                        vad=self._speech.vad(),
                        sink=sink,
                        suppression=self._speech.suppression() if self._speech.suppression else None,
                        recorder=self._recorder(prepared, undone),
                    )
                    undone.pop_all()
            except (ValueError, InvalidInput) as error:
                log.error("agent_unusable", reason=str(error))
                record_stillborn(brief, sink, reason=AGENT_UNUSABLE, detail=str(error))
                await edge.close()
                return
            on_record = provider_failures.told_to(partial(_put_on_record, session))
            with self._awaited(prepared), on_record, self._hired.in_use(prepared.keys):
                ended = await self.live.run(session)
            log.info("call_ended", reason=ended.reason, ms=ended.duration_ms)

    def _recorder(self, prepared: Preparation, undone: AsyncExitStack) -> WavRecording | None:
        if self._recordings is None or not prepared.records:
            return None
        call_id = UUID(prepared.brief.call_id)
        recorder = self._recordings.begin(recordings.file_name(prepared.business_id, call_id, prepared.leg))
        undone.callback(recorder.close)
        return recorder

    def _awaited(self, prepared: Preparation) -> AbstractContextManager[None]:
        if prepared.machines.detection is not Detection.CARRIER:
            return nullcontext()
        return self.answers.awaited(prepared.business_id, UUID(prepared.brief.call_id))

    def _options(self, prepared: Preparation) -> SessionOptions:
        machines = prepared.machines
        options = SessionOptions(
            voice=prepared.voice,
            watch=replace(WatchRules(), longest_call_s=self._longest_call.total_seconds()),
            on_machine=OnMachine(machines.action),
            message=machines.message,
            end_of_turn=self._speech.end_of_turn,
            comfort_noise=self._speech.comfort_noise,
            apology=APOLOGY.get(prepared.brief.language, APOLOGY["en"]),
            farewell=FAREWELL.get(prepared.brief.language, ""),
        )
        return replace(options, machine=None) if machines.detection is Detection.OFF else options

    def _off_loop(self, work: Callable[[], T]) -> Awaitable[T]:
        return asyncio.get_running_loop().run_in_executor(self._pool, copy_context().run, work)

    def _prepare(self, ticket: MediaTicket, carrier: str, sid: str | None) -> Preparation:
        """Spend the token and read what the call needs. Raises TrunklineError. A browser names no SID."""
        business_id, call_id = ticket.business_id, ticket.call_id
        with unit_of_work(of_business(business_id)) as session:
            call = calls.spend_media_token(session, business_id, call_id, ticket.leg)
            if call.carrier != carrier or sid not in {None, call.carrier_sid}:
                raise Forbidden("The token belongs to another call.", reason="wrong_call")
            said = self.log.said_in(str(call_id)) if ticket.leg > 1 else ()
            prepared = prepare(session, call, leg=ticket.leg, said=said)
            calls.note_agent_version(call, prepared.agent_version)
            if prepared.records and self._recordings is not None:
                recordings.note_begun(session, business_id, call_id, ticket.leg)
            return prepared


def _put_on_record(session: Session, failure: Failure) -> None:
    """Let the call's record say who failed in it. What becomes of its brain, media records itself."""
    if failure.part is not Part.BRAIN:
        taken_over = f"; {failure.taken_over_by} took over" if failure.taken_over_by else ""
        session.trouble(f"{failure.part}_failed", f"{failure.provider}: {failure.reason}"[:300] + taken_over)


def _in_words(refusal: Exception) -> tuple[str, str]:
    """Return a code and a sentence for a browser whose call cannot be held."""
    if isinstance(refusal, TrunklineError):
        return refusal.code, refusal.message
    if isinstance(refusal, SQLAlchemyError):
        return "not_ready", "The database cannot be reached; try again shortly."
    return "no_start", str(refusal)
