"""The committing transaction of a dial: whom a business calls next, and whether it may now.

Owns the choice among runs and items, the slots, the turn at the carrier account and the compliance
ruling; writes the attempt as `submitting`. One claimer of a business at a time, then one of an
account. Knows no carrier: what is committed here is dialled by the job.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.orm import Session

from trunkline.core.events import announce
from trunkline.core.tenancy import live_dials, longest_waiting
from trunkline.domain.calls import service as calls
from trunkline.domain.outbound import claim_store, store
from trunkline.domain.outbound.caller_ids import choose
from trunkline.domain.outbound.compliance import NO_CONSENT, Callee, Ruling, rule_on
from trunkline.domain.outbound.hours import Hours
from trunkline.domain.outbound.models import CarrierAccount
from trunkline.domain.outbound.options import DialLimits, RunOptions
from trunkline.domain.outbound.rules import Limits, Load, has_slot, lines_of, turn_of
from trunkline.domain.tenants import service as tenants
from trunkline.domain.tenants.calling_rules import CallingRules
from trunkline.domain.tenants.models import Business
from trunkline.kit import clock
from trunkline.kit.phone import country_of, zones_of

_ACTOR = "dialler"

_BATCHES = (1, 20, 500)
"""How many items are looked at, while none of those before may be dialled."""

_FENCE_RECHECK = timedelta(seconds=30)
"""After how long a number is looked at again that another dial is under way to."""
_WAITER_PATIENCE = timedelta(seconds=10)
"""A business that has not asked for a line for this long is not waited for."""


@dataclass(frozen=True, slots=True)
class Claim:
    """An attempt committed as submitting: the carrier may now be asked, once."""

    attempt_id: UUID
    run_id: UUID
    phone: str
    from_number: str


@dataclass(frozen=True, slots=True)
class Denied:
    """No dial now, and why.

    `retry_at` is set when only time stands in the way, `gives_way_to` when the free line is
    another business's, which has waited longer.
    """

    reason: str
    retry_at: datetime | None = None
    gives_way_to: UUID | None = None


def claim_next(
    session: Session, business_id: UUID, *, limits: DialLimits, job_id: UUID, lease_epoch: int
) -> Claim | Denied:
    """Write the business's next attempt, if runs, slots, rules, turn and fence all allow it."""
    store.lock_business(session, business_id)
    running = claim_store.running_runs(session, business_id)
    if not running:
        claim_store.stop_waiting(session, business_id, limits.account)
        return Denied("no_run")
    business = tenants.get_business(session, business_id)
    return _Claimer(session, business, limits, job_id, lease_epoch, clock.now()).claim(running)


@dataclass(slots=True)
class _Claimer:
    """One claim: what is known of the moment, and the steps in their order."""

    session: Session
    business: Business
    limits: DialLimits
    job_id: UUID
    lease_epoch: int
    now: datetime

    def claim(self, running: Sequence[Row[Any]]) -> Claim | Denied:
        claim_store.wake_due_items(self.session, self.business.id, [run.id for run in running], now=self.now)
        live = claim_store.live_by_run(self.session, self.business.id, live_since=self._live_since)
        ready = [run for run in running if not self._is_held(run) and self._has_line(run, live)]
        wanted = [run.id for run in ready]
        if not claim_store.has_queued(self.session, self.business.id, wanted):
            claim_store.stop_waiting(self.session, self.business.id, self.limits.account)
            return self._idle(running, ready)
        # Behind the business, and always in this order: whoever counts an account's lines holds it.
        account = store.lock_account(self.session, self.limits.account)
        denied = self._denied_line(account, sum(live.values()))
        if denied is not None:
            return denied
        for run in ready:
            while (item := self._next_item(run)) is not None:
                if isinstance(item, Denied):
                    return item
                answer = self._commit(account, run, item)
                if answer is not None:
                    return answer
        claim_store.stop_waiting(self.session, self.business.id, account.account)
        return Denied("nothing_to_dial")

    def _idle(self, running: Sequence[Row[Any]], ready: Sequence[Row[Any]]) -> Denied:
        """Say why there is nothing to dial, and when there may be."""
        if ready:
            return Denied("nothing_to_dial")
        held = [run.held_until for run in running if self._is_held(run)]
        return Denied("held", retry_at=min(held)) if len(held) == len(running) else Denied("no_slot")

    @property
    def _live_since(self) -> datetime:
        return self.now - self.limits.longest_life

    def _is_held(self, run: Row[Any]) -> bool:
        return run.held_until is not None and run.held_until > self.now

    def _has_line(self, run: Row[Any], live: dict[UUID, int]) -> bool:
        options = RunOptions.model_validate(run.options)
        lines = lines_of(options.concurrency, options.ramp_up_per_minute, since=run.ramp_from, now=self.now)
        return live.get(run.id, 0) < lines

    def _denied_line(self, account: CarrierAccount, live: int) -> Denied | None:
        """Return why the business has no line to dial on, or None if it has one.

        Lines of the account and of the system go to whoever has waited longest: with as many
        businesses as lines, each release would else go to whoever released it.
        """
        business = self.business
        own = Load(
            business_outbound=live, business_inbound=calls.open_inbound_calls(self.session, business.id)
        )
        most = Limits(business_outbound=business.max_outbound_calls, business_all=business.max_calls)
        if not has_slot(own, most):
            claim_store.stop_waiting(self.session, business.id, account.account)
            return Denied("no_slot")
        dials = live_dials(self.session, live_since=self._live_since)
        is_full = (
            sum(dials.values()) >= self.limits.system
            or dials.get(account.account, 0) >= self.limits.account_lines
        )  # fmt: skip
        first = longest_waiting(self.session, account.account, seen_since=self.now - _WAITER_PATIENCE)
        if not is_full and first is None:
            return None
        since = claim_store.wait_for_line(self.session, business.id, account.account, now=self.now)
        if is_full:
            return Denied("no_line")
        if first is not None and first[0] != business.id and (first[1], first[0]) < (since, business.id):
            return Denied("no_line", gives_way_to=first[0])
        return None

    def _next_item(self, run: Row[Any]) -> Row[Any] | Denied | None:
        """Return the run's next item that may be dialled now, locked; those before it are set aside."""
        rules = CallingRules.model_validate(self.business.calling_rules)
        hours = Hours.of(self.business.calling_window, rules)
        asked_for = Hours.of(self.business.calling_window, rules.without_counts())
        for size in _BATCHES:
            items = claim_store.next_items(
                self.session, self.business.id, run.id, limit=size, now=self.now,
                gap=timedelta(minutes=rules.minimum_gap_minutes),
            )  # fmt: skip
            set_aside: list[tuple[Row[Any], Ruling]] = []
            for item in items:
                ruling = rule_on(_callee(item), asked_for if item.rank == 0 else hours, now=self.now)
                if ruling.allows:
                    self._set_aside(run.id, set_aside)
                    return item
                set_aside.append((item, ruling))
            self._set_aside(run.id, set_aside)
            if len(items) < size:
                return None
        # Much was set aside, and more may have to be: in a transaction of its own.
        return Denied("set_aside")

    def _set_aside(self, run_id: UUID, rulings: Sequence[tuple[Row[Any], Ruling]]) -> None:
        """Let those wait who may be called later, and end the items of those who may not be called."""
        waits = [(item.id, ruling) for item, ruling in rulings if ruling.until is not None]
        never = [(item, ruling) for item, ruling in rulings if ruling.until is None]
        claim_store.let_wait(self.session, waits, now=self.now)
        claim_store.refuse_items(self.session, [(item.id, ruling) for item, ruling in never], now=self.now)
        for item, ruling in never:
            announce(
                "dial.refused", subject_id=item.id, actor=_ACTOR, reason=ruling.reason, run_id=str(run_id),
                phone=item.phone, zones=list(zones_of(item.phone)), consent=item.consent or NO_CONSENT,
                dialled_before=item.dialled_in_all,
            )  # fmt: skip

    def _commit(self, account: CarrierAccount, run: Row[Any], item: Row[Any]) -> Claim | Denied | None:
        """Take the account's turn and write the attempt, or say when the turn comes.

        None: another dial to the number is not resolved, so the item waits.
        """
        business_id, now = self.business.id, self.now
        turn = turn_of(
            own=claim_store.turn_at(self.session, business_id, account.account),
            next_free=account.next_dial_at, last_dial=account.last_dial_at,
            closed_until=account.closed_until, per_second=self.limits.per_second, now=now,
        )  # fmt: skip
        if turn.dial_at > now:
            account.next_dial_at = turn.next_free
            claim_store.keep_turn(self.session, business_id, account.account, turn.dial_at)
            return Denied("pace", retry_at=turn.dial_at)
        options = RunOptions.model_validate(run.options)
        from_number = choose(options.numbers, item.phone, turn=item.position, local=options.local_presence)
        attempt_id = claim_store.insert_attempt(
            self.session, business_id, run.id, item, from_number=from_number, account=account.account,
            job_id=self.job_id, lease_epoch=self.lease_epoch, now=now,
        )  # fmt: skip
        if attempt_id is None:
            claim_store.let_wait(self.session, [(item.id, Ruling("fence", now + _FENCE_RECHECK))], now=now)
            return None
        account.next_dial_at, account.last_dial_at = turn.next_free, now
        claim_store.begin_item(self.session, business_id, run.id, account.account, item, now=now)
        announce(
            "dial.allowed", subject_id=item.id, actor=_ACTOR, attempt_id=str(attempt_id),
            run_id=str(run.id), phone=item.phone, from_number=from_number, zones=list(zones_of(item.phone)),
            consent=item.consent or NO_CONSENT, dialled_before=item.dialled_in_all,
            disclosure=self.business.calling_rules.get("disclosure", ""),
        )  # fmt: skip
        return Claim(attempt_id, run.id, item.phone, from_number)


def _callee(item: Row[Any]) -> Callee:
    return Callee(
        phone=item.phone,
        zones=zones_of(item.phone),
        country=country_of(item.phone),
        suppressed=item.suppressed,
        suppressed_everywhere=item.suppressed_everywhere,
        consent=item.consent or NO_CONSENT,
        dialled_at=item.dialled_at,
        dialled_in_all=item.dialled_in_all,
    )
