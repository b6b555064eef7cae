"""A run under reports in any order: its progress always adds up, and nothing that was known is unlearnt."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy.orm import Session

from support.installation import Installation
from support.system import fresh_numbers
from support.world import World, make_world
from trunkline.core.db import unit_of_work
from trunkline.core.errors import Conflict
from trunkline.domain.outbound import claim_store, dialling, hearing, run_store, service, tending
from trunkline.domain.outbound.claim import Claim, claim_next
from trunkline.domain.outbound.models import UNRESOLVED_STATES, AttemptState, ItemState, OutboundAttempt
from trunkline.domain.outbound.options import DialLimits, installed_limits
from trunkline.kit import clock
from trunkline.kit.ids import new_id
from trunkline.providers.ports import CallReport, CallStatus

_LINES = 2
_MOST_ATTEMPTS = 2
_EXAMPLES = 15

_MOVES = {
    "queued": {"dialling", "retry_wait", "cancelled", "failed"},
    "dialling": {"queued", "in_call", "completed", "failed", "cancelled", "retry_wait", "unknown"},
    "in_call": {"completed", "failed", "retry_wait", "unknown"},
    "retry_wait": {"queued", "dialling", "cancelled", "failed"},
    # Only a word of the carrier, however late, moves what nobody knew; nothing else moves again.
    "unknown": {"completed", "failed", "retry_wait"},
    "completed": set(),
    "failed": set(),
    "cancelled": set(),
}
_LEAPS = {
    # Two steps of one transaction or of one rule.
    ("queued", "completed"), ("queued", "in_call"), ("queued", "unknown"),
}  # fmt: skip


class RunMachine(RuleBasedStateMachine):
    """One run of four people, whatever dialler and carrier do in whatever order."""

    limits: DialLimits

    def __init__(self) -> None:
        super().__init__()
        self.now = clock.now() + timedelta(minutes=1)
        self.world = _world()
        # An account and lines of its own: what one example did must not be felt by the next.
        self.limits = replace(self.limits, account=self.world.number, system=1_000_000)
        self.run = self.world.make_run(concurrency=_LINES, max_attempts=_MOST_ATTEMPTS)
        self.unit(lambda session: service.start_run(session, self.world.business_id, self.run.id, actor="m"))
        self.state = "running"
        self.item_states = dict.fromkeys(self.world.phones, "queued")
        self.ranks: dict[object, int] = {}
        self.claims: list[Claim] = []

    def unit(self, act: Callable[[Session], object]) -> object:
        with self.time(), unit_of_work(self.world.scope) as session:
            return act(session)

    def time(self) -> AbstractContextManager[None]:
        return clock.frozen_at(self.now)

    def attempts(self) -> list[OutboundAttempt]:
        rows = self.unit(lambda s: run_store.attempts_of_run(s, self.world.business_id, self.run.id))
        return list(rows)  # type: ignore[call-overload]

    # --- What may happen -----------------------------------------------------------------

    @rule(answer=st.sampled_from(["placed", "placed", "doubt", "no", "later", "died", "cancel seen"]))
    def dial(self, answer: str) -> None:
        business_id = self.world.business_id
        claim = self.unit(
            lambda s: claim_next(s, business_id, limits=self.limits, job_id=new_id(), lease_epoch=1)
        )
        if not isinstance(claim, Claim):
            return
        assert self.state == "running"
        self.claims.append(claim)
        self.check()
        self.answer(claim, answer)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), answer=st.sampled_from(["placed", "doubt", "no", "cancel seen"]))
    def a_late_answer_comes(self, data: st.DataObject, answer: str) -> None:
        claim = data.draw(st.sampled_from(self.claims))
        row = next(row for row in self.attempts() if row.id == claim.attempt_id)
        # An answer of "no" to what the carrier has reported on would be a lie of the carrier's.
        if not (answer == "no" and row.carrier_sid):
            self.answer(claim, answer)

    def answer(self, claim: Claim, answer: str) -> None:
        business_id, attempt_id = self.world.business_id, claim.attempt_id
        acts: dict[str, Callable[[Session], object]] = {
            "placed": lambda s: dialling.bind(s, business_id, attempt_id, sid=f"CA{attempt_id.hex}"),
            "doubt": lambda s: dialling.leave_unknown(s, business_id, attempt_id, error="doubt"),
            "no": lambda s: dialling.refuse(
                s, business_id, attempt_id, error="no", account=self.limits.account, retry_after_s=None
            ),
            "later": lambda s: dialling.refuse(
                s, business_id, attempt_id, error="later", account=self.limits.account, retry_after_s=1
            ),
            "died": lambda _s: None,
            "cancel seen": lambda s: dialling.run_allows(s, business_id, self.run.id, attempt_id),
        }
        self.unit(acts[answer])

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), status=st.sampled_from(list(CallStatus)))
    def the_carrier_reports(self, data: st.DataObject, status: CallStatus) -> None:
        claim = data.draw(st.sampled_from(self.claims))
        row = next(row for row in self.attempts() if row.id == claim.attempt_id)
        # The carrier has no call that it refused, nor one that was taken back before it was asked.
        if row.state == AttemptState.REJECTED:
            return
        self.unit(lambda s: hearing.hear_report(s, self.world.business_id, row.id, _report(row, status)))

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def a_second_call_is_reported(self, data: st.DataObject) -> None:
        claim = data.draw(st.sampled_from(self.claims))
        row = next(row for row in self.attempts() if row.id == claim.attempt_id)
        if row.carrier_sid is None:
            return
        stranger = _report(row, CallStatus.COMPLETED, sid="CAstranger")
        with pytest.raises(hearing.SecondCall):
            self.unit(lambda s: hearing.hear_report(s, self.world.business_id, row.id, stranger))

    @rule(minutes=st.sampled_from([0, 1, 15]))
    def time_passes_and_the_sweeper_comes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        self.unit(lambda s: tending.tend_run(s, self.world.business_id, self.run.id, limits=self.limits))

    @rule(verb=st.sampled_from(["pause_run", "resume_run", "resume_run"]))
    def somebody_pauses_or_resumes(self, verb: str) -> None:
        try:
            self.unit(lambda s: getattr(service, verb)(s, self.world.business_id, self.run.id, actor="m"))
        except Conflict:
            return

    @precondition(lambda self: len(self.claims) > 2)
    @rule()
    def somebody_cancels(self) -> None:
        unresolved = [row for row in self.attempts() if row.state in UNRESOLVED_STATES]
        try:
            answer = self.unit(
                lambda s: service.cancel_run(s, self.world.business_id, self.run.id, force=False, actor="m")
            )
        except Conflict:
            return
        assert isinstance(answer, service.Cancelled)
        assert answer.calls_in_flight == len(unresolved)

    # --- What always holds ---------------------------------------------------------------

    @invariant()
    def check(self) -> None:
        rows = self.attempts()
        business_id, run_id = self.world.business_id, self.run.id
        items = self.unit(lambda s: list(run_store.items_of_run(s, business_id, run_id)))
        progress = self.unit(lambda s: service.progress_of(s, business_id, [run_id])[run_id])
        assert isinstance(items, list)
        assert isinstance(progress, service.Progress)
        run = self.unit(lambda s: service.get_run(s, business_id, run_id))
        self.state = run.state  # type: ignore[attr-defined]

        unresolved = [row for row in rows if row.state in UNRESOLVED_STATES and not row.released]
        slots = self.unit(
            lambda s: claim_store.live_by_run(s, business_id, live_since=self.now - timedelta(days=365))
        )
        assert isinstance(slots, dict)
        assert sum(slots.values()) == len(unresolved)
        assert len({row.phone for row in unresolved}) == len(unresolved), "one person, two dials"

        parts = (
            progress.queued + progress.active + progress.done + progress.failed + progress.cancelled
            + progress.unknown
        )  # fmt: skip
        assert parts == progress.total == len(self.world.phones)
        busy = {row.item_id for row in unresolved}
        for item in items:
            if item.state in {ItemState.DIALLING, ItemState.IN_CALL}:
                assert item.id in busy, "an item waits for a dial that is over"
            elif item.state != ItemState.UNKNOWN:
                assert item.id not in busy, f"a dial of an item that is {item.state} is not over"
            assert 0 <= item.attempts_used <= _MOST_ATTEMPTS
            before = self.item_states[item.phone]
            legal = before == item.state or item.state in _MOVES[before] or (before, item.state) in _LEAPS
            assert legal, f"{before} -> {item.state}"
            self.item_states[item.phone] = item.state
        for row in rows:
            rank = AttemptState(row.state).rank
            assert rank >= self.ranks.get(row.id, 0), f"unlearnt: {row.state}"
            self.ranks[row.id] = rank
        if self.state == "completed":
            assert progress.queued == progress.active == 0


def _world() -> World:
    number, *phones = fresh_numbers(5)
    return make_world(f"M{number[2:]}", number=number, phones=tuple(phones))


def _report(row: OutboundAttempt, status: CallStatus, sid: str | None = None) -> CallReport:
    return CallReport(
        sid=sid or f"CA{row.id.hex}", status=status, to=row.phone, from_=row.from_number,
        direction="outbound-api",
    )  # fmt: skip


def test_progress_adds_up_and_nothing_known_is_unlearnt(installation: Installation) -> None:
    # A clock that is held allows one dial at most to an account with a pace.
    RunMachine.limits = replace(installed_limits(), per_second=float("inf"))
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        RunMachine,
        settings=settings(
            max_examples=_EXAMPLES,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
