"""The committing transaction of a dial: whom a business calls next, and whether it may now.

Owns the choice among runs and items, the slots, the turn at the carrier account and the compliance
ruling; writes the attempt as `submitting`. One claimer of a business at a time, then one of an
account. Knows no carrier: what is committed here is dialled by the job.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.orm import Session

from trunkline.core.events import announce
from trunkline.core.tenancy import LineUse, line_use
from trunkline.domain.calls import service as calls
from trunkline.domain.outbound import claim_store
from trunkline.domain.outbound.caller_ids import choose
from trunkline.domain.outbound.compliance import NO_CONSENT, Callee, Ruling, before, rule_on
from trunkline.domain.outbound.hours import Hours
from trunkline.domain.outbound.options import DialLimits, RunOptions
from trunkline.domain.outbound.rules import Limits, Load, Turn, has_slot, lines_of, turn_of
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
_WAITER_PATIENCE = timedelta(minutes=3)
"""A business that has not asked for a line for this long is not waited for."""
ASKS_AGAIN_AFTER = timedelta(minutes=1)
"""How often a business that waits for a line has to ask: often enough to be waited for, whatever is lost."""


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
    now = clock.now()
    waits = _still_waits(session, business_id, limits=limits, since=now - _WAITER_PATIENCE, now=now)
    if waits is not None:
        # It has been found fit to dial: nothing else is asked, nor locked, before the line may be its own.
        claim_store.keep_waiting(session, business_id, limits.account, now=now)
        return waits
    claim_store.lock_business(session, business_id)
    now = clock.now()  # to wait for the lock may have taken a while
    running = claim_store.running_runs(session, business_id, live_since=now - limits.longest_life, now=now)
    if not running:
        return _give_up(session, business_id, Denied("no_run"), limits=limits, now=now)
    business = tenants.get_business(session, business_id)
    return _Claimer(session, business, limits, job_id, lease_epoch, now).claim(running)


def stands_in_line(session: Session, business_id: UUID, *, limits: DialLimits) -> bool:
    """Return whether to ask now would come to nothing: it asked lately, and no line is free for it."""
    now = clock.now()
    waits = _still_waits(session, business_id, limits=limits, since=now - ASKS_AGAIN_AFTER, now=now)
    return waits is not None


def _still_waits(
    session: Session, business_id: UUID, *, limits: DialLimits, since: datetime, now: datetime
) -> Denied | None:
    """Say why the business gets no line, if it has asked for one after `since` and none is free for it."""
    if not claim_store.has_asked(session, business_id, limits.account, since=since):
        return None
    use = _use_of(session, limits, now)
    if _is_full(use, limits):
        return Denied("no_line")
    if use.first_waiting is not None and use.first_waiting[0] != business_id:
        return Denied("no_line", gives_way_to=use.first_waiting[0])
    return None


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
        due = [run.id for run in running if run.has_due]
        if due:
            claim_store.wake_due_items(self.session, self.business.id, due, now=self.now)
        ready = [run for run in running if not self._is_held(run) and self._has_line(run)]
        wanted = [run for run in ready if run.has_queued or run.has_due]
        if not wanted:
            return self._deny(self._idle(running, ready))
        if not self._has_slot(running[0].live_in_all):
            return self._deny(Denied("no_slot"))
        for run in wanted:
            while (item := self._next_item(run)) is not None:
                if isinstance(item, Denied):
                    return item
                answer = self._dial(run, item)
                if answer is not None:
                    return answer
        return self._deny(Denied("nothing_to_dial"))

    def _deny(self, denied: Denied) -> Denied:
        return _give_up(self.session, self.business.id, denied, limits=self.limits, now=self.now)

    def _idle(self, running: Sequence[Row[Any]], ready: Sequence[Row[Any]]) -> Denied:
        """Say why there is nothing to dial, and when there may be."""
        if ready:
            return Denied("nothing_to_dial")
        held = [run.held_until for run in running if self._is_held(run)]
        return Denied("held", retry_at=min(held)) if len(held) == len(running) else Denied("no_slot")

    def _is_held(self, run: Row[Any]) -> bool:
        return run.held_until is not None and run.held_until > self.now

    def _has_line(self, run: Row[Any]) -> bool:
        options = RunOptions.model_validate(run.options)
        live: int = run.live
        return live < lines_of(
            options.concurrency, options.ramp_up_per_minute, since=run.ramp_from, now=self.now
        )

    def _has_slot(self, live: int) -> bool:
        business = self.business
        inbound = calls.open_inbound_calls(self.session, business.id)
        return has_slot(
            Load(business_outbound=live, business_inbound=inbound),
            Limits(business_outbound=business.max_outbound_calls, business_all=business.max_calls),
        )

    def _next_item(self, run: Row[Any]) -> Row[Any] | Denied | None:
        """Return the run's next item that may be dialled now, locked; those before it are set aside."""
        rules = CallingRules.model_validate(self.business.calling_rules)
        hours = Hours.of(self.business.calling_window, rules)
        asked_for = Hours.of(self.business.calling_window, rules.without_counts())
        not_after = RunOptions.model_validate(run.options).not_after
        for size in _BATCHES:
            items = claim_store.next_items(
                self.session, self.business.id, run.id, limit=size, now=self.now,
                gap=timedelta(minutes=rules.minimum_gap_minutes),
            )  # fmt: skip
            set_aside: list[tuple[Row[Any], Ruling]] = []
            for item in items:
                ruling = rule_on(_callee(item, rules), asked_for if item.rank == 0 else hours, now=self.now)
                if ruling.allows and item.fenced:
                    ruling = self._fenced
                ruling = before(not_after, ruling, now=self.now)
                if ruling.allows:
                    self._set_aside(run.id, set_aside)
                    return item
                set_aside.append((item, ruling))
            self._set_aside(run.id, set_aside)
            if len(items) < size:
                return None
        # Much was set aside, and more may have to be: in a transaction of its own.
        return Denied("set_aside")

    @property
    def _fenced(self) -> Ruling:
        """Another dial to the number is not resolved."""
        return Ruling("fence", self.now + _FENCE_RECHECK)

    def _set_aside(self, run_id: UUID, rulings: Sequence[tuple[Row[Any], Ruling]]) -> None:
        """Let those wait who may be called later, and end the items of those who may not be called."""
        waits = [(item.id, ruling) for item, ruling in rulings if ruling.until is not None]
        never = [(item, ruling) for item, ruling in rulings if ruling.until is None]
        business_id = self.business.id
        claim_store.let_wait(self.session, business_id, waits, now=self.now)
        claim_store.refuse_items(
            self.session, business_id, [(item.id, ruling) for item, ruling in never], now=self.now
        )
        for item, ruling in never:
            announce(
                "dial.refused", subject_id=item.id, actor=_ACTOR, reason=ruling.reason, run_id=str(run_id),
                phone=item.phone, zones=list(zones_of(item.phone)), consent=item.consent or NO_CONSENT,
                dialled_before=item.dialled_in_all,
            )  # fmt: skip

    def _dial(self, run: Row[Any], item: Row[Any]) -> Claim | Denied | None:
        """Take a line and the turn at the account, and write the attempt, or say what stands in the way.

        None: another dial to the number is not resolved, so the item waits.
        """
        # Behind the business, and always in this order: whoever counts an account's lines holds it. So
        # does everybody who dials through it, which is why all else has been decided before.
        account = claim_store.lock_account(self.session, self.business.id, self.limits.account)
        # Others have dialled while this one waited: by the clock of before, their moment would lie ahead.
        self.now = clock.now()
        denied = self._denied_line(account.account)
        if denied is not None:
            return denied
        turn = turn_of(
            own=account.turn_at, next_free=account.next_dial_at, last_dial=account.last_dial_at,
            closed_until=account.closed_until, per_second=self.limits.per_second, now=self.now,
        )  # fmt: skip
        if turn.dial_at > self.now:
            claim_store.keep_turn(self.session, self.business.id, account.account, turn)
            return Denied("pace", retry_at=turn.dial_at)
        return self._begin(run, item, account.account, turn)

    def _denied_line(self, account: str) -> Denied | None:
        """Return why none of the account's lines is the business's, or None if one is.

        Lines of the account and of the system go to whoever has waited longest: with as many
        businesses as lines, each release would else go to whoever released it.
        """
        use = _use_of(self.session, self.limits, self.now)
        is_full = _is_full(use, self.limits)
        first = use.first_waiting
        if not is_full and first is None:
            return None
        business_id = self.business.id
        since = claim_store.wait_for_line(self.session, business_id, account, now=self.now)
        if is_full:
            return Denied("no_line")
        if first is not None and first[0] != business_id and (first[1], first[0]) < (since, business_id):
            return Denied("no_line", gives_way_to=first[0])
        return None

    def _begin(self, run: Row[Any], item: Row[Any], account: str, turn: Turn) -> Claim | None:
        """Write the attempt, or let the item wait if the fence is up after all."""
        options = RunOptions.model_validate(run.options)
        from_number = choose(options.numbers, item.phone, turn=item.position, local=options.local_presence)
        attempt_id = claim_store.begin_dial(
            self.session, self.business.id, run.id, account, item, turn=turn, from_number=from_number,
            job_id=self.job_id, lease_epoch=self.lease_epoch, now=self.now,
        )  # fmt: skip
        if attempt_id is None:
            self._set_aside(run.id, [(item, self._fenced)])
            return None
        announce(
            "dial.allowed", subject_id=item.id, actor=_ACTOR, attempt_id=str(attempt_id),
            run_id=str(run.id), phone=item.phone, from_number=from_number, zones=list(zones_of(item.phone)),
            consent=item.consent or NO_CONSENT, dialled_before=item.dialled_in_all,
            disclosure=self.business.calling_rules.get("disclosure", ""),
        )  # fmt: skip
        return Claim(attempt_id, run.id, item.phone, from_number)


def _give_up(
    session: Session, business_id: UUID, denied: Denied, *, limits: DialLimits, now: datetime
) -> Denied:
    """It is for the business alone that there is no dial: it waits for no line of the account.

    If a line was kept for it, whoever is next is told of that now.
    """
    if not claim_store.stop_waiting(session, business_id, limits.account):
        return denied
    use = _use_of(session, limits, now)
    if _is_full(use, limits) or use.first_waiting is None:
        return denied
    return replace(denied, gives_way_to=use.first_waiting[0])


def _use_of(session: Session, limits: DialLimits, now: datetime) -> LineUse:
    return line_use(
        session, limits.account, live_since=now - limits.longest_life, seen_since=now - _WAITER_PATIENCE
    )


def _is_full(use: LineUse, limits: DialLimits) -> bool:
    return use.dials_in_all >= limits.system or use.dials >= limits.account_lines


def _callee(item: Row[Any], rules: CallingRules) -> Callee:
    return Callee(
        phone=item.phone,
        zones=zones_of(item.phone),
        # To find it takes as long as all else of a ruling together.
        country=country_of(item.phone) if rules.public_holidays else None,
        suppressed=item.suppressed,
        suppressed_everywhere=item.suppressed_everywhere,
        consent=item.consent or NO_CONSENT,
        dialled_at=item.dialled_at,
        dialled_in_all=item.dialled_in_all,
    )
