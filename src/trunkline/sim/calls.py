"""Holding the simulated calls: a carrier of our own, callers at its lines, so many at once, to their end.

Owns the calls' course and nothing of what came of them. The installation takes this carrier for its own:
both have the same account and token.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import islice
from urllib.parse import urlsplit

import httpx

from trunkline.core.errors import StartRefused
from trunkline.core.settings import Settings
from trunkline.kit.hosts import is_loopback
from trunkline.kit.tls import trusted
from trunkline.providers.local_speech import EspeakTextToSpeech, SphinxSpeechToText
from trunkline.providers.ports import CallStatus, LanguageModel, SpeechToText, TextToSpeech
from trunkline.sim import practice as practices
from trunkline.sim.practice import Practice
from trunkline.sim.scenario import Scenario
from trunkline.simulators.callers import Caller, EarFigures
from trunkline.simulators.carrier import CarrierOptions, Number, RunningCarrier, serving
from trunkline.simulators.carrier.book import CallEntry
from trunkline.simulators.carrier.people.mouth import Mouth
from trunkline.speech import hearing_of

_LOCAL = "local"
_OVER_WITHIN_S = 900.0
"""Longest wait for a call's end: longer than the longest call by default."""
_RUNG_WITHIN_S = 120.0
"""Longest wait for the installation to dial whom it is to call."""
_LOOK_S = 0.05
_TOLD_WITHIN_S = 15.0

Progress = Callable[[str, int, int], None]
"""Told the scenario's name, how many of its calls are going on, and how many are over."""


@dataclass(slots=True)
class HeldCall:
    """One call as its far end knows it; an empty sid: it never came about."""

    phone: str
    sid: str = ""
    entry: CallEntry | None = None
    figures: EarFigures = field(default_factory=EarFigures)
    rings: int = 0


@dataclass(slots=True)
class Ears:
    """Voice and hearing of the callers, and what plays those who have a persona."""

    tts: TextToSpeech
    stt: SpeechToText
    words: SpeechToText | None = None
    """Hears for those who are played by a model, and understands what nobody expected; None: as for all."""
    models: Mapping[str, LanguageModel] = field(default_factory=dict)
    """Who plays whom, by the scenario's name."""


class Simulation:
    """A carrier with callers, for as long as `opened` lasts."""

    def __init__(
        self,
        settings: Settings,
        carrier: RunningCarrier,
        ears: Ears,
        *,
        phones: Iterator[str],
        at_once: int,
        seed: int,
    ) -> None:
        """`phones` are the numbers at which callers live, one for each call."""
        self._settings = settings
        self._carrier = carrier
        self._ears = ears
        self._seed = seed
        self._mouths: dict[float, Mouth] = {}
        self._at_once = at_once
        self._lines = asyncio.Semaphore(at_once)
        self._phones = phones
        self.callers: dict[str, Caller] = {}
        """Everybody by their number, with what they measure."""

    async def hold(
        self, scenario: Scenario, practice: Practice, *, calls: int, progress: Progress
    ) -> list[HeldCall]:
        """Hold so many calls of a scenario, and return them in the order in which they were begun.

        Several scenarios may be held at a time; they share the lines.
        """
        hooks = f"{self._settings.public_url}/hooks/carrier/inbound"
        self._carrier.exchange.configure(Number(practice.number, f"{hooks}/answer", f"{hooks}/status"))
        held = [HeldCall(phone) for phone in islice(self._phones, calls)]
        for index, call in enumerate(held):
            self.callers[call.phone] = self._settle(scenario.of_call(index), call.phone, index)
        going_on = self._phone_in if scenario.direction == "inbound" else self._be_called
        watching = asyncio.create_task(self._watch(scenario.name, held, progress), name="progress")
        try:
            await going_on(held, practice)
        finally:
            watching.cancel()
            await asyncio.wait([watching])
        progress(scenario.name, 0, len(held))
        for call in held:
            if call.sid:
                call.entry = self._carrier.book.calls[call.sid]
                call.figures = self.callers[call.phone].figures.get(call.sid, call.figures)
        return held

    def _settle(self, scenario: Scenario, phone: str, index: int) -> Caller:
        plan = scenario.plan()
        mouth = self._mouths.setdefault(
            plan.line.loudness, Mouth(self._ears.tts, muted=False, loudness=plan.line.loudness)
        )
        ears = self._ears
        hears = ears.words if plan.persona and ears.words is not None else ears.stt
        caller = Caller(
            plan, mouth=mouth, stt=hears, seed=self._seed + index, model=ears.models.get(plan.kind)
        )  # fmt: skip
        self._carrier.population.settle(phone, caller)
        return caller

    async def _phone_in(self, held: list[HeldCall], practice: Practice) -> None:
        async def phone(call: HeldCall) -> None:
            async with self._lines:
                call.sid = self._carrier.exchange.phone_in(call.phone, practice.number).sid
                await self._over(call)

        await asyncio.gather(*(phone(call) for call in held))

    async def _be_called(self, held: list[HeldCall], practice: Practice) -> None:
        practices.call_out(practice, tuple(call.phone for call in held), at_once=self._at_once)
        book = self._carrier.book

        async def answer(call: HeldCall) -> None:
            async with asyncio.timeout(_RUNG_WITHIN_S + 2 * len(held)):
                while not (  # noqa: ASYNC110 - the book tells what is, not when
                    sids := [one.sid for one in book.calls.values() if _is(one, call, practice)]
                ):
                    await asyncio.sleep(_LOOK_S)
            call.sid = sids[0]
            await self._over(call)

        outcomes = await asyncio.gather(*(answer(call) for call in held), return_exceptions=True)
        for call, outcome in zip(held, outcomes, strict=True):
            if isinstance(outcome, TimeoutError):
                continue  # it never came about, which is graded
            if isinstance(outcome, BaseException):
                raise outcome
            call.rings = sum(
                not ring.busy and book.calls[ring.sid].from_ == practice.number
                for ring in book.rings.get(call.phone, ())
            )

    async def _over(self, call: HeldCall) -> None:
        """Wait until a call is over and the installation was told so."""
        entry = self._carrier.book.calls[call.sid]
        async with asyncio.timeout(_OVER_WITHIN_S):
            while entry.ended_at is None:  # noqa: ASYNC110 - as above
                await asyncio.sleep(_LOOK_S)
        try:
            async with asyncio.timeout(_TOLD_WITHIN_S):
                while entry.answered_at and not _told_of_end(entry):  # noqa: ASYNC110 - as above
                    await asyncio.sleep(_LOOK_S)
        except TimeoutError:
            entry.errors.append(
                {"at": "", "code": 0, "message": "the installation did not take the last callback"}
            )

    async def _watch(self, name: str, held: list[HeldCall], progress: Progress) -> None:
        while True:
            over = sum(
                bool(call.sid) and self._carrier.book.calls[call.sid].ended_at is not None for call in held
            )
            progress(name, sum(bool(call.sid) for call in held) - over, over)
            await asyncio.sleep(0.25)


@asynccontextmanager
async def opened(
    settings: Settings,
    *,
    phones: Iterator[str],
    outbound: bool,
    at_once: int,
    models: Mapping[str, LanguageModel] | None = None,
    seed: int = 7,
) -> AsyncIterator[Simulation]:
    """Run the carrier. Raises StartRefused where the installation cannot be reached or would call people."""
    account_sid, auth_token = account_of(settings)
    await _require_running(settings.public_url)
    ears = Ears(EspeakTextToSpeech(), SphinxSpeechToText(), models=models or {})
    if ears.models and set(settings.speech_to_text) != {_LOCAL}:
        ears.words = hearing_of(settings)
    options = CarrierOptions(
        account_sid=account_sid,
        auth_token=auth_token,
        port=_port(settings) if outbound else 0,
        seed=seed,
    )
    async with AsyncExitStack() as stack:
        stack.push_async_callback(ears.tts.close)
        stack.push_async_callback(ears.stt.close)
        if ears.words is not None:
            stack.push_async_callback(ears.words.close)
        try:
            carrier = await stack.enter_async_context(serving(options, tts=ears.tts, stt=ears.stt))
        except OSError as error:
            raise StartRefused(
                f"The local carrier cannot take {settings.twilio_base_url}: {error.strerror or error}. End "
                "what listens there; the simulation brings a carrier of its own."
            ) from error
        yield Simulation(settings, carrier, ears, phones=phones, at_once=at_once, seed=seed)


def account_of(settings: Settings) -> tuple[str, str]:
    """Return the account and the token that the callers' carrier has. Raises StartRefused."""
    if settings.twilio_account_sid is None or settings.twilio_auth_token is None:
        raise StartRefused(
            "TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN are unset: simulated calls need those of the running "
            "installation. Any values do for one that has no account yet, or that calls by another carrier."
        )
    return settings.twilio_account_sid, settings.twilio_auth_token.get_secret_value()


def _port(settings: Settings) -> int:
    """Return the port at which the installation looks for its carrier. Raises StartRefused."""
    address = urlsplit(settings.twilio_base_url)
    if not is_loopback(address.hostname) or address.port is None:
        raise StartRefused(
            f"This installation reaches Twilio at {settings.twilio_base_url}, and a simulation must not ring "
            "real telephones. Scenarios in which the agent calls need one that was started with "
            "TWILIO_BASE_URL at a port of this machine, such as http://127.0.0.1:8400."
        )
    return address.port


async def _require_running(public_url: str) -> None:
    # The certificate and the way are the installation's own business: whoever answers there is it.
    async with httpx.AsyncClient(verify=trusted(), timeout=5, trust_env=False) as client:
        try:
            reply = await client.get(f"{public_url}/ready")
        except httpx.HTTPError as error:
            raise StartRefused(
                f"No Trunkline answers at {public_url}: start it with `trunkline up`, and this command with "
                f"the same PUBLIC_URL. ({type(error).__name__})"
            ) from error
    if reply.status_code != httpx.codes.OK:
        raise StartRefused(f"Trunkline at {public_url} is not ready: {reply.text[:200]}")


def _is(entry: CallEntry, call: HeldCall, practice: Practice) -> bool:
    return entry.to == call.phone and entry.from_ == practice.number


def _told_of_end(entry: CallEntry) -> bool:
    return any(row["status"] == CallStatus.COMPLETED for row in entry.callbacks)
