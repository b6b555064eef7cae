"""The ledger under any order of events, beside a model of it: every row is where the model says it is.

Claims are the one thing that may choose: what they chose is held against what they were allowed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import TypeVar
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
from sqlalchemy import Connection, text

from support import job_handlers  # noqa: F401 - registers the jobs
from support.installation import Installation
from support.world import ALL_DAY
from trunkline.core.db import SYSTEM, Scope, of_business, unit_of_work
from trunkline.core.errors import Conflict
from trunkline.core.jobs import relay, service
from trunkline.core.jobs.models import JobState
from trunkline.core.jobs.relay import NO_TENANT, Claimed, Outcome, Wanted
from trunkline.domain.tenants import service as tenants
from trunkline.kit import clock
from trunkline.kit.ids import new_id

_QUEUES = {"default": 0, "recordings": 1, "broadcasts": 2}
"""And how many workers one business may occupy in each; 0 is any number."""
_OWNERS = ("w1", "w2")
_LEASE = timedelta(seconds=15)
_GRACE = service._CANCEL_GRACE
_KEPT = timedelta(hours=1)
_ACTIVE = {"queued", "running"}

Answer = TypeVar("Answer")


@dataclass(slots=True)
class Model:
    """What a row is to be."""

    scope: Scope
    queue: str
    key: str | None
    run_id: UUID | None
    max_attempts: int
    run_at: datetime
    expires_at: datetime | None
    state: str = "queued"
    attempt: int = 0
    epoch: int = 0
    suspect: bool = False
    owner: str | None = None
    lease_ends: datetime | None = None
    ended_at: datetime | None = None
    cancelled: bool = False
    """Somebody asked for it to stop."""
    force_at: datetime | None = None

    @property
    def tenant(self) -> UUID:
        return self.scope.business_id or NO_TENANT

    @property
    def is_active(self) -> bool:
        return self.state in _ACTIVE

    def end(self, state: str, at: datetime) -> None:
        self.state, self.ended_at = state, at


_NONE = Model(SYSTEM, "", None, None, 0, clock.now(), None, state="pruned")


class LedgerMachine(RuleBasedStateMachine):
    """Three tenants, three queues and two workers, whatever they do in whatever order."""

    installation: Installation
    scopes: Sequence[Scope]

    def __init__(self) -> None:
        super().__init__()
        self.now = clock.now() + timedelta(minutes=1)
        self.rows: dict[UUID, Model] = {}
        self.hands: dict[str, list[Claimed]] = {owner: [] for owner in _OWNERS}
        self.spent: list[tuple[UUID, int, str]] = []
        """Leases that were given out, whether they hold or not."""
        self.pruned: set[UUID] = set()

    @initialize()
    def begin_with_an_empty_ledger(self) -> None:
        with self.installation.owner.begin() as connection:
            connection.execute(text("truncate jobs"))
        self.ids = count(1)
        self.runs = {scope: new_id() for scope in self.scopes}

    def unit(self, scope: Scope, act: Callable[[], Answer]) -> Answer:
        # Ids that follow each other, as they do over time: an example has to go the same way again.
        with (
            clock.frozen_at(self.now), unit_of_work(scope),
            pytest.MonkeyPatch.context() as patch,
        ):  # fmt: skip
            patch.setattr(service, "new_id", lambda: UUID(int=next(self.ids)))
            return act()

    def as_relay(self, act: Callable[[Connection], Answer]) -> Answer:
        engine = self.installation.database.relay
        assert engine is not None
        with clock.frozen_at(self.now), engine.begin() as connection:
            return act(connection)

    def ready(self, queue: str) -> dict[UUID, list[UUID]]:
        """What may be claimed from a queue: by tenant, the oldest first."""
        found = defaultdict(list)
        for job_id, row in self.rows.items():
            in_time = row.expires_at is None or row.attempt > 0 or row.expires_at > self.now
            if row.queue == queue and row.state == "queued" and row.run_at <= self.now and in_time:
                found[row.tenant].append(job_id)
        for ids in found.values():
            ids.sort(key=lambda job_id: (self.rows[job_id].run_at, job_id))
        return found

    def occupied_by(self, queue: str, tenant: UUID, *, but: str = "") -> set[str]:
        """The workers that a tenant occupies in a queue."""
        return {
            row.owner
            for row in self.rows.values()
            if row.state == "running" and (row.queue, row.tenant) == (queue, tenant)
            and row.owner is not None and row.owner != but
        }  # fmt: skip

    # --- Asking for work -----------------------------------------------------------------

    @rule(
        who=st.integers(0, 2), queue=st.sampled_from(list(_QUEUES)), attempts=st.sampled_from([1, 2, 3]),
        ttl=st.sampled_from([None, None, None, 5.0, 30.0]), run_in=st.sampled_from([0.0, 0.0, 0.0, 20.0]),
        in_run=st.booleans(), how_many=st.sampled_from([1, 1, 2, 4]),
    )  # fmt: skip
    def enqueue(
        self, who: int, queue: str, attempts: int, ttl: float | None, run_in: float, *, in_run: bool,
        how_many: int,
    ) -> None:  # fmt: skip
        scope = self.scopes[who]
        run_id = self.runs[scope] if in_run and scope.business_id else None
        options = {"run_id": run_id, "ttl": ttl, "retry": attempts, "run_in": run_in}
        if how_many == 1:
            ids = [self.unit(scope, lambda: service.enqueue_job(queue, "yard_noop", **options))]
        else:
            calls = [{} for _ in range(how_many)]
            ids = self.unit(scope, lambda: service.enqueue_many(queue, "yard_noop", calls, **options))
        assert len(ids) == how_many
        for job_id in ids:
            self.add(job_id, scope, queue, None, attempts, ttl=ttl, run_in=run_in, run_id=run_id)

    @rule(who=st.integers(0, 2), queue=st.sampled_from(list(_QUEUES)), key=st.sampled_from(["a", "b"]))
    def enqueue_unique(self, who: int, queue: str, key: str) -> None:
        scope = self.scopes[who]
        written = self.unit(scope, lambda: service.enqueue_unique(queue, "yard_noop", key, retry=2))
        has_like = any(r.is_active and (r.scope, r.key) == (scope, key) for r in self.rows.values())
        assert (written is None) == has_like
        if written is not None:
            self.add(written, scope, queue, key, 2, ttl=None, run_in=0, run_id=None)

    def add(
        self, job_id: UUID, scope: Scope, queue: str, key: str | None, attempts: int, *, ttl: float | None,
        run_in: float, run_id: UUID | None,
    ) -> None:  # fmt: skip
        expires_at = None if ttl is None else self.now + timedelta(seconds=ttl)
        run_at = self.now + timedelta(seconds=run_in)
        assert job_id not in self.rows
        self.rows[job_id] = Model(scope, queue, key, run_id, attempts, run_at, expires_at)

    # --- Working -------------------------------------------------------------------------

    @rule(
        owner=st.sampled_from(_OWNERS), size=st.sampled_from([1, 2, 3, 10]),
        queues=st.permutations(list(_QUEUES)), some=st.integers(1, 3), last=st.integers(0, 2),
    )  # fmt: skip
    def claim(self, owner: str, size: int, queues: list[str], some: int, last: int) -> None:
        wanted = [
            Wanted(queue, self.scopes[last].business_id or NO_TENANT, _QUEUES[queue])
            for queue in queues[:some]
        ]
        claimed = self.as_relay(lambda c: relay.claim(c, wanted, owner=owner, lease=_LEASE, size=size))
        assert len(claimed) <= size
        self.was_allowed(claimed, wanted, owner)
        for place, got in enumerate(claimed):
            row = self.rows[got.id]
            assert (got.queue, got.tenant_key, got.max_attempts) == (row.queue, row.tenant, row.max_attempts)
            assert got.lease_epoch == row.epoch + 1, "an epoch was given out that is not the next"
            assert got.attempt == row.attempt + 1 <= row.max_attempts
            # Of a hand, only the first is certain to begin, and only it is charged before it does.
            row.attempt += place == 0
            row.state, row.epoch, row.owner = "running", got.lease_epoch, owner
            row.lease_ends = self.now + _LEASE
            self.spent.append((got.id, got.lease_epoch, owner))
            assert got.lease_owner == owner
        self.hands[owner] += claimed

    def was_allowed(self, claimed: list[Claimed], wanted: list[Wanted], owner: str) -> None:
        """Hold a claim against what was ready, whose turn it was, and how much a business may have."""
        offers = {w.queue: self.open_to(owner, w) for w in wanted}
        taken = defaultdict(list)
        for got in claimed:
            taken[got.queue, got.tenant_key].append(got.id)
        for (queue, tenant), ids in taken.items():
            offer = offers[queue].get(tenant, [])
            assert [job_id for job_id in offer if job_id in ids] == ids, "not ready, or not in its order"
            passed_over = set(offer[: offer.index(ids[-1])]) - set(ids)
            assert all(self.is_taken_alone(job_id) for job_id in passed_over), "passed over for no reason"
        if not claimed:
            assert not any(offers.values()), "nothing was taken though something was ready"
            return
        alone = [self.is_taken_alone(got.id) for got in claimed]
        assert len(claimed) == 1 or not any(alone), "a row that may kill its worker was not taken alone"
        # The first queue that has something, and in it the first business behind the one served last.
        first = next(w for w in wanted if offers[w.queue])
        ring = sorted(offers[first.queue], key=lambda tenant: (tenant <= first.last_tenant, tenant))
        assert claimed[0].id == offers[first.queue][ring[0]][0], "not whose turn it was"

    def is_taken_alone(self, job_id: UUID) -> bool:
        """A row that a dead worker held, or that has one attempt only, shares no hand with others."""
        return self.rows[job_id].suspect or self.rows[job_id].max_attempts == 1

    def open_to(self, owner: str, wanted: Wanted) -> dict[UUID, list[UUID]]:
        """What is ready in a queue of tenants that may occupy one worker more."""
        return {
            tenant: ids
            for tenant, ids in self.ready(wanted.queue).items()
            if not wanted.per_business
            or len(self.occupied_by(wanted.queue, tenant, but=owner)) < wanted.per_business
        }

    @precondition(lambda self: any(self.hands.values()))
    @rule(
        data=st.data(),
        ends=st.lists(
            st.sampled_from(["succeeded", "failed", "again", "later", "back"]), min_size=10, max_size=10
        ),
    )
    def settle(self, data: st.DataObject, ends: list[str]) -> None:
        owner = data.draw(st.sampled_from([owner for owner in _OWNERS if self.hands[owner]]))
        # A row may be in hand twice, its older claim lost; that one is settled first, by itself.
        older = {got.id: got for got in reversed(self.hands[owner])}
        hand = list(older.values())[: len(ends)]
        self.hands[owner] = [got for got in self.hands[owner] if got not in hand]
        outcomes = [self.outcome(got, end) for got, end in zip(hand, ends, strict=False)]
        written = self.as_relay(lambda c: relay.settle(c, outcomes, owner=owner))
        held = [o for o in outcomes if self.holds(o.id, o.epoch)]
        assert written == {o.id for o in held}, "the fence let the wrong ones by"
        for outcome in held:
            row = self.rows[outcome.id]
            row.attempt = outcome.attempt
            row.lease_ends, row.suspect = None, False
            if outcome.state is JobState.QUEUED:
                # Who asked for its end is not asked again.
                row.state, row.owner = "queued", None
                if outcome.delay_s is not None:
                    row.run_at = self.now + timedelta(seconds=outcome.delay_s)
                if row.cancelled:
                    row.end("cancelled", self.now)
            else:
                row.end(outcome.state.value, self.now)

    def outcome(self, got: Claimed, end: str) -> Outcome:
        """What a worker says of a row: that it ended, is to be tried again, or had not begun."""
        if end == "again":
            end = "failed" if got.attempt >= got.max_attempts else end
        match end:
            case "again":
                return Outcome(got.id, got.lease_epoch, JobState.QUEUED, got.attempt, 2.0, "it failed", 0.0)
            case "later":
                return Outcome(got.id, got.lease_epoch, JobState.QUEUED, got.attempt - 1, 10.0, None, 0.0)
            case "back":
                return Outcome(got.id, got.lease_epoch, JobState.QUEUED, got.attempt - 1)
            case _:
                return Outcome(got.id, got.lease_epoch, JobState(end), got.attempt, None, None, 0.0)

    def holds(self, job_id: UUID, epoch: int, owner: str | None = None) -> bool:
        row = self.rows.get(job_id)
        is_running = row is not None and row.state == "running" and row.epoch == epoch
        return is_running and (owner is None or self.rows[job_id].owner == owner)

    @precondition(lambda self: self.spent)
    @rule(data=st.data(), state=st.sampled_from(list(JobState)), claimant=st.sampled_from(_OWNERS))
    def a_lease_that_is_not_held_writes_nothing(
        self, data: st.DataObject, state: JobState, claimant: str
    ) -> None:
        # A lost one, in the name of whoever has the row now even; or the right number in a wrong name,
        # as after a crash that forgot a claim.
        running = [lease for lease in self.spent if self.rows.get(lease[0], _NONE).state == "running"]
        job_id, epoch, _ = data.draw(st.sampled_from(running or self.spent))
        if self.holds(job_id, epoch, claimant):
            return
        stale = Outcome(job_id, epoch, state, 0, 0.0, "stale", 0.0)
        leases = [(job_id, epoch)]
        assert self.as_relay(lambda c: relay.settle(c, [stale], owner=claimant)) == set()
        assert self.as_relay(lambda c: relay.renew(c, leases, owner=claimant, length=_LEASE)) == []

    @precondition(lambda self: any(self.hands.values()))
    @rule(owner=st.sampled_from(_OWNERS))
    def renew(self, owner: str) -> None:
        leases = [(got.id, got.lease_epoch) for got in self.hands[owner]]
        kept = {k.id: k for k in self.as_relay(lambda c: relay.renew(c, leases, owner=owner, length=_LEASE))}
        assert set(kept) == {job_id for job_id, epoch in leases if self.holds(job_id, epoch)}
        for job_id, lease in kept.items():
            row = self.rows[job_id]
            row.lease_ends = self.now + _LEASE
            assert lease.force == (row.force_at is not None and row.force_at <= self.now)

    @rule(owner=st.sampled_from(_OWNERS))
    def a_worker_dies_unseen(self, owner: str) -> None:
        self.hands[owner] = []

    @rule(owner=st.sampled_from(_OWNERS))
    def a_worker_stands_still_and_takes_the_same_rows_again(self, owner: str) -> None:
        self.enqueue(0, "default", 3, None, 0.0, in_run=False, how_many=1)
        self.claim(owner, 10, ["default"], 1, 0)
        self.now += _LEASE + timedelta(seconds=1)
        self.sweep()
        before, self.hands[owner] = self.hands[owner], []
        for _ in range(4):
            self.claim(owner, 1, list(_QUEUES), 3, 0)
        again = {got.id for got in self.hands[owner]}
        # What it meant to say of the first claim may not be taken for a word about the second.
        stale = [self.outcome(got, "succeeded") for got in before if got.id in again]
        assert self.as_relay(lambda c: relay.settle(c, stale, owner=owner)) == set()

    # --- Time and upkeep -----------------------------------------------------------------

    @rule(seconds=st.sampled_from([1, 5, 16, 16, 40, 4_000]))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule()
    def sweep(self) -> None:
        late = [
            job_id for job_id, row in self.rows.items()
            if row.state == "running" and row.lease_ends is not None and row.lease_ends < self.now
        ]  # fmt: skip
        freed = self.as_relay(relay.sweep)
        self.as_relay(relay.expire)
        assert {row.id for row in freed} == set(late)
        for job_id in late:
            self.free(job_id)
        for row in self.rows.values():
            late = row.expires_at is not None and row.expires_at < self.now
            if row.state == "queued" and row.attempt == 0 and late:
                row.end("expired", self.now)

    @rule(owner=st.sampled_from(_OWNERS))
    def a_worker_is_seen_to_have_died(self, owner: str) -> None:
        held = [job_id for job_id, row in self.rows.items() if row.state == "running" and row.owner == owner]
        self.hands[owner] = []
        freed = self.as_relay(lambda c: relay.free_owner(c, owner))
        assert {row.id for row in freed} == set(held)
        for job_id in held:
            self.free(job_id)

    def free(self, job_id: UUID) -> None:
        row = self.rows[job_id]
        row.epoch, row.owner, row.lease_ends, row.suspect = row.epoch + 1, None, None, True
        # In its old place or behind the others, but ready.
        row.run_at = self.run_at(job_id)
        assert row.run_at <= self.now
        if row.cancelled:
            row.end("cancelled", self.now)
        elif row.attempt < row.max_attempts:
            row.state = "queued"
        else:
            row.end("failed", self.now)

    def run_at(self, job_id: UUID) -> datetime:
        """When the ledger has a row begin."""
        statement = text("select run_at from jobs where id = :id")
        return self.as_relay(lambda c: c.execute(statement, {"id": job_id}).scalar_one())

    @rule()
    def prune(self) -> None:
        old = {
            job_id for job_id, row in self.rows.items()
            if row.state in {"succeeded", "cancelled", "expired"}
            and row.ended_at is not None and row.ended_at < self.now - _KEPT
        }  # fmt: skip
        assert self.as_relay(lambda c: relay.prune(c, age=_KEPT, limit=10_000)) == len(old)
        for job_id in old:
            del self.rows[job_id]
        self.pruned |= old

    # --- People --------------------------------------------------------------------------

    @precondition(lambda self: self.rows)
    @rule(data=st.data(), force=st.booleans())
    def cancel(self, data: st.DataObject, *, force: bool) -> None:
        job_id = data.draw(st.sampled_from(list(self.rows)))
        row = self.rows[job_id]
        if not row.is_active:
            with pytest.raises(Conflict):
                self.unit(row.scope, lambda: service.cancel_job(job_id, force=force))
            return
        said = self.unit(row.scope, lambda: service.cancel_job(job_id, force=force))
        self.ask_to_stop(row, force=force)
        assert said.value == row.state

    @rule(who=st.integers(1, 2), force=st.booleans())
    def cancel_a_run(self, who: int, *, force: bool) -> None:
        scope = self.scopes[who]
        assert scope.business_id is not None
        business_id, run_id = scope.business_id, self.runs[scope]
        of_run = [row for row in self.rows.values() if row.run_id == run_id and row.is_active]
        asked = self.unit(scope, lambda: service.cancel_jobs_for_run(run_id, business_id, force=force))
        assert asked == len(of_run)
        for row in of_run:
            self.ask_to_stop(row, force=force)

    def ask_to_stop(self, row: Model, *, force: bool) -> None:
        row.cancelled = True
        due = self.now if force else self.now + _GRACE
        # Asked again, it is stopped no later than it was to be.
        row.force_at = due if row.force_at is None else min(row.force_at, due)
        if row.state == "queued":
            row.end("cancelled", self.now)

    @precondition(lambda self: any(row.state == "failed" for row in self.rows.values()))
    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        job_id = data.draw(st.sampled_from([i for i, row in self.rows.items() if row.state == "failed"]))
        row = self.rows[job_id]
        if self.has_active_like(row):
            with pytest.raises(Conflict):
                self.unit(row.scope, lambda: service.retry_job(job_id))
        else:
            self.unit(row.scope, lambda: service.retry_job(job_id))
            self.revive(row)

    @rule(who=st.integers(0, 2))
    def retry_all(self, who: int) -> None:
        scope = self.scopes[who]
        dead = sorted(i for i, row in self.rows.items() if row.state == "failed" and row.scope == scope)
        went = 0
        for job_id in dead:
            if not self.has_active_like(self.rows[job_id]):
                self.revive(self.rows[job_id])
                went += 1
        assert self.unit(scope, service.retry_jobs) == went

    def has_active_like(self, row: Model) -> bool:
        return row.key is not None and any(
            other.is_active and (other.scope, other.key) == (row.scope, row.key)
            for other in self.rows.values()
        )

    def revive(self, row: Model) -> None:
        row.state, row.attempt, row.suspect, row.run_at = "queued", 0, False, self.now
        row.expires_at, row.ended_at, row.cancelled, row.force_at = None, None, False, None

    # --- What always holds ---------------------------------------------------------------

    @invariant()
    def every_row_is_where_the_model_says(self) -> None:
        seen = {row.id: row for row in self.as_relay(lambda c: c.execute(text("select * from jobs")).all())}
        assert set(seen) == set(self.rows), "a row is lost, or came from nowhere"
        for job_id, row in seen.items():
            model = self.rows[job_id]
            assert (row.state, row.attempt, row.lease_epoch) == (model.state, model.attempt, model.epoch)
            assert row.run_at == model.run_at or row.state not in _ACTIVE
            assert 0 <= row.attempt <= row.max_attempts
            assert (row.lease_expires_at is not None) == (row.state == "running")
            assert (row.finished_at is not None) == (row.state not in _ACTIVE)
            assert not (row.state == "queued" and row.cancel_requested_at), "asked to stop, and queued again"
        active = [(m.tenant, m.key) for m in self.rows.values() if m.key is not None and m.is_active]
        assert len(active) == len(set(active)), "two active rows have one dedup key"
        assert len(self.spent) == len(set(self.spent)), "one epoch was given out twice"
        for queue, limit in _QUEUES.items():
            if limit:
                for tenant in {m.tenant for m in self.rows.values()}:
                    assert len(self.occupied_by(queue, tenant)) <= limit, "over the limit of a business"


@pytest.mark.parametrize("examples", [15, pytest.param(100, marks=pytest.mark.soak)])
def test_no_order_of_events_loses_a_row_or_lets_two_have_it(
    installation: Installation, examples: int
) -> None:
    businesses = sorted([new_id(), new_id()])
    with unit_of_work(SYSTEM) as session:
        for business_id in businesses:
            tenants.create_business(
                session, name="M", calling_window=ALL_DAY, actor="m", business_id=business_id
            )
    LedgerMachine.installation = installation
    LedgerMachine.scopes = [SYSTEM, *(of_business(business_id) for business_id in businesses)]
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        LedgerMachine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
