"""The course of the simulated day: what happens when, and what the dialler does about it.

A heap of virtual moments. At each the real verbs run on the real database with the clock held there:
`claim_next` until it denies, `hear_report` when a call is answered or over, `tend_run` and the push of the
sweeper now and then. What jobs would do next is done here, a moment later; what they are written as is
swept out of the ledger. Its own model of who may be called is simple, and tests the dialler's.
"""

from __future__ import annotations

import heapq
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import psycopg

from day.book import Book
from day.people import LINES, MAX_ATTEMPTS, REGIONS, RETRY_DELAY_S, Caller
from trunkline.core.db import of_business, unit_of_work
from trunkline.domain.outbound import dialling, hearing, tending
from trunkline.domain.outbound.claim import ASKS_AGAIN_AFTER, Claim, Denied, claim_next
from trunkline.domain.outbound.options import DialLimits
from trunkline.kit import clock
from trunkline.kit.ids import new_id
from trunkline.providers.ports import CallReport, CallStatus

JOB_S = 0.05
"""How long after its cause a job does its work."""
SWEEP_S = 2.0
"""How often a run is pushed, as the settings have it."""
TEND_S = 600.0
"""How often a run is tended in full; what that finds is a crash's doing, and here there is none."""
_LEDGER_ROWS = 2_000
_TELL_EVERY_S = 20

_ANSWERED, _NO_ANSWER, _BUSY = 0.57, 0.30, 0.13
_TALK_S, _LEAST_TALK_S, _RING_S, _NO_ANSWER_S, _BUSY_S = 50.0, 3.0, 8.0, 30.0, 3.0

_CLOSEST = 0.2
"""Of a pace: the least between two dials, where a worker comes late to one and not to the next."""


@dataclass(slots=True)
class _Retries:
    """Numbers of a business that are to be dialled again: those whose time has come, and the others."""

    due: set[str] = field(default_factory=set)
    later: list[tuple[float, str]] = field(default_factory=list)

    def look(self, at: float) -> None:
        while self.later and self.later[0][0] <= at + 1e-6:
            self.due.add(heapq.heappop(self.later)[1])


@dataclass(slots=True)
class _Business:
    """What the model knows of one."""

    caller: Caller
    tries: dict[str, int] = field(default_factory=dict)
    retries: _Retries = field(default_factory=_Retries)
    job_id: UUID = field(default_factory=new_id)
    in_line_at: float = float("-inf")
    """When it was last told that it has to wait for a line."""


class Day:
    """From `begins` on, until everybody has been called, so many virtual seconds or real ones are over."""

    def __init__(
        self, everybody: Sequence[Caller], limits: DialLimits, admin: psycopg.Connection, *,
        begins: datetime, seconds: float, wall_s: float, settles_s: float, chance: random.Random,
        say: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._begins, self._seconds, self._limits, self._admin = begins, seconds, limits, admin
        self._wall_s, self._chance, self._say = wall_s, chance, say
        self._businesses = [_Business(caller) for caller in everybody]
        edges = sorted({0.0, seconds, *(e for e in _edges(begins) if e < seconds)})
        self.book = Book(limits.account_lines, LINES, settles_s, edges)
        self._by_id = {caller.business_id: caller.number for caller in everybody}
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._asked: set[tuple[int, str]] = set()
        self._count, self._ledger_rows, self._at = 0, 0, 0.0
        self._last_dial = float("-inf")
        self._paid_until = float("-inf")

    def run(self) -> float:
        """Let it happen. Returns how many virtual seconds it took."""
        for business in self._businesses:
            self.book.change(business.caller.number, could=self._could(business))
            self._ask(business.caller.number, "start", 0.0)
            # Each at a moment of its own, so that no two want the same line at the same instant.
            phase = business.caller.number / len(self._businesses)
            self._later(SWEEP_S * phase, partial(self._sweep, business))
            self._later(TEND_S * phase, partial(self._tend, business))
        begun = told = time.monotonic()
        while self._heap[0][0] <= self._seconds and not self._is_over():
            at, _, action = heapq.heappop(self._heap)
            self.book.pass_time(at)
            self._at = at
            with clock.frozen_at(self._now()):
                action()
            if time.monotonic() > begun + self._wall_s:
                return self._at
            if time.monotonic() > told + _TELL_EVERY_S:
                told = time.monotonic()
                self._say(f"{at / 60:.1f} virtual minutes, {len(self.book.claims_ms)} dials")
        if not self._is_over():
            self.book.pass_time(self._seconds)
            self._at = self._seconds
        return self._at

    def _is_over(self) -> bool:
        return not self.book.live_in_all and all(
            not sum(b.caller.untouched.values()) and not b.retries.due and not b.retries.later
            for b in self._businesses
        )

    # What may be called: the model's own view, from the wall clocks of the regions.

    def _is_open(self, business: _Business, region: str, at: float) -> bool:
        local = (self._begins + timedelta(seconds=at)).astimezone(REGIONS[region].zone).time()
        return business.caller.region.opens <= local < business.caller.region.closes

    def _could(self, business: _Business) -> int:
        """Return how many lines a business could use now: what is in use, and one for each to be called."""
        business.retries.look(self._at)
        ready = self.book.live[business.caller.number]
        for region, people in business.caller.untouched.items():
            if ready < LINES and people and self._is_open(business, region, self._at):
                ready += people
        for phone in business.retries.due:
            if ready >= LINES:
                break
            ready += self._is_open(business, _region_of(phone), self._at)
        return min(LINES, ready)

    def _refresh(self, business: _Business, dialled: int = 0) -> None:
        number = business.caller.number
        self.book.live[number] += dialled
        could = self._could(business)
        self.book.live[number] -= dialled
        self.book.change(number, dialled=dialled, could=could)

    # What happens.

    def _dial(self, number: int) -> None:
        """Dial for a business until something denies the next, as the job does."""
        business = self._businesses[number]
        while True:
            begun = time.perf_counter()
            with unit_of_work(of_business(business.caller.business_id)) as session:
                answer = claim_next(
                    session, business.caller.business_id, limits=self._limits, job_id=business.job_id,
                    lease_epoch=1,
                )  # fmt: skip
            took_ms = (time.perf_counter() - begun) * 1e3
            if isinstance(answer, Claim):
                self.book.claims_ms.append(took_ms)
                self._place(business, answer)
                self._begin(business, answer)
                continue
            self.book.denied_ms.setdefault(answer.reason, []).append(took_ms)
            if answer.reason == "no_line":
                business.in_line_at = self._at
            if answer.reason != "set_aside":
                self._heed(number, answer)
                return

    def _heed(self, number: int, denied: Denied) -> None:
        if denied.retry_at is not None:
            wait = (denied.retry_at - self._now()).total_seconds()
            self._ask(number, f"at {denied.retry_at}", wait)
        if denied.gives_way_to is not None:
            self._ask(self._by_id[denied.gives_way_to], "line", JOB_S)

    def _place(self, business: _Business, claim: Claim) -> None:
        """The carrier takes the call, as it always does here."""
        with unit_of_work(of_business(business.caller.business_id)) as session:
            dialling.bind(session, business.caller.business_id, claim.attempt_id, sid=_sid_of(claim))

    def _begin(self, business: _Business, claim: Claim) -> None:
        caller, phone = business.caller, claim.phone
        region = _region_of(phone)
        if not self._is_open(business, region, self._at):
            self.book.faults["dialled outside the hours"] += 1
        pace = 1 / self._limits.per_second
        if self._at < self._last_dial + _CLOSEST * pace - 1e-6:
            self.book.faults["two dials too close together"] += 1
        # Each dial pays for a pace; one may be owed, so that no stretch has more than one too many.
        if self._at < self._paid_until - pace - 1e-6:
            self.book.faults["dialled faster than the pace"] += 1
        self._last_dial, self._paid_until = self._at, max(self._paid_until, self._at) + pace
        business.retries.look(self._at)
        if phone in business.tries:
            if phone not in business.retries.due:
                self.book.faults["dialled again too early"] += 1
            business.retries.due.discard(phone)
        else:
            caller.untouched[region] -= 1
        business.tries[phone] = business.tries.get(phone, 0) + 1
        self._refresh(business, dialled=1)
        fate = self._chance.random()
        if fate < _ANSWERED:
            talk_s = max(_LEAST_TALK_S, self._chance.expovariate(1 / _TALK_S))
            self._later(_RING_S, partial(self._hear, business, claim, CallStatus.IN_PROGRESS))
            self._later(_RING_S + talk_s, partial(self._hear, business, claim, CallStatus.COMPLETED))
        elif fate < _ANSWERED + _NO_ANSWER:
            self._later(_NO_ANSWER_S, partial(self._hear, business, claim, CallStatus.NO_ANSWER))
        else:
            self._later(_BUSY_S, partial(self._hear, business, claim, CallStatus.BUSY))

    def _hear(self, business: _Business, claim: Claim, status: CallStatus) -> None:
        """The carrier tells of a call; when it is over, the business dials on."""
        with unit_of_work(of_business(business.caller.business_id)) as session:
            hearing.hear_report(
                session, business.caller.business_id, claim.attempt_id,
                CallReport(
                    sid=_sid_of(claim), status=status, to=claim.phone, from_=claim.from_number,
                    direction="outbound-api",
                ),
            )  # fmt: skip
        if not status.is_final:
            return
        unreached = status is not CallStatus.COMPLETED
        if unreached and business.tries[claim.phone] < MAX_ATTEMPTS:
            heapq.heappush(business.retries.later, (self._at + RETRY_DELAY_S, claim.phone))
        self._refresh(business, dialled=-1)
        self._later(JOB_S, partial(self._release, business))
        self._ledger_rows += 1
        if self._ledger_rows >= _LEDGER_ROWS:
            self._admin.execute("truncate jobs cascade")
            self._ledger_rows = 0

    def _release(self, business: _Business) -> None:
        with unit_of_work(of_business(business.caller.business_id)) as session:
            over = tending.finish_if_done(session, business.caller.business_id, business.caller.run_id)
        if not over:
            self._dial(business.caller.number)

    def _sweep(self, business: _Business) -> None:
        """Push who could use one more line than it has, but not who has just been told to wait for one."""
        self._refresh(business)
        number = business.caller.number
        waits = self._at < business.in_line_at + ASKS_AGAIN_AFTER.total_seconds()
        is_full = self.book.live_in_all >= self._limits.account_lines
        if self.book.could[number] > self.book.live[number] and not (waits and is_full):
            self._ask(number, "push", JOB_S)
        self._later(SWEEP_S, partial(self._sweep, business))

    def _tend(self, business: _Business) -> None:
        caller = business.caller
        with unit_of_work(of_business(caller.business_id)) as session:
            tending.tend_run(session, caller.business_id, caller.run_id, limits=self._limits)
        self._later(TEND_S, partial(self._tend, business))

    # When.

    def _now(self) -> datetime:
        return self._begins + timedelta(seconds=self._at)

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        self._count += 1
        # To the microsecond, as moments are in the database.
        heapq.heappush(self._heap, (round(self._at + seconds, 6), self._count, action))

    def _ask(self, number: int, key: str, seconds: float) -> None:
        """Have a business dial a moment later; once, however often that is asked for under one key."""
        if (number, key) in self._asked:
            return
        self._asked.add((number, key))

        def go() -> None:
            self._asked.discard((number, key))
            self._dial(number)

        self._later(max(0.0, seconds), go)


def _sid_of(claim: Claim) -> str:
    return f"CA{claim.attempt_id.hex}"


def _region_of(phone: str) -> str:
    return next(name for name, region in REGIONS.items() if phone.startswith(region.prefix))


def _edges(begins: datetime) -> list[float]:
    """Return the virtual seconds at which some window opens or closes, of the day that follows."""
    found = []
    for region in REGIONS.values():
        for moment in (region.opens, region.closes):
            local = datetime.combine(begins.astimezone(region.zone).date(), moment, region.zone)
            found += [(local + timedelta(days=days) - begins).total_seconds() for days in range(30)]
    return [edge for edge in found if edge > 0]
