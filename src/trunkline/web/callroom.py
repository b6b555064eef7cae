"""The call room: binds a media session to its tenant, its agent, its tools and its record.

Authenticates the socket, prepares everything the clean room needs before the first word, and runs
what must touch the database in a bounded executor of its own, never on the loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from contextvars import copy_context
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.exc import SQLAlchemyError

from trunkline.core import registry
from trunkline.core.db import of_business, unit_of_work
from trunkline.core.errors import Forbidden, InvalidInput, TrunklineError
from trunkline.core.telemetry import get_logger
from trunkline.core.toolbox import ToolCaller, run_tool, specs_of
from trunkline.domain.agents import service as agents
from trunkline.domain.calls import service as calls
from trunkline.domain.leads import service as leads
from trunkline.domain.outbound.machines import machines_of_call
from trunkline.domain.outbound.options import Detection, Machines
from trunkline.domain.tenants import service as tenants
from trunkline.domain.tenants.calling_rules import CallingRules
from trunkline.kit import clock, tokens
from trunkline.kit.ids import new_id
from trunkline.media import (
    LiveSessions,
    NoStart,
    OnMachine,
    Session,
    SessionOptions,
    Socket,
    TwilioStream,
    record_stillborn,
)
from trunkline.media.watchdog import WatchRules
from trunkline.providers.ports import (
    CallBrief,
    SpeechToText,
    TextToSpeech,
    ToolResult,
    ToolRunner,
    Voice,
    VoiceActivity,
)
from trunkline.web.call_answers import CallAnswers
from trunkline.web.call_log import CallLog
from trunkline.web.live_metrics import LiveMetrics
from trunkline.web.loop_lag import DEFAULT_MOST_LAG_S, LoopLag
from trunkline.web.standing import StandingTasks

MEDIA_TOKEN = "media"  # noqa: S105 - the purpose of a token, not one
MEDIA_TOKEN_LIFETIME_S = 60.0
AGENT_UNUSABLE = "agent_unusable"
"""End reason of a call whose agent cannot hold it: its script, say, is not in its language."""
_TOOL_DEADLINE_S = 10.0
_WARM_UP_S = 5.0
_POOL_SIZE = 8
_LONGEST_AFTERMATH = timedelta(minutes=2)

T = TypeVar("T")

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Speech:
    """The process's ears and voice, shared by its calls; voice activity is one a call."""

    stt: SpeechToText
    tts: TextToSpeech
    vad: Callable[[], VoiceActivity]
    warm_up: Callable[[], Awaitable[None]] | None = None
    """Gets ears and voice ready before the first call. May raise SpeechFailed; then they come when needed."""


@dataclass(frozen=True, slots=True)
class Preparation:
    """What was read from the database before a call's first word."""

    business_id: UUID
    brief: CallBrief
    brain: str
    voice: Voice
    caller: ToolCaller
    allowed: tuple[str, ...]
    machines: Machines


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
    ) -> None:
        self.live = LiveSessions(oldest_s=(longest_call + _LONGEST_AFTERMATH).total_seconds())
        self._speech = speech
        self._token_key = token_key
        self._max_calls = max_calls
        self._longest_call = longest_call
        self._pool = ThreadPoolExecutor(_POOL_SIZE, thread_name_prefix="callroom")
        self.log = CallLog(spool=spool, pool=self._pool)
        self.answers = CallAnswers(live=self.live, pool=self._pool)
        self.lag = LoopLag()
        self.metrics = LiveMetrics(lag=self.lag, live_calls=lambda: self.live.count)
        self._most_lag_s = most_lag_s
        self._standing = StandingTasks()
        self._places_taken = 0

    @property
    def is_full(self) -> bool:
        """True when another call would be one too many: every place is taken, or the loop is late as it is.

        Calls that are being prepared count as well.
        """
        return not self._has_place or self.lag.mean_s > self._most_lag_s

    @property
    def _has_place(self) -> bool:
        return self._places_taken < self._max_calls

    async def warm_up(self) -> None:
        """Load, off the loop, what the first call would otherwise wait for. Trouble is left to that call."""
        steps = [self._off_loop(self._first_window), self._off_loop(_build_carrier)]
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
        self._standing.start("room-log", self.log.write_forever)
        self._standing.start("room-replay", self.log.replay_forever)
        self._standing.start("room-answers", self.answers.watch_forever)
        self._standing.start("room-reaper", self.live.patrol)
        self._standing.start("room-lag", self.lag.measure_forever)

    async def close(self) -> None:
        """End every call, write what is still to be written, and leave nothing running."""
        self.live.stop_all("shutdown")
        while self.live.count:  # noqa: ASYNC110 - the register tells a number, not a moment
            await asyncio.sleep(0.05)
        await self._standing.close()
        if not await self.log.flush():
            log.error("call_log_lost", reason="neither the ledger nor the disk took it before the end")
        await self._speech.stt.close()
        await self._speech.tts.close()
        self._pool.shutdown()

    def token_for(self, business_id: UUID, call_id: UUID) -> str:
        """Return the single-use, short-lived token that lets one media socket in."""
        return tokens.sign(
            {"business_id": str(business_id), "call_id": str(call_id)},
            key=self._token_key, purpose=MEDIA_TOKEN, lifetime_s=MEDIA_TOKEN_LIFETIME_S,
        )  # fmt: skip

    async def host(self, socket: Socket) -> None:
        """Hold the call on this socket, from its start message to its last event."""
        edge = TwilioStream(socket)
        try:
            start = await edge.start()
            claims = tokens.verify(
                start.parameters.get("token", ""), key=self._token_key, purpose=MEDIA_TOKEN
            )
            with self._place():
                work = partial(
                    self._prepare, UUID(claims["business_id"]), UUID(claims["call_id"]), start.call_sid
                )
                await self._hold(edge, await self._off_loop(work))
        except (NoStart, tokens.InvalidToken, TrunklineError, SQLAlchemyError) as refusal:
            # The last one: the database is away, and nobody knows whose call it is.
            log.warning("media_refused", reason=str(refusal))
            await edge.close()

    @contextmanager
    def _place(self) -> Iterator[None]:
        """Hold one of the process's lines, taken before anything is awaited. Raises RoomFull.

        A late loop turns no call away that was let in: it was not late when the carrier was answered.
        """
        if not self._has_place:
            raise RoomFull("Every line of this process is taken.")
        self._places_taken += 1
        try:
            yield
        finally:
            self._places_taken -= 1

    async def _hold(self, edge: TwilioStream, prepared: Preparation) -> None:
        """Hold a call that is known to be ours. One whose agent cannot speak is ended and on record."""
        brief = prepared.brief
        with structlog.contextvars.bound_contextvars(
            business_id=str(prepared.business_id), call_id=brief.call_id, trace_id=new_id().hex
        ):
            sink = self.metrics.tapped(self.log.sink_for(prepared.business_id))
            try:
                session = Session(
                    options=self._options(prepared),
                    wire=edge,
                    brief=brief,
                    brain=registry.brain(prepared.brain),
                    tools=self._tools(prepared),
                    stt=self._speech.stt,
                    tts=self._speech.tts,
                    vad=self._speech.vad(),
                    sink=sink,
                )
            except (ValueError, InvalidInput) as error:
                log.error("agent_unusable", reason=str(error))
                record_stillborn(brief, sink, reason=AGENT_UNUSABLE, detail=str(error))
                await edge.close()
                return
            with self._awaited(prepared):
                ended = await self.live.run(session)
            log.info("call_ended", reason=ended.reason, ms=ended.duration_ms)

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
        )
        return replace(options, machine=None) if machines.detection is Detection.OFF else options

    def _tools(self, prepared: Preparation) -> ToolRunner:
        async def run(name: str, arguments: Mapping[str, Any]) -> ToolResult:
            work = partial(run_tool, name, arguments, caller=prepared.caller, allowed=prepared.allowed)
            try:
                return await asyncio.wait_for(self._off_loop(work), _TOOL_DEADLINE_S)
            except TimeoutError:
                return ToolResult(ok=False, data={"error": "timeout"})
            except Exception as error:
                # A tool's outermost loop: the call goes on without it, as when the database is away.
                log.error("tool_failed", tool=name, exc_info=error)
                return ToolResult(ok=False, data={"error": "unavailable"})

        return run

    def _off_loop(self, work: Callable[[], T]) -> Awaitable[T]:
        return asyncio.get_running_loop().run_in_executor(self._pool, copy_context().run, work)

    def _prepare(self, business_id: UUID, call_id: UUID, sid: str) -> Preparation:
        """Spend the token and read what the call needs. Raises TrunklineError."""
        with unit_of_work(of_business(business_id)) as session:
            call = calls.spend_media_token(session, business_id, call_id)
            if call.carrier_sid != sid:
                raise Forbidden("The token belongs to another call.", reason="wrong_call")
            assert call.agent_id is not None  # a call is only connected once it has an agent
            agent = agents.get_agent(session, business_id, call.agent_id)
            business = tenants.get_business(session, business_id)
            lead = leads.get_lead(session, business_id, call.lead_id) if call.lead_id else None
            machines = machines_of_call(session, business_id, call_id) or Machines()
        local_now = clock.now().astimezone(ZoneInfo(business.time_zone))
        rules = CallingRules.model_validate(business.calling_rules)
        return Preparation(
            business_id=business_id,
            brief=CallBrief(
                call_id=str(call_id),
                direction=call.direction,
                language=agent.language,
                business_name=business.name,
                greeting=agent.greeting,
                instructions=agent.instructions,
                script=agent.script,
                tools=specs_of(agent.tools),
                local_now=local_now,
                variables={
                    "business_name": business.name,
                    "agent_name": agent.name,
                    "lead_name": lead.name if lead else "",
                },
                # Who calls us knows whom they have called.
                disclosure=rules.disclosure if call.direction == "outbound" else "",
            ),
            brain=agent.brain,
            voice=Voice(**{"language": agent.language, **agents.voice_of(agent)}),
            caller=ToolCaller(
                business_id=business_id,
                call_id=call_id,
                agent_id=agent.id,
                lead_id=call.lead_id,
                phone=call.theirs,
            ),
            allowed=tuple(agent.tools),
            machines=machines,
        )


def _build_carrier() -> None:
    """Have the carrier's client built, which reads the certificates of the world."""
    with suppress(InvalidInput):
        registry.carrier()
