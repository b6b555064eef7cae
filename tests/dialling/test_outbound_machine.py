"""A business's runs under anything in any order: what holds always, holds; nothing known is unlearnt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy.orm import Session

from dialling.dialler_model import Model, Sight, check_claim, sight_of
from dialling.staging import ListeningCarrier, limit
from support.system import fresh_numbers
from support.world import World, make_world
from trunkline.core.db import unit_of_work
from trunkline.core.errors import Conflict, RunAlreadyActive
from trunkline.domain.calls import service as calls
from trunkline.domain.calls.models import Call
from trunkline.domain.leads.selection import Whom, people_of
from trunkline.domain.outbound import callbacks, dialling, hearing, service, suppressions, tending
from trunkline.domain.outbound.claim import Claim, Denied, claim_next
from trunkline.domain.outbound.models import UNRESOLVED_STATES, AttemptState, OutboundAttempt
from trunkline.domain.outbound.options import Breaker, DialLimits, RetryRule, RunOptions, installed_limits
from trunkline.kit import clock
from trunkline.kit.ids import new_id
from trunkline.providers.ports import CallReport, CallStatus

Drawn = TypeVar("Drawn")

_BEGIN = datetime(2030, 6, 3, 12, tzinfo=UTC)
"""An example that is run again must go as it went."""
_PEOPLE = 4
_MOST_LINES = 3
_MOST_RUNS = 4
_PER_SECOND = 2.0
_OUTCOMES = ["booked", "declined", "voicemail", "no_response"]

_options = st.fixed_dictionaries(
    {
        "concurrency": st.integers(1, 2),
        "priority": st.sampled_from([0, 0, 5]),
        "max_attempts": st.integers(1, 3),
        "retry_delay_s": st.sampled_from([0, 60]),
        "retries": st.sampled_from(
            [{}, {"voicemail": RetryRule(times=1, delay_s=60), "busy": RetryRule(times=1, delay_s=0)}]
        ),
        "ramp_up_per_minute": st.sampled_from([None, None, 1]),
        "breaker": st.just(Breaker(share=0.5, of_last=4, pause_s=120)),
    }
)


class RunMachine(RuleBasedStateMachine):
    """One business of four people, and whatever is done with its runs."""

    limits: DialLimits

    def __init__(self) -> None:
        super().__init__()
        self.now = _BEGIN
        number, *phones = fresh_numbers(_PEOPLE + 1)
        self.world: World = make_world(f"M{number[2:]}", number=number, phones=tuple(phones))
        limit(self.world, max_outbound_calls=_MOST_LINES)
        # An account and lines of its own: what one example did must not be felt by the next.
        self.limits = replace(self.limits, account=number, system=1_000_000, per_second=_PER_SECOND)
        self.model = Model()
        self.sight: Sight | None = None
        self.claims: list[Claim] = []
        in_list = Whom(self.world.list_id)
        rows = self.unit(lambda s: s.execute(people_of(s, self.world.business_id, in_list)).all())
        self.people = [row.id for row in sorted(rows, key=lambda row: str(row.phone))]
        self.dialled_at: datetime | None = None

    def unit(self, act: Callable[[Session], Any]) -> Any:
        self.sight = None
        with clock.frozen_at(self.now), unit_of_work(self.world.scope) as session:
            return act(session)

    def see(self) -> Sight:
        """Return the business as it stands, having seen that all is well with it."""
        if self.sight is None or self.sight.now != self.now:
            found: Sight = self.unit(lambda s: sight_of(s, self.world, self.limits, self.now))
            self.model.check(found)
            self.sight = found
        return self.sight

    def drawn_run(self, data: st.DataObject, *states: str) -> UUID | None:
        """Return one of the runs in these states, if there is one."""
        found = [run_id for run_id, (run, _) in self.see().runs.items() if run.state in states]
        return drawn(data, found) if found else None

    def drawn_attempt(self, data: st.DataObject) -> OutboundAttempt:
        claim = drawn(data, self.claims)
        return self.see().attempts[claim.attempt_id]

    def verb(self, name: str, run_id: UUID, **named: Any) -> Any:
        """Ask for something of a run, as its owner; None if it is refused."""
        with suppress(Conflict):
            return self.unit(
                lambda s: getattr(service, name)(s, self.world.business_id, run_id, actor="m", **named)
            )
        self.sight = None
        return None

    # --- Runs ----------------------------------------------------------------------------

    @initialize(options=_options)
    def the_first_run_starts(self, options: dict[str, Any]) -> None:
        run = self.make_run(options, Whom(lead_ids=self.people))
        assert self.verb("start_run", run) is not None

    @precondition(lambda self: len(self.see().runs) < _MOST_RUNS)
    @rule(options=_options, how_many=st.integers(1, _PEOPLE), begins=st.sampled_from(["now", "later"]))
    def another_run_is_made(self, options: dict[str, Any], how_many: int, begins: str) -> None:
        run = self.make_run(options, Whom(lead_ids=self.people[:how_many]))
        if begins == "now":
            self.verb("start_run", run)
        else:
            self.verb("schedule_run", run, starts_at=self.now + timedelta(minutes=5))

    def make_run(self, options: dict[str, Any], whom: Whom) -> UUID:
        told = RunOptions(agent_id=self.world.agent_id, from_number=self.world.number, **options)
        return self.unit(
            lambda s: (
                service.create_run(
                    s, self.world.business_id, title="A run", options=told, whom=whom, actor="m"
                ).id
            )
        )

    @rule(data=st.data(), verb=st.sampled_from(["pause_run", "resume_run", "resume_run"]))
    def somebody_pauses_or_resumes(self, data: st.DataObject, verb: str) -> None:
        if run := self.drawn_run(data, "running" if verb == "pause_run" else "paused"):
            self.verb(verb, run)

    @precondition(lambda self: len(self.claims) > 2)
    @rule(data=st.data())
    def somebody_cancels(self, data: st.DataObject) -> None:
        run = self.drawn_run(data, "running", "paused", "pending")
        if run is None:
            return
        live = [
            row
            for row in self.see().attempts.values()
            if row.run_id == run and row.state in UNRESOLVED_STATES and not row.released
        ]
        answer = self.verb("cancel_run", run, force=data.draw(st.booleans()))
        assert answer.calls_in_flight == len(live)

    @rule(data=st.data(), priority=st.sampled_from([None, 0, 5]), concurrency=st.sampled_from([None, 1, 2]))
    def somebody_changes_a_run(
        self, data: st.DataObject, priority: int | None, concurrency: int | None
    ) -> None:
        if run := self.drawn_run(data, "running", "paused", "pending"):
            self.verb("change_run", run, priority=priority, concurrency=concurrency)

    @precondition(lambda self: len(self.see().runs) < _MOST_RUNS)
    @rule(data=st.data())
    def the_failed_are_called_again(self, data: st.DataObject) -> None:
        if run := self.drawn_run(data, "completed", "cancelled"):
            self.verb("retry_failed", run)

    @rule(data=st.data(), wanted=st.booleans())
    def a_number_is_suppressed_or_allowed(self, data: st.DataObject, wanted: bool) -> None:
        phone, business = drawn(data, self.world.phones), self.world.business_id
        if wanted:
            self.unit(
                lambda s: suppressions.suppress(
                    s, business, phone, reason="asked", source="person", actor="m"
                )
            )
        elif phone in self.see().suppressed:
            self.unit(lambda s: suppressions.allow(s, business, phone, actor="m"))

    # --- Dials ---------------------------------------------------------------------------

    @rule(answer=st.sampled_from(["placed", "placed", "placed", "doubt", "no", "later", "died", "seen"]))
    def dial(self, answer: str) -> None:
        before = self.see()
        claim = self.claim()
        if isinstance(claim, Denied) and claim.reason == "pace":
            # The business has a turn, and keeps it: when it comes, only another reason is in the way.
            assert claim.retry_at is not None
            assert claim.retry_at > self.now
            self.now = claim.retry_at
            before = self.see()
            claim = self.claim()
            assert isinstance(claim, Claim) or claim.reason != "pace"
        if isinstance(claim, Denied):
            return
        pace = timedelta(seconds=1 / _PER_SECOND)
        assert self.dialled_at is None or self.now - self.dialled_at >= pace
        self.dialled_at = self.now
        self.claims.append(claim)
        check_claim(before, self.see(), claim.attempt_id, most=_MOST_LINES)
        self.answer(claim, answer)

    def claim(self) -> Claim | Denied:
        business = self.world.business_id
        return self.unit(
            lambda s: claim_next(s, business, limits=self.limits, job_id=new_id(), lease_epoch=1)
        )

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), answer=st.sampled_from(["placed", "doubt", "no", "seen"]))
    def a_late_answer_comes(self, data: st.DataObject, answer: str) -> None:
        claim = drawn(data, self.claims)
        # An answer of "no" to what the carrier has reported on would be a lie of the carrier's.
        if not (answer == "no" and self.see().attempts[claim.attempt_id].carrier_sid):
            self.answer(claim, answer)

    def answer(self, claim: Claim, answer: str) -> None:
        business, attempt = self.world.business_id, claim.attempt_id
        account = self.limits.account
        acts: dict[str, Callable[[Session], object]] = {
            "placed": lambda s: dialling.bind(s, business, attempt, sid=f"CA{attempt.hex}"),
            "doubt": lambda s: dialling.leave_unknown(s, business, attempt, error="doubt"),
            "no": lambda s: dialling.refuse(
                s, business, attempt, error="no", account=account, retry_after_s=None
            ),
            "later": lambda s: dialling.refuse(
                s, business, attempt, error="later", account=account, retry_after_s=1
            ),
            "died": lambda _s: None,
            "seen": lambda s: dialling.run_allows(s, business, claim.run_id, attempt),
        }
        self.unit(acts[answer])

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def a_person_releases_a_dial(self, data: st.DataObject) -> None:
        attempt = self.drawn_attempt(data)
        self.verb("release_attempt", attempt.run_id, attempt_id=attempt.id)

    # --- What is told --------------------------------------------------------------------

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), status=st.sampled_from(list(CallStatus)))
    def the_carrier_reports(self, data: st.DataObject, status: CallStatus) -> None:
        attempt = self.drawn_attempt(data)
        # The carrier has no call that it refused, nor one that was taken back before it was asked.
        if attempt.state == AttemptState.REJECTED:
            return
        try:
            self.report(attempt, status)
        except hearing.SecondCall:
            assert attempt.released

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def a_second_call_is_reported(self, data: st.DataObject) -> None:
        attempt = self.drawn_attempt(data)
        if attempt.carrier_sid is not None:
            with pytest.raises(hearing.SecondCall):
                self.report(attempt, CallStatus.COMPLETED, sid="CAstranger")

    def report(self, attempt: OutboundAttempt, status: CallStatus, sid: str | None = None) -> None:
        told = CallReport(
            sid=sid or f"CA{attempt.id.hex}", status=status, to=attempt.phone, from_=attempt.from_number,
            direction="outbound-api",
        )  # fmt: skip
        self.unit(lambda s: hearing.hear_report(s, self.world.business_id, attempt.id, told))

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), asks=st.booleans(), hangs_up=st.booleans(), outcome=st.sampled_from(_OUTCOMES))
    def somebody_talks(self, data: st.DataObject, asks: bool, hangs_up: bool, outcome: str) -> None:
        """A conversation: they answer, may ask to be called again, and it is over for one side first."""
        attempt = self.drawn_attempt(data)
        business = self.world.business_id
        if attempt.released or attempt.state in {AttemptState.REJECTED, AttemptState.ENDED}:
            return
        self.report(attempt, CallStatus.IN_PROGRESS)
        call_id = self.see().attempts[attempt.id].call_id
        assert call_id is not None
        with suppress(Conflict):
            self.unit(lambda s: calls.spend_media_token(s, business, call_id))
        if asks:
            at = (self.now + timedelta(minutes=15)).isoformat()
            self.unit(
                lambda s: callbacks.ask(
                    s, business, call_id=call_id, phone=attempt.phone, at=at, note="", actor="m"
                )
            )
            self.see()
        if hangs_up:
            self.report(attempt, CallStatus.COMPLETED)
            self.see()
        self.unit(lambda s: calls.finalize(s, business, call_id, end_reason="hung_up", disposition=outcome))
        self.unit(lambda s: hearing.hear_outcome(s, business, call_id))
        if hangs_up:
            assert self.unit(lambda s: s.get_one(Call, call_id)).disposition is not None

    @rule(minutes=st.sampled_from([0, 1, 15]))
    def time_passes_and_the_sweeper_comes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        business = self.world.business_id
        for run_id, (run, more) in self.see().runs.items():
            if run.state == "pending" and more.starts_at is not None and more.starts_at <= self.now:
                due = more.starts_at
                with suppress(RunAlreadyActive):
                    self.unit(
                        lambda s, run_id=run_id, due=due: service.start_if_due(s, business, run_id, due)
                    )
            self.unit(lambda s, run_id=run_id: tending.tend_run(s, business, run_id, limits=self.limits))
            self.see()

    # --- What always holds ---------------------------------------------------------------

    @invariant()
    def all_is_well(self) -> None:
        self.see()


def drawn(data: st.DataObject, among: Sequence[Drawn]) -> Drawn:
    """Draw one by its place: ids are other ones when an example is run again."""
    return among[data.draw(st.integers(0, len(among) - 1))]


@pytest.mark.parametrize(
    ("examples", "steps"),
    [(8, 25), pytest.param(200, 50, marks=[pytest.mark.soak, pytest.mark.timeout(1_800)])],
)
def test_what_always_holds_of_a_business_s_runs_holds(
    carrier: ListeningCarrier, examples: int, steps: int
) -> None:
    RunMachine.limits = installed_limits()
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        RunMachine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert carrier.orders == []
